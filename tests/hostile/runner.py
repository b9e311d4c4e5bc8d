"""Run work on hostile input, each piece in a child process with memory and time limits.

    with Runner("hostile.images:decode_file", setup="hostile.images:warm") as runner:
        outcome = runner.run("some/file.png")

A small server process imports nothing but the standard library and, if ``warm``, what ``setup``
imports. It forks one child for each piece of work, so that a child costs a millisecond or two and
whatever it does to itself ends with it. The child's limit counts from its state after ``setup``:
what an import takes is not the input's doing.

Work and setup are named as ``module:function`` and found on the caller's ``sys.path``. Work takes
one string and returns anything JSON can hold; setup takes nothing.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Literal

__all__ = ["Outcome", "Runner"]

Kind = Literal["ok", "typed", "untyped", "memory", "crash", "hang"]


@dataclass(frozen=True)
class Outcome:
    """What became of one piece of work.

    Attributes:
        kind: ``ok``: work returned. ``typed``: an ``EdgeInferError``. ``untyped``: another
            exception. ``memory``: refused memory by the limit (also if an error of ours was made
            of it), or more resident memory than the limit. ``crash``: a signal, or an exit without
            an answer. ``hang``: killed when its time was over.
        what: the returned value; the error's class name; the signal's name; else empty.
        text: of the error, with the traceback if it is untyped.
        printed: what the child wrote to its standard output and error.
        peak_mb: the most resident memory above the state after setup, in 1e6 bytes; pages that
            the child only shares with the server count in neither.
        seconds: from the fork to the end, setup included if not ``warm``.
    """

    kind: Kind
    what: Any
    text: str
    printed: str
    peak_mb: float
    seconds: float


class Runner:
    """Server of children; a context manager.

    Args:
        work: ``module:function`` to call with the argument of ``run``.
        setup: ``module:function`` to call first, for imports and other lasting costs.
        warm: call setup once, in the server. It must then start no threads (a fork would leave
            them out), which is checked. False: in every child, as for libraries that keep threads.
        memory_mb: what the work may take above the state after setup, in 1e6 bytes. None: all.
        timeout_s: what a child may take, setup included if not ``warm``.
        limit: ``data`` counts private writable memory (RLIMIT_DATA), ``address`` all address space
            (RLIMIT_AS), where thread stacks and reservations weigh as much as what is used.
        environment: variables to add; BLAS is kept to one thread in any case.
    """

    def __init__(
        self,
        work: str,
        *,
        setup: str | None = None,
        warm: bool = True,
        memory_mb: int | None = 300,
        timeout_s: float = 20.0,
        limit: Literal["data", "address"] = "data",
        environment: dict[str, str] | None = None,
    ) -> None:
        orders = {
            "work": work,
            "setup": setup,
            "warm": warm,
            "memory": None if memory_mb is None else memory_mb * 10**6,
            "timeout_s": timeout_s,
            "limit": limit,
        }
        tests = str(Path(__file__).resolve().parents[1])
        surroundings = {
            **os.environ,
            "OPENBLAS_NUM_THREADS": "1",
            **(environment or {}),
            "PYTHONPATH": os.pathsep.join([tests, *filter(None, sys.path)]),
        }
        self._server = subprocess.Popen(
            [sys.executable, "-m", "hostile.runner", json.dumps(orders)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=surroundings,
            text=True,
        )
        try:
            self._answer()  # setup is done
        except BaseException:
            self.close()
            raise

    def run(self, argument: str | os.PathLike[str]) -> Outcome:
        """Give one piece of work to a child of its own, and wait for its end."""
        assert self._server.stdin is not None
        self._server.stdin.write(json.dumps(os.fspath(argument)) + "\n")
        self._server.stdin.flush()
        return Outcome(**self._answer())

    def _answer(self) -> dict[str, Any]:
        assert self._server.stdout is not None
        line = self._server.stdout.readline()
        if not line:
            raise RuntimeError(f"the server ended with status {self._server.wait()}; see stderr")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the server; it has no children between two runs."""
        for stream in (self._server.stdin, self._server.stdout):
            assert stream is not None
            stream.close()
        self._server.wait()

    def __enter__(self) -> Runner:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


# Below: the server and its children.


def _named(name: str) -> Any:
    module, function = name.split(":")
    return getattr(importlib.import_module(module), function)


def _status(field: str) -> int:
    """A field of /proc/self/status, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise KeyError(field)


def _serve(orders: dict[str, Any]) -> None:
    # Whatever prints must not print into the answers.
    with os.fdopen(os.dup(1), "w") as answers, tempfile.TemporaryFile() as prints:
        os.dup2(2, 1)
        if orders["setup"] and orders["warm"]:
            _named(orders["setup"])()
        threads = len(os.listdir("/proc/self/task"))
        if threads > 1:
            sys.exit(f"setup left {threads} threads, which a fork would lose; say warm=False")
        work = _named(orders["work"]) if orders["warm"] else None
        answers.write("{}\n")
        answers.flush()
        for line in sys.stdin:
            outcome = _contained(orders, work, json.loads(line), prints)
            answers.write(json.dumps(asdict(outcome)) + "\n")
            answers.flush()


def _contained(orders: dict[str, Any], work: Any, argument: str, prints: IO[bytes]) -> Outcome:
    prints.seek(0)
    prints.truncate()
    answer, told = os.pipe()
    start = time.monotonic()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(answer)
            os.dup2(prints.fileno(), 1)
            os.dup2(prints.fileno(), 2)
            _child(orders, work, argument, told)
            status = 0
        except BaseException:  # noqa: BLE001 - the last frame of the child: nothing may get past it
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(told)
    parts, hung = _collect(answer, start + orders["timeout_s"])
    os.close(answer)
    if hung:
        os.kill(child, signal.SIGKILL)
    _, status, usage = os.wait4(child, 0)
    seconds = time.monotonic() - start
    prints.seek(0)
    printed = prints.read().decode(errors="replace")
    lines = parts.decode().splitlines()
    base = json.loads(lines[0]) if lines else 0
    peak = max(0, usage.ru_maxrss * 1024 - base) if base else 0
    kind, what, text = json.loads(lines[1]) if len(lines) > 1 else ("crash", "", "")
    if hung:
        kind, what, text = "hang", "", f"no end after {orders['timeout_s']} s"
    elif os.WIFSIGNALED(status):
        kind, what, text = "crash", signal.Signals(os.WTERMSIG(status)).name, ""
    elif kind == "crash":
        what = f"exit status {os.WEXITSTATUS(status)}"
    elif orders["memory"] is not None and peak > orders["memory"]:
        kind = "memory"
    return Outcome(kind, what, text, printed, peak / 1e6, seconds)


def _collect(answer: int, deadline: float) -> tuple[bytes, bool]:
    """All that the child tells, and whether the time ran out before it had told it."""
    parts = bytearray()
    while True:
        ready, _, _ = select.select([answer], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return bytes(parts), True
        part = os.read(answer, 65536)
        if not part:
            return bytes(parts), False
        parts += part


def _child(orders: dict[str, Any], work: Any, argument: str, told: int) -> None:
    if not orders["warm"]:
        if orders["setup"]:
            _named(orders["setup"])()
        work = _named(orders["work"])
        # Forget what the imports took for a moment (Linux: 5 resets the peak).
        Path("/proc/self/clear_refs").write_text("5")
    from edgeinfer.errors import EdgeInferError

    os.write(told, json.dumps(_status("VmRSS")).encode() + b"\n")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if orders["memory"] is not None:
        kind, field = {
            "data": (resource.RLIMIT_DATA, "VmData"),
            "address": (resource.RLIMIT_AS, "VmSize"),
        }[orders["limit"]]
        most = _status(field) + orders["memory"]
        resource.setrlimit(kind, (most, most))
    result: tuple[str, Any, str]
    try:
        result = "ok", work(argument), ""
    except MemoryError as error:
        result = "memory", "MemoryError", str(error)
    except EdgeInferError as error:
        refused = _refused_memory(error)
        result = "memory" if refused else "typed", type(error).__name__, str(error)
    except Exception as error:  # noqa: BLE001 - to be told apart by the test
        result = "untyped", type(error).__name__, traceback.format_exc()
    sys.stdout.flush()
    os.write(told, json.dumps(result).encode() + b"\n")


def _refused_memory(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, MemoryError):
            return True
        error = error.__cause__ or error.__context__
    return False


if __name__ == "__main__":
    _serve(json.loads(sys.argv[1]))
