"""A task that can be generated: the direction and the wavelength of faint stripes in a picture.

Twelve directions, 15 degrees apart, times two wavelengths. The stripes are 1.5 to 6 levels of 255
strong, with noise of their size, under light that falls off by ten times that, beside a disc of any
colour. Ranges must hold the light and the disc; the answer lies in the few levels between, which is
what 8 bits round away. Faint scratches and thin cables are tasks of the kind.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SIZE = 64
DIRECTIONS = 12
WAVELENGTHS = (5.0, 8.0)  # pixels
CLASSES = DIRECTIONS * len(WAVELENGTHS)
SPREAD = 0.45


def batch(count: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Pictures (count, SIZE, SIZE, 3) and their classes (count,); a seed gives the same always."""
    rng = np.random.default_rng(seed)

    def drawn(low: float, high: float, *shape: int) -> NDArray[np.float32]:
        return rng.uniform(low, high, (count, *shape)).astype(np.float32)

    classes = rng.integers(0, CLASSES, count)
    direction = (classes % DIRECTIONS + drawn(-SPREAD, SPREAD)) * np.pi / DIRECTIONS
    wavelength = np.take(WAVELENGTHS, classes // DIRECTIONS) * drawn(0.9, 1.1)
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32) - SIZE / 2

    def across(one: NDArray[np.float32]) -> NDArray[np.float32]:
        return one.reshape(count, *[1] * 2).astype(np.float32)

    along = x * across(np.cos(direction)) + y * across(np.sin(direction))
    wave = np.sin(2 * np.pi * along / across(wavelength) + drawn(0, 2 * np.pi, 1, 1))
    light = x * drawn(-1, 1, 1, 1) + y * drawn(-1, 1, 1, 1)
    disc = (x - drawn(-24, 24, 1, 1)) ** 2 + (y - drawn(-24, 24, 1, 1)) ** 2 < drawn(
        4, 18, 1, 1
    ) ** 2
    colour = drawn(50, 200, 1, 1, 3)
    picture = (
        colour + light[..., None] + (wave * drawn(1.5, 6, 1, 1))[..., None] * drawn(0.5, 1, 1, 1, 3)
    )
    picture = np.where(disc[..., None], drawn(0, 255, 1, 1, 3), picture)
    noise = rng.standard_normal((count, SIZE, SIZE, 3), np.float32) * drawn(1, 4, 1, 1, 1)
    return np.clip(picture + noise, 0, 255).astype(np.uint8), classes
