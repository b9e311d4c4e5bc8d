"""The whole way from a 1080p frame to a class map, one thread, by number format of the network."""

import edgeinfer as ei
from agreement import FLOAT, INT8, agreement, require
from benchmarks import needs
from frames import natural_frame
from fused import FusedWay, moved_to
from peers import CommonWay
from quantise_networks import network_files


class FrameToMask:
    params = ("float32", "U8S8", "S8S8")
    param_names = ("network",)
    # setup_cache builds and quantises the networks once; later runs find them on disk.
    timeout = 300

    def setup_cache(self) -> None:
        network_files()

    def setup(self, network: str) -> None:
        needs(ei.Session, "bind", "describe")
        needs(ei.Binding, "segment")
        files = network_files()
        self.frame = natural_frame(0)
        self.way = FusedWay(getattr(files, network.lower()))
        common = CommonWay(getattr(files, moved_to(self.way.session, network).lower()))
        logits = common.run(common.preprocess(self.frame))
        bound = FLOAT if network == "float32" else INT8
        self.found = agreement(self.way(self.frame), logits, bound.lead)
        require(self.found, bound, f"edgeinfer {network}")

    def time_frame_to_mask(self, network: str) -> None:
        self.way(self.frame)

    def time_segment(self, network: str) -> None:
        self.way.segment()

    def track_pixels_unlike_onnxruntime(self, network: str) -> float:
        return 1 - self.found.equal
