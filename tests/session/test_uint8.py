"""int8 activations as uint8: when it is done, what describe() says, and that results stay."""

import json
import os
import subprocess
import sys

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper

import edgeinfer as ei
from edgeinfer import _core
from oracles.onnx_quantised import FLOAT, INT8, Chain, run
from session.networks import GRAPH_LEVELS, reference

SHAPE = (1, 4, 6, 6)
MOVE = ei.SessionOptions(to_uint8=True)
KEEP = ei.SessionOptions(to_uint8=False)
VNNI = "vnni" in _core.cpu_features()


def residual(**outputs: int) -> onnx.ModelProto:
    """The tensor behind the first convolution has two readers; `outputs` besides the last."""
    chain = Chain(SHAPE)
    first = chain.pair(chain.node("Relu", [chain.conv(chain.pair("x"), (4, 4))]))
    second = chain.pair(chain.conv(first, (4, 4)))
    chain.node("Identity", [chain.pair(chain.node("Add", [first, second]), 0.1, -20)])
    chain.nodes[-1].output[0] = "y"
    return chain.model({"y": FLOAT, **outputs})


def image(seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(scale=3, size=SHAPE).astype(np.float32)


def test_the_choice_is_told() -> None:
    file = residual().SerializeToString()
    assert ei.Session(file, threads=1, options=MOVE).describe()["uint8"] == {
        "moved": 4,
        "left": {},
        "why": "to_uint8 is on",
    }
    kept = ei.Session(file, threads=1, options=KEEP).describe()["uint8"]
    assert kept == {"moved": 0, "left": {"to_uint8 is off": 4}, "why": "to_uint8 is off"}
    automatic = ei.Session(file, threads=1).describe()["uint8"]
    assert automatic["moved"] == (4 if VNNI else 0)
    assert "VNNI" in automatic["why"] or not VNNI


@pytest.mark.parametrize("level", GRAPH_LEVELS)
def test_results_are_the_runtimes_own_of_the_moved_file(level: str) -> None:
    file = residual().SerializeToString()
    changed = _core.move_to_uint8(file)
    assert changed is not None
    options = ei.SessionOptions(to_uint8=True, graph=level)  # type: ignore[arg-type]
    session = ei.Session(file, threads=1, options=options)
    theirs = reference(changed, level)
    for seed in range(4):
        found = session.run(image(seed))["y"]
        assert np.array_equal(found, theirs.run(None, {"x": image(seed)})[0])
        if level in ("off", "basic"):
            wanted = run(onnx.load_from_string(file), {"x": image(seed)})["y"]
            assert np.array_equal(found, wanted)


def test_integers_of_callers_keep_their_type() -> None:
    chain = Chain(SHAPE)
    chain.inputs = [helper.make_tensor_value_info("x", INT8, list(SHAPE))]
    inner = chain.pair(chain.conv(chain.dequantize("x"), (4, 4)))
    end = chain.quantize(chain.node("Add", [inner, inner]))
    model = chain.model({end: INT8})
    session = ei.Session(model.SerializeToString(), threads=1, options=MOVE)
    assert session.inputs[0].dtype == session.outputs[0].dtype == "int8"
    assert session.describe()["uint8"]["left"] == {
        "an input of the file": 1,
        "an output of the file": 1,
    }
    given = np.random.default_rng(1).integers(-128, 128, SHAPE, dtype=np.int8)
    difference = session.run(given)[end].astype(np.int16) - run(model, {"x": given})[end]
    assert np.abs(difference).max() <= 1
    bound = session.bind()
    bound.inputs["x"][:] = given
    bound.run()
    assert np.array_equal(bound.outputs[end], session.run(given)[end])


def test_a_cut_head_tells_the_integers_that_it_takes() -> None:
    file = residual().SerializeToString()
    options = ei.SessionOptions(to_uint8=True, cut_head=True)
    session = ei.Session(file, threads=1, options=options)
    q = session.quantized_inputs["x"]
    assert (q.dtype, q.zero_point) == ("uint8", 131)
    integers = np.clip(np.rint(image() / np.float32(q.scale)) + 131, 0, 255).astype(np.uint8)
    whole = ei.Session(file, threads=1, options=MOVE)
    assert np.array_equal(session.run(integers)["y"], whole.run(image())["y"])


def test_a_request_to_keep_int8_is_heeded() -> None:
    options = ei.SessionOptions(config={"session.qdqisint8allowed": "1"})
    told = ei.Session(residual().SerializeToString(), threads=1, options=options).describe()
    assert told["uint8"]["moved"] == 0


def test_without_vnni_nothing_moves_unless_asked() -> None:
    script = (
        "import sys, json, edgeinfer as ei\n"
        "file = sys.stdin.buffer.read()\n"
        "on = ei.SessionOptions(to_uint8=True)\n"
        "told = [ei.Session(file, threads=1, options=o).describe() for o in (None, on)]\n"
        "print(json.dumps([t['uint8'] for t in told] + [ei.inspect(file).to_dict()['uint8']]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=residual().SerializeToString(),
        capture_output=True,
        check=True,
        env={**os.environ, "EDGEINFER_CPU": "none"},
    )
    automatic, asked, inspected = json.loads(done.stdout)
    assert (automatic["moved"], asked["moved"]) == (0, 4)
    assert automatic["why"] == inspected["kept"] != ""
    assert inspected["movable"] == 4
