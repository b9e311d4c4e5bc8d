"""Pillow and NumPy, as tutorials write it."""

import numpy as np
from PIL import Image

from peers.arrays import MEAN, STD, Frame, Tensor


def pillow_preprocess(frame: Frame, size: tuple[int, int]) -> Tensor:
    """(height, width, 3) uint8 RGB to (1, 3, *size) float32, antialiased bilinear."""
    image = Image.fromarray(frame).resize(size[::-1], Image.Resampling.BILINEAR)
    scaled = np.asarray(image).astype(np.float32) / 255
    values = (scaled - np.array(MEAN, np.float32)) / np.array(STD, np.float32)
    return np.ascontiguousarray(values.transpose(2, 0, 1)[None])
