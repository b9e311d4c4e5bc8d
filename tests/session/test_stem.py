"""The first convolution with a fourth channel: when, what describe() says, and the same results."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)

import edgeinfer as ei
from edgeinfer import _core
from oracles.onnx_quantised import FLOAT, run
from oracles.onnx_stems import picture, stem
from session.networks import reference

pytestmark = pytest.mark.skipif(
    "vnni" not in _core.cpu_features(), reason="nothing is widened without VNNI"
)
WHY = "x86 with VNNI takes channels four at a time"


def told(file: bytes | Path, **options: Any) -> dict[str, Any]:
    session = ei.Session(file, threads=1, options=ei.SessionOptions(**options))
    stem_told: dict[str, Any] = session.describe()["stem"]
    return stem_told


def test_the_choice_is_told() -> None:
    file = stem().SerializeToString()
    assert told(file) == {"widened": 1, "why": WHY}
    assert told(stem(channels=4).SerializeToString()) == {
        "widened": 0,
        "why": "no quantised first convolution of less than four channels",
    }


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"graph": "off"}, "the graph level leaves convolutions in float"),
        ({"graph": "basic"}, "the graph level leaves convolutions in float"),
        (
            {"config": {"session.disable_quant_qdq": "1"}},
            "session.disable_quant_qdq leaves convolutions in float",
        ),
    ],
)
def test_where_convolutions_stay_in_float_the_file_stays(options: dict, why: str) -> None:
    assert told(stem().SerializeToString(), **options) == {"widened": 0, "why": why}


def test_without_vnni_the_file_stays() -> None:
    script = (
        "import sys, edgeinfer as ei\n"
        "s = ei.Session(sys.stdin.buffer.read(), threads=1)\n"
        "print(s.describe()['stem']['widened'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=stem().SerializeToString(),
        capture_output=True,
        check=True,
        env={**os.environ, "EDGEINFER_CPU": "none"},
    )
    assert done.stdout == b"0\n"


@pytest.mark.parametrize("operators", [False, True])
@pytest.mark.parametrize("level", ["extended", "all"])
def test_results_are_those_of_the_file(level: str, operators: bool) -> None:
    model = stem(operators=operators, strides=[2, 2], pads=[1, 1, 1, 1])
    file = model.SerializeToString()
    session = ei.Session(file, threads=1, options=ei.SessionOptions(graph=level))  # type: ignore[arg-type]
    assert session.describe()["stem"]["widened"] == 1
    theirs = reference(file, level)
    for seed in range(4):
        inputs = picture(model, seed)
        assert session.run(inputs)["y"].tobytes() == theirs.run(None, inputs)[0].tobytes()


def test_heads_are_cut_and_told_as_before() -> None:
    model = stem()
    file = model.SerializeToString()
    session = ei.Session(file, threads=1, options=ei.SessionOptions(cut_head=True))
    assert session.describe()["stem"]["widened"] == 1
    q = session.quantized_inputs["x"]
    assert (q.dtype, q.zero_point) == ("uint8", 114)
    inputs = picture(model)
    integers = np.clip(np.rint(inputs["x"] / np.float32(q.scale)) + 114, 0, 255).astype(np.uint8)
    assert np.array_equal(session.run(integers)["y"], run(model, inputs, off=False)["y"])


def test_integers_of_the_file_are_told_as_before() -> None:
    model = stem(integer_input=True)
    session = ei.Session(model.SerializeToString(), threads=1)
    assert session.describe()["stem"]["widened"] == 1
    assert session.quantized_inputs["x"].zero_point == 114
    assert [tuple(spec.shape) for spec in session.inputs] == [(1, 3, 13, 11)]


def test_a_kept_network_tells_what_was_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGEINFER_CACHE", str(tmp_path / "kept"))
    model = stem()
    ballast = np.random.default_rng(0).normal(size=(1 << 15,)).astype(np.float32)
    model.graph.initializer.append(onnx.numpy_helper.from_array(ballast, "ballast"))
    model.graph.node.append(onnx.helper.make_node("ReduceSum", ["ballast"], ["sum"]))
    model.graph.output.append(onnx.helper.make_tensor_value_info("sum", FLOAT, None))
    file = model.SerializeToString()
    inputs = picture(model)
    states, results = [], []
    for _ in range(2):
        session = ei.Session(file, threads=1)
        described = session.describe()
        states.append(described["cache"]["state"])
        assert described["stem"] == {"widened": 1, "why": WHY}
        results.append(session.run(inputs)["y"].tobytes())
    assert states == ["miss", "hit"]
    assert results[0] == results[1] == run(model, inputs, off=False)["y"].tobytes()


class Pictures(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, name: str, shape: tuple[int, ...]) -> None:
        rng = np.random.default_rng(0)
        self._left = [{name: rng.normal(0, 1, shape).astype(np.float32)} for _ in range(2)]

    def get_next(self) -> dict[str, Any] | None:
        return self._left.pop() if self._left else None


@pytest.mark.parametrize("kind", [QuantType.QUInt8, QuantType.QInt8])
@pytest.mark.parametrize("operators", [False, True])
@pytest.mark.parametrize(
    "name", ["mobilenet_v2_1.0_224", "resnet20_cifar10_32", "squeezenet1.0_227"]
)
def test_real_networks_give_the_same_bits(
    shared_data: Path, tmp_path: Path, name: str, operators: bool, kind: QuantType
) -> None:
    source, made = shared_data / "models" / f"{name}.onnx", tmp_path / "int8.onnx"
    (spec,) = ei.inspect(source).inputs
    shape = tuple(1 if isinstance(axis, str) else axis for axis in spec.shape)
    quantize_static(
        source,
        made,
        Pictures(spec.name, shape),
        quant_format=QuantFormat.QOperator if operators else QuantFormat.QDQ,
        per_channel=True,
        activation_type=kind,
        weight_type=QuantType.QInt8,
    )
    session = ei.Session(made, threads=1)
    assert session.describe()["stem"] == {"widened": 1, "why": WHY}
    # An int8 file is moved first; what is compared is the moved one.
    file = made.read_bytes() if kind == QuantType.QUInt8 else _core.move_to_uint8(made.read_bytes())
    theirs = reference(file)
    for seed in range(3):
        x = np.random.default_rng(seed).normal(0, 1.2, shape).astype(np.float32)
        (found,) = session.run(x).values()
        assert found.tobytes() == theirs.run(None, {spec.name: x})[0].tobytes()
