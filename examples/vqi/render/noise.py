"""Fractal value noise from integer draws, so that a seed gives the same texture everywhere.

Only integer draws, Pillow's fixed-point resampling and plain float arithmetic are used: no sine,
exponential or logarithm, whose last bit differs between processors.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

FloatArray = NDArray[np.float32]

_PAD = 3  # bicubic looks two cells beyond the box; three keeps the wrap exact


def tile(
    rng: np.random.Generator,
    *,
    size: int = 256,
    first: int = 4,
    octaves: int = 6,
    gain: float = 0.55,
) -> FloatArray:
    """Periodic (size, size) noise stretched to 0..1; ``first`` cells per side in octave one."""
    total = np.zeros((size, size), np.float32)
    weight, cells = 1.0, first
    for _ in range(octaves):
        grid = rng.integers(0, 256, (cells, cells), dtype=np.uint8)
        padded = np.pad(grid, _PAD, mode="wrap")
        box = (_PAD, _PAD, _PAD + cells, _PAD + cells)
        layer = Image.fromarray(padded).resize((size, size), Image.Resampling.BICUBIC, box=box)
        total += np.float32(weight) * np.asarray(layer, np.float32)
        weight *= gain
        cells = min(cells * 2, size)
    low, high = total.min(), total.max()
    stretched: FloatArray = (total - low) / (high - low)
    return stretched


def lookup(texture: FloatArray, u: FloatArray, v: FloatArray) -> FloatArray:
    """Nearest texel of a periodic texture at (u, v) in texels, any range."""
    rows = v.astype(np.int32) & (texture.shape[0] - 1)
    cols = u.astype(np.int32) & (texture.shape[1] - 1)
    found: FloatArray = texture[rows, cols]
    return found


def smooth(texture: FloatArray, u: FloatArray, v: FloatArray) -> FloatArray:
    """As ``lookup``, but bilinear: for slow texture seen close by."""
    u0, v0 = np.floor(u), np.floor(v)
    right, down = u - u0, v - v0
    size = texture.shape[0] - 1
    col, row = u0.astype(np.int32) & size, v0.astype(np.int32) & size
    next_col, next_row = (col + 1) & size, (row + 1) & size
    above = texture[row, col] * (1 - right) + texture[row, next_col] * right
    below = texture[next_row, col] * (1 - right) + texture[next_row, next_col] * right
    mixed: FloatArray = above + (below - above) * down
    return mixed


def stretch(
    texture: FloatArray, box: tuple[float, float, float, float], size_hw: tuple[int, int]
) -> FloatArray:
    """The part ``box`` (left, top, right, bottom in texels) resampled to ``size_hw``; 0..1."""
    image = Image.fromarray((texture * np.float32(255)).astype(np.uint8))
    resized = image.resize((size_hw[1], size_hw[0]), Image.Resampling.BICUBIC, box=box)
    return np.asarray(resized, np.float32) / np.float32(255)


def ramp(values: FloatArray, low: float, high: float) -> FloatArray:
    """Smooth step: 0 below ``low``, 1 above ``high``, cubic between."""
    t = np.clip((values - np.float32(low)) / np.float32(high - low), 0, 1)
    step: FloatArray = t * t * (np.float32(3) - np.float32(2) * t)
    return step
