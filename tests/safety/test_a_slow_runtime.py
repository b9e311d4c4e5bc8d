"""What a process comes to that ends, or forks, while another thread opens the runtime."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from session.networks import doubler

Process = subprocess.Popen[str]
Start = Callable[[str], tuple[Process, Callable[[], None]]]
# Ends the process, and with it the wait of a runtime that is never told to go on.
LIMIT_S = 120

BEGIN = """
    import atexit, contextlib, os, sys, threading

    def tell():
        try:
            os.fstat(int(os.environ["SLOW_RUNTIME_PIPE"]))
            print("still in it", flush=True)
        except OSError:
            print("out of it", flush=True)

    atexit.register(tell)  # the first to be registered runs last
    import edgeinfer as ei
    from edgeinfer import _core
    atexit.register(lambda: print("ending", flush=True))
    model = bytes.fromhex(sys.argv[1])

    def work():
        with contextlib.suppress(ei.RunError):  # it is let go before the end has begun
            ei.Session(model, threads=1)

    def load():
        threading.Thread(target=work, daemon=True).start()
        input()
"""
BESIDE_NUMPY, AFTER_NUMPY = "load()", "import numpy\nload()"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler to build the slow runtime with")
    library = tmp_path_factory.mktemp("slow") / "slow_runtime.so"
    source = Path(__file__).with_name("slow_runtime.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    return library


@pytest.fixture
def in_the_runtime(library: Path) -> Iterator[Start]:
    """Starts a program; gives it once a thread is in the runtime, and what lets that go on."""
    started: list[Process] = []
    ours: list[int] = []

    def let_go() -> None:
        os.close(ours.pop())

    def start(program: str) -> tuple[Process, Callable[[], None]]:
        theirs, end = os.pipe()
        ours.append(end)
        code = textwrap.dedent(BEGIN) + program
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", code, doubler().hex()],
            env={
                **os.environ,
                "EDGEINFER_ONNXRUNTIME": str(library),
                "SLOW_RUNTIME_PIPE": str(theirs),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=[theirs],
            text=True,
        )
        started.append(process)
        os.close(theirs)
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "in the runtime\n"
        process.stdin.write("\n")
        process.stdin.flush()
        return process, let_go

    yield start
    for end in ours:
        os.close(end)
    for process in started:
        process.kill()
        process.communicate()


def lines_of(process: Process, count: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline().rstrip("\n") for _ in range(count)]


@pytest.mark.parametrize("program", [BESIDE_NUMPY, AFTER_NUMPY])
def test_the_end_waits_for_the_thread_that_opens_the_runtime(
    in_the_runtime: Start, program: str
) -> None:
    process, let_go = in_the_runtime(program)
    assert lines_of(process, 1) == ["ending"]
    let_go()
    assert process.communicate(timeout=LIMIT_S) == ("out of it\n", "")
    assert process.returncode == 0


def test_an_interrupt_ends_that_wait(in_the_runtime: Start) -> None:
    process, _ = in_the_runtime(AFTER_NUMPY)
    assert lines_of(process, 1) == ["ending"]
    process.send_signal(signal.SIGINT)
    output, error = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, output) == (0, "still in it\n"), error
    assert error.splitlines()[-1].startswith("KeyboardInterrupt")


def test_a_runtime_that_hangs_does_not_keep_the_program_from_its_end(
    in_the_runtime: Start,
) -> None:
    process, _ = in_the_runtime(BESIDE_NUMPY)
    assert process.communicate(timeout=LIMIT_S) == ("ending\nstill in it\n", "")
    assert process.returncode == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_forked_meanwhile_gets_an_error_and_ends(in_the_runtime: Start) -> None:
    program = """
pid = os.fork()
if pid == 0:
    try:
        ei.Session(model, threads=1)
    except ei.RunError as error:
        print(str(error)[:32], flush=True)
    sys.exit()
print("child", os.waitpid(pid, 0)[1], flush=True)
"""
    process, let_go = in_the_runtime(AFTER_NUMPY + program)
    assert lines_of(process, 3) == ["runtime: found a forked process,", "ending", "still in it"]
    assert lines_of(process, 2) == ["child 0", "ending"]
    let_go()
    assert process.communicate(timeout=LIMIT_S) == ("out of it\n", "")
