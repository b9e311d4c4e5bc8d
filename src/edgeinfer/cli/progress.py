"""How far a long command is, on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO

__all__ = ["Progress"]

_TERMINAL_INTERVAL_S = 0.1
_PLAIN_FIRST_S = 2.0  # shorter commands say nothing into a log
_PLAIN_INTERVAL_S = 5.0


class Progress:
    """Counts ``total`` steps: one line in place on a terminal, now and then one in a log.

    Args:
        total: number of steps.
        unit: what is counted, in the plural.
        doing: said before the count, such as "calibrating".
        quiet: print nothing.
        stream: where to print.
        clock: seconds that only go up.
    """

    def __init__(
        self,
        total: int,
        unit: str,
        *,
        doing: str = "",
        quiet: bool = False,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._terminal = self._stream.isatty()
        # One step has no progress to speak of.
        self._quiet = quiet or total < 2
        self._total, self._unit, self._done = total, unit, 0
        self._doing = f"{doing}: " if doing else ""
        self._clock = clock
        self._start = clock()
        self._next = self._start + (0 if self._terminal else _PLAIN_FIRST_S)
        self._shown = False

    def step(self) -> None:
        """One more is done."""
        self.at(self._done + 1)

    def at(self, done: int, total: int | None = None) -> None:
        """So many are done, of ``total`` where that has become another number."""
        self._done, self._total = done, self._total if total is None else total
        if done >= self._total:
            self.clear()  # whatever is said of the whole, such as a warning, begins a line
        now = self._clock()
        if self._quiet or now < self._next or not 0 < done < self._total:
            return
        self._next = now + (_TERMINAL_INTERVAL_S if self._terminal else _PLAIN_INTERVAL_S)
        text = f"{self._doing}{self._done}/{self._total} {self._unit}, {self._left(now)}"
        if self._terminal:
            self._stream.write(f"\r\x1b[K{text}")
            self._shown = True
        else:
            self._stream.write(f"{text}\n")
        self._stream.flush()

    def clear(self) -> None:
        """Take the line off the terminal, before something else is printed and at the end."""
        if self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._shown = False

    def _left(self, now: float) -> str:
        seconds = (now - self._start) / self._done * (self._total - self._done)
        if seconds < 90:
            return f"about {seconds:.0f} s left"
        return f"about {seconds / 60:.0f} min left"
