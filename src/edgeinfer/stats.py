"""What a session counted about its runs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

from edgeinfer import _core

__all__ = ["SessionStats"]


@dataclass(frozen=True, slots=True)
class SessionStats:
    """Runs of a session since it was loaded, or since the counts were reset.

    ``run``, ``run_async``, ``segment`` and the session's bindings count alike; what was refused
    before it began (``InputError``, ``BusyError``) and what was dropped while it waited does not.
    Times are those of completed runs: the network and its tail or fused pass, without the
    conversion of Python objects, the wait for a thread, or the wait for a binding's turn.

    Attributes:
        runs: that ended, in whatever way: the sum of the next four.
        completed: that gave their result.
        errors: that failed in the runtime or in the fused pass.
        timeouts: that were stopped by ``timeout_s``.
        cancelled: that were stopped by a ``Cancellation`` or ``Future.cancel``.
        mean_ms: average, milliseconds. None, as are the next four, before any run completed.
        p50_ms, p90_ms, p99_ms: times that this share of the runs did not exceed: the middle of the
            bucket it lies in, off by 3.2 % at most.
        max_ms: the longest, exactly.
        counts: of the histogram, from the first bucket in use to the last.
        edges_ms: of its buckets, one more than counts; bucket i holds edges_ms[i] <= time <
            edges_ms[i + 1]. Every doubling of the time is split into 16 buckets.
    """

    runs: int
    completed: int
    errors: int
    timeouts: int
    cancelled: int
    mean_ms: float | None
    p50_ms: float | None
    p90_ms: float | None
    p99_ms: float | None
    max_ms: float | None
    counts: tuple[int, ...]
    edges_ms: tuple[float, ...]


def stats_of(tally: _core.Tally) -> SessionStats:
    """Name the core's counts and read percentiles out of its histogram."""
    completed, errors, timeouts, cancelled = tally.ends
    counts = tuple(tally.counts)
    edges_ms = tuple(ns / 1e6 for ns in tally.edges_ns) if counts else ()
    longest_ms = tally.longest_ns / 1e6 if completed else None

    def percentile(share: float) -> float | None:
        if longest_ms is None:
            return None
        wanted = share * completed
        at = next(i for i, sum_ in enumerate(accumulate(counts)) if sum_ >= wanted)
        return min((edges_ms[at] + edges_ms[at + 1]) / 2, longest_ms)

    return SessionStats(
        runs=completed + errors + timeouts + cancelled,
        completed=completed,
        errors=errors,
        timeouts=timeouts,
        cancelled=cancelled,
        mean_ms=tally.total_ns / 1e6 / completed if completed else None,
        p50_ms=percentile(0.50),
        p90_ms=percentile(0.90),
        p99_ms=percentile(0.99),
        max_ms=longest_ms,
        counts=counts,
        edges_ms=edges_ms,
    )
