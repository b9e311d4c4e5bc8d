"""Rows: the tail of a segmentation network alone, beside OpenCV, NumPy and onnxruntime."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

import edgeinfer as ei
from agreement import FLOAT, agreement, require
from kernel_row import FRAME_SEEDS, OURS, KernelRow, Wanted
from networks import CLASSES, LOW_SIZE, SIZE
from peers import ClassMap, one_thread_session
from peers.opencv import RunningArgmax
from rows import Outcome
from sides import each_frame


def graph_resize() -> Callable[[NDArray[np.float32]], ClassMap]:
    """The tail as exported networks have it: a Resize in the graph, then ``np.argmax``."""
    shape = (1, CLASSES, *LOW_SIZE)
    node = helper.make_node(
        "Resize",
        ["logits", "", "", "sizes"],
        ["full"],
        mode="linear",
        coordinate_transformation_mode="half_pixel",
    )
    sizes = helper.make_tensor("sizes", TensorProto.INT64, [4], [1, CLASSES, *SIZE])
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [node],
        "tail",
        [value("logits", TensorProto.FLOAT, shape)],
        [value("full", TensorProto.FLOAT, (1, CLASSES, *SIZE))],
        [sizes],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8, producer_name="bench"
    )
    onnx.checker.check_model(model)
    session = one_thread_session(model.SerializeToString())

    def tail(logits: NDArray[np.float32]) -> ClassMap:
        full = session.run(None, {"logits": logits})[0]
        mask: ClassMap = np.argmax(full, axis=1)[0].astype(np.uint8)
        return mask

    return tail


def smooth_logits(seed: int) -> NDArray[np.float32]:
    """(1, classes, 64, 64): smooth in space as a network's are, all classes present."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(0, 2, (CLASSES, 9, 9)).astype(np.float32)
    low = np.stack([cv2.resize(plane, LOW_SIZE[::-1]) for plane in coarse])
    return (low + rng.normal(0, 0.05, low.shape).astype(np.float32))[None]


def tail(dtype: str) -> Outcome:
    floats = [smooth_logits(seed) for seed in FRAME_SEEDS]
    step, zero = 0.08, 128 if dtype == "uint8" else 0
    quant = None if dtype == "float32" else (step, zero)
    logits: Sequence[NDArray[np.generic]] = floats
    if quant is not None:
        limits = np.iinfo(dtype)
        logits = [
            np.clip(np.rint(low / step) + zero, limits.min, limits.max).astype(dtype)
            for low in floats
        ]
        # The peers get floats for nothing; who has integers pays for that as well.
        floats = [(low.astype(np.float32) - zero) * np.float32(step) for low in logits]
    in_graph = graph_resize()
    full = np.empty((CLASSES, *SIZE), np.float32)

    def in_opencv(low: NDArray[np.float32]) -> ClassMap:
        for index in range(CLASSES):
            cv2.resize(low[0, index], SIZE[::-1], dst=full[index])
        mask: ClassMap = np.argmax(full, axis=0).astype(np.uint8)
        return mask

    best, plane = RunningArgmax(SIZE), np.empty(SIZE, np.float32)

    def running(low: NDArray[np.float32]) -> ClassMap:
        return best(cv2.resize(one, SIZE[::-1], dst=plane).view(np.float32) for one in low[0])

    for low, given in zip(floats, logits, strict=True):
        mask = ei.segment(given, size=SIZE, quant=quant).classes
        upsampled = np.stack([cv2.resize(plane, SIZE[::-1]) for plane in low[0]])[None]
        for name, found in (
            (OURS, mask),
            ("OpenCV", in_opencv(low)),
            ("OpenCV, running argmax", running(low)),
            ("graph", in_graph(low)),
        ):
            require(agreement(found, upsampled, FLOAT.lead), FLOAT, f"tail {dtype}, {name}")
    sides = {
        OURS: each_frame(lambda given: ei.segment(given, size=SIZE, quant=quant), logits),
        "OpenCV + NumPy": each_frame(in_opencv, floats),
        "OpenCV, running argmax": each_frame(running, floats),
        "graph Resize + NumPy": each_frame(in_graph, floats),
    }
    goals = (
        Wanted("OpenCV + NumPy", ("OpenCV + NumPy",), 6, 8),
        Wanted("graph Resize + NumPy", ("graph Resize + NumPy",), 8, 11),
    )
    checked = (
        f"masks against argmax of planes that cv2 upsampled: none differs where one class leads by "
        f"more than {FLOAT.lead:g}"
    )
    return KernelRow(checked, sides, goals).measure()


def tail_float32() -> Outcome:
    """Float logits 21x64x64 to a class map of 512x512."""
    return tail("float32")


def tail_int8() -> Outcome:
    """Int8 logits 21x64x64 to a class map of 512x512."""
    return tail("int8")
