"""Scales and zero points."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgeinfer.errors import InputError
from edgeinfer.quantize.targets import Target

__all__ = ["Grid", "Search", "Weights", "activation_grid", "quantize_bias", "quantize_weights"]

# Below, products of two scales leave float32.
_SMALLEST_SCALE: Final = 1e-15
# A bias beyond this would overflow the 32-bit sum that it begins.
_LARGEST_BIAS: Final = 2**30
# Beside a bias so many times as large, all that is multiplied is less than a quarter of a step of
# the result: the bias stands alone, and 14 bits are more than it is rounded to.
_LONE: Final = 2**10
_LARGEST_LONE_BIAS: Final = 2**14

# (weights, axis, scales, largest integer) to scales.
Search = Callable[[NDArray[np.float32], int, NDArray[np.float32], int], NDArray[np.float32]]


@dataclass(frozen=True)
class Grid:
    """value = (integer - zero_point) * scale; ``wide``: integers of 16 bits."""

    scale: float
    zero_point: int
    wide: bool = False


@dataclass(frozen=True)
class Weights:
    """Integers of the weights' shape, and a scale for each channel along ``axis``."""

    values: NDArray[np.int8]
    scales: NDArray[np.float32]
    axis: int


def activation_grid(name: str, low: float, high: float, target: Target, wide: bool = False) -> Grid:
    """The grid whose ends are ``low`` and ``high``, widened to hold zero exactly.

    Raises:
        InputError: the range is not finite; the text names the tensor.
    """
    if not (math.isfinite(low) and math.isfinite(high)) or low > high:
        raise InputError(
            f"tensor {name!r}: found the range {low} to {high}, wanted finite numbers; look for "
            "NaN or infinity in the samples or in the layer that makes it"
        )
    low, high = min(low, 0.0), max(high, 0.0)
    target = target.widened() if wide else target
    steps = target.highest - target.lowest
    scale = float(np.float32((high - low) / steps))
    if scale < _SMALLEST_SCALE:
        return Grid(1.0, target.lowest if low == 0 else 0, wide)
    zero_point = round(target.lowest - low / scale)
    return Grid(scale, min(max(zero_point, target.lowest), target.highest), wide)


def quantize_weights(
    weights: NDArray[np.float32],
    axis: int,
    target: Target,
    input_scale: float,
    bias: NDArray[np.float32] | None,
    search: Search | None = None,
) -> Weights:
    """Symmetric integers, one scale for each channel.

    A channel of tiny weights under a large bias takes a coarser scale, such that the bias fits
    into 32 bits: its weights then hardly matter.

    Args:
        search: looks for better scales than the smallest that clip nothing.
    """
    rest = tuple(i for i in range(weights.ndim) if i != axis)
    largest = np.abs(weights).max(axis=rest, initial=0.0).astype(np.float64)
    scales = largest / target.largest_weight
    if search is not None:
        usable = np.where(scales < _SMALLEST_SCALE, 1.0, scales).astype(np.float32)
        scales = search(weights, axis, usable, target.largest_weight).astype(np.float64)
    if bias is not None:
        size = np.abs(bias.astype(np.float64)) / input_scale
        reached = np.abs(weights).sum(axis=rest, dtype=np.float64) * (
            target.highest - target.lowest
        )
        most = np.where(reached * _LONE < size, _LARGEST_LONE_BIAS, _LARGEST_BIAS)
        scales = np.maximum(scales, size / most)
    scales = np.where(scales < _SMALLEST_SCALE, 1.0, scales).astype(np.float32)
    shaped = scales.reshape([-1 if i == axis else 1 for i in range(weights.ndim)])
    bound = target.largest_weight
    values = np.clip(np.rint(weights / shaped), -bound, bound).astype(np.int8)
    return Weights(values, scales, axis)


def quantize_bias(
    bias: NDArray[np.float32], input_scale: float, scales: NDArray[np.float32]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Integers of the sum's own scale, and that scale for each channel."""
    product = (np.float32(input_scale) * scales).astype(np.float32)
    values = np.rint(bias.astype(np.float64) / product)
    limits: Any = np.iinfo(np.int32)
    return np.clip(values, limits.min, limits.max).astype(np.int32), product
