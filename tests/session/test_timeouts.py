"""A run stops when its time is up, and the next one knows nothing of it."""

import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

import edgeinfer as ei
from session.networks import convolution, counting, doubler, endless, model_bytes, tensor

X4 = np.ones(4, np.float32)
X6 = np.ones((2, 3), np.float32)


def expect_timeout(run: Callable[[], object], limit: float) -> None:
    start = time.perf_counter()
    with pytest.raises(ei.RunError, match="timeout") as caught:
        run()
    assert caught.value.reason == "timeout"
    assert time.perf_counter() - start >= limit * 0.99


def test_an_endless_file_is_stopped_by_the_sessions_limit(shared_data: Path) -> None:
    path = shared_data / "malformed" / "onnx" / "18_loop_forever.onnx"
    session = ei.Session(path, threads=1, options=ei.SessionOptions(timeout_s=0.05))
    frame = {
        s.name: np.ones([n if isinstance(n, int) else 1 for n in s.shape], s.dtype)
        for s in session.inputs
    }
    expect_timeout(lambda: session.run(frame), 0.05)
    expect_timeout(lambda: session.run(frame, timeout_s=0.01), 0.01)


def test_a_session_stays_usable_after_fifty_timeouts() -> None:
    session = ei.Session(counting(1_000_000_000), threads=1)
    one = np.zeros(1, np.float32)
    for _ in range(50):
        expect_timeout(lambda: session.run(one, timeout_s=0.005), 0.005)
    quick = ei.Session(doubler(), threads=1)
    assert quick.run(X6, timeout_s=30)["y"].sum() == 12


def test_the_same_session_finishes_when_it_is_given_time() -> None:
    session = ei.Session(counting(20_000), threads=1)
    one = np.zeros(1, np.float32)
    for _ in range(5):
        expect_timeout(lambda: session.run(one, timeout_s=1e-4), 1e-4)
        assert session.run(one, timeout_s=60)["y"].tolist() == [20_000]
    assert session.run(one)["y"].tolist() == [20_000]


def test_a_binding_is_stopped_too_and_stays_usable() -> None:
    session = ei.Session(counting(20_000), threads=1, options=ei.SessionOptions(timeout_s=1e-4))
    binding = session.bind()
    for _ in range(5):
        expect_timeout(binding.run, 1e-4)
        binding.run(timeout_s=60)
        assert binding.outputs["y"].tolist() == [20_000]


def test_threads_with_different_limits_each_get_their_own() -> None:
    session = ei.Session(endless(), threads=1)

    def work(limit: float) -> None:
        for _ in range(3):
            expect_timeout(lambda: session.run(X4, timeout_s=limit), limit)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, [0.02, 0.3, 0.08, 0.15], timeout=60)) == [None] * 4


def finishes(run: Callable[[], object]) -> bool:
    """False when it was stopped by its limit; any other error is raised."""
    try:
        run()
    except ei.RunError as error:
        if error.reason != "timeout":
            raise
        return False
    return True


@pytest.mark.parametrize("bound", [False, True], ids=["run", "binding"])
def test_a_limit_that_ends_with_the_run_does_not_stop_the_next(bound: bool) -> None:
    session = ei.Session(convolution(8, 1), threads=1)
    frame = np.ones((1, 3, 8, 8), np.float32)
    binding = session.bind()

    def run(limit: float) -> None:
        if bound:
            binding.run(timeout_s=limit)
        else:
            session.run(frame, timeout_s=limit)

    start = time.perf_counter()
    for _ in range(200):
        run(60)
    usual = (time.perf_counter() - start) / 200
    for step in range(6000):
        finishes(lambda limit=usual * (0.2 + 1.6 * (step % 97) / 97): run(limit))
        run(60)  # raises when the flag of the run before was left raised


@pytest.mark.parametrize("limit", [math.nan, 0, -1, -math.inf, "1", (1,), 1j])
def test_a_limit_that_is_no_time_is_an_input_error(limit: object) -> None:
    session = ei.Session(doubler(), threads=1)
    with pytest.raises(ei.InputError, match="timeout_s: found"):
        session.run(X6, timeout_s=limit)  # type: ignore[arg-type]
    with pytest.raises(ei.InputError, match="timeout_s: found"):
        session.bind().run(timeout_s=limit)  # type: ignore[arg-type]
    with pytest.raises(ei.InputError, match="timeout_s: found"):
        ei.SessionOptions(timeout_s=limit)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "limit", [math.inf, 1e300, 10**400, np.float32(5), np.int64(5), 2**63], ids=repr
)
def test_any_time_above_zero_is_taken(limit: float) -> None:
    session = ei.Session(doubler(), threads=1, options=ei.SessionOptions(timeout_s=limit))
    assert session.run(X6)["y"].sum() == 12
    assert session.run(X6, timeout_s=limit)["y"].sum() == 12


def test_a_limit_too_short_to_begin_with_is_a_timeout_or_a_result() -> None:
    session = ei.Session(doubler(), threads=1)
    for _ in range(200):
        finishes(lambda: session.run(X6, timeout_s=5e-324))
    assert session.run(X6)["y"].sum() == 12


@pytest.mark.parametrize("limit", [0.05, 0.012345678, 1e-3])
def test_the_text_names_the_limit_as_it_was_asked_for(limit: float) -> None:
    session = ei.Session(endless(), threads=1)
    own = ei.Session(endless(), threads=1, options=ei.SessionOptions(timeout_s=limit))
    binding = session.bind()
    waits = session.bind()
    busy = ei.Cancellation()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(waits.run, cancel=busy)
        try:
            for run in (
                lambda: session.run(X4, timeout_s=limit),
                lambda: binding.run(timeout_s=limit),
                lambda: session.run_async(X4, timeout_s=limit).result(30),
                lambda: own.run(X4),
                lambda: own.bind().run(),
                lambda: waits.run(timeout_s=limit),
            ):
                with pytest.raises(
                    ei.RunError, match=rf"the timeout of {limit} s; raise"
                ) as caught:
                    run()
                assert caught.value.reason == "timeout"
        finally:
            busy.cancel()  # or a failure would wait for ever
        assert isinstance(first.exception(30), ei.RunError)


def test_the_text_names_the_whole_limit_in_every_part_of_a_run() -> None:
    # Quantised first, then run: the second part gets what the first one left of the time.
    proto = onnx.load_from_string(endless())
    (loop,) = proto.graph.node
    loop.input[2] = "d"
    for op, ends in (("DequantizeLinear", "qd"), ("QuantizeLinear", "xq")):
        node = helper.make_node(op, [ends[0], "s", "zero"], [ends[1]])
        proto.graph.node.insert(0, node)
    held = {"s": np.array(0.05, np.float32), "zero": np.array(3, np.uint8)}
    proto.graph.initializer.extend(numpy_helper.from_array(v, k) for k, v in held.items())
    model = proto.SerializeToString()
    session = ei.Session(model, threads=1, options=ei.SessionOptions(cut_head=True))
    assert session.describe()["head"]["cut"]
    binding = session.bind()
    for run in (lambda: session.run(X4, timeout_s=0.05), lambda: binding.run(timeout_s=0.05)):
        with pytest.raises(ei.RunError, match=r"the timeout of 0\.05 s; raise"):
            run()


def test_a_late_run_that_failed_on_its_own_says_why() -> None:
    # The operator looks at every index before it begins, with no look at the clock.
    node = helper.make_node("Gather", ["x", "i"], ["y"])
    model = model_bytes(
        [node], [tensor("x", (4,), 2), tensor("i", ("n",), 6)], [tensor("y", ("n",), 2)]
    )
    session = ei.Session(model, threads=1)
    indices = np.zeros(8_000_000, np.int32)
    indices[-1] = 9
    inputs = {"x": np.zeros(4, np.uint8), "i": indices}
    for attempt in range(200):
        with pytest.raises(ei.RunError) as caught:
            session.run(inputs, timeout_s=1e-4 * (1 + attempt % 20))
        if caught.value.reason == "timeout" and "it had failed already" in str(caught.value):
            break
    assert caught.value.reason == "timeout"
    assert "indices element out of data bounds" in str(caught.value)
