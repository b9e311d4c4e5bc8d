"""Cold starts: whole processes, timed from their start to their first result."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from edgeinfer.errors import RunError

__all__ = ["CacheState", "FreshRun", "Program", "cold_starts"]

CacheState = Literal["off", "cold", "warm"]

_LONGEST_SECONDS: Final = 300.0
_NS_PER_MS: Final = 1e6


@dataclass(frozen=True)
class Program:
    """What a process does until its first result, as a user would write it.

    Attributes:
        model: path.
        threads, options: of the session; options as keyword arguments that differ from defaults.
        shapes: ``{input: shape}`` to bind.
        fill: lines that write the first frame into ``bound.inputs``.
        call: ``"run"`` or ``"segment"``.
    """

    model: Path
    threads: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    fill: tuple[str, ...] = ()
    call: Literal["run", "segment"] = "run"

    def text(self, *, cache: bool) -> str:
        """The program; it prints nanoseconds to the imports' end, of the session, to the result."""
        given = ", ".join(f"{name}={value!r}" for name, value in self.options.items())
        options = f", options=ei.SessionOptions({given})" if given else ""
        quantized = ", quantized=True" if self.options.get("cut_head") else ""
        lines = [
            "import sys, time",
            "import numpy as np",
            "import edgeinfer as ei",
            "ei.Session",
            "begin = time.monotonic_ns()",
            f"session = ei.Session({str(self.model)!r}, threads={self.threads}{options}, "
            f"cache={cache})",
            "made = time.monotonic_ns()",
            f"bound = session.bind({dict(self.shapes)!r}{quantized})",
            *self.fill,
            f"bound.{self.call}()",
            "done = time.monotonic_ns()",
            "born = int(sys.argv[1])",
            "print(begin - born, made - begin, done - born)",
            "from edgeinfer.machine import resident_kib",
            "print(resident_kib()[1] or 0)",
        ]
        return "\n".join(lines)


@dataclass(frozen=True)
class FreshRun:
    """One process: milliseconds, and its largest resident memory in MiB (0: not known)."""

    import_ms: float
    session_ms: float
    result_ms: float
    peak_mib: float


def cold_starts(
    program: Program,
    *,
    rounds: int,
    seconds: float,
    cache_variable: str,
    tick: Callable[[float], object] = lambda share: None,
) -> dict[CacheState, list[FreshRun]]:
    """Start processes, in turns without a cache, with an empty one and with a filled one.

    Args:
        program: what they do.
        rounds: processes of each kind at most; at least 2, however long they take.
        seconds: no further round begins after this.
        cache_variable: the environment variable that names the cache's folder. The user's own
            cache is neither used nor changed.
        tick: is told which share of the rounds is over.

    Raises:
        RunError: a process failed or took longer than five minutes, or no folder for temporary
            files can be written to.
    """
    runs: dict[CacheState, list[FreshRun]] = {"off": [], "cold": [], "warm": []}
    end = time.monotonic() + seconds
    with _folder() as top:
        # The first process reads the files of Python and the model from disk, the others do not.
        _start(program.text(cache=False), {})
        for number in range(rounds):
            if number >= 2 and time.monotonic() > end:
                break
            runs["off"].append(_start(program.text(cache=False), {}))
            folder = {cache_variable: os.path.join(top, str(number))}
            runs["cold"].append(_start(program.text(cache=True), folder))
            runs["warm"].append(_start(program.text(cache=True), folder))
            tick((number + 1) / rounds)
    return runs


def _folder() -> tempfile.TemporaryDirectory[str]:
    try:
        return tempfile.TemporaryDirectory(prefix="edgeinfer-bench-")
    except OSError as error:
        raise RunError(
            f"cold start: found no folder for temporary files ({error.strerror or error}), wanted "
            "one to write to; set TMPDIR to one, or leave cold starts out with --no-cold"
        ) from error


def _start(text: str, environment: Mapping[str, str]) -> FreshRun:
    # Modules come from where this process takes them, and from nowhere else.
    here = sys.path[:1] in ([""], [os.getcwd()])
    command = [sys.executable, *([] if here else ["-P"]), "-c", text]
    try:
        done = subprocess.run(
            [*command, str(time.monotonic_ns())],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_LONGEST_SECONDS,
            check=False,
            env={**os.environ, **environment},
        )
    except subprocess.TimeoutExpired:
        raise RunError(
            f"cold start: found a process that gave no result within {_LONGEST_SECONDS:.0f} s, "
            "wanted its first result; leave cold starts out with --no-cold"
        ) from None
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        raise RunError(
            f"cold start: found a process that failed ({last}), wanted its first result; "
            "leave cold starts out with --no-cold"
        )
    first, second = done.stdout.splitlines()[-2:]
    imported, session, result = (int(word) / _NS_PER_MS for word in first.split())
    return FreshRun(imported, session, result, int(second) / 1024)
