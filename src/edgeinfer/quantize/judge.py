"""How far a quantised network is from the float one."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgeinfer.options import SessionOptions
from edgeinfer.quantize.agreement import Agreement, read_answer
from edgeinfer.quantize.report import OutputReport
from edgeinfer.session import Session

__all__ = ["Judge", "judge"]

Model = str | os.PathLike[str] | bytes
Results = Mapping[str, NDArray[Any]]

# Fewer runs tell little of times; of slow networks fewer have to do.
_LEAST_RUNS: Final = 8
_MOST_SECONDS: Final = 0.5


class Judge:
    """Sums over samples, one output of the network at a time in memory.

    Attributes:
        samples: how many were compared.
        seconds: (float network, new one) of each run, one after the other.
    """

    def __init__(self) -> None:
        self._signal: dict[str, float] = {}
        self._error: dict[str, float] = {}
        self._agreement = Agreement()
        self.samples = 0
        self.seconds: list[tuple[float, float]] = []

    def compare(self, wanted: Results, found: Results) -> None:
        """One more sample: the outputs of both networks."""
        self.samples += 1
        for name, want in wanted.items():
            have = found[name]
            if np.issubdtype(want.dtype, np.floating):
                exact = want.astype(np.float64)
                self._add(self._signal, name, float(np.square(exact).sum()))
                self._add(self._error, name, float(np.square(have - exact).sum()))
            else:
                self._add(self._signal, name, float(want.size))
                self._add(self._error, name, float((want != have).sum()))
        self._agreement.add(read_answer(wanted), read_answer(found))

    @staticmethod
    def _add(sums: dict[str, float], name: str, value: float) -> None:
        sums[name] = sums.get(name, 0.0) + value

    def outputs(self) -> tuple[OutputReport, ...]:
        """The verdict on each output."""
        shares = self._agreement.shares()
        return tuple(
            OutputReport(
                name=name,
                sqnr_db=sqnr_db(signal, self._error[name]),
                agreement=shares.get(name),
            )
            for name, signal in self._signal.items()
        )

    def milliseconds(self) -> tuple[float, float] | None:
        """Median of a run of each network; None before the second, since the first warms up."""
        if len(self.seconds) < 2:
            return None
        exact, rounded = zip(*self.seconds[1:], strict=True)
        return 1e3 * statistics.median(exact), 1e3 * statistics.median(rounded)


def judge(
    float_model: Model,
    model: Model,
    samples: Iterable[Mapping[str, NDArray[Any]]],
    *,
    threads: int | None = None,
    shown: Callable[[Results, Results], object] = lambda wanted, found: None,
) -> Judge:
    """Run both networks on each sample.

    Args:
        shown: called with the results of both, a sample at a time.

    Source: SQNR = 10 log10(sum of squares of the float result / sum of squares of the difference).
    Cost: one run of each network a sample; of few samples up to half a second more, for the times.
    """
    verdict = Judge()
    # Whole files: a tail cut off would be completed by a second session.
    options = SessionOptions(fuse_tail=False)
    with (
        Session(float_model, threads=threads, options=options, cache=False) as exact,
        Session(model, threads=threads, options=options, cache=False) as rounded,
    ):

        def run(inputs: Mapping[str, NDArray[Any]]) -> tuple[Results, Results]:
            begin = time.perf_counter()
            wanted = exact.run(inputs)
            between = time.perf_counter()
            found = rounded.run(inputs)
            verdict.seconds.append((between - begin, time.perf_counter() - between))
            return wanted, found

        for inputs in samples:
            wanted, found = run(inputs)
            verdict.compare(wanted, found)
            shown(wanted, found)
        end = time.monotonic() + _MOST_SECONDS
        while verdict.samples and len(verdict.seconds) < _LEAST_RUNS and time.monotonic() < end:
            run(inputs)
    return verdict


def sqnr_db(signal: float, error: float) -> float:
    """Decibels; infinite without error, minus infinite without signal."""
    if error == 0:
        return float("inf")
    return float(10 * np.log10(signal / error)) if signal else float("-inf")
