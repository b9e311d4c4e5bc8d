"""int8 activations as uint8: when it is done, what describe() says, and that results stay."""

import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

import edgeinfer as ei
from edgeinfer import _core
from oracles.onnx_quantised import FLOAT, INT8, Chain, run
from session.networks import GRAPH_LEVELS, endless, reference

SHAPE = (1, 4, 6, 6)
MOVE = ei.SessionOptions(to_uint8=True)
KEEP = ei.SessionOptions(to_uint8=False)
VNNI = "vnni" in _core.cpu_features()
# Elsewhere products of uint8 and int8 may saturate, which the check finds.
pytestmark = pytest.mark.skipif(
    platform.machine() == "x86_64" and not VNNI, reason="this x86 CPU has no VNNI"
)


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
    moved = ei.Session(file, threads=1, options=MOVE).describe()["uint8"]
    assert (moved["moved"], moved["left"]) == (4, {})
    assert re.fullmatch(
        r"to_uint8 is on; checked on a probe: root mean square of the differences from the file "
        r"executed as it stands \d\.\d\d quantisation steps, unmoved \d\.\d\d",
        moved["why"],
    )
    kept = ei.Session(file, threads=1, options=KEEP).describe()["uint8"]
    assert kept == {"moved": 0, "left": {"to_uint8 is off": 4}, "why": "to_uint8 is off"}
    automatic = ei.Session(file, threads=1).describe()["uint8"]
    assert automatic["moved"] == (4 if VNNI else 0)
    assert "VNNI" in automatic["why"] or not VNNI


@pytest.mark.skipif(not VNNI, reason="the runtime optimises both files alike")
def test_the_check_runs_the_moved_file_optimised_and_not_the_given_one_twice() -> None:
    # Two readers keep the runtime from moving the given file, whose results are then literal.
    file = residual().SerializeToString()
    why = ei.Session(file, threads=1, options=MOVE).describe()["uint8"]["why"]
    moved, unmoved = re.findall(r"\d+\.\d\d", why)
    assert float(moved) > float(unmoved) == 0


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


def with_other_zero_point(model: bytes, which: int, by: int) -> bytes:
    """The moved file with one QuantizeLinear off."""
    proto = onnx.load_from_string(model)
    node = [one for one in proto.graph.node if one.op_type == "QuantizeLinear"][which]
    held = {one.name: numpy_helper.to_array(one) for one in proto.graph.initializer}
    value = np.asarray(np.clip(held[node.input[2]].astype(int) + by, 0, 255), np.uint8)
    proto.graph.initializer.append(numpy_helper.from_array(value, "other"))
    node.input[2] = "other"
    return proto.SerializeToString()


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("which", range(4))
def test_the_check_sees_a_zero_point_that_is_off(which: int, exact: bool) -> None:
    file = residual().SerializeToString()
    moved = _core.move_to_uint8(file)
    assert moved is not None
    same, why = _core.check_uint8(file, moved, exact=exact)
    assert same
    assert "checked on a probe" in why
    for by in (-128, 9, 1) if exact else (-128, 40):
        same, why = _core.check_uint8(file, with_other_zero_point(moved, which, by), exact=exact)
        assert not same, by
        assert "the moved file gave other values at output 'y'" in why


@pytest.mark.skipif(not VNNI, reason="nothing is moved unasked without VNNI")
def test_a_file_that_no_probe_fits_is_moved_only_when_asked() -> None:
    chain = Chain(SHAPE)
    chain.inputs.append(helper.make_tensor_value_info("which", TensorProto.INT64, [1]))
    value = chain.pair(chain.conv(chain.pair("x"), (4, 4)))
    end = chain.node("Gather", [value, "which"], axis=1)
    file = chain.model({end: FLOAT}).SerializeToString()
    left = ei.Session(file, threads=1).describe()["uint8"]
    asked = ei.Session(file, threads=1, options=MOVE).describe()["uint8"]
    assert (left["moved"], asked["moved"]) == (0, 2)
    for told in (left, asked):
        assert "could not be checked on a probe: an input of type int64" in told["why"]


@pytest.mark.parametrize("shape", [("n", 4, 6, 6), ("n", 4, "h", "w")])
def test_symbolic_axes_are_given_sizes_for_the_check(shape: tuple[int | str, ...]) -> None:
    chain = Chain(shape)
    end = chain.pair(chain.conv(chain.pair("x"), (4, 4)))
    session = ei.Session(chain.model({end: FLOAT}).SerializeToString(), threads=1, options=MOVE)
    assert session.describe()["uint8"]["moved"] == 2
    assert "; checked on a probe" in session.describe()["uint8"]["why"]
    assert session.run(image())[end].shape == SHAPE


def test_a_file_that_may_loop_without_end_is_not_run_by_the_load() -> None:
    file = onnx.load_from_string(endless())
    chain = onnx.compose.add_prefix(residual(), "net_").graph
    for field in ("node", "input", "output", "initializer"):
        getattr(file.graph, field).extend(getattr(chain, field))
    told = ei.Session(file.SerializeToString(), threads=1, options=MOVE).describe()["uint8"]
    assert told["moved"] == 4
    assert told["why"].endswith("could not be checked on a probe: it may loop without bound")


def test_a_verdict_under_other_entries_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = residual().SerializeToString()
    right = ei.Session(file, threads=1, options=MOVE, cache=False).describe()["uint8"]
    monkeypatch.setenv("EDGEINFER_CACHE", str(tmp_path / "kept"))
    as_it_stands = ei.SessionOptions(to_uint8=True, config={"session.disable_quant_qdq": "1"})
    first = ei.Session(file, threads=1, options=as_it_stands).describe()["uint8"]
    assert first["why"] != right["why"]
    assert ei.Session(file, threads=1, options=MOVE).describe()["uint8"] == right


def test_a_verdict_is_kept_for_the_next_process(tmp_path: Path) -> None:
    script = (
        "import sys, edgeinfer as ei\n"
        "s = ei.Session(sys.stdin.buffer.read(), threads=1,\n"
        "               options=ei.SessionOptions(to_uint8=True, graph=sys.argv[1]))\n"
        "print(s.describe()['uint8']['why'])\n"
    )
    file = residual().SerializeToString()

    def why(level: str, folder: Path) -> str:
        done = subprocess.run(
            [sys.executable, "-c", script, level],
            input=file,
            capture_output=True,
            check=True,
            env={**os.environ, "EDGEINFER_CACHE": str(folder)},
        )
        return done.stdout.decode()

    first = why("all", tmp_path)
    notes = list(tmp_path.glob("*.note"))
    assert len(notes) == 1
    before = notes[0].stat().st_mtime_ns
    assert why("basic", tmp_path) == first  # other options: no cached network, the same verdict
    assert notes[0].stat().st_mtime_ns == before
    notes[0].write_bytes(notes[0].read_bytes()[:-3])
    assert why("off", tmp_path) == first
    assert notes[0].stat().st_mtime_ns != before
