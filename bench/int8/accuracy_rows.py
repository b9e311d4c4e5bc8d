"""Rows: what int8 costs a network in accuracy, and how large its file is, beside two quantisers.

All files run in edgeinfer on the same prepared pictures, none of which calibration saw.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import edgeinfer as ei
from int8 import files
from int8.children import THREADS
from int8.networks import NETWORKS, Case, Network, frame_of
from int8.tasks import AGREEMENT, Answer
from peers.attendance import Attendance
from rows import Figure, Outcome
from timing import Ratio

OURS = "edgeinfer"
FLOAT = "float"
SIZE = 0.28
# "At least 0.94, or at least NNCF's in the same run."
NNCF_IS_ENOUGH = ("mobilenet_v2",)
# What the figures of a row do not prove.
CAUTION = {
    "ultraface": "not independent: how much the repair equalise has to win was set after it had "
    "lost one of these faces"
}


def row(name: str) -> Callable[[], Outcome]:
    """The row of a network, for the table."""
    return lambda: judged(NETWORKS[name])


def judged(network: Network, *, peers: bool = True, **settings: Any) -> Outcome:
    """Quantise, run every picture through every file, judge.

    Args:
        peers: also onnxruntime's and NNCF's files.
        settings: of ``edgeinfer.quantize``, instead of its defaults.
    """
    attendance = Attendance()
    sessions = {FLOAT: _session(network.file)}
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "int8.onnx"
        report = files.make(network, made, **settings)
        sessions[OURS] = _session(made)
    for peer in (files.ONNXRUNTIME, files.NNCF) if peers else ():
        with attendance.of(peer):
            sessions[peer] = _peers_session(files.from_peer(network, peer))
    cases = network.cases()
    figures = _figures(network, cases, _answers(network, cases, sessions))
    size = float(report.size_ratio)
    figures.append(Figure("file, of float's", Ratio(size, size, size), SIZE, at_most=True))
    mended = ", ".join(one.name for one in report.repairs if one.applied)
    return Outcome(
        checked=f"{len(cases)} pictures that calibration did not see; calibrated on "
        f"{report.samples} others by {report.method}",
        figures=tuple(figures),
        notes=(
            *attendance.notes,
            f"repairs kept: {mended or 'none'}",
            *filter(None, (CAUTION.get(network.name),)),
        ),
    )


def _session(path: Path) -> ei.Session:
    return ei.Session(path, threads=THREADS, cache=False)


def _peers_session(path: Path) -> ei.Session:
    try:
        return _session(path)
    except ei.ModelError as error:
        raise RuntimeError(str(error)) from error


def _answers(
    network: Network, cases: Sequence[Case], sessions: Mapping[str, ei.Session]
) -> dict[str, list[Answer]]:
    prepare = network.preprocess()
    answers: dict[str, list[Answer]] = {side: [] for side in sessions}
    for case in cases:
        tensor = prepare(frame_of(case.picture)).tensor
        for side, session in sessions.items():
            answers[side].append(network.task.answer(session, tensor))
    for session in sessions.values():
        session.close()
    return answers


def _figures(
    network: Network, cases: Sequence[Case], answers: Mapping[str, list[Answer]]
) -> list[Figure]:
    """Ours with what was wanted, then the peers' as information."""
    truths = [case.truth for case in cases]
    exact = answers[FLOAT]
    ours = network.task.figures(truths, exact, answers[OURS])
    theirs = []
    for peer in (side for side in answers if side not in (FLOAT, OURS)):
        for figure in network.task.figures(truths, exact, answers[peer]):
            theirs.append(replace(figure, name=f"({peer}: {figure.name})", wanted=None))
            if peer == files.NNCF and network.name in NNCF_IS_ENOUGH:
                ours = [or_equal(one, figure) for one in ours]
    return [*ours, *theirs]


def or_equal(ours: Figure, theirs: Figure) -> Figure:
    """The agreement wanted is what was asked for or the peer's, whichever is less."""
    if ours.name != AGREEMENT or theirs.name != AGREEMENT or ours.wanted is None:
        return ours
    return replace(ours, wanted=min(ours.wanted, theirs.ratio.value))
