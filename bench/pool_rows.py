"""Rows: two sessions in turn and at once, and what a session costs between frames; two threads.

The pool is the one that a user gets without a word: shared by the process, which has two cores.
"""

import os
import time
from pathlib import Path

from idle_cpu import FRAMES_A_SECOND, SECONDS, idle_cpu
from quantise_networks import classifier_files
from rows import Figure, Outcome
from timing import Ratio
from two_sessions import at_once, in_turn

CHECKED = "answers against a session of one thread, 1e-4"
PER_CENT = 100


def _networks() -> tuple[str, str]:
    """MobileNetV2 in float and in int8: two networks of unlike length."""
    files = classifier_files()
    return str(files.float32), str(files.s8s8)


def in_turn_row() -> Outcome:
    found = in_turn(networks=_networks())
    return Outcome(
        checked=CHECKED,
        figures=tuple(
            Figure(f"time / alone, MobileNetV2 {Path(name).stem}", ratio, 1.2, 1.1, at_most=True)
            for name, ratio in found.items()
        ),
        notes=(f"{os.cpu_count()} cores",),
    )


def at_once_row() -> Outcome:
    found = at_once(networks=_networks())
    return Outcome(
        checked=CHECKED,
        figures=tuple(
            Figure(f"throughput of two / one, MobileNetV2 {Path(name).stem}", ratio, 0.95, 1.0)
            for name, ratio in found.items()
        ),
        notes=(f"{os.cpu_count()} cores",),
    )


def idle_row() -> Outcome:
    model = classifier_files().float32
    start = time.monotonic()
    cost = idle_cpu(model=model)
    # One long measurement, not rounds: it has no interval.
    outside = Ratio(*[PER_CENT * cost.outside] * 3)
    return Outcome(
        checked=CHECKED,
        figures=(Figure("per cent of the time, outside run", outside, 1, 0.3, at_most=True),),
        notes=(
            f"{FRAMES_A_SECOND:g} frames/s over {SECONDS:g} s; {PER_CENT * cost.inside:.1f} per "
            f"cent of a core went into the runs; took {time.monotonic() - start:.0f} s",
        ),
    )
