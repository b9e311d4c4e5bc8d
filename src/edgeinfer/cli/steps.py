"""How far a command of several steps is, on stderr."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import Final, TextIO

from edgeinfer.cli.progress import Progress

__all__ = ["Steps"]

_QUIET_S: Final = 2.0  # shorter steps say nothing into a log
_AGAIN_S: Final = 10.0

# What each step of quantising does, and what it counts.
_WORDS: Final = {
    "prepare": ("preparing the model", "parts"),
    "calibrate": ("calibrating", "samples"),
    "repair": ("repairing", "repairs"),
    "write": ("writing integers", "parts"),
    "layers": ("judging layers", "runs"),
    "time": ("timing layers", "layers"),
    "search": ("choosing layers", "networks"),
    "judge": ("comparing with float", "samples"),
    "save": ("saving", "files"),
}


class Steps:
    """Shows the step that runs: how much of it is done and about how long it takes still.

    Of a step that does not count, for how long it has run. One line in place on a terminal, now and
    then one in a log. A thread looks now and then, until ``clear``.

    Args:
        quiet: print nothing.
        stream: where to print; stderr by default.
        clock: seconds that only go up.
        every: seconds between two looks of the thread; None: no thread, who calls `tick` looks.
    """

    def __init__(
        self,
        *,
        quiet: bool = False,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
        every: float | None = 1.0,
    ) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._terminal = self._stream.isatty()
        self._quiet = quiet
        self._clock = clock
        self._lock = threading.Lock()
        self._step = ""
        self._began = self._next = 0.0
        self._counts: Progress | None = None
        self._shown = False
        self._over = threading.Event()
        self._ticker: threading.Thread | None = None
        if every is not None and not quiet:
            self._ticker = threading.Thread(target=self._tick_on, args=(every,), daemon=True)
            self._ticker.start()

    def __call__(self, step: str, done: int, total: int | None) -> None:
        """``done`` of ``total`` are behind us, where the step can tell."""
        if self._quiet:
            return
        with self._lock:
            doing, unit = _WORDS.get(step, (step, ""))
            if step != self._step:
                self._clear()
                self._step, self._counts = step, None
                self._began = self._clock()
                self._next = self._began + (0 if self._terminal else _QUIET_S)
                self._say(self._began)
            if total is not None and total > 1 and self._counts is None:
                self._counts = Progress(
                    total, unit, doing=doing, stream=self._stream, clock=self._clock
                )
            if self._counts is not None:
                self._counts.at(done, total)

    def tick(self) -> None:
        """Say for how long a step that does not count has run."""
        with self._lock:
            if self._step and self._counts is None:
                self._say(self._clock())

    def clear(self) -> None:
        """Before anything else is printed: take the line off, and say nothing from now on."""
        self._over.set()
        if self._ticker is not None:
            self._ticker.join()
        with self._lock:
            self._clear()
            self._step = ""

    def _say(self, now: float) -> None:
        if now < self._next:
            return
        self._next = now + (0 if self._terminal else _AGAIN_S)
        text = _WORDS.get(self._step, (self._step, ""))[0]
        if now - self._began >= _QUIET_S:
            text += f", for {now - self._began:.0f} s"
        if self._terminal:
            self._stream.write(f"\r\x1b[K{text}")
            self._shown = True
        else:
            self._stream.write(f"{text}\n")
        self._stream.flush()

    def _clear(self) -> None:
        if self._counts is not None:
            self._counts.clear()
        if self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._shown = False

    def _tick_on(self, every: float) -> None:
        while not self._over.wait(every):
            self.tick()
