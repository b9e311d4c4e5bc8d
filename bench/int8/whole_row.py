"""Row: all of quantising MobileNetV2, from the start of a process to the written file."""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median

import apart
from int8.calibration_rows import exactly, over
from int8.children import ONNXRUNTIME_NEEDS_MB, THREADS
from int8.files import unsigned_activations
from peers.attendance import Attendance
from rows import Figure, Outcome

NETWORK = "mobilenet_v2"
METHOD = "percentile"
ROUNDS = 3
FASTER = 6


def measure() -> Outcome:
    """Repairs are left out of the time that counts, and told; judging is not."""
    attendance = Attendance()
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        target = str(Path(folder) / "int8.onnx")
        ours = [
            apart.call(
                "int8.children:quantise_edgeinfer", network=NETWORK, out=target, method=METHOD
            )
            for _ in range(ROUNDS)
        ]
        # The whole step: each repair, and the float network's results that they are measured by.
        repairs = [one.told["steps"]["repair"] for one in ours]
        whole = [one.seconds for one in ours]
        without = [one - repair for one, repair in zip(whole, repairs, strict=True)]
        with attendance.of("onnxruntime's quantize_static"):
            theirs = apart.call(
                "int8.children:quantise_onnxruntime",
                needs_mb=ONNXRUNTIME_NEEDS_MB,
                network=NETWORK,
                out=target,
                method=METHOD,
                unsigned=unsigned_activations(),
            )
            figures = [
                Figure(
                    "onnxruntime's, ours without repairs", over(theirs.seconds, without), FASTER
                ),
                Figure("onnxruntime's, repairs included", over(theirs.seconds, whole)),
                Figure("onnxruntime's, seconds", exactly(theirs.seconds), at_most=True),
                Figure("onnxruntime's, peak memory, MB", exactly(theirs.peak_mb), at_most=True),
            ]
        with attendance.of("nncf"):
            nncf = apart.call("int8.children:quantise_nncf", network=NETWORK, out=target)
            figures += [
                Figure("NNCF's, repairs included", over(nncf.seconds, whole)),
                Figure("NNCF's, peak memory, MB", exactly(nncf.peak_mb), at_most=True),
            ]
    last = ours[-1]
    figures += [
        Figure("ours, seconds, repairs included", exactly(median(whole)), at_most=True),
        Figure("ours, repairs alone, seconds", exactly(median(repairs)), at_most=True),
        Figure("ours, peak memory, MB", exactly(last.peak_mb), at_most=True),
    ]
    steps = ", ".join(f"{name} {seconds:.2f}" for name, seconds in last.told["steps"].items())
    mended = ", ".join(f"{name} {seconds:.2f}" for name, seconds in last.told["repairs"].items())
    return Outcome(
        checked="nothing here: the files are judged in the rows of accuracy",
        figures=tuple(figures),
        notes=(
            *attendance.notes,
            f"128 pictures, {METHOD}, {THREADS} threads; onnxruntime with its pre-processing",
            f"ours, seconds of the steps: {steps}",
            f"of the step repair, each: {mended or 'none tried'}",
        ),
    )
