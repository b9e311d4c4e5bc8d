"""What forks, sub-interpreters, interrupts and a sudden end of the interpreter come to."""

import os
import pickle
import subprocess
import sys
import textwrap

import pytest

import edgeinfer as ei
from session.networks import counting, doubler, endless

NEEDS_FORK = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def python(program: str, *values: str) -> subprocess.CompletedProcess[str]:
    """The program in an interpreter of its own, stopped when it hangs."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(program), *values],
        capture_output=True,
        text=True,
        timeout=120,
    )


def expect(done: subprocess.CompletedProcess[str], *lines: str) -> None:
    assert (done.returncode, done.stderr, done.stdout.splitlines()) == (0, "", list(lines))


FORK = """
    import os, sys
    import numpy as np
    import edgeinfer as ei

    model, x = bytes.fromhex(sys.argv[1]), np.ones((2, 3), np.float32)
    frame = np.zeros((8, 8, 3), np.uint8)
    prepare = ei.Preprocess((4, 4), resize=ei.Resize.CV2_LINEAR)

    def tried(work):
        try:
            work()
            print("done")
        except ei.RunError as error:
            print(error.reason, str(error)[:32])

    def in_child(work):
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            work()
            sys.exit()  # ends the interpreter like any other: what the parent made is let go of
        if os.waitpid(pid, 0)[1] != 0:
            print("the child failed")
"""


def test_what_holds_a_network_cannot_be_pickled_and_options_can() -> None:
    session = ei.Session(doubler(), threads=1)
    for one in (session, session.bind(), ei.Cancellation()):
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            with pytest.raises(TypeError, match="pickle"):
                pickle.dumps(one, protocol)
    options = ei.SessionOptions(spin="on", free_dimensions={"n": 1})
    assert pickle.loads(pickle.dumps(options)) == options  # noqa: S301 - our own, made here


@NEEDS_FORK
def test_a_child_of_a_process_with_sessions_gets_an_error_and_no_hang() -> None:
    program = """
    session = ei.Session(model, threads=2)
    binding = session.bind()
    session.run(x, timeout_s=60)

    def child():
        tried(lambda: session.run(x))
        tried(lambda: session.run(x, timeout_s=60))
        tried(binding.run)
        tried(lambda: ei.Session(model, threads=1))
        tried(lambda: prepare(frame))
        session.close()

    in_child(child)
    tried(lambda: session.run(x, timeout_s=60))
    """
    forked = "runtime runtime: found a forked process,"
    expect(python(FORK + program, doubler().hex()), *[forked] * 4, "done", "done")


@NEEDS_FORK
def test_a_child_of_a_process_that_only_imported_may_do_all() -> None:
    program = """
    prepare(frame)
    ei.inspect(model)
    in_child(lambda: tried(lambda: ei.Session(model).run(x, timeout_s=60)))
    tried(lambda: ei.Session(model).run(x, timeout_s=60))
    """
    expect(python(FORK + program, doubler().hex()), "done", "done")


@pytest.mark.parametrize("first", ["", "import edgeinfer; edgeinfer.Session"])
def test_a_sub_interpreter_is_refused(first: str) -> None:
    interpreters = pytest.importorskip(
        "_xxsubinterpreters" if sys.version_info < (3, 13) else "_interpreters"
    )
    program = f"""
    import sys
    {first}
    import {interpreters.__name__} as interpreters
    other = interpreters.create()
    interpreters.run_string(other, sys.argv[1])
    interpreters.destroy(other)
    from edgeinfer import _core
    print("and the main one goes on")
    """
    inside = """
    try:
        from edgeinfer import _core
        print("imported")
    except ImportError as error:
        print(error, flush=True)
    """
    expect(
        python(program, textwrap.dedent(inside)),
        "edgeinfer: found a sub-interpreter, wanted the main one; import it in the main "
        "interpreter or in a process of its own",
        "and the main one goes on",
    )


INTERRUPT = """
    import os, signal, sys, threading
    from concurrent.futures import ThreadPoolExecutor
    import numpy as np
    import edgeinfer as ei

    session = ei.Session(bytes.fromhex(sys.argv[1]), threads=1)

    def soon():
        threading.Timer(0.05, os.kill, [os.getpid(), signal.SIGINT]).start()
"""


def test_an_interrupt_arrives_when_the_run_ends() -> None:
    program = """
    x = np.zeros(1, np.float32)
    soon()
    try:
        while True:  # the first of them takes longer than the wait
            session.run(x)
    except KeyboardInterrupt:
        print("interrupted")
    print(session.run(x)["y"].tolist())
    """
    expect(python(INTERRUPT + program, counting(1_000_000).hex()), "interrupted", "[1000000.0]")


def test_a_run_in_another_thread_is_cancelled_by_an_interrupt() -> None:
    program = """
    token = ei.Cancellation()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(session.run, np.ones(4, np.float32), cancel=token)
        soon()
        try:
            running.result()
        except KeyboardInterrupt:
            token.cancel()
        print(running.exception().reason)
    """
    expect(python(INTERRUPT + program, endless().hex()), "cancelled")


@pytest.mark.parametrize("load", ["", "ei.inspect(model); import numpy"])
def test_the_interpreter_ends_cleanly_within_the_first_array_call(load: str) -> None:
    # The thread is likely, not certain, to be in it: several ends make a miss improbable.
    program = f"""
    import sys, threading
    import edgeinfer as ei
    model = bytes.fromhex(sys.argv[1])
    {load}
    import numpy as np

    frame = np.zeros((64, 64, 3), np.uint8)
    prepare = ei.Preprocess((32, 32), resize=ei.Resize.PIL_BILINEAR)
    running = threading.Event()

    def work():
        running.set()
        while True:
            prepare(frame)

    threading.Thread(target=work, daemon=True).start()
    running.wait()
    print("end")
    """
    for _ in range(6):
        expect(python(program, doubler().hex()), "end")
