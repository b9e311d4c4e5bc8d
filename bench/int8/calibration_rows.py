"""Rows: the time and the memory of calibrating, beside onnxruntime's and beside plain inference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

import numpy as np
from numpy.typing import NDArray

import apart
import edgeinfer as ei
from int8.children import ONNXRUNTIME_NEEDS_MB, THREADS
from int8.networks import NETWORKS, frame_of
from peers.attendance import Attendance
from rows import Figure, Outcome
from sides import Side
from timing import Ratio, alternate

NETWORK = "mobilenet_v2"
SAMPLES = 128
MANY_SAMPLES = 1024
METHODS = ("minmax", "moving_average", "percentile", "entropy", "mse")
COMPARED = ("percentile", "entropy")
ROUNDS = 3
FASTER = 15
EXTRA_MB = 80
OTHER_MEMORY = 0.05
OVER_INFERENCE = 3
# Ours optimises the graph before it runs, so sums come in another order.
SAME_EXTREMES = 1e-3

Extremes = Mapping[str, Sequence[float]]


def against_onnxruntime() -> Outcome:
    """Seconds of the work, the libraries being loaded, each time in a process of its own."""
    attendance = Attendance()
    figures, checked = [], "nothing, for want of a peer"
    for method in COMPARED:
        ours = [_calibrated(SAMPLES, method) for _ in range(ROUNDS)]
        with attendance.of(f"onnxruntime's calibration, {method}"):
            theirs = apart.call(
                "int8.children:calibrate_onnxruntime",
                needs_mb=ONNXRUNTIME_NEEDS_MB,
                network=NETWORK,
                samples=SAMPLES,
                method=method,
            )
            checked = require_same(ours[0].told["extremes"], theirs.told["extremes"])
            seconds = [one.told["seconds"] for one in ours]
            figures += [
                Figure(f"onnxruntime's, {method}", over(theirs.told["seconds"], seconds), FASTER),
                Figure(f"  its peak memory, MB, {method}", exactly(theirs.peak_mb), at_most=True),
            ]
    return Outcome(
        checked=checked,
        figures=tuple(figures),
        notes=(
            *attendance.notes,
            f"{SAMPLES} pictures, read, decoded and prepared by the same code on both sides; "
            f"{THREADS} threads",
            f"onnxruntime once a run, edgeinfer {ROUNDS} times: the interval is its range",
            "NNCF does not calibrate by itself: all of its work is timed in the row quantize",
        ),
    )


def memory() -> Outcome:
    """Peak resident memory of processes that do nothing else."""
    plain = [
        apart.call("int8.children:plain", network=NETWORK, samples=SAMPLES).peak_mb
        for _ in range(ROUNDS)
    ]
    figures = [Figure("plain inference, MB", _spread(plain), at_most=True)]
    for method in COMPARED:
        few = [_calibrated(SAMPLES, method).peak_mb for _ in range(ROUNDS)]
        above = [one - median(plain) for one in few]
        figures.append(Figure(f"above that, MB, {method}", _spread(above), EXTRA_MB, at_most=True))
        if method == COMPARED[0]:
            many = _calibrated(MANY_SAMPLES, method).peak_mb
            figures.append(
                Figure(
                    f"{MANY_SAMPLES} samples differ from {SAMPLES} by",
                    exactly(abs(many / median(few) - 1)),
                    OTHER_MEMORY,
                    at_most=True,
                )
            )
    return Outcome(
        checked="nothing: the answers are those of the row before",
        figures=tuple(figures),
        notes=(
            f"{THREADS} threads; processes import NumPy and edgeinfer alike",
            "the peers' memory: in the rows calibrate and quantize",
        ),
    )


def over_inference() -> Outcome:
    """Each method beside running the same pictures, in turn in one process."""
    network = NETWORKS[NETWORK]
    prepare, pictures = network.preprocess(), network.calibration()
    with ei.Session(network.file, threads=THREADS, cache=False) as session:

        def infer(_: int) -> None:
            for picture in pictures:
                session.run(prepare(frame_of(picture)).tensor)

        timings = alternate(
            {"inference": infer} | {name: _calibration_by(name) for name in METHODS},
            rounds=ROUNDS,
            warmup=1,
        )
    return Outcome(
        checked="nothing: the answers are those of the row before",
        figures=tuple(
            Figure(
                f"{name} / inference",
                timings.ratio(name, "inference"),
                OVER_INFERENCE,
                at_most=True,
            )
            for name in METHODS
        ),
        sides={name: timings.summary(name) for name in ("inference", *METHODS)},
        notes=(
            f"{SAMPLES} pictures from their files, {THREADS} threads on both sides",
            "no peers: what is compared is our own inference",
        ),
    )


def _calibration_by(method: str) -> Side:
    network = NETWORKS[NETWORK]
    pictures, prepare = network.calibration(), network.preprocess()

    def calibrate(_: int) -> None:
        ranges = ei.calibrate(
            network.file, pictures, method=method, preprocess=prepare, threads=THREADS
        )
        for name in ranges.names():
            ranges.range(name)

    return calibrate


def _calibrated(samples: int, method: str) -> apart.Apart:
    return apart.call(
        "int8.children:calibrate_edgeinfer", network=NETWORK, samples=samples, method=method
    )


def require_same(ours: Extremes, theirs: Extremes) -> str:
    """Raise AssertionError unless both saw the same least and greatest values.

    Tensors that one of them does not observe are left out; ours hold zero always.
    """
    common = sorted(ours.keys() & theirs.keys())
    if not common:
        raise AssertionError("extremes: no tensor that both observed")

    def holding_zero(extremes: Extremes) -> NDArray[np.float64]:
        rows = np.array([extremes[name] for name in common], np.float64)
        return np.stack([np.minimum(rows[:, 0], 0), np.maximum(rows[:, 1], 0)], axis=1)

    mine, other = holding_zero(ours), holding_zero(theirs)
    away = np.abs(mine - other).max(axis=1) / np.maximum(np.ptp(other, axis=1), 1e-12)
    worst = int(away.argmax())
    if away[worst] > SAME_EXTREMES:
        raise AssertionError(
            f"{common[worst]}: extremes {mine[worst]} are not onnxruntime's {other[worst]}"
        )
    return (
        f"extremes of the {len(common)} tensors that both observe: at most {away[worst]:.1g} of "
        f"the span apart (bound {SAME_EXTREMES:g})"
    )


def exactly(value: float) -> Ratio:
    """Measured once."""
    return Ratio(value, value, value)


def over(slow: float, fast: Sequence[float]) -> Ratio:
    """One measurement over the median of several; the interval is their range."""
    return Ratio(slow / median(fast), slow / max(fast), slow / min(fast))


def _spread(values: Sequence[float]) -> Ratio:
    return Ratio(median(values), min(values), max(values))
