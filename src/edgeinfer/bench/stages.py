"""Timing frame after frame, stage by stage."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["WHOLE", "Samples", "Workload", "measure", "summary"]

WHOLE: Final = "whole"
_NS_PER_MS: Final = 1e6
_FEWEST_FRAMES: Final = 20
_MOST_SAMPLES: Final = 2000
_WARMUP_SHARE: Final = 0.1
_FEWEST_WARMUP: Final = 3


class Workload(Protocol):
    """Something to run again and again."""

    stages: tuple[str, ...]

    def frame(self) -> tuple[int, ...]:
        """Do all stages once; nanoseconds that each took."""


@dataclass(frozen=True)
class Samples:
    """Milliseconds of each stage, frame by frame in the order in which they ran.

    ``times_ms`` has one entry a stage and, where there is more than one, ``"whole"`` last: from
    before the first stage until after the last.
    """

    first_ms: float
    times_ms: dict[str, NDArray[np.float64]]
    seconds: float

    @property
    def whole(self) -> NDArray[np.float64]:
        """Of all stages together."""
        return next(reversed(self.times_ms.values()))


def measure(
    workload: Workload,
    *,
    seconds: float,
    warmup: int | None = None,
    tick: Callable[[float], object] = lambda share: None,
) -> Samples:
    """Run for a while.

    Args:
        workload: to run; its very first frame is told apart, as ``first_ms``.
        seconds: to measure for, but at least 20 frames.
        warmup: frames that do not count; None: a tenth of the time, at least 3.
        tick: is told from time to time which share of the time is over.
    """
    clock = time.perf_counter_ns
    begin = clock()
    workload.frame()
    first_ms = (clock() - begin) / _NS_PER_MS
    _warm_up(workload, seconds * _WARMUP_SHARE, warmup)
    rows: list[tuple[int, ...]] = []
    limit = int(seconds * 1e9)
    next_tick = step = max(limit // 100, 1)
    gc.collect()
    gc.disable()
    try:
        start = now = clock()
        while now - start < limit or len(rows) < _FEWEST_FRAMES:
            before = clock()
            stages = workload.frame()
            now = clock()
            rows.append((*stages, now - before))
            if now - start > next_tick:
                next_tick += step
                tick(min((now - start) / limit, 1.0))
    finally:
        gc.enable()
    table = np.array(rows, np.float64).T / _NS_PER_MS
    names = (*workload.stages, WHOLE) if len(workload.stages) > 1 else workload.stages
    # Of a single stage, what the clock saw around it would be the same number twice.
    return Samples(first_ms, dict(zip(names, table, strict=False)), (now - start) / 1e9)


def _warm_up(workload: Workload, seconds: float, frames: int | None) -> None:
    if frames is not None:
        for _ in range(frames):
            workload.frame()
        return
    end, done = time.perf_counter() + seconds, 0
    while done < _FEWEST_WARMUP or time.perf_counter() < end:
        workload.frame()
        done += 1


def summary(times_ms: NDArray[np.float64]) -> dict[str, Any]:
    """Figures of one stage, and enough of its samples to compare with: at most 2000.

    Samples are thinned evenly, which keeps the phases of a machine's noise where they were.
    """
    p50, p90, p99 = np.percentile(times_ms, [50, 90, 99])
    step = -(-len(times_ms) // _MOST_SAMPLES)
    return {
        "count": len(times_ms),
        "median_ms": float(p50),
        "p90_ms": float(p90),
        "p99_ms": float(p99),
        "min_ms": float(times_ms.min()),
        "mean_ms": float(times_ms.mean()),
        # A tenth of a microsecond is below what the clock tells apart.
        "samples_ms": [round(float(value), 4) for value in times_ms[::step]],
    }
