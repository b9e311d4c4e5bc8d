"""Side-by-side timing of several ways to the same answer.

Machines that run benchmarks are shared, change clock and warm up; two blocks of runs one after the
other measure those too. Here each round runs every side once, on the same frame, in an order drawn
anew, so a slow moment hits all sides alike and the ratio survives what the milliseconds do not.
Medians resist the rounds that were interrupted; the interval of a ratio comes from redrawing whole
rounds.
"""

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NS_PER_MS = 1e6
_REDRAWS = 2000


@dataclass(frozen=True)
class Summary:
    """Milliseconds of one side over all rounds."""

    median_ms: float
    p10_ms: float
    p90_ms: float


@dataclass(frozen=True)
class Ratio:
    """How many times longer one side takes than another: ratio of medians, 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Timings:
    """Milliseconds per side and round; all sides hold the same rounds in the same order."""

    samples_ms: Mapping[str, NDArray[np.float64]]

    def summary(self, side: str) -> Summary:
        p10, median, p90 = np.percentile(self.samples_ms[side], [10, 50, 90])
        return Summary(float(median), float(p10), float(p90))

    def ratio(self, slower: str, faster: str) -> Ratio:
        """Median of ``slower`` over median of ``faster``, bootstrapped over rounds (seeded)."""
        over, under = self.samples_ms[slower], self.samples_ms[faster]
        rounds = len(over)
        # One draw for both sides keeps the pairing: a disturbed round leaves or stays whole.
        draws = np.random.default_rng(0).integers(0, rounds, (_REDRAWS, rounds))
        ratios = np.median(over[draws], axis=1) / np.median(under[draws], axis=1)
        low, high = np.percentile(ratios, [2.5, 97.5])
        return Ratio(float(np.median(over) / np.median(under)), float(low), float(high))


def alternate(
    sides: Mapping[str, Callable[[int], object]], *, rounds: int, warmup: int = 3, seed: int = 0
) -> Timings:
    """Time every side once a round, in an order drawn anew for each round.

    Args:
        sides: by name, a callable that takes the number of the round (to choose its input) and does
            the whole work. Its result is dropped; check answers before.
        rounds: rounds that count, at least 2.
        warmup: rounds that do not, at least 1: page faults and lazy set-up belong to none of them.
    Raises:
        ValueError: rounds or warmup below these, or no side.
    """
    if rounds < 2 or warmup < 1 or not sides:
        raise ValueError(
            f"need sides, rounds >= 2 and warmup >= 1; got {len(sides)}, {rounds}, {warmup}"
        )
    rng = np.random.default_rng(seed)
    names: Sequence[str] = list(sides)
    samples = {name: np.empty(rounds) for name in names}
    gc.collect()
    gc.disable()
    try:
        for number in range(-warmup, rounds):
            for index in rng.permutation(len(names)):
                name = names[index]
                call = sides[name]
                start = time.perf_counter_ns()
                call(number)
                elapsed = time.perf_counter_ns() - start
                if number >= 0:
                    samples[name][number] = elapsed / NS_PER_MS
    finally:
        gc.enable()
    return Timings(samples)
