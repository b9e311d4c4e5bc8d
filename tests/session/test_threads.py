"""Sessions and bindings from many threads: serial answers, safe ends, a free interpreter."""

import gc
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray

import edgeinfer as ei
from session.networks import convolution, counting, doubler


def together(*work: Callable[[], None]) -> None:
    """Run all at once; raise what any of them raised."""
    start = threading.Barrier(len(work))

    def one(task: Callable[[], None]) -> None:
        start.wait(30)
        task()

    with ThreadPoolExecutor(len(work)) as pool:
        for future in [pool.submit(one, task) for task in work]:
            future.result(120)


def frames(count: int) -> list[NDArray[np.float32]]:
    rng = np.random.default_rng(5)
    return [rng.normal(size=(1, 3, 32, 32)).astype(np.float32) for _ in range(count)]


@pytest.mark.parametrize("threads", [1, None, 2])
def test_eight_threads_on_two_sessions_give_serial_answers(threads: int | None) -> None:
    sessions = [ei.Session(convolution(seed=seed), threads=threads) for seed in (0, 1)]
    given = frames(8)
    serial = [[s.run(f)["y"].tobytes() for f in given] for s in sessions]

    def work(first: int) -> None:
        for step in range(60):
            session, frame = (first + step) % 2, (first + step) % 8
            found = sessions[session].run(given[frame], timeout_s=60 if step % 3 else None)
            assert found["y"].tobytes() == serial[session][frame]

    together(*(lambda i=i: work(i) for i in range(8)))


def test_close_during_runs_in_other_threads_is_safe() -> None:
    frame = frames(1)[0]

    def work(session: ei.Session, closing: threading.Event, wanted: bytes) -> None:
        def run_for_ever() -> None:
            while True:
                assert session.run(frame)["y"].tobytes() == wanted

        with pytest.raises(ei.InputError, match="found it closed"):
            run_for_ever()
        assert closing.is_set()

    def close(session: ei.Session, closing: threading.Event) -> None:
        session.run(frame)
        closing.set()
        session.close()

    for _ in range(10):
        session, closing = ei.Session(convolution(), threads=1), threading.Event()
        run = partial(work, session, closing, session.run(frame)["y"].tobytes())
        together(run, run, run, partial(close, session, closing))


def test_a_binding_serves_one_thread_at_a_time() -> None:
    session = ei.Session(counting(300), threads=1)
    binding = session.bind()
    binding.inputs["x"][...] = 5

    def work() -> None:
        for _ in range(50):
            binding.run()
            assert binding.outputs["y"].tolist() == [305]
            assert binding.last_times.run_ms > 0

    together(work, work)


def test_everything_made_outlives_session_and_binding() -> None:
    session = ei.Session(doubler(), threads=1)
    binding = session.bind()
    x, y = binding.inputs["x"], binding.outputs["y"]
    x[...] = 3
    result = session.run(np.full((2, 3), 4, np.float32))["y"]
    session.close()
    with pytest.raises(ei.InputError, match="found it closed"):
        session.run(x)
    with pytest.raises(ei.InputError, match="found it closed"):
        session.bind()
    with pytest.raises(ei.InputError, match="found it closed"):
        session.describe()
    binding.run()
    assert y.tolist() == [[6] * 3] * 2
    del session, binding
    gc.collect()
    # Whatever takes freed memory over would show here.
    filled = [np.full(1 << 12, 255, np.uint8) for _ in range(64)]
    assert (x.tolist(), y.tolist()) == ([[3] * 3] * 2, [[6] * 3] * 2)
    assert result.tolist() == [[8] * 3] * 2
    x[...] = 1
    assert len(filled) == 64


def test_a_session_closes_with_its_block() -> None:
    with ei.Session(doubler(), threads=1) as session:
        session.run(np.ones((2, 3), np.float32))
    session.close()
    with pytest.raises(ei.InputError, match="found it closed"):
        session.run(np.ones((2, 3), np.float32))


@pytest.mark.parametrize("what", ["run", "binding", "last_times", "outputs"])
def test_other_threads_go_on_while_a_network_runs(what: str) -> None:
    # Under the sanitizers the run takes the 10 s after which a loop is stopped unless told.
    options = ei.SessionOptions(timeout_s=100)
    session = ei.Session(counting(400_000), threads=1, options=options)
    binding = session.bind()
    binding.outputs  # noqa: B018 - made before, so that only the wait is left below
    one = np.zeros(1, np.float32)
    running, done = threading.Event(), threading.Event()
    steps = 0

    def run() -> None:
        running.set()
        try:
            session.run(one) if what == "run" else binding.run()
        finally:
            done.set()

    def look() -> None:
        running.wait(30)
        if what == "last_times":
            binding.last_times  # noqa: B018 - waits for the run in the other thread
        elif what == "outputs":
            binding._binding.outputs()

    def count() -> None:
        nonlocal steps
        running.wait(30)
        while not done.is_set():
            steps += 1

    together(run, look, count)
    # The run takes tens of milliseconds; with the interpreter held, a handful of steps at most.
    assert steps > 5_000


def test_many_sessions_at_once_give_serial_answers_by_every_way() -> None:
    given = frames(4)
    options = ei.SessionOptions(async_threads=2, async_waiting=100)
    sessions = [
        ei.Session(convolution(seed=seed), threads=(1, None, 2)[seed % 3], options=options)
        for seed in range(12)
    ]
    serial = [[s.run(f)["y"].tobytes() for f in given] for s in sessions]

    def work(first: int) -> None:
        bindings = [s.bind() for s in sessions]
        for step in range(48):
            at, frame = (first + step) % 12, (first * 3 + step) % 4
            session, binding = sessions[at], bindings[at]
            token = ei.Cancellation()
            future = session.run_async(given[frame])
            found = session.run(given[frame], cancel=token, timeout_s=60)["y"]
            token.cancel()
            binding.inputs["x"][...] = given[frame]
            binding.run(cancel=ei.Cancellation())
            for answer in (found, binding.outputs["y"], future.result(60)["y"]):
                assert answer.tobytes() == serial[at][frame]

    together(*(lambda i=i: work(i) for i in range(8)))
    assert sum(s.stats().completed for s in sessions) == 12 * 4 + 8 * 48 * 3

    # Loading and closing beside running ones.
    def load(seed: int) -> None:
        for _ in range(10):
            with ei.Session(convolution(seed=seed), threads=1) as session:
                assert session.run(given[0])["y"].tobytes() == serial[seed][0]

    together(*(lambda i=i: load(i) for i in range(8)))
