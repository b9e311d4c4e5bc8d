"""Whole networks by runtimes other than onnxruntime, from frame to the first output.

Each runtime gets the same network, in the file that it converts or loads best. ``after_opencv`` is
the fastest preprocessing there is outside of the runtimes; OpenVINO is also timed with its own.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx

from peers.arrays import Frame, Tensor
from peers.attendance import Attendance
from peers.opencv import InPlace

# From a frame to the network's output, which the next call may overwrite.
Network = Callable[[Frame], Tensor]


def after_opencv(network: Callable[[Tensor], Tensor], size: tuple[int, int]) -> Network:
    """``network`` behind OpenCV and NumPy in place."""
    prepare = InPlace(np.empty((1, 3, *size), np.float32))
    return lambda frame: network(prepare(frame))


def openvino(
    files: dict[str, Path], size: tuple[int, int], frame_hw: tuple[int, int], attendance: Attendance
) -> dict[str, Network]:
    """OpenVINO on every file, with its own preprocessing and after OpenCV's."""
    networks: dict[str, Network] = {}
    with attendance.of("OpenVINO"):
        from peers.openvino import OpenVinoNetwork

        for name, path in files.items():
            own, bare = OpenVinoNetwork(path, frame_hw), OpenVinoNetwork(path)
            networks[f"OpenVINO, {name}"] = own
            networks[f"OpenVINO after cv2, {name}"] = after_opencv(bare, size)
            attendance.notes.append(f"OpenVINO on {name}: {own.describe()}")
    return networks


def others(model: Path, size: tuple[int, int], attendance: Attendance) -> dict[str, Network]:
    """ncnn and MNN on the float file: their int8 formats are made by quantisers of their own."""
    networks: dict[str, Network] = {}
    with attendance.of("ncnn"):
        from peers.ncnn import NcnnNetwork

        networks["ncnn after cv2, float32"] = after_opencv(NcnnNetwork(model), size)
    with attendance.of("MNN"):
        from peers.mnn import MnnNetwork

        networks["MNN after cv2, float32"] = after_opencv(MnnNetwork(model), size)
    return networks


def litert(model: onnx.ModelProto, attendance: Attendance) -> dict[str, Network]:
    """LiteRT on the float network, whose channels OpenCV leaves together for it."""
    with attendance.of("LiteRT"):
        from peers.litert import LitertNetwork

        return {"LiteRT after cv2, float32": LitertNetwork(model)}
    return {}
