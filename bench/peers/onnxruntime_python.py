"""onnxruntime from Python: as tutorials write it, and as far as one gets by profiling that.

``CommonWay`` is what tutorials and model pages show, each step on its own line. ``HandTunedWay``
is what someone gets to who profiles it, still without leaving Python: reused buffers, an I/O
binding, the upsample cut off the file and done plane by plane.
"""

from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from layers import INPUT
from networks import CLASSES, LOGITS, SIZE
from peers.arrays import ClassMap, Frame, Tensor
from peers.opencv import InPlace, RunningArgmax, common_preprocess


def one_thread_session(model: Path | bytes) -> ort.InferenceSession:
    """onnxruntime's defaults, but for the one thread everything here is measured with."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    source = model if isinstance(model, bytes) else str(model)
    return ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])


class CommonWay:
    """cv2.resize, NumPy arithmetic, ``InferenceSession.run`` and ``np.argmax``."""

    def __init__(self, model: Path) -> None:
        self.session = one_thread_session(model)

    def preprocess(self, frame: Frame) -> Tensor:
        return common_preprocess(frame, SIZE)

    def run(self, tensor: Tensor) -> Tensor:
        logits: Tensor = self.session.run([LOGITS], {INPUT: tensor})[0]
        return logits

    def tail(self, logits: Tensor) -> ClassMap:
        mask: ClassMap = np.argmax(logits, axis=1)[0].astype(np.uint8)
        return mask

    def __call__(self, frame: Frame) -> ClassMap:
        return self.tail(self.run(self.preprocess(frame)))


class BoundSession:
    """A session whose one input and one output are NumPy arrays that it reads and writes in place.

    Full graph optimisation is the default already; what else helps one thread is asked for here.
    """

    def __init__(self, model: Path | bytes) -> None:
        self._session = one_thread_session(model)
        source, target = self._session.get_inputs()[0], self._session.get_outputs()[0]
        self.input = np.empty(source.shape, np.float32)
        self.output = np.empty(target.shape, np.float32)
        self._binding = self._session.io_binding()
        self._binding.bind_input(
            source.name, "cpu", 0, np.float32, self.input.shape, self.input.ctypes.data
        )
        self._binding.bind_output(
            target.name, "cpu", 0, np.float32, self.output.shape, self.output.ctypes.data
        )

    def run(self) -> Tensor:
        self._session.run_with_iobinding(self._binding)
        return self.output


class HandTunedWay:
    """Same libraries, no needless pass: ``model`` ends at the low resolution logits.

    ``tail`` is a running maximum over upsampled planes, which stay in the cache; ``numpy_tail`` is
    the more obvious upsample of all planes, then ``np.argmax``.
    """

    def __init__(self, model: bytes) -> None:
        self.network = BoundSession(model)
        self.preprocess = InPlace(self.network.input)
        self._plane = np.empty(SIZE, np.float32)
        self._running = RunningArgmax(SIZE)
        self._full = np.empty((CLASSES, *SIZE), np.float32)

    def run(self) -> None:
        self.network.run()

    def _upsampled(self, index: int) -> NDArray[np.float32]:
        cv2.resize(self.network.output[0, index], SIZE[::-1], dst=self._plane)
        return self._plane

    def tail(self) -> ClassMap:
        return self._running(self._upsampled(index) for index in range(CLASSES))

    def numpy_tail(self) -> ClassMap:
        for index, plane in enumerate(self.network.output[0]):
            cv2.resize(plane, SIZE[::-1], dst=self._full[index])
        mask: ClassMap = np.argmax(self._full, axis=0).astype(np.uint8)
        return mask

    def __call__(self, frame: Frame) -> ClassMap:
        self.preprocess(frame)
        self.run()
        return self.tail()

    def with_numpy_tail(self, frame: Frame) -> ClassMap:
        self.preprocess(frame)
        self.run()
        return self.numpy_tail()
