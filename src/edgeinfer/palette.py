"""Colours for classes, told apart with normal and with colour-blind eyes."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["colours"]

# Distinct colours in one palette; classes beyond it start over.
_DISTINCT: Final = 256

# Class 0 is the background of most networks, and grey draws the eye least.
_FIRST: Final = (128, 128, 128)

# What protanopes and deuteranopes see, on linear RGB: Machado, Oliveira and Fernandes, "A
# Physiologically-based Model for Simulation of Color Vision Deficiency" (2009), severity 1.
_VISIONS: Final = np.array(
    [
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ],
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ],
    ]
)

# How much a gap counts, by vision: dichromats see smaller ones, and alone they would choose colours
# by blue against yellow only.
_GAPS: Final = np.array([0.5, 1.0, 1.0])

# Lightness counts less than hue: a tinted picture has its own light and dark.
_LIGHTNESS: Final = 0.6

# Oklab (Ottosson, 2020): equal distances look about equally different.
_TO_CONES: Final = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB: Final = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def colours(count: int) -> NDArray[np.uint8]:
    """Colour of each class.

    Each colour is the one farthest from all before it, judged by the eye that tells them apart
    worst among normal, protanopic and deuteranopic ones. A longer palette begins with the shorter
    one.

    Args:
        count: classes, 0 or more; colours repeat after 256.
    Returns:
        (count, 3) uint8 RGB; class 0 is grey.
    Cost: some 10 ms for 21 classes and 100 ms for 256 the first time, then a copy.
    """
    distinct = _farthest_first(min(max(count, 1), _DISTINCT))
    return distinct[np.arange(count) % len(distinct)]


@lru_cache(maxsize=8)
def _farthest_first(count: int) -> NDArray[np.uint8]:
    steps = np.round(np.linspace(0, 255, 12))
    candidates = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    candidates = np.concatenate([[_FIRST], candidates])
    seen = _seen(candidates)
    # Near-black and near-white vanish in shadows and in skies.
    usable = (seen[0, :, 0] > 0.4) & (seen[0, :, 0] < 0.93)
    candidates, seen = candidates[usable], seen[:, usable] * [_LIGHTNESS, 1, 1]

    chosen = [0]
    nearest = _distance(seen, 0)
    while len(chosen) < count:
        chosen.append(int(np.argmax(nearest)))
        nearest = np.minimum(nearest, _distance(seen, chosen[-1]))
    return candidates[chosen].astype(np.uint8)


def _seen(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """Oklab coordinates of sRGB bytes (n, 3) for each kind of vision: (visions, n, 3)."""
    encoded = rgb / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    perceived = np.clip(np.einsum("vij,nj->vni", _VISIONS, linear), 0, 1)
    lab: NDArray[np.float64] = np.cbrt(perceived @ _TO_CONES.T) @ _TO_LAB.T
    return lab


def _distance(seen: NDArray[np.float64], chosen: int) -> NDArray[np.float64]:
    """Distance of every candidate to one of them, for the vision where it is smallest."""
    gaps = np.linalg.norm(seen - seen[:, chosen : chosen + 1], axis=-1)
    worst: NDArray[np.float64] = (gaps * _GAPS[:, None]).min(axis=0)
    return worst
