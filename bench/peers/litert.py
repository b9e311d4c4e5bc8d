"""LiteRT on the float network, by its default kernels (XNNPACK)."""

from typing import Any

import cv2
import numpy as np
import onnx
from ai_edge_litert.interpreter import Interpreter

from peers.arrays import Frame, Tensor
from peers.opencv import BIAS, SCALE
from peers.tflite_file import tflite_bytes


class LitertNetwork:
    """(height, width, 3) uint8 RGB to the first output, channels first, which is the caller's."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._interpreter = Interpreter(model_content=tflite_bytes(model), num_threads=1)
        self._interpreter.allocate_tensors()
        given: dict[str, Any] = self._interpreter.get_input_details()[0]
        self._input: int = given["index"]
        self._output: int = self._interpreter.get_output_details()[0]["index"]
        _, height, width, _ = given["shape"]
        self._size = (int(width), int(height))
        self._resized = np.empty((height, width, 3), np.uint8)
        self._tensor = np.empty((1, height, width, 3), np.float32)
        # Channels stay together, as LiteRT wants them: one table for all of a pixel's bytes.
        levels = np.arange(256, dtype=np.float32)[:, None]
        table = levels * np.array(SCALE, np.float32) + np.array(BIAS, np.float32)
        self._table = table[None].astype(np.float32)

    def __call__(self, frame: Frame) -> Tensor:
        cv2.resize(frame, self._size, dst=self._resized, interpolation=cv2.INTER_LINEAR)
        cv2.LUT(self._resized, self._table, dst=self._tensor[0])
        self._interpreter.set_tensor(self._input, self._tensor)
        self._interpreter.invoke()
        output: Tensor = self._interpreter.get_tensor(self._output)
        return output.transpose(0, 3, 1, 2) if output.ndim == 4 else output
