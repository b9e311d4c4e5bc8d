"""kornia-rs: its fused preprocessor, on the CPU, where it always makes a new tensor."""

import os
from typing import Any

# Read when the library makes its pool, at the first call.
os.environ["RAYON_NUM_THREADS"] = "1"

import kornia_rs
import numpy as np

from peers.arrays import MEAN, STD, Frame, Tensor


class KorniaRecipe:
    """(height, width, 3) uint8 RGB to (1, 3, *size) float32, bilinear with two taps."""

    def __init__(self, size: tuple[int, int]) -> None:
        self._size = size
        self._recipe = kornia_rs.Preprocessor(mode="stretch", mean=MEAN, std=STD)

    def __call__(self, frame: Frame) -> Tensor:
        height, width, _ = frame.shape
        made: Any = self._recipe.run(frame.reshape(-1), width, height, *self._size)
        tensor: Tensor = np.asarray(np.from_dlpack(made), np.float32)
        return tensor
