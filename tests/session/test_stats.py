"""Counts of runs are exact, and percentiles lie where they are said to."""

import json
import threading
from dataclasses import asdict

import numpy as np
import pytest
from onnx import helper

import edgeinfer as ei
from edgeinfer import _core
from session.networks import convolution, counting, endless, model_bytes, tensor, with_resize

FRAME = np.ones((1, 3, 8, 8), np.float32)
X4 = np.ones(4, np.float32)


def test_nothing_ran_yet() -> None:
    stats = ei.Session(convolution(), threads=1).stats()
    assert (stats.runs, stats.completed, stats.counts, stats.edges_ms) == (0, 0, (), ())
    assert (stats.mean_ms, stats.p50_ms, stats.max_ms) == (None, None, None)


@pytest.mark.parametrize("fuse", [True, False], ids=["cut", "whole"])
def test_every_way_to_run_is_counted_once(fuse: bool) -> None:
    options = ei.SessionOptions(fuse_tail=fuse)
    session = ei.Session(with_resize(convolution(8)), threads=1, options=options)
    binding = session.bind()
    assert session.stats().runs == 0
    for step, way in enumerate(
        (
            lambda: session.run(FRAME),
            lambda: session.run(FRAME, timeout_s=60),
            lambda: session.run_async(FRAME).result(30),
            lambda: session.segment(FRAME),
            lambda: binding.run(),
            lambda: binding.segment(),
        )
    ):
        way()
        stats = session.stats()
        assert (stats.runs, stats.completed, sum(stats.counts)) == (step + 1,) * 3
    for refused in (FRAME[0], FRAME.astype(np.float64), {}):
        with pytest.raises(ei.InputError):
            session.run(refused)
    assert session.stats().runs == 6


def test_ends_are_told_apart() -> None:
    session = ei.Session(endless(), threads=1)
    binding = session.bind()
    token = ei.Cancellation()
    token.cancel()
    for run in (
        lambda: session.run(X4, timeout_s=0.01),
        lambda: binding.run(timeout_s=0.01),
        lambda: session.run_async(X4, timeout_s=0.01).result(30),
        lambda: session.run(X4, cancel=token),
        lambda: binding.run(cancel=token),
    ):
        with pytest.raises(ei.RunError):
            run()
    stats = session.stats()
    assert (stats.runs, stats.timeouts, stats.cancelled, stats.errors) == (5, 3, 2, 0)
    assert (stats.completed, stats.p99_ms) == (0, None)

    node = helper.make_node("Reshape", ["x", "to"], ["y"])
    model = model_bytes([node], [tensor("x", ("n",)), tensor("to", (1,), 7)], [tensor("y", ("m",))])
    broken = ei.Session(model, threads=1)
    with pytest.raises(ei.RunError):
        broken.run({"x": X4, "to": np.array([3])})
    broken.run({"x": X4, "to": np.array([4])})
    stats = broken.stats()
    assert (stats.runs, stats.errors, stats.completed) == (2, 1, 1)
    json.dumps(asdict(stats))


def test_a_run_that_ends_while_it_waits_for_its_turn_is_counted() -> None:
    session = ei.Session(endless(), threads=1)
    binding = session.bind()
    token, began = ei.Cancellation(), threading.Event()

    def hold() -> None:
        began.set()
        with pytest.raises(ei.RunError):
            binding.run(cancel=token)

    holder = threading.Thread(target=hold)
    holder.start()
    assert began.wait(30)
    # The holder may come second: then it waits for this run, which ends all the same.
    with pytest.raises(ei.RunError) as late:
        binding.run(timeout_s=0.05)
    assert late.value.reason == "timeout"
    token.cancel()
    holder.join()
    stats = session.stats()
    assert (stats.runs, stats.timeouts, stats.cancelled) == (2, 1, 1)


def test_counts_from_eight_threads_are_exact_and_resets_lose_none() -> None:
    session = ei.Session(convolution(8), threads=1)
    bindings = [session.bind() for _ in range(8)]
    over = threading.Event()
    read: list[ei.SessionStats] = []

    def work(i: int) -> None:
        for step in range(500):
            if step % 2:
                session.run(FRAME)
            else:
                bindings[i].run()

    def keep_reading() -> None:
        while not over.is_set():
            read.append(session.stats(reset=True))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    reader = threading.Thread(target=keep_reading)
    for thread in (*threads, reader):
        thread.start()
    for thread in threads:
        thread.join()
    over.set()
    reader.join()
    read.append(session.stats(reset=True))
    assert len(read) > 1
    assert sum(s.completed for s in read) == 8 * 500
    assert sum(sum(s.counts) for s in read) == 8 * 500
    assert session.stats().runs == 0


def test_times_are_those_of_the_runs() -> None:
    session = ei.Session(counting(3000), threads=1)
    binding = session.bind()
    times = []
    for _ in range(60):
        binding.run()
        times.append(sum(binding.last_times))
    stats = session.stats()
    assert stats.max_ms == pytest.approx(max(times), rel=0.02, abs=0.01)
    assert stats.mean_ms == pytest.approx(np.mean(times), rel=0.02, abs=0.01)
    for share, found in ((50, stats.p50_ms), (90, stats.p90_ms), (99, stats.p99_ms)):
        wanted = np.percentile(times, share, method="inverted_cdf")
        assert found == pytest.approx(wanted, rel=0.032 + 0.02, abs=0.01)


def test_the_histogram_has_edges_of_the_stated_width() -> None:
    session = ei.Session(counting(100), threads=1)
    for size in range(200):
        session.run(np.zeros(1, np.float32))
        if size % 20 == 0:
            session.run_async(np.zeros(1, np.float32)).result(30)
    stats = session.stats()
    edges = np.array(stats.edges_ms)
    assert len(edges) == len(stats.counts) + 1
    assert stats.counts[0] > 0
    assert stats.counts[-1] > 0
    assert (np.diff(edges) > 0).all()
    assert (np.diff(edges) / edges[:-1] <= 1 / 16 + 1e-9).all()
    assert edges[0] <= stats.p50_ms <= stats.p90_ms <= stats.p99_ms <= stats.max_ms < edges[-1]  # type: ignore[operator]


def test_a_closed_session_tells_nothing() -> None:
    session = ei.Session(convolution(), threads=1)
    session.close()
    with pytest.raises(ei.InputError, match="found it closed"):
        session.stats()


def test_the_cores_tally_is_what_the_stats_are_made_of() -> None:
    session = ei.Session(convolution(8), threads=1)
    session.run(FRAME)
    tally = session._open().tally(False)
    assert isinstance(tally, _core.Tally)
    assert list(tally.ends) == [1, 0, 0, 0]
    assert len(tally.edges_ns) == len(tally.counts) + 1 == 2
    assert tally.edges_ns[0] <= tally.longest_ns == tally.total_ns < tally.edges_ns[1]
