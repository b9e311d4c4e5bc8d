"""The whole way from a 1080p frame to the best class, MobileNetV2, one thread."""

import edgeinfer as ei
from benchmarks import needs
from frame_to_class import FLOAT, INT8, Ours, common_scores, require_class
from frames import natural_frame
from fused import moved_to
from quantise_networks import classifier_files


class FrameToClass:
    params = ("float32", "U8S8", "S8S8")
    param_names = ("network",)
    timeout = 300

    def setup_cache(self) -> None:
        classifier_files()

    def setup(self, network: str) -> None:
        needs(ei.Session, "bind", "describe")
        files = classifier_files()
        self.frame = natural_frame(0)
        self.way = Ours(getattr(files, network.lower()))
        reference = getattr(files, moved_to(self.way.session, network).lower())
        wanted = common_scores(reference)(self.frame)
        bound = FLOAT if network == "float32" else INT8
        require_class(f"edgeinfer {network}", self.way.scores(self.frame), wanted, bound)

    def time_frame_to_class(self, network: str) -> None:
        self.way.best(self.frame)
