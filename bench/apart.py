"""A piece of work in a process of its own: how long it took, how much memory, what it told.

``call("module:function", name=value, ...)`` runs a function of a module of this folder in a new
interpreter. Arguments and what it returns are plain values, which JSON holds. Nothing that the
caller imported or allocated counts; what the function's module imports does, so such modules import
inside of their functions.
"""

import ctypes
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KB_PER_MB = 1024
NS_PER_S = 1e9
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Apart:
    """From the start of the process to the return of the function, and its peak memory.

    ``peak_mb`` (2**20 bytes) is that of resident memory, the libraries' pages included.
    """

    seconds: float
    peak_mb: float
    told: dict[str, Any]


def call(function: str, *, needs_mb: float = 0, **arguments: Any) -> Apart:
    """Run ``module:function`` with ``arguments`` and wait for it.

    Args:
        needs_mb: memory that the machine must have free, for work that would drive others out.
    Raises:
        AssertionError: the function raised one.
        MemoryError: there is less memory than ``needs_mb``.
        RuntimeError: it failed otherwise; the text is the last line of what it wrote to stderr.
    """
    free = available_mb()
    if free < needs_mb:
        raise MemoryError(f"needs {needs_mb:.0f} MB of memory, found {free:.0f} free")
    command = [sys.executable, str(Path(__file__).resolve()), function, json.dumps(arguments)]
    # By the clock that all processes share: the end of the process is not counted.
    start = time.monotonic_ns()
    child = subprocess.run(command, capture_output=True, text=True, check=False)
    if child.returncode != 0:
        lines = child.stderr.strip().splitlines() or [f"ended with status {child.returncode}"]
        failure = AssertionError if lines[-1].startswith("AssertionError") else RuntimeError
        raise failure(f"{function}: {lines[-1]}")
    end, peak_kb, told = json.loads(child.stdout.splitlines()[-1])
    return Apart((end - start) / NS_PER_S, peak_kb / KB_PER_MB, told)


def available_mb() -> float:
    """Memory that a new process can have without driving others out."""
    return _kb("/proc/meminfo", "MemAvailable") / KB_PER_MB


def _kb(file: str, field: str) -> int:
    for line in Path(file).read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1])
    raise RuntimeError(f"{file}: no {field}")


def _main() -> None:
    # What is measured does not outlive who measures, and is the first to go where memory ends.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    Path("/proc/self/oom_score_adj").write_text("1000")
    name, arguments = sys.argv[1:]
    module, _, function = name.partition(":")
    told = getattr(importlib.import_module(module), function)(**json.loads(arguments))
    end = time.monotonic_ns()
    print(f"\n{json.dumps([end, _kb('/proc/self/status', 'VmHWM'), told])}", flush=True)
    # Gigabytes need not be given back one by one.
    os._exit(0)


if __name__ == "__main__":
    _main()
