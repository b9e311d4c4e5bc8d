"""Scales and zero points that no runtime should multiply with are refused."""

import math
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper

import edgeinfer as ei
from session.networks import model_bytes, tensor

from .handmade import F32, SCALE_TYPES, codes, hold, pair

# Operator, domain, its number of inputs, and the inputs that are scales; from the operators' pages.
QUANTISING = [
    ("QuantizeLinear", "", 3, (1,)),
    ("DequantizeLinear", "", 3, (1,)),
    ("QuantizeLinear", "com.microsoft", 3, (1,)),
    ("DequantizeLinear", "com.microsoft", 3, (1,)),
    ("QLinearConv", "", 9, (1, 4, 6)),
    ("QLinearMatMul", "", 8, (1, 4, 6)),
    ("QLinearConv", "com.microsoft", 9, (1, 4, 6)),
    ("QLinearAdd", "com.microsoft", 8, (1, 4, 6)),
    ("QLinearMul", "com.microsoft", 8, (1, 4, 6)),
    ("QLinearSigmoid", "com.microsoft", 5, (1, 3)),
    ("QLinearLeakyRelu", "com.microsoft", 5, (1, 3)),
    ("QLinearSoftmax", "com.microsoft", 5, (1, 3)),
    ("QLinearReduceMean", "com.microsoft", 5, (1, 3)),
    ("QLinearAveragePool", "com.microsoft", 5, (1, 3)),
    ("QLinearGlobalAveragePool", "com.microsoft", 5, (1, 3)),
    ("QLinearWhere", "com.microsoft", 9, (2, 5, 7)),
    ("QLinearConcat", "com.microsoft", 8, (0, 3, 6)),
    ("QGemm", "com.microsoft", 9, (1, 4, 7)),
    ("MatMulIntegerToFloat", "com.microsoft", 7, (2, 3)),
    ("DynamicQuantizeMatMul", "com.microsoft", 5, (2,)),
]


BAD = [math.nan, -math.nan, math.inf, -math.inf, 0.0, -0.0, -0.1]


def quantising(
    op: str, domain: str, count: int, scales: dict[int, NDArray], how: str = "raw"
) -> bytes:
    """One node whose scales are these, and whose other inputs are no subject."""
    names = [f"i{at}" for at in range(count)]
    node = helper.make_node(op, names, ["y"], domain=domain)
    graph = helper.make_graph([node], "g", [tensor("x", ())], [tensor("y", ())])
    imports = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=imports, ir_version=10)
    for at, name in enumerate(names):
        if at in scales:
            hold(model, name, scales[at], how)
        else:
            hold(model, name, np.zeros((), np.uint8), "raw")
    return model.SerializeToString()


@pytest.mark.parametrize("bad", BAD, ids=repr)
@pytest.mark.parametrize(("op", "domain", "count", "scales"), QUANTISING)
def test_each_bad_scale_of_each_operator_is_refused(
    op: str, domain: str, count: int, scales: tuple[int, ...], bad: float
) -> None:
    good = {at: np.float32(0.5) for at in scales}
    assert "scale" not in codes(quantising(op, domain, count, good))
    for at in scales:
        model = quantising(op, domain, count, {**good, at: np.float32(bad)})
        found = [one for one in ei.inspect(model).problems if one.code == "scale"]
        assert len(found) == 1
        assert op in found[0].text
        assert f"'i{at}'" in found[0].text
        assert found[0].verdict == "refused"
        with pytest.raises(ei.ModelError, match="model refused: "):
            ei.Session(model)


@given(
    values=st.lists(st.floats(allow_nan=True, width=16), min_size=1, max_size=20),
    kind=st.sampled_from(SCALE_TYPES),
    how=st.sampled_from(["raw", "typed", "Constant", "value_floats", "passed on"]),
    vector=st.booleans(),
)
def test_a_scale_is_judged_by_its_values_however_it_is_stored(
    values: list[float], kind: type, how: str, vector: bool
) -> None:
    held = np.array(values if vector else values[0], dtype=kind)
    numbers = held.astype(np.float64)
    model = quantising("QLinearConv", "", 9, {1: held, 4: np.float32(1), 6: np.float32(1)}, how)
    bad = bool((~np.isfinite(numbers) | (numbers <= 0)).any())
    assert ("scale" in codes(model)) == bad


def test_a_scale_in_a_file_of_its_own_is_read(tmp_path: Path) -> None:
    model = onnx.load_from_string(
        quantising("QuantizeLinear", "", 3, {1: np.array([1, 2, np.nan], np.float32)})
    )
    (held,) = [one for one in model.graph.initializer if one.name == "i1"]
    (tmp_path / "scales.bin").write_bytes(b"before" + held.raw_data)
    held.ClearField("raw_data")
    held.data_location = TensorProto.EXTERNAL
    held.external_data.add(key="location", value="scales.bin")
    held.external_data.add(key="offset", value="6")
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    found = ei.inspect(tmp_path / "m.onnx").problems
    assert "its scale 'i1' (of 3 values) is NaN" in " ".join(one.text for one in found)


def test_scales_inside_of_graphs_and_functions_are_judged() -> None:
    pair = helper.make_node("QuantizeLinear", ["x", "s"], ["q"])
    bad = helper.make_node("Constant", [], ["s"], value_float=-1.0)
    out = tensor("q", (4,), TensorProto.UINT8)
    branch = helper.make_graph([bad, pair], "b", [], [out])
    choose = helper.make_node("If", ["yes"], ["y"], then_branch=branch, else_branch=branch)
    ends = [tensor("x", (4,))], [tensor("y", (4,), TensorProto.UINT8)]
    assert codes(model_bytes([choose], *ends, {"yes": np.array(True)})) == ["scale"]
    body = helper.make_function("my", "F", ["x"], ["q"], [bad, pair], [helper.make_opsetid("", 17)])
    called = onnx.load_from_string(
        model_bytes([helper.make_node("F", ["x"], ["y"], domain="my")], *ends)
    )
    called.opset_import.append(helper.make_opsetid("my", 1))
    called.functions.append(body)
    assert codes(called.SerializeToString()) == ["scale"]


@pytest.mark.parametrize(
    ("model", "wanted"),
    [
        (pair(F32(1), None), []),
        (pair(F32(1), np.int8(0)), []),
        (pair(F32([1]), np.int8([0])), []),
        (pair(F32([1, 2, 3]), np.int8([0, 0, 0])), []),
        (pair(F32([1, 2, 3]), np.int8([0, 0, 0]), axis=-3), []),
        (pair(F32([1] * 8), np.uint8([0] * 8), axis=3), []),
        (pair(F32([1, 2]), np.int8([0, 0])), ["scale"]),
        (pair(F32([1, 2, 3]), None, axis=4), ["scale"]),
        (pair(F32([1, 2, 3]), np.int8(0)), ["zero-point"]),
        (pair(F32(1), F32(0)), ["zero-point"]),
        (pair(F32(1), np.int64(0)), ["zero-point"]),
        (pair(F32([[-1.0], [0.0]]), None, (4, 1), block_size=2, axis=0), []),
        (pair(F32([[-1.0], [math.nan]]), None, (4, 1), block_size=2, axis=0), ["scale"]),
    ],
)
def test_shapes_and_types_of_scales_and_zero_points(model: bytes, wanted: list[str]) -> None:
    assert codes(model) == wanted
