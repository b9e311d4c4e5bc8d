"""Which repairs a network gets: each is tried on samples, and kept where it measurably pays."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgeinfer.options import SessionOptions
from edgeinfer.quantize.candidate import Material, make_candidate
from edgeinfer.quantize.repair.catalogue import REPAIRS, mend
from edgeinfer.quantize.repair.ends import share_of_work
from edgeinfer.quantize.report import RepairReport
from edgeinfer.session import Session

__all__ = ["Chosen", "choose_repairs"]

Inputs = Sequence[Mapping[str, NDArray[Any]]]

# Without samples nothing can be measured: this one never did harm worth a word.
_UNMEASURED: Final = ("bias",)
# Less is chance.
_LEAST_DB: Final = 0.1
# What costs something that the samples do not show: scaled channels are cut off sooner, layers in
# float take bytes. That it takes 1 dB was learnt from an evaluation picture, in which UltraFace,
# calibrated on things, lost a face for 0.6 dB: those pictures no longer prove this bar.
_COSTLY: Final = frozenset(("equalise", "first", "last"))
_LEAST_COSTLY_DB: Final = 1.0
# A layer in float takes time: a tenth of all multiply-adds has to win a decibel.
_DB_OF_WORK: Final = 10.0
_MOST_DB: Final = 120.0


@dataclass(frozen=True)
class Chosen:
    """What candidates are made of from here on.

    Attributes:
        material: repaired.
        names: of the repairs that it has, for ``make_candidate``.
        reports: of all that were tried.
    """

    material: Material
    names: tuple[str, ...]
    reports: tuple[RepairReport, ...]


def choose_repairs(
    material: Material,
    repairs: str | tuple[str, ...],
    inputs: Inputs,
    *,
    without: tuple[str, ...] = (),
    threads: int | None = None,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Chosen:
    """Try repairs one after the other, each on top of those that were kept.

    Measured is the signal over the error of the network's results: the mean over samples in
    decibels, of the output where that is worst.

    Args:
        repairs: "auto", or the names of those to be kept whatever they buy.
        inputs: a few samples of calibration; without any nothing is measured.
        without: of "auto", those that are not tried.

    Cost: for each repair a session and one run a sample; in all 3 s for MobileNetV2.
    """
    every = tuple(name for name in REPAIRS if name not in without)
    names = every if repairs == "auto" else tuple(repairs)
    if not inputs:
        return _unmeasured(material, _UNMEASURED if repairs == "auto" else names)
    ruler = _Ruler(material, inputs, threads)
    kept: tuple[str, ...] = ()
    reports = []
    best = ruler.measure(material, kept)
    for done, name in enumerate(names):
        progress(done, len(names))
        begin = time.perf_counter()
        tried = mend(material, name)
        if tried is None:
            reports.append(RepairReport(name=name, applied=False, note="nothing for it to do here"))
            continue
        found = ruler.measure(tried, (*kept, name))
        least = _LEAST_COSTLY_DB if name in _COSTLY else _LEAST_DB
        least += _DB_OF_WORK * share_of_work(tried, material)
        pays = found >= best + least
        seconds = time.perf_counter() - begin
        applied = pays or repairs != "auto"
        note = "" if applied else f"wins less than {least:.1f} dB"
        reports.append(
            RepairReport(
                name=name, applied=applied, before=best, after=found, seconds=seconds, note=note
            )
        )
        if applied:
            material, best, kept = tried, found, (*kept, name)
    progress(len(names), len(names))
    return Chosen(material, kept, tuple(reports))


def _unmeasured(material: Material, names: tuple[str, ...]) -> Chosen:
    reports, kept = [], []
    for name in names:
        tried = mend(material, name)
        if tried is not None:
            material = tried
            kept.append(name)
        note = "not measured: no samples" if tried is not None else "nothing for it to do here"
        reports.append(RepairReport(name=name, applied=tried is not None, note=note))
    return Chosen(material, tuple(kept), tuple(reports))


class _Ruler:
    """The float network's results on the samples, to measure candidates against."""

    # As the file is: a tail cut off would be completed by a second session.
    _OPTIONS: Final = SessionOptions(fuse_tail=False, to_uint8=False)

    def __init__(self, material: Material, inputs: Inputs, threads: int | None) -> None:
        self._inputs = inputs
        self._threads = threads
        self._exact = self._results(material.network.model.SerializeToString())

    def measure(self, material: Material, names: tuple[str, ...]) -> float:
        """Decibels of the candidate with these repairs."""
        model = make_candidate(material, repairs=names).model.SerializeToString()
        ratios = [
            [_decibels(want, have) for want, have in zip(exact, found, strict=True)]
            for exact, found in zip(self._exact, self._results(model), strict=True)
        ]
        return float(np.mean(ratios, axis=0).min())

    def _results(self, model: bytes) -> list[list[NDArray[Any]]]:
        with Session(model, threads=self._threads, options=self._OPTIONS, cache=False) as session:
            return [
                [np.array(value) for value in session.run(one).values()] for one in self._inputs
            ]


def _decibels(want: NDArray[Any], have: NDArray[Any]) -> float:
    """Of one output and one sample, within bounds, so that no sample outweighs all others."""
    if not np.issubdtype(want.dtype, np.floating):
        signal, error = float(want.size), float((want != have).sum())
    else:
        exact = want.astype(np.float64)
        signal, error = float(np.square(exact).sum()), float(np.square(have - exact).sum())
    if signal == 0 or error == 0:
        return _MOST_DB if error == 0 else 0.0
    return float(np.clip(10 * np.log10(signal / error), -_MOST_DB, _MOST_DB))
