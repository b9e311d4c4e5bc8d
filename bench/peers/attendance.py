"""Peers that take no part are named with the reason."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

REASON_LENGTH = 160


@dataclass
class Attendance:
    """Who could not be measured, and why; the notes go below the row."""

    notes: list[str] = field(default_factory=list)

    @contextmanager
    def of(self, peer: str) -> Iterator[None]:
        """Note the reason if ``peer`` cannot be imported, load the network, or have the memory.

        Wrong answers are no reason to stay away: they are AssertionErrors, which pass through.
        """
        try:
            yield
        except (ImportError, MemoryError, OSError, RuntimeError, ValueError) as error:
            reason = " ".join(str(error).split())[:REASON_LENGTH]
            self.notes.append(f"without {peer}: {type(error).__name__}: {reason}")
