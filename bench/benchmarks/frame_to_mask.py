"""The whole way from a 1080p frame to a class map, one thread, by number format of the network."""

from agreement import FLOAT, INT8, agreement, require
from frames import natural_frame
from fused import FusedWay
from peers import CommonWay
from quantise_networks import network_files


class FrameToMask:
    params = ("float32", "u8s8", "s8s8")
    param_names = ("network",)
    # setup_cache builds and quantises the networks once; later runs find them on disk.
    timeout = 300

    def setup_cache(self) -> None:
        network_files()

    def setup(self, network: str) -> None:
        path = getattr(network_files(), network)
        self.frame = natural_frame(0)
        self.way = FusedWay(path)
        common = CommonWay(path)
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
