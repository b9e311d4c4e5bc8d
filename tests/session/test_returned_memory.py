"""Memory goes back to the system: behind close(), and behind a run that was far larger than usual.

Each test reads the size of a process of its own, so nothing else moves it.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

import edgeinfer as ei
from session.networks import model_bytes, tensor

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/statm").exists() or not sys.platform.startswith("linux"),
    reason="reads the size from /proc",
)

HEAD = """
import gc, json, os, sys
import numpy as np
import edgeinfer as ei

def resident_mb():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
"""


def measured(program: str, *arguments: str) -> dict[str, float]:
    """What the program prints, of a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", HEAD + program, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, float] = json.loads(done.stdout)
    return found


def weighty(tmp_path: Path, weights_mb: int = 64) -> Path:
    """x (1, n) through three matrices, weights_mb together; the last gives one number."""
    side = int((weights_mb * 2**20 / 4 / 2) ** 0.5)
    rng = np.random.default_rng(0)
    held = {
        "a": rng.normal(size=(side, side)).astype(np.float32),
        "b": rng.normal(size=(side, side)).astype(np.float32),
        "c": rng.normal(size=(side, 1)).astype(np.float32),
    }
    nodes = [
        helper.make_node("MatMul", ["x", "a"], ["xa"]),
        helper.make_node("MatMul", ["xa", "b"], ["xb"]),
        helper.make_node("MatMul", ["xb", "c"], ["y"]),
    ]
    path = tmp_path / "weighty.onnx"
    path.write_bytes(model_bytes(nodes, [tensor("x", (1, side))], [tensor("y", (1, 1))], held))
    return path


CLOSE = """
def cycle(path):
    session = ei.Session(path, cache=False)
    x = np.ones(session.inputs[0].shape, np.float32)
    for _ in range(3):
        session.run(x)
    loaded = resident_mb()
    session.close()
    return loaded

cycle(sys.argv[2])  # what the first session of a process brings with it stays
before = resident_mb()
loaded = cycle(sys.argv[1])
closed = resident_mb()
for _ in range(4):
    cycle(sys.argv[1])
print(json.dumps({"loaded": loaded - before, "closed": closed - before,
                  "again": resident_mb() - closed}))
"""


def test_close_gives_the_memory_back_and_cycles_do_not_add_up(tmp_path: Path) -> None:
    (tmp_path / "small").mkdir()
    small = weighty(tmp_path / "small", 1)
    found = measured(CLOSE, str(weighty(tmp_path)), str(small))
    assert found["loaded"] > 50  # the ruler sees the weights
    assert found["closed"] < 6
    assert found["again"] < 6


def large_inside() -> bytes:
    """x (n) -> its sum, by way of five tensors of the same size: small results, a large arena."""
    nodes = [
        helper.make_node("Abs", ["x"], ["a"]),
        helper.make_node("Exp", ["a"], ["b"]),
        helper.make_node("Mul", ["a", "b"], ["c"]),
        helper.make_node("Sub", ["c", "a"], ["d"]),
        helper.make_node("Sub", ["d", "b"], ["e"]),
        helper.make_node("ReduceSum", ["e"], ["y"], keepdims=0),
    ]
    return model_bytes(nodes, [tensor("x", ("n",))], [tensor("y", ())])


SHRINK = """
options = ei.SessionOptions(graph="off")
session = ei.Session(bytes.fromhex(sys.argv[1]), threads=1, options=options)
small, large = np.ones(1000, np.float32), np.ones(16 << 20, np.float32)
timeout_s = 60 if sys.argv[3] == "limited" else None
if sys.argv[2] == "bind":
    runs = []
    for values in (small, large):
        binding = session.bind({"x": values.shape})
        binding.inputs["x"][...] = values
        runs.append(lambda b=binding: (b.run(timeout_s=timeout_s), float(b.outputs["y"]))[1])
    run_small, run_large = runs
else:
    run_small = lambda: float(session.run(small, timeout_s=timeout_s)["y"])
    run_large = lambda: float(session.run(large, timeout_s=timeout_s)["y"])
wanted = run_small()
large.sum()
before = resident_mb()
run_large()
after_large = resident_mb() - before
for _ in range(7):
    assert run_small() == wanted
kept = resident_mb() - before
assert run_small() == wanted
shrunk = resident_mb() - before
run_large()
again = resident_mb() - before
for _ in range(8):
    assert run_small() == wanted
print(json.dumps({"large": after_large, "kept": kept, "shrunk": shrunk, "again": again,
                  "twice": resident_mb() - before}))
"""


@pytest.mark.parametrize("limit", ["unlimited", "limited"])
@pytest.mark.parametrize("way", ["run", "bind"])
def test_the_arena_of_one_large_run_goes_back_after_eight_small_ones(way: str, limit: str) -> None:
    found = measured(SHRINK, large_inside().hex(), way, limit)
    assert found["large"] > 100
    assert found["kept"] > 100  # not at once: the next large one may come
    assert found["shrunk"] < 30
    assert found["again"] > 100
    assert found["twice"] < 30


def test_results_of_large_runs_outlive_the_shrinking() -> None:
    model = model_bytes(
        [helper.make_node("Add", ["x", "x"], ["y"])], [tensor("x", ("n",))], [tensor("y", ("n",))]
    )
    session = ei.Session(model, threads=1)
    held = session.run(np.arange(1 << 20, dtype=np.float32))["y"]
    for _ in range(20):
        session.run(np.zeros(4, np.float32))
    np.testing.assert_array_equal(held, np.arange(1 << 20, dtype=np.float32) * 2)


def test_without_an_arena_there_is_nothing_to_shrink() -> None:
    model = model_bytes(
        [helper.make_node("Add", ["x", "x"], ["y"])], [tensor("x", ("n",))], [tensor("y", ("n",))]
    )
    session = ei.Session(model, threads=1, options=ei.SessionOptions(arena=False))
    session.run(np.zeros(1 << 20, np.float32))
    for _ in range(20):
        assert session.run(np.ones(4, np.float32))["y"].sum() == 8


def test_a_scalar_input_and_an_empty_one_count_as_what_they_hold() -> None:
    model = model_bytes(
        [helper.make_node("Add", ["x", "s"], ["y"])],
        [tensor("x", ("n",)), tensor("s", (), TensorProto.FLOAT)],
        [tensor("y", ("n",))],
    )
    session = ei.Session(model, threads=1)
    for size in (1 << 16, *([0] * 20), 5):
        y = session.run({"x": np.ones(size, np.float32), "s": np.array(2, np.float32)})["y"]
        assert y.shape == (size,)
