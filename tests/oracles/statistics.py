"""What calibration should find, in NumPy and float64, all data at once."""

import itertools
import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Window = tuple[NDArray[np.float64], float, float]


def finite(values: Floats) -> NDArray[np.float64]:
    """The finite values, flat."""
    return values[np.isfinite(values)].astype(np.float64).ravel()


def grid(values: Floats, bins: int) -> tuple[float, int, int]:
    """(width, bins below zero, bins above zero): the least power of two for which they suffice."""
    kept = finite(values)
    low, high = min(kept.min(), 0.0), max(kept.max(), 0.0)
    for exponent in range(-126, 126):
        width = math.ldexp(1.0, exponent)
        below = math.floor(-low / width) + 1 if low < 0 else 0
        above = math.floor(high / width) + 1 if high > 0 else 0
        if below + above <= bins:
            return width, below, above
    raise AssertionError("no grid is that coarse")


def histogram(values: Floats, bins: int) -> tuple[NDArray[np.int64], float, float, int]:
    """(counts, first edge, width, zeros)."""
    kept = finite(values)
    if not kept.any():
        return np.zeros(0, np.int64), 0.0, 0.0, kept.size
    width, below, above = grid(values, bins)
    place = np.floor(np.abs(kept) / width).astype(np.int64)
    index = np.where(kept < 0, below - 1 - place, below + place)[kept != 0]
    counts = np.bincount(index, minlength=below + above)
    return counts, -below * width, width, int(np.count_nonzero(kept == 0))


def percentile(values: Floats, percent: float) -> tuple[float, float]:
    """Extremes of what is left once the share beyond ``percent`` is gone at each end; and of 0."""
    kept = np.sort(finite(values))
    spare = int(kept.size * ((100 - percent) / 100) * (1 + 1e-9))
    return min(kept[spare], 0.0), max(kept[kept.size - 1 - spare], 0.0)


def divergence(counts: NDArray[np.int64], below: int, reach: int, levels: int) -> float:
    """Kullback-Leibler divergence of the histogram quantised within ``reach`` bins of zero."""
    start, end = max(0, below - reach), min(counts.size, below + reach)
    inside = counts[start:end].astype(np.float64)
    if not inside.any():
        return math.inf
    reference = inside.copy()
    reference[0] += counts[:start].sum()
    reference[-1] += counts[end:].sum()
    quantised = np.zeros(inside.size)
    groups = min(levels, inside.size)
    edges = [group * inside.size // groups for group in range(groups + 1)]
    for a, b in itertools.pairwise(edges):
        group = inside[a:b]
        if group.any():
            quantised[a:b] = np.where(group > 0, group.sum() / np.count_nonzero(group), 0)
    shown = reference > 0
    p = reference[shown] / reference.sum()
    q = np.where(quantised > 0, quantised, 1e-4)[shown] / inside.sum()
    return float(np.sum(p * np.log(p / q)))


def narrowest(counts: NDArray[np.int64], below: int, levels: int) -> tuple[int, int]:
    """Reach of the first window that has a bin for each level, and of the widest."""
    widest = max(below, counts.size - below)
    for reach in range(1, widest):
        if min(counts.size, below + reach) - max(0, below - reach) >= levels:
            return reach, widest
    return widest, widest


def square_error(values: Floats, low: float, high: float, levels: int) -> float:
    """Sum of the squared errors of quantising each value, the zero point rounded."""
    kept = finite(values)
    step = (high - low) / (levels - 1)
    zero_point = np.rint(-low / step)
    integers = np.clip(np.rint(kept / step) + zero_point, 0, levels - 1)
    return float(np.sum(((integers - zero_point) * step - kept) ** 2))


def moments(values: Floats, axis: int) -> tuple[NDArray[np.float64], ...]:
    """(low, high, mean, variance) of each channel, NaN where it has no finite value."""
    channels = np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1)
    found = []
    for channel in channels:
        kept = finite(channel)
        # Sums that do not depend on an order: exact, then rounded once.
        mean = math.fsum(kept) / kept.size if kept.size else math.nan
        spread = math.fsum((kept - mean) ** 2) / kept.size if kept.size else math.nan
        low, high = (kept.min(), kept.max()) if kept.size else (math.nan, math.nan)
        found.append((low, high, mean, spread))
    return tuple(np.array(found).T)
