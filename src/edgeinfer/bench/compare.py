"""Faster, slower or unclear: two series of times, judged in spite of the machine's noise.

A machine's noise comes in phases (another program, a warmer core, a lower clock), so that
neighbouring samples say the same thing twice: intervals from single samples drawn at random are
far too narrow. Whole blocks of neighbours are drawn instead, which are nearly independent where a
phase is shorter than a block.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["BOUND", "Judgement", "Verdict", "judge", "judge_few", "stage_bound"]

Verdict = Literal["faster", "slower", "unclear"]

BOUND: Final = 0.03
"""Changes up to this share are taken as noise: see docs/bench.md for the record that it is from."""

_MATERIAL: Final = 0.01
_BLOCKS: Final = 10
_DRAWS: Final = 400
# Student's t for 99 % and as many degrees of freedom as one side has blocks, less one.
_T_99: Final = 3.25
_LEAST_AGREEING: Final = 0.9
_FEWEST: Final = 2 * _BLOCKS
# Of five against five, one order in 126 puts all of one side first by chance.
_FEWEST_FEW: Final = 5


@dataclass(frozen=True, slots=True)
class Judgement:
    """The second series beside the first.

    Attributes:
        ratio: median of the second over median of the first; below 1 is faster.
        low, high: interval of the ratio that holds the true one in 99 of 100 comparisons; equal to
            the ratios of the extremes where there were few samples.
        verdict: ``"faster"`` or ``"slower"`` where the whole interval lies beyond the bound.
        why: why it is unclear; empty otherwise.
    """

    ratio: float
    low: float
    high: float
    verdict: Verdict
    why: str = ""


def stage_bound(bound: float, stage_ms: float, whole_ms: float) -> float:
    """The bound of one stage: at least what makes one percent of the whole frame.

    A stage of a fraction of a millisecond takes a quarter more or less in another process of the
    same program, by where its memory happens to lie. No number of samples from one process shows
    that, and no frame is late by it.
    """
    return max(bound, _MATERIAL * whole_ms / stage_ms)


def judge(before: ArrayLike, after: ArrayLike, *, bound: float = BOUND, seed: int = 0) -> Judgement:
    """Compare two series of times, each in the order in which they were taken.

    Args:
        before, after: times above 0, in one unit.
        bound: change of the ratio that is taken as noise.
        seed: of the draws.

    Source: bootstrap over contiguous blocks (Künsch 1989), ten a side, with Student's t.
    """
    first, second = (np.asarray(series, np.float64) for series in (before, after))
    if min(len(first), len(second)) < _FEWEST:
        return judge_few(first, second, bound=bound)
    ratio = float(np.median(second) / np.median(first))
    rng = np.random.default_rng(seed)
    logs = np.log(_medians(second, rng) / _medians(first, rng))
    # Drawing k of k blocks underestimates the spread by this much.
    error = float(np.std(logs)) * math.sqrt(_BLOCKS / (_BLOCKS - 1))
    width = math.exp(_T_99 * error)
    low, high = ratio / width, ratio * width
    judgement = _judged(ratio, low, high, bound)
    if judgement.verdict != "unclear" and _agreeing(first, second) < _LEAST_AGREEING:
        # Phases longer than a block: the intervals rest on blocks that are no independent draws.
        return replace(judgement, verdict="unclear", why="the noise comes in too long phases")
    return judgement


def judge_few(before: ArrayLike, after: ArrayLike, *, bound: float = BOUND) -> Judgement:
    """Compare two handfuls of times whose order says nothing, such as cold starts.

    The one is faster or slower where all of its times lie on one side of all of the other's, by
    more than the bound: with five each, chance does that in one comparison of 126.
    """
    first, second = (np.asarray(series, np.float64) for series in (before, after))
    ratio = float(np.median(second) / np.median(first))
    low, high = float(second.min() / first.max()), float(second.max() / first.min())
    if min(len(first), len(second)) < _FEWEST_FEW:
        return Judgement(ratio, low, high, "unclear", f"fewer than {_FEWEST_FEW} samples")
    return _judged(ratio, low, high, bound)


def _judged(ratio: float, low: float, high: float, bound: float) -> Judgement:
    if high < 1 - bound:
        return Judgement(ratio, low, high, "faster")
    if low > 1 + bound:
        return Judgement(ratio, low, high, "slower")
    within = low > 1 - bound and high < 1 + bound
    why = f"within the bound of {bound:.1%}" if within else "the interval reaches into the bound"
    return Judgement(ratio, low, high, "unclear", why)


def _agreeing(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Of all pairs of blocks, the share that tells the same direction as most of them."""
    one, other = (
        np.array([np.median(block) for block in np.array_split(series, _BLOCKS)])
        for series in (first, second)
    )
    above = float(np.mean(other[:, None] > one[None, :]))
    return max(above, 1 - above)


def _medians(series: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Medians of the series with its blocks drawn anew, once a draw."""
    block = np.arange(len(series)) * _BLOCKS // len(series)
    order = np.argsort(series)
    draws = rng.integers(0, _BLOCKS, (_DRAWS, _BLOCKS))
    times_drawn = (draws[:, :, None] == np.arange(_BLOCKS)).sum(axis=1, dtype=np.int32)
    weights = np.cumsum(times_drawn[:, block[order]], axis=1, dtype=np.int32)
    # The first sample, by size, with at least half of the weight up to it.
    at = (2 * weights < weights[:, -1:]).sum(axis=1)
    medians: NDArray[np.float64] = series[order][at]
    return medians
