"""arena_mb: a run that needs more fails with a typed error, and takes no more on the way there."""

import gc
import json
import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import helper

import edgeinfer as ei
from session.networks import model_bytes, tensor

MB = 1 << 20


def chain() -> bytes:
    """x (n) -> y (n), by way of tensors of its size that live side by side."""
    nodes = [
        helper.make_node("Abs", ["x"], ["a"]),
        helper.make_node("Exp", ["a"], ["b"]),
        helper.make_node("Sub", ["b", "a"], ["c"]),
        helper.make_node("Mul", ["c", "b"], ["y"]),
    ]
    return model_bytes(nodes, [tensor("x", ("n",))], [tensor("y", ("n",))])


def expected(x: NDArray[np.float32]) -> NDArray[np.float32]:
    a = np.abs(x)
    b = np.exp(a)
    return np.asarray((b - a) * b, np.float32)


def bounded(arena_mb: int | None, model: bytes | None = None, **more: object) -> ei.Session:
    options = ei.SessionOptions(arena_mb=arena_mb, graph="off", **more)  # type: ignore[arg-type]
    return ei.Session(model or chain(), threads=1, options=options, cache=False)


def arena_of(session: ei.Session) -> dict[str, int]:
    found: dict[str, int] = session.describe()["arena"]
    return found


def numbers(count: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).uniform(-2, 2, count).astype(np.float32)


def test_a_run_beyond_the_bound_fails_and_the_next_smaller_one_runs() -> None:
    session = bounded(8)
    small = numbers(1000)
    for _ in range(5):
        with pytest.raises(ei.RunError) as caught:
            session.run(np.ones(4 * MB, np.float32))
        assert caught.value.reason == "memory"
        np.testing.assert_allclose(session.run(small)["y"], expected(small), rtol=1e-6)
    assert arena_of(session)["bound_bytes"] == 8 * MB
    assert arena_of(session)["in_use_bytes"] == 0
    assert session.stats().errors == 5


def test_the_error_names_what_was_wanted_the_bound_and_the_remedy() -> None:
    session = bounded(8)
    with pytest.raises(ei.RunError, match="arena_mb") as caught:
        session.run(np.ones(1 * MB, np.float32))  # 4 MiB a tensor: the second one does not fit
    found = [int(number) for number in re.findall(r"\d+", str(caught.value))]
    assert found[0] == 4 * MB
    assert 4 * MB <= found[1] <= 4.5 * MB + 64
    assert found[2] == 8 * MB
    assert "raise it" in str(caught.value)


def test_what_fits_runs_under_the_bound_and_what_needs_more_than_it_does_not() -> None:
    free = bounded(1024)
    x = numbers(3 * MB)
    wanted = free.run(x)["y"]
    most = arena_of(free)["most_bytes"]
    assert 3 * 12 * MB <= most <= 4 * 13 * MB
    enough = bounded(-(-most // MB))
    np.testing.assert_array_equal(enough.run(x)["y"], wanted)
    with pytest.raises(ei.RunError):
        bounded(most // MB - 4).run(x)


def test_weights_are_not_counted() -> None:
    side = 2048  # 16 MiB
    held = {"w": np.eye(side, dtype=np.float32)}
    model = model_bytes(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        [tensor("x", (1, side))],
        [tensor("y", (1, side))],
        held,
    )
    session = bounded(1, model)
    x = numbers(side)[None]
    np.testing.assert_array_equal(session.run(x)["y"], x)
    assert arena_of(session)["most_bytes"] < 64 << 10


def test_results_count_until_their_arrays_are_gone_and_outlive_the_session() -> None:
    session = bounded(32)
    x = numbers(MB)
    first = session.run(x)["y"]
    assert 4 * MB < arena_of(session)["in_use_bytes"] <= 4.5 * MB + 64
    held = [session.run(x)["y"] for _ in range(3)]
    with pytest.raises(ei.RunError, match="earlier results"):
        held.extend(session.run(x)["y"] for _ in range(8))
    del held
    gc.collect()
    second = session.run(-x)["y"]
    session.close()
    del session
    gc.collect()
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(first, expected(x), rtol=1e-6)


def test_arrays_of_the_caller_are_not_counted() -> None:
    twice = model_bytes(
        [helper.make_node("Add", ["x", "x"], ["y"])], [tensor("x", ("n",))], [tensor("y", ("n",))]
    )
    session = bounded(1, twice)
    x = numbers(MB)
    out = np.empty(MB, np.float32)
    session.run(x, out={"y": out})
    np.testing.assert_array_equal(out, 2 * x)
    with pytest.raises(ei.RunError):
        session.run(x)
    assert arena_of(session)["most_bytes"] == 0
    fixed = model_bytes(
        [helper.make_node("Add", ["x", "x"], ["y"])], [tensor("x", (MB,))], [tensor("y", (MB,))]
    )
    binding = bounded(1, fixed).bind()
    binding.inputs["x"][...] = x
    binding.run()
    np.testing.assert_array_equal(binding.outputs["y"], out)


def test_room_in_pieces_is_no_room_for_a_run() -> None:
    twice = model_bytes(
        [helper.make_node("Add", ["x", "x"], ["y"])], [tensor("x", ("n",))], [tensor("y", ("n",))]
    )
    session = bounded(9, twice)
    x, wide = numbers(MB // 4), numbers(MB // 2)
    held = [session.run(x)["y"] for _ in range(8)]  # 1 MiB each
    del held[::2]
    with pytest.raises(ei.RunError, match="in one piece") as caught:
        session.run(wide)
    assert caught.value.reason == "memory"
    assert arena_of(session)["in_use_bytes"] + wide.nbytes < 7 * MB
    held.append(session.run(x)["y"])
    assert arena_of(session)["most_bytes"] < 8.5 * MB
    held.clear()
    np.testing.assert_array_equal(session.run(wide)["y"], 2 * wide)


def test_each_session_has_a_bound_of_its_own() -> None:
    x = numbers(2 * MB)
    tight, wide, without = bounded(4), bounded(64), bounded(None)
    with pytest.raises(ei.RunError):
        tight.run(x)
    np.testing.assert_array_equal(wide.run(x)["y"], without.run(x)["y"])
    assert without.describe()["arena"] is None


def test_sessions_that_load_at_once_get_each_its_own_bound() -> None:
    names = ["x", *(f"t{i}" for i in range(400)), "y"]  # long enough a load for others to begin
    nodes = [helper.make_node("Abs", [a], [b]) for a, b in pairwise(names)]
    model = model_bytes(nodes, [tensor("x", ("n",))], [tensor("y", ("n",))])
    x = numbers(1 << 16)
    begin = threading.Barrier(4)

    def load(thread: int) -> list[int]:
        begin.wait()
        taken = []
        for step in range(12):
            session = bounded(None if (thread + step) % 3 == 0 else 1, model)
            np.testing.assert_array_equal(session.run(x)["y"], np.abs(x))
            if (thread + step) % 3:
                taken.append(arena_of(session)["most_bytes"])
        return taken

    with ThreadPoolExecutor(4) as pool:
        taken = [one for some in pool.map(load, range(4)) for one in some]
    assert len(taken) == 32
    assert len(set(taken)) == 1
    assert taken[0] > x.nbytes


def test_runs_at_once_share_the_bound_and_each_is_right_or_refused() -> None:
    session = bounded(40)
    frames = [numbers(MB, seed) for seed in range(4)]
    wanted = [expected(x) for x in frames]
    begin = threading.Barrier(8)

    def work(thread: int) -> tuple[int, int]:
        begin.wait()
        right = refused = 0
        for step in range(12):
            at = (thread + step) % 4
            try:
                found = session.run(frames[at])["y"]
            except ei.RunError as error:
                refused += error.reason == "memory"
            else:
                np.testing.assert_allclose(found, wanted[at], rtol=1e-6)
                right += 1
        return right, refused

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(work, range(8)))
    assert sum(right + refused for right, refused in told) == 96
    assert sum(right for right, _ in told) > 0
    gc.collect()
    found = arena_of(session)
    assert found["in_use_bytes"] == 0
    assert found["most_bytes"] <= 40 * MB
    np.testing.assert_allclose(session.run(frames[0])["y"], wanted[0], rtol=1e-6)


def test_freed_memory_waits_for_the_next_run_unless_the_arena_is_off() -> None:
    x = numbers(MB)
    kept, dropped = bounded(64), bounded(64, arena=False)
    kept.run(x)
    dropped.run(x)
    gc.collect()
    assert arena_of(kept)["kept_bytes"] > 8 * MB
    assert arena_of(dropped)["kept_bytes"] == 0


def test_one_large_run_among_small_ones_gives_back() -> None:
    session = bounded(64)
    session.run(numbers(MB))
    for _ in range(7):
        session.run(numbers(10))
    assert arena_of(session)["kept_bytes"] > 8 * MB
    session.run(numbers(10))
    assert arena_of(session)["kept_bytes"] == 0


def test_a_refused_run_of_the_queue_ends_its_future() -> None:
    with bounded(8) as session:
        future = session.run_async(np.ones(4 * MB, np.float32))
        with pytest.raises(ei.RunError) as caught:
            future.result(timeout=60)
        assert caught.value.reason == "memory"


@pytest.mark.parametrize(
    ("name", "enough_mb"),
    [("mobilenet_v2_1.0_224", 16), ("deeplabv3_mnv2_dm05_pascal_513", 64)],
)
def test_real_networks_give_the_same_bits_under_a_bound(
    shared_data: Path, name: str, enough_mb: int
) -> None:
    path = shared_data / "models" / f"{name}.onnx"
    free = ei.Session(path, threads=2)
    x = numbers(int(np.prod(free.inputs[0].shape))).reshape(free.inputs[0].shape)  # type: ignore[arg-type]
    wanted = free.run(x)
    for _ in range(2):  # without a kept model, and from one
        session = ei.Session(path, threads=2, options=ei.SessionOptions(arena_mb=enough_mb))
        for _ in range(3):
            found = session.run(x)
            assert {k: v.tobytes() for k, v in found.items()} == {
                k: v.tobytes() for k, v in wanted.items()
            }
        assert 0 < arena_of(session)["most_bytes"] <= enough_mb * MB
    tight = ei.Session(path, threads=2, options=ei.SessionOptions(arena_mb=1))
    with pytest.raises(ei.RunError) as caught:
        tight.run(x)
    assert caught.value.reason == "memory"


PEAK = """
import gc, json, os, sys
import numpy as np
import edgeinfer as ei

def of_status(key):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith(key))

def forget_the_peak():
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")

options = ei.SessionOptions(
    arena_mb=int(sys.argv[2]) or None, arena=sys.argv[3] == "True", graph="off"
)
frames = [np.ones(n << 20, np.float32) for n in (1, 2, 3, 4, 8, 2, 6, 1)]
first = ei.Session(bytes.fromhex(sys.argv[1]), threads=1, cache=False)
first.run(np.ones(8, np.float32))
first.close()
gc.collect()
before = of_status("VmRSS")
session = ei.Session(bytes.fromhex(sys.argv[1]), threads=1, options=options, cache=False)
forget_the_peak()
refused = 0
for _ in range(3):
    for x in frames:
        try:
            session.run(x)
        except ei.RunError as error:
            assert error.reason == "memory", error
            refused += 1
peak = of_status("VmHWM") - before
kept = of_status("VmRSS") - before
for _ in range(8):
    session.run(np.ones(8, np.float32))
small = of_status("VmRSS") - before
session.close()
gc.collect()
print(json.dumps({"refused": refused, "peak": peak, "kept": kept, "small": small,
                  "closed": of_status("VmRSS") - before}))
"""


def measured(arena_mb: int, arena: bool = True) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-c", PEAK, chain().hex(), str(arena_mb), str(arena)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, float] = json.loads(done.stdout)
    return found


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="reads sizes from /proc")
def test_the_process_grows_by_no_more_than_the_bound_and_shrinks_behind_close() -> None:
    without = measured(0)
    assert without["refused"] == 0
    assert without["peak"] > 80  # the ruler sees what runs take
    found = measured(48)
    assert found["refused"] > 0
    assert 24 < found["peak"] < 48 + 4
    assert 24 < found["kept"] < 48 + 4
    assert found["small"] < 4
    assert found["closed"] < 4
    assert measured(48, arena=False)["kept"] < 4
