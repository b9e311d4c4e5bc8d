"""Searching for faster settings of one model on one machine.

Challengers meet the settings that are best so far one at a time, so that never more than two
sessions are open. Blocks of frames alternate, and only neighbouring blocks are compared: a slow
phase of the machine meets both. The default stays unless something is faster beyond the bound, and
what won in the end meets the default once more, so that the luckiest of many does not win by luck.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from edgeinfer.bench.compare import BOUND, Judgement
from edgeinfer.bench.stages import Workload

__all__ = ["Answering", "Candidate", "Duel", "Tuning", "challengers", "duel", "tune"]

_PAIRS: Final = 12
# Student's t for 99 % and one degree of freedom less than pairs.
_T_99: Final = 3.106
_SETTLING: Final = 2
_FEWEST_FRAMES: Final = 3


class Answering(Workload, Protocol):
    """A workload that can show what it computes."""

    def answer(self) -> Sequence[NDArray[Any]]:
        """The results of one frame, copied."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Settings of a session, as ``Session`` and ``SessionOptions`` name them."""

    threads: int | None = None
    spin: str = "auto"
    fuse_tail: bool = True
    cut_head: bool = False

    def options(self) -> dict[str, Any]:
        """Those of ``SessionOptions`` that are not the default."""
        given = {"spin": self.spin, "fuse_tail": self.fuse_tail, "cut_head": self.cut_head}
        default = {"spin": "auto", "fuse_tail": True, "cut_head": False}
        return {name: value for name, value in given.items() if value != default[name]}

    def __str__(self) -> str:
        if self.threads is None:
            words = ["shared threads"]
        else:
            words = [f"{self.threads} thread{'s' if self.threads > 1 else ''}"]
        if self.spin != "auto":
            words.append("spinning" if self.spin == "on" else "never spinning")
        if not self.fuse_tail:
            words.append("file's tail")
        if self.cut_head:
            words.append("head cut")
        return ", ".join(words)


@dataclass(frozen=True)
class Duel:
    """One challenger beside the best so far; ``note`` says why it was not measured."""

    best: Candidate
    challenger: Candidate
    best_ms: float = math.nan
    challenger_ms: float = math.nan
    judgement: Judgement | None = None
    note: str = ""

    @property
    def won(self) -> bool:
        """Whether the challenger is faster beyond the bound."""
        return self.judgement is not None and self.judgement.verdict == "faster"


@dataclass(frozen=True)
class Tuning:
    """All duels, and what won: ``confirmed`` is its duel with the default, None if that won."""

    duels: tuple[Duel, ...]
    best: Candidate
    confirmed: Duel | None


Clock = Callable[[], int]
Open = Callable[[Candidate], AbstractContextManager[Answering]]


Groups = Generator[list[Candidate], Candidate, None]


def challengers(cores: int, *, tail: bool, head: bool) -> Groups:
    """Groups of candidates for ``cores`` cores, each to be built on the best of the one before.

    A generator: send it the best so far after each group. A head that is cut off pays only for
    callers who give integers, so it stands last and is never taken by itself.
    """
    counts = sorted({1, 2, cores // 2, cores - 1, cores} & set(range(1, cores + 1)))
    best = yield [Candidate(threads=count) for count in counts]
    spinning = sorted({count for count in (best.threads, cores) if count and count > 1})
    if spinning:
        best = yield [
            replace(best, threads=count, spin=spin) for count in spinning for spin in ("on", "off")
        ]
    if tail:
        best = yield [replace(best, fuse_tail=False)]
    if head:
        yield [replace(best, cut_head=True)]


def tune(
    open_: Open,
    groups: Groups,
    *,
    seconds: float,
    expected: int,
    tick: Callable[[Duel], object] = lambda duel: None,
    clock: Clock = time.perf_counter_ns,
) -> Tuning:
    """Let all candidates meet the best so far.

    Args:
        open_: makes the workload of a candidate; its session is closed again on exit.
        groups: as ``challengers`` gives them.
        seconds: for all duels together, about.
        expected: about how many duels there will be.
        tick: is told each duel as it ends.
        clock: nanoseconds that only go up.
    """
    default = best = Candidate()
    each = seconds / (expected + 1)
    duels: list[Duel] = []
    group = next(groups, None)
    while group is not None:
        for challenger in group:
            one = duel(open_, best, challenger, seconds=each, clock=clock)
            duels.append(one)
            tick(one)
            if one.won and not challenger.cut_head:
                best = challenger
        try:
            group = groups.send(best)
        except StopIteration:
            group = None
    if best == default:
        return Tuning(tuple(duels), default, None)
    last = duel(open_, default, best, seconds=each, clock=clock)
    tick(last)
    return Tuning((*duels, last), best if last.won else default, last if last.won else None)


def duel(
    open_: Open,
    best: Candidate,
    challenger: Candidate,
    *,
    seconds: float,
    clock: Clock = time.perf_counter_ns,
) -> Duel:
    """Measure two candidates in alternating blocks; a challenger that answers otherwise loses."""
    with open_(best) as one, open_(challenger) as other:
        why = _disagreement(one.answer(), other.answer())
        if why:
            return Duel(best, challenger, note=why)
        block = seconds / (2 * _PAIRS)
        times = np.empty((_PAIRS, 2))
        for number in range(_PAIRS):
            # A B B A: what drifts steadily hits both alike.
            for side in (0, 1) if number % 2 == 0 else (1, 0):
                times[number, side] = _block((one, other)[side], block, clock)
    best_ms, challenger_ms = np.median(times, axis=0)
    judgement = _paired(times[:, 0], times[:, 1])
    return Duel(best, challenger, float(best_ms), float(challenger_ms), judgement)


def _block(workload: Workload, seconds: float, clock: Clock) -> float:
    """Median milliseconds of a frame over a while."""
    for _ in range(_SETTLING):
        workload.frame()  # the other's threads and data leave the cores and caches
    end = clock() + int(seconds * 1e9)
    times: list[int] = []
    while len(times) < _FEWEST_FRAMES or clock() < end:
        before = clock()
        workload.frame()
        times.append(clock() - before)
    return float(np.median(times)) / 1e6


def _paired(first: NDArray[np.float64], second: NDArray[np.float64]) -> Judgement:
    """Interval of the ratio from neighbouring blocks, which noise hits alike."""
    logs = np.log(second / first)
    middle = float(np.mean(logs))
    error = float(np.std(logs, ddof=1)) / math.sqrt(len(logs))
    ratio, width = math.exp(middle), math.exp(_T_99 * error)
    low, high = ratio / width, ratio * width
    if high < 1 - BOUND:
        return Judgement(ratio, low, high, "faster")
    if low > 1 + BOUND:
        return Judgement(ratio, low, high, "slower")
    return Judgement(ratio, low, high, "unclear")


# A mask may differ where two classes tie; floats as far as another order of sums goes.
_MOST_PIXELS: Final = 1e-3
_MOST_ERROR: Final = 1e-3


def _disagreement(one: Sequence[NDArray[Any]], other: Sequence[NDArray[Any]]) -> str:
    for first, second in zip(one, other, strict=True):
        if first.shape != second.shape:
            return f"another shape: {second.shape} instead of {first.shape}"
        if first.dtype.kind == "f":
            largest = float(np.max(np.abs(first), initial=0.0))
            wide = np.abs(first.astype(np.float64) - second.astype(np.float64))
            if not np.max(wide, initial=0.0) <= _MOST_ERROR * max(largest, 1e-12):
                return "other results"
        elif np.mean(first != second) > _MOST_PIXELS:
            return "other results"
    return ""
