"""Runs in threads of the session's own: bounded, cancellable, and gone when they are done."""

import asyncio
import gc
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, as_completed, wait

import numpy as np
import pytest

import edgeinfer as ei
from session.networks import convolution, counting, doubler, endless

X4 = np.ones(4, np.float32)
X6 = np.ones((2, 3), np.float32)


class Frame(np.ndarray):
    """An array that can be referred to weakly."""


def frame(value: float = 1, shape: tuple[int, ...] = (2, 3)) -> Frame:
    return np.full(shape, value, np.float32).view(Frame)


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(1e-3)


def expect_cancelled(future: Future[dict[str, np.ndarray]]) -> None:
    with pytest.raises(ei.RunError, match="cancelled") as caught:
        future.result(30)
    assert caught.value.reason == "cancelled"


def test_a_future_gives_what_run_gives() -> None:
    session = ei.Session(convolution(), threads=1)
    rng = np.random.default_rng(1)
    for _ in range(20):
        x = rng.normal(size=(1, 3, 32, 32)).astype(np.float32)
        future = session.run_async(x, timeout_s=60)
        assert isinstance(future, Future)
        assert future.result(30)["y"].tobytes() == session.run(x)["y"].tobytes()
        assert future.exception() is None
        out = np.empty((1, 4, 32, 32), np.float32)
        done = session.run_async({"x": x}, outputs=["y"], out={"y": out}).result(30)
        assert done["y"] is out
        assert not future.cancel()
        assert future.done()


def test_runs_begin_in_the_order_in_which_they_came() -> None:
    session = ei.Session(doubler(), threads=1, options=ei.SessionOptions(async_waiting=50))
    order: list[int] = []
    futures = [session.run_async(frame(i)) for i in range(40)]
    for i, future in enumerate(futures):
        future.add_done_callback(lambda _, i=i: order.append(i))
    assert len(list(as_completed(futures, timeout=30))) == 40
    until(lambda: len(order) == 40)
    assert [f.result()["y"][0, 0] for f in futures] == [2 * i for i in range(40)]


def test_callbacks_run_and_may_begin_the_next_run() -> None:
    session = ei.Session(counting(50), threads=1, options=ei.SessionOptions(async_waiting=0))
    seen: list[float] = []
    over = threading.Event()

    def next_run(future: Future[dict[str, np.ndarray]]) -> None:
        value = future.result()["y"]
        seen.append(float(value[0]))
        if len(seen) == 10:
            over.set()
        else:
            session.run_async(value).add_done_callback(next_run)

    session.run_async(np.zeros(1, np.float32)).add_done_callback(next_run)
    assert over.wait(30)
    assert seen == [50 * (i + 1) for i in range(10)]


def test_a_full_queue_is_a_busy_error_and_room_comes_back() -> None:
    options = ei.SessionOptions(async_threads=2, async_waiting=3)
    session = ei.Session(endless(), threads=1, options=options)
    futures = [session.run_async(X4) for _ in range(5)]
    until(lambda: sum(f.running() for f in futures) == 2)
    with pytest.raises(ei.BusyError, match=r"found 2 runs going on and 3 waiting.*retry later"):
        session.run_async(X4)
    assert futures[3].cancel()  # waits still: its place is free at once
    assert futures[3].cancelled()
    futures.append(session.run_async(X4))
    with pytest.raises(ei.BusyError):
        session.run_async(X4)
    for future in futures:
        until(lambda f=future: f.running() or f.cancel())
        future.cancel()
    wait(futures, timeout=30)
    for i, future in enumerate(futures):
        if i == 3:
            with pytest.raises(CancelledError):
                future.result()
        elif not future.cancelled():
            expect_cancelled(future)
    assert session.stats().cancelled == sum(not f.cancelled() for f in futures)


def test_cancel_stops_a_run_that_has_begun_and_drops_one_that_has_not() -> None:
    session = ei.Session(endless(), threads=1)
    begun, waiting = session.run_async(X4), session.run_async(X4)
    until(begun.running)
    assert waiting.cancel()
    assert waiting.cancel()
    assert wait([waiting], timeout=30).done == {waiting}
    with pytest.raises(CancelledError):
        waiting.result(0)
    assert begun.cancel() is False
    expect_cancelled(begun)
    assert not begun.cancelled()
    assert session.run_async(X4, timeout_s=0.01).exception(30).reason == "timeout"  # type: ignore[union-attr]


def test_errors_come_out_of_the_future_and_those_of_the_call_at_once() -> None:
    session = ei.Session(doubler(), threads=1)
    with pytest.raises(ei.InputError, match="found float64"):
        session.run_async(np.ones((2, 3))).result(30)
    with pytest.raises(ei.InputError, match="found the name 'z'"):
        session.run_async(X6, outputs=["z"]).result(30)
    with pytest.raises(ei.InputError, match="timeout_s: found"):
        session.run_async(X6, timeout_s=float("nan"))
    with pytest.raises(ei.InputError, match="outputs: found"):
        session.run_async(X6, outputs="y")
    session.close()
    with pytest.raises(ei.InputError, match="found it closed"):
        session.run_async(X6)


def test_inputs_live_to_the_end_of_their_run_and_no_longer() -> None:
    session = ei.Session(doubler(), threads=1)
    for bad in (False, True):
        x = frame(shape=(2, 3 + bad))
        alive = weakref.ref(x)
        given = {"x": x}
        future = session.run_async(given)
        given.clear()
        del x
        if bad:
            assert isinstance(future.exception(30), ei.InputError)
        else:
            assert future.result(30)["y"].sum() == 12
        until(lambda alive=alive: alive() is None)  # without the collector, with the future alive
    x = frame()
    alive = weakref.ref(x)
    slow = ei.Session(endless(), threads=1)
    begun = slow.run_async(X4)
    until(begun.running)
    future = slow.run_async(x)
    del x
    gc.collect()
    assert alive() is not None
    assert future.cancel()
    assert alive() is None
    begun.cancel()
    expect_cancelled(begun)


@pytest.mark.parametrize("cancel", [False, True])
def test_close_finishes_or_stops_what_was_begun(cancel: bool) -> None:
    session = ei.Session(counting(200_000), threads=1)
    futures = [session.run_async(np.zeros(1, np.float32)) for _ in range(4)]
    until(futures[0].running)
    start = time.perf_counter()
    session.close(cancel=cancel)
    assert time.perf_counter() - start < 5
    session.close()
    if cancel:
        expect_cancelled(futures[0])
        for future in futures[1:]:
            assert future.cancelled() or isinstance(future.exception(30), ei.RunError)
    else:
        assert [f.result(60)["y"].tolist() for f in futures] == [[200_000]] * 4


def run_threads() -> set[str]:
    return {t.name for t in threading.enumerate() if t.name.startswith("edgeinfer-run")}


def test_a_session_that_nobody_holds_finishes_its_runs_and_its_threads() -> None:
    until(lambda: gc.collect() >= 0 and not run_threads())
    session = ei.Session(counting(20_000), threads=1)
    gone = weakref.ref(session)
    future = session.run_async(np.zeros(1, np.float32))
    del session
    assert gone() is None
    assert future.result(60)["y"].tolist() == [20_000]
    until(lambda: not run_threads())
    session = ei.Session(doubler(), threads=1, options=ei.SessionOptions(async_threads=3))
    for _ in range(5):
        session.run_async(X6).result(30)
    assert 1 <= len(run_threads()) <= 3
    session.close()
    until(lambda: not run_threads())


def test_asyncio_awaits_and_cancels_runs() -> None:
    session = ei.Session(doubler(), threads=1, options=ei.SessionOptions(async_waiting=100))
    slow = ei.Session(endless(), threads=1)

    async def main() -> float:
        futures = [asyncio.wrap_future(session.run_async(frame(i))) for i in range(50)]
        results = await asyncio.gather(*futures)
        inner = slow.run_async(X4)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.wrap_future(inner), 0.05)
        assert isinstance(await asyncio.to_thread(inner.exception, 30), ei.RunError)
        with pytest.raises(ei.InputError):
            await asyncio.wrap_future(session.run_async(X4))
        return float(sum(r["y"].sum() for r in results))

    assert asyncio.run(main()) == 12 * sum(range(50))


PROGRAM = """
import sys, threading
import numpy as np
import edgeinfer as ei
options = ei.SessionOptions(async_threads=2)
session = ei.Session(bytes.fromhex(sys.argv[1]), threads=1, options=options)
x = np.ones(4, np.float32)
futures = [session.run_async(x) for _ in range(6)]
assert not any(f.done() for f in futures)
if sys.argv[2] == "closed":
    session.close()
if sys.argv[2] == "gone":
    del session, futures
print("at the end", flush=True)
"""


@pytest.mark.parametrize("how", ["open", "closed", "gone"])
def test_the_interpreter_ends_with_endless_runs_in_flight(how: str) -> None:
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", PROGRAM, endless().hex(), how],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "at the end\n", "")


def test_eight_threads_submit_to_one_session() -> None:
    options = ei.SessionOptions(async_threads=4, async_waiting=1000)
    session = ei.Session(convolution(), threads=1, options=options)
    rng = np.random.default_rng(2)
    given = [rng.normal(size=(1, 3, 32, 32)).astype(np.float32) for _ in range(8)]
    serial = [session.run(x)["y"].tobytes() for x in given]
    futures: list[list[Future[dict[str, np.ndarray]]]] = [[] for _ in range(8)]

    def submit(i: int) -> None:
        futures[i] = [session.run_async(given[i]) for _ in range(50)]

    threads = [threading.Thread(target=submit, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i in range(8):
        assert {f.result(60)["y"].tobytes() for f in futures[i]} == {serial[i]}
    assert session.stats().completed == 8 + 400


class Gated:
    """A tensor that can be read once it is let go; the run's thread waits for it."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array
        self.go = threading.Event()

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)

    def __dlpack__(self, **_: object) -> object:
        assert self.go.wait(30)
        return self.array.__dlpack__()


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit])
@pytest.mark.parametrize("given", [X6, X4], ids=["result", "error"])
def test_no_callback_ends_the_sessions_thread(
    error: type[BaseException], given: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[object, str]] = []
    monkeypatch.setattr(
        threading, "excepthook", lambda args: told.append((args.exc_type, args.thread.name))
    )
    session = ei.Session(doubler(), threads=1)

    def raises(_: Future[dict[str, np.ndarray]]) -> None:
        raise error("from a callback")

    for count in (1, 2):
        gated = Gated(given)
        future = session.run_async(gated)
        future.add_done_callback(raises)
        gated.go.set()
        assert isinstance(future.exception(30), ei.InputError) == (given is X4)
        assert session.run_async(X6).result(30)["y"].sum() == 12
        assert told == [(error, "edgeinfer-run-0")] * count


def test_a_queue_without_room_to_wait_says_how_many_runs_it_takes() -> None:
    session = ei.Session(endless(), threads=1, options=ei.SessionOptions(async_waiting=0))
    begun = session.run_async(X4)
    with pytest.raises(ei.BusyError, match=r"found \d runs .*wanted fewer than 1 together; retry"):
        session.run_async(X4)
    begun.cancel()
    wait([begun], timeout=30)
