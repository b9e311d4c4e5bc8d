"""A run stops when it is asked to, and no other run knows of it."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import edgeinfer as ei
from session.networks import convolution, counting, doubler, endless, with_resize

X4 = np.ones(4, np.float32)
X6 = np.ones((2, 3), np.float32)


def expect_cancelled(run: Callable[[], object]) -> None:
    with pytest.raises(ei.RunError, match="cancelled") as caught:
        run()
    assert caught.value.reason == "cancelled"


def cancelled_after(token: ei.Cancellation, seconds: float) -> threading.Timer:
    timer = threading.Timer(seconds, token.cancel)
    timer.start()
    return timer


def test_an_endless_file_is_stopped_by_another_thread(shared_data: Path) -> None:
    session = ei.Session(shared_data / "malformed" / "onnx" / "18_loop_forever.onnx", threads=1)
    frame = {
        s.name: np.ones([n if isinstance(n, int) else 1 for n in s.shape], s.dtype)
        for s in session.inputs
    }
    token = ei.Cancellation()
    timer = cancelled_after(token, 0.05)
    start = time.perf_counter()
    expect_cancelled(lambda: session.run(frame, cancel=token))
    assert time.perf_counter() - start > 0.04
    timer.join()


@pytest.mark.parametrize("threads", [1, 2, None])
def test_one_token_stops_all_its_runs_and_no_other(threads: int | None) -> None:
    session = ei.Session(endless(), threads=threads)
    doomed, spared = ei.Cancellation(), ei.Cancellation()
    with ThreadPoolExecutor(5) as pool:
        stopped = [pool.submit(session.run, X4, cancel=doomed) for _ in range(3)]
        other = pool.submit(session.run, X4, cancel=spared)
        limited = pool.submit(session.run, X4, timeout_s=0.1)
        with pytest.raises(ei.RunError) as caught:
            limited.result(30)
        assert caught.value.reason == "timeout"
        doomed.cancel()
        for future in stopped:
            expect_cancelled(lambda future=future: future.result(30))
        assert not other.done()
        spared.cancel()
        expect_cancelled(lambda: other.result(30))


def test_a_request_before_the_run_stops_it_at_once() -> None:
    session = ei.Session(with_resize(convolution(8)), threads=1)
    frame = np.ones((1, 3, 8, 8), np.float32)
    binding = session.bind()
    token = ei.Cancellation()
    assert not token.cancelled
    token.cancel()
    token.cancel()
    assert token.cancelled
    assert repr(token) == "<Cancellation, cancelled>"
    out = np.full((1, 4, 32, 32), 7, np.float32)
    for run in (
        lambda: session.run(frame, cancel=token),
        lambda: session.run(frame, out={"z": out}, cancel=token, timeout_s=60),
        lambda: session.segment(frame, cancel=token),
        lambda: binding.run(cancel=token),
        lambda: binding.segment(cancel=token, timeout_s=60),
    ):
        expect_cancelled(run)
    assert (out == 7).all()
    assert session.run(frame)["z"].shape == out.shape
    binding.run()
    binding.run(cancel=ei.Cancellation())


def test_a_request_after_the_end_does_nothing() -> None:
    session = ei.Session(doubler(), threads=1)
    binding = session.bind()
    for _ in range(200):
        token = ei.Cancellation()
        assert session.run(X6, cancel=token)["y"].sum() == 12
        binding.run(cancel=token)
        token.cancel()
        assert session.run(X6, timeout_s=60)["y"].sum() == 12
        binding.run(timeout_s=60)


def test_cancelling_wins_over_a_limit_that_comes_later() -> None:
    session = ei.Session(endless(), threads=1)
    token = ei.Cancellation()
    timer = cancelled_after(token, 0.02)
    expect_cancelled(lambda: session.run(X4, timeout_s=60, cancel=token))
    timer.join()


@pytest.mark.parametrize("bound", [False, True], ids=["run", "binding"])
def test_a_request_at_any_moment_is_heeded_or_late_but_never_meets_the_next_run(
    bound: bool,
) -> None:
    session = ei.Session(counting(200), threads=1)
    zero = np.zeros(1, np.float32)
    binding = session.bind()
    tokens: list[ei.Cancellation] = []
    asked = threading.Event()
    go, ended = threading.Semaphore(0), threading.Semaphore(0)

    def run(token: ei.Cancellation | None) -> None:
        if bound:
            binding.run(cancel=token)
            assert binding.outputs["y"].tolist() == [200]
        else:
            assert session.run(zero, cancel=token)["y"].tolist() == [200]

    def ask() -> None:
        for step in range(2000):
            go.acquire()
            if step % 60 == 0:
                ended.acquire()  # surely late, however slow or fast the machine is
            for _ in range(step % 60 * 10):
                pass  # a little later every time: before, within and after the run
            tokens[-1].cancel()
            asked.set()

    thread = threading.Thread(target=ask)
    thread.start()
    stopped = 0
    for step in range(2000):
        tokens.append(ei.Cancellation())
        asked.clear()
        if step % 60 == 1:
            tokens[-1].cancel()  # surely early
        go.release()
        try:
            run(tokens[-1])
        except ei.RunError as error:
            if error.reason != "cancelled":
                raise
            stopped += 1
        if step % 60 == 0:
            ended.release()
        run(ei.Cancellation())  # fails when the flag of the run before was left raised
        asked.wait(30)
    thread.join()
    assert 0 < stopped < 2000


def test_a_binding_stays_usable_after_cancelled_runs() -> None:
    session = ei.Session(counting(20_000), threads=1)
    binding = session.bind()
    for _ in range(5):
        token = ei.Cancellation()
        timer = cancelled_after(token, 1e-3)
        expect_cancelled(lambda token=token: binding.run(cancel=token))
        timer.join()
        binding.run()
        assert binding.outputs["y"].tolist() == [20_000]


@pytest.mark.parametrize("token", [True, 1, "now", threading.Event()], ids=repr)
def test_what_is_no_token_is_an_input_error(token: object) -> None:
    session = ei.Session(doubler(), threads=1)
    with pytest.raises(ei.InputError, match=r"cancel: found .*wanted None or an edgeinfer"):
        session.run(X6, cancel=token)  # type: ignore[arg-type]
    with pytest.raises(ei.InputError, match="cancel: found"):
        session.bind().run(cancel=token)  # type: ignore[arg-type]
    with pytest.raises(ei.InputError, match="cancel: found"):
        session.segment(X6, cancel=token)  # type: ignore[arg-type]


def test_who_waits_for_a_bindings_turn_may_give_up() -> None:
    session = ei.Session(endless((1, 2, 2, 2)), threads=1)  # its output can be segmented
    binding = session.bind()
    busy, waiting, began = ei.Cancellation(), ei.Cancellation(), threading.Event()

    def hold() -> None:
        began.set()
        binding.run(cancel=busy)

    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(hold)
        assert began.wait(30)
        for _ in range(3):
            expect_timeout(binding, 0.02)  # runs itself, should the first not hold its turn yet
        assert not first.done()
        patient = pool.submit(binding.run, cancel=ei.Cancellation(), timeout_s=0.1)
        other = pool.submit(binding.segment, cancel=waiting)
        waiting.cancel()
        for future in (other, patient):
            assert isinstance(future.exception(30), ei.RunError)
        assert other.exception().reason == "cancelled"  # type: ignore[union-attr]
        assert patient.exception().reason == "timeout"  # type: ignore[union-attr]
        assert not first.done()
        busy.cancel()
        expect_cancelled(lambda: first.result(30))
    stats = session.stats()
    assert (stats.runs, stats.timeouts, stats.cancelled) == (6, 4, 2)


def expect_timeout(binding: ei.Binding, limit: float) -> None:
    start = time.perf_counter()
    with pytest.raises(ei.RunError) as caught:
        binding.run(timeout_s=limit)
    assert caught.value.reason == "timeout"
    assert time.perf_counter() - start >= limit * 0.99
