"""What calibration saw of a layer, as the report shows it."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from edgeinfer._core import TensorStatistics
from edgeinfer.calibrate import Ranges
from edgeinfer.quantize.report import LayerHistogram

__all__ = ["clipped_share", "histogram_of", "seen"]

_MOST_BINS: Final = 128
_STEPS: Final = 255


def seen(ranges: Ranges | None, name: str, low: float | None, high: float | None) -> dict[str, Any]:
    """``clipped`` and ``histogram`` of a LayerReport, empty for a tensor that nobody observed.

    Args:
        ranges: of a calibration, None without one.
        name: of the tensor.
        low, high: what its integers span, None where it stays in float.
    """
    if ranges is None or all(tensor.name != name for tensor in ranges.tensors):
        return {}
    statistics = ranges.statistics(name)
    if statistics.count == 0:
        return {}
    facts: dict[str, Any] = {"histogram": histogram_of(statistics)}
    if low is not None and high is not None:
        facts["clipped"] = clipped_share(statistics, low, high)
    return facts


def clipped_share(statistics: TensorStatistics, low: float, high: float) -> float:
    """Share of the values seen that integers from ``low`` to ``high`` cut off, to within a bin.

    Values up to half a step beyond the last integer are rounded to it, and not cut off.
    """
    half = (high - low) / _STEPS / 2
    low, high = low - half, high + half
    if statistics.low >= low and statistics.high <= high:
        return 0.0
    counts, first, width = statistics.histogram()
    middles = first + (np.arange(len(counts)) + 0.5) * width
    return float(counts[(middles < low) | (middles > high)].sum()) / statistics.count


def histogram_of(statistics: TensorStatistics) -> LayerHistogram:
    """The histogram, with neighbours joined until 128 bins hold it."""
    counts, first, width = statistics.histogram()
    joined = max(1, math.ceil(len(counts) / _MOST_BINS))
    padded = np.pad(counts, (0, -len(counts) % joined)).reshape(-1, joined).sum(axis=1)
    return LayerHistogram(
        counts=tuple(padded.tolist()),
        first_edge=float(first),
        width=float(width) * joined,
        zeros=int(statistics.zeros),
    )
