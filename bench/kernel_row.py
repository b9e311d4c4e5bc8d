"""What the rows of one kernel share: sides that are timed in turn, and what is wanted of them.

Such a row makes the inputs and every side, raises AssertionError where answers differ, and times.
Sides write buffers of their own, made once, where the library allows it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2

from rows import Figure, Outcome
from sides import Side, require_one_thread
from timing import Timings, alternate

OURS = "edgeinfer"
KORNIA = "kornia-rs"
ROUNDS = 60
FRAME_SEEDS = range(3)


@dataclass(frozen=True)
class Wanted:
    """How often edgeinfer has to fit into the fastest of ``peers``."""

    against: str
    peers: tuple[str, ...]
    least: float
    aim: float

    def figure(self, timings: Timings) -> Figure:
        """The ratio of medians against the fastest peer, which is named where there are several."""
        fastest = min(self.peers, key=lambda peer: timings.summary(peer).median_ms)
        name = self.against if len(self.peers) == 1 else f"{self.against} ({fastest})"
        return Figure(name, timings.ratio(fastest, OURS), self.least, self.aim)


@dataclass(frozen=True)
class KernelRow:
    """What is timed: ``sides`` by name, edgeinfer's among them; each takes the round's number."""

    checked: str
    sides: Mapping[str, Side]
    wanted: tuple[Wanted, ...]
    notes: tuple[str, ...] = ()

    def measure(self) -> Outcome:
        """Alternating rounds in one thread each, after three that do not count."""
        cv2.setNumThreads(1)
        require_one_thread(self.sides, worker=(KORNIA,))
        timings = alternate(self.sides, rounds=ROUNDS)
        counted = {peer for wanted in self.wanted for peer in wanted.peers}
        told = [name for name in self.sides if name != OURS and name not in counted]
        return Outcome(
            checked=self.checked,
            figures=(
                *(wanted.figure(timings) for wanted in self.wanted),
                *(Figure(name, timings.ratio(name, OURS)) for name in told),
            ),
            sides={name: timings.summary(name) for name in self.sides},
            notes=self.notes,
        )
