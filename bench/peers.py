"""The two ways from a frame to a mask that edgeinfer is measured against.

``CommonWay`` is what tutorials and model pages show: OpenCV, NumPy and onnxruntime's Python API,
each step on its own line. ``HandTunedWay`` is what someone gets to who profiles that, still
without leaving Python: reused buffers, an I/O binding, the upsample cut off the file and done
plane by plane. The acceptance figures are against the first; the second is printed so that nobody
takes the first for the best that is possible.
"""

from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from networks import CLASSES, INPUT, LOGITS, SIZE

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)

Frame = NDArray[np.uint8]
Tensor = NDArray[np.float32]
# edgeinfer's masks are uint16 above 256 classes; here there are 21.
ClassMap = NDArray[np.uint8] | NDArray[np.uint16]


def one_thread_session(model: Path | bytes) -> ort.InferenceSession:
    """onnxruntime's defaults, but for the one thread everything here is measured with."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    source = model if isinstance(model, bytes) else str(model)
    return ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def common_preprocess(frame: Frame) -> Tensor:
    """(height, width, 3) uint8 RGB to (1, 3, 512, 512) float32, as tutorials write it."""
    resized = cv2.resize(frame, SIZE[::-1], interpolation=cv2.INTER_LINEAR)
    scaled = resized.astype(np.float32) / 255
    normalised = (scaled - np.array(MEAN, np.float32)) / np.array(STD, np.float32)
    return np.ascontiguousarray(normalised.transpose(2, 0, 1)[None])


class CommonWay:
    """cv2.resize, NumPy arithmetic, ``InferenceSession.run`` and ``np.argmax``."""

    def __init__(self, model: Path) -> None:
        self.session = one_thread_session(model)

    def preprocess(self, frame: Frame) -> Tensor:
        return common_preprocess(frame)

    def run(self, tensor: Tensor) -> Tensor:
        logits: Tensor = self.session.run([LOGITS], {INPUT: tensor})[0]
        return logits

    def tail(self, logits: Tensor) -> ClassMap:
        mask: ClassMap = np.argmax(logits, axis=1)[0].astype(np.uint8)
        return mask

    def __call__(self, frame: Frame) -> ClassMap:
        return self.tail(self.run(self.preprocess(frame)))


class HandTunedWay:
    """Same libraries, no needless pass: ``model`` ends at the low resolution logits."""

    def __init__(self, model: bytes) -> None:
        self.session = one_thread_session(model)
        output = self.session.get_outputs()[0]
        self.input = np.empty((1, 3, *SIZE), np.float32)
        self.low_logits = np.empty(output.shape, np.float32)
        # The binding reads and writes these two arrays in place, so a run moves no tensor.
        self.binding = self.session.io_binding()
        self.binding.bind_input(
            INPUT, "cpu", 0, np.float32, self.input.shape, self.input.ctypes.data
        )
        self.binding.bind_output(
            output.name, "cpu", 0, np.float32, self.low_logits.shape, self.low_logits.ctypes.data
        )
        self._resized = np.empty((*SIZE, 3), np.uint8)
        self._planes = tuple(np.empty(SIZE, np.uint8) for _ in range(3))
        self._scale = [1 / (255 * std) for std in STD]
        self._bias = [-mean / std for mean, std in zip(MEAN, STD, strict=True)]
        self._plane = np.empty(SIZE, np.float32)
        self._best = np.empty(SIZE, np.float32)
        self._wins = np.empty(SIZE, np.uint8)

    def preprocess(self, frame: Frame) -> None:
        cv2.resize(frame, SIZE[::-1], dst=self._resized, interpolation=cv2.INTER_LINEAR)
        cv2.split(self._resized, self._planes)
        for channel, plane in enumerate(self._planes):
            target = self.input[0, channel]
            np.multiply(plane, np.float32(self._scale[channel]), out=target, dtype=np.float32)
            target += np.float32(self._bias[channel])

    def run(self) -> None:
        self.session.run_with_iobinding(self.binding)

    def tail(self) -> ClassMap:
        mask = np.zeros(SIZE, np.uint8)
        cv2.resize(self.low_logits[0, 0], SIZE[::-1], dst=self._best)
        for index in range(1, CLASSES):
            cv2.resize(self.low_logits[0, index], SIZE[::-1], dst=self._plane)
            cv2.compare(self._plane, self._best, cv2.CMP_GT, dst=self._wins)
            np.copyto(mask, index, where=self._wins.view(np.bool_))
            cv2.max(self._plane, self._best, dst=self._best)
        return mask

    def __call__(self, frame: Frame) -> ClassMap:
        self.preprocess(frame)
        self.run()
        return self.tail()
