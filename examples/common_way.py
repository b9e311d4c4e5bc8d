"""Frame to mask as tutorials write it: OpenCV or Pillow, NumPy, onnxruntime's Python API."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort
import PIL
from numpy.typing import NDArray
from PIL import Image

VERSIONS = (
    f"OpenCV {cv2.__version__} or Pillow {PIL.__version__}, NumPy {np.__version__}, "
    f"onnxruntime {ort.__version__}"
)


class CommonWay:
    """One thread, like the other side.

    Args:
        model: an ONNX file with one input (1, 3, height, width) and logits (1, C, height, width).
        size: (height, width) of the input.
        resize: "CV2_LINEAR" or "PIL_BILINEAR", which averages when it shrinks.
        scale, mean, std: (x * scale - mean) / std, RGB.
    """

    def __init__(
        self,
        model: Path,
        *,
        size: tuple[int, int],
        resize: str,
        scale: float,
        mean: Sequence[float],
        std: Sequence[float],
    ) -> None:
        cv2.setNumThreads(1)
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._session = ort.InferenceSession(
            str(model), options, providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0].name
        self._size = size
        self._with_pillow = resize == "PIL_BILINEAR"
        self._scale = np.float32(scale)
        self._mean = np.array(mean, np.float32)
        self._std = np.array(std, np.float32)

    def __call__(self, frame: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], dict[str, float]]:
        """The (height, width) mask of a (rows, cols, 3) RGB frame, and milliseconds by stage."""
        start = time.perf_counter()
        small = self._resized(frame)
        values = (small.astype(np.float32) * self._scale - self._mean) / self._std
        tensor = np.ascontiguousarray(values.transpose(2, 0, 1)[None])
        prepared = time.perf_counter()
        logits = self._session.run(None, {self._input: tensor})[0]
        answered = time.perf_counter()
        mask = logits.argmax(axis=1)[0].astype(np.uint8)
        end = time.perf_counter()
        return mask, {
            "preprocess": (prepared - start) * 1e3,
            "run": (answered - prepared) * 1e3,
            "tail": (end - answered) * 1e3,
        }

    def _resized(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if self._with_pillow:
            image = Image.fromarray(frame).resize(self._size[::-1], Image.Resampling.BILINEAR)
            return np.asarray(image)
        small = cv2.resize(frame, self._size[::-1], interpolation=cv2.INTER_LINEAR)
        return small.astype(np.uint8, copy=False)
