"""Moving int8 activations to uint8: every integer is 128 higher, and every result is the same.

Oracle: onnxruntime with its optimisations off, which executes QuantizeLinear and DequantizeLinear
as they stand; both files go through it, and every integer between operators is looked at.
"""

from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper

from edgeinfer import _core
from oracles.onnx_quantised import FLOAT, INT8, Chain, run

SHAPE = (1, 4, 6, 6)


def image(seed: int = 0) -> dict[str, NDArray]:
    return {"x": np.random.default_rng(seed).normal(scale=3, size=SHAPE).astype(np.float32)}


def left(model: onnx.ModelProto) -> dict[str, int]:
    return dict(_core.inspect_model(model.SerializeToString()).uint8.left)


def moved(model: onnx.ModelProto) -> onnx.ModelProto:
    changed = _core.move_to_uint8(model.SerializeToString())
    assert changed is not None, left(model)
    proto = onnx.load_from_string(changed)
    return proto


def expect_same(
    model: onnx.ModelProto, integers: list[str], stay: tuple[str, ...] = ()
) -> onnx.ModelProto:
    """Integers are 128 higher but for those that stay; outputs are equal bit for bit."""
    changed = moved(model)
    for inputs in (image(1), image(2)):
        wanted, found = run(model, inputs, integers), run(changed, inputs, integers)
        for name in integers:
            if name in stay:
                assert found[name].dtype == np.int8
                assert np.array_equal(found[name], wanted[name])
            else:
                assert (wanted[name].dtype, found[name].dtype) == (np.int8, np.uint8), name
                assert np.array_equal(found[name], wanted[name].astype(np.int16) + 128), name
        for output in model.graph.output:
            assert found[output.name].tobytes() == wanted[output.name].tobytes(), output.name
    return changed


def residual(per_channel: bool = True, scale: float = 0.05, zero: int = 3) -> tuple[Chain, str]:
    """Two convolutions around which the value is added: a tensor with two readers."""
    chain = Chain(SHAPE)
    first = chain.pair(chain.node("Relu", [chain.conv(chain.pair("x"), (4, 4), per_channel)]))
    second = chain.pair(chain.conv(first, (4, 4), per_channel), scale, zero)
    return chain, chain.pair(chain.node("Add", [first, second]), 0.1, -128)


@st.composite
def networks(draw: st.DrawFn) -> tuple[onnx.ModelProto, list[str]]:
    """Some of everything: pairs, residual additions, integers that are moved about, constants."""
    chain = Chain(SHAPE, draw(st.integers(0, 99)))
    zeros, scales = st.integers(-128, 127), st.floats(0.01, 0.3)
    known = [chain.pair("x", draw(scales), draw(zeros))]
    for _ in range(draw(st.integers(1, 6))):
        source, scale, zero = draw(st.sampled_from(known)), draw(scales), draw(zeros)
        match draw(st.sampled_from(["conv", "add", "integers", "constant", "concat", "float"])):
            case "conv":
                known.append(
                    chain.pair(chain.conv(source, (4, 4), draw(st.booleans())), scale, zero)
                )
            case "add":
                total = chain.node("Add", [source, draw(st.sampled_from(known))])
                known.append(chain.pair(total, scale, zero))
            case "integers":
                value = chain.quantize(source, scale, zero)
                attributes: dict[str, Any] = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
                if draw(st.booleans()):
                    value = chain.integer("MaxPool", [value], **attributes)
                if draw(st.booleans()):
                    value = chain.integer("Transpose", [value], perm=[0, 1, 3, 2])
                known.append(chain.dequantize(value, scale, zero))
                if draw(st.booleans()):
                    known.append(chain.dequantize(value, scale * 2, zero))
            case "constant":
                values = chain.constant(chain.rng.integers(-128, 128, (4, 1, 1)), np.int8)
                held = chain.dequantize(values, scale, zero)
                op = draw(st.sampled_from(["Add", "Mul"]))
                known.append(chain.pair(chain.node(op, [source, held]), scale, zero))
            case "concat":
                halves = [
                    chain.integer("Slice", [chain.quantize(one, scale, zero), *bounds])
                    for one in (source, draw(st.sampled_from(known)))
                    for bounds in [[chain.constant([k], np.int64) for k in (0, 2, 1)]]
                ]
                value = chain.integer("Concat", halves, axis=1)
                known.append(chain.dequantize(value, scale, zero))
            case "float":
                known.append(chain.pair(chain.node("Sigmoid", [source]), scale, zero))
    outputs = {known[-1]: FLOAT, chain.node("ArgMax", [known[-1]], axis=1): TensorProto.INT64}
    return chain.model(outputs), chain.integers


@given(networks())
@settings(max_examples=60)
def test_every_integer_is_128_higher_and_every_result_is_the_same(
    made: tuple[onnx.ModelProto, list[str]],
) -> None:
    model, integers = made
    changed = expect_same(model, integers)
    assert left(changed) == {}
    assert _core.move_to_uint8(changed.SerializeToString()) is None


@pytest.mark.parametrize("ir", [3, 8])
@pytest.mark.parametrize("per_channel", [False, True])
def test_a_residual_block_moves_whole(per_channel: bool, ir: int) -> None:
    chain, end = residual(per_channel)
    model = chain.model({end: FLOAT}, ir=ir, opset=13)
    if ir < 4:
        model.graph.input.extend(
            helper.make_tensor_value_info(one.name, one.data_type, one.dims)
            for one in model.graph.initializer
        )
    changed = expect_same(model, chain.integers)
    facts = _core.inspect_model(model.SerializeToString()).uint8
    assert (facts.movable, facts.left) == (4, {})
    # Weights and their zero points stay.
    kinds = {one.name: one.data_type for one in changed.graph.initializer}
    weights = [one.name for one in model.graph.initializer if len(one.dims) == 4]
    assert len(weights) == 2
    assert all(kinds[name] == INT8 for name in weights)
    if ir < 4:
        assert {one.name for one in changed.graph.input} == {"x", *kinds}


def test_zero_points_that_nothing_reads_any_more_are_gone() -> None:
    chain, end = residual()
    changed = moved(chain.model({end: FLOAT}))
    read = {name for node in changed.graph.node for name in node.input}
    assert {one.name for one in changed.graph.initializer} <= read


def test_a_zero_point_that_weights_share_stays_beside_the_new_one() -> None:
    chain = Chain(SHAPE)
    zero, scale = chain.constant(0, np.int8), chain.constant(0.05, np.float32)
    values = chain.constant(np.ones((4, 4, 1, 1)), np.int8)
    integers = chain.node("QuantizeLinear", ["x", scale, zero])
    value = chain.node("DequantizeLinear", [integers, scale, zero])
    weights = chain.node("DequantizeLinear", [values, scale, zero])
    end = chain.node("Conv", [value, weights])
    changed = expect_same(chain.model({end: FLOAT}), [integers])
    kinds = {one.name: one.data_type for one in changed.graph.initializer}
    assert kinds[zero] == INT8
    assert kinds[values] == INT8


def test_what_the_file_declares_of_moved_tensors_is_changed_as_well() -> None:
    chain, end = residual()
    infos = [helper.make_tensor_value_info(n, INT8, list(SHAPE)) for n in chain.integers]
    changed = expect_same(chain.model({end: FLOAT}, value_info=infos), chain.integers)
    declared = {one.name: one.type.tensor_type for one in changed.graph.value_info}
    for name in chain.integers:
        assert declared[name].elem_type == TensorProto.UINT8
        assert [dim.dim_value for dim in declared[name].shape.dim] == list(SHAPE)


def test_a_type_told_by_an_attribute_gives_way_to_a_zero_point() -> None:
    chain = Chain(SHAPE)
    scale = chain.constant(0.05, np.float32)
    integers = chain.node("QuantizeLinear", ["x", scale], output_dtype=INT8)
    end = chain.node("DequantizeLinear", [integers, scale])
    expect_same(chain.model({end: FLOAT}, opset=21, ir=10), [integers])


def test_names_that_the_file_uses_are_not_taken() -> None:
    chain, end = residual()
    chain.held["uint8_zero_point_131"] = np.ones(SHAPE, np.float32)
    chain.nodes.append(helper.make_node("Add", [end, "uint8_zero_point_131"], ["y"]))
    expect_same(chain.model({"y": FLOAT}), chain.integers)


def test_integers_that_a_caller_gets_stay() -> None:
    chain, end = residual()
    last = chain.integers[-1]
    model = chain.model({end: FLOAT, last: INT8})
    expect_same(model, chain.integers, stay=(last,))
    assert left(model) == {"an output of the file": 1}


def test_integers_that_a_caller_gives_stay() -> None:
    chain = Chain(SHAPE)
    chain.inputs = [helper.make_tensor_value_info("x", INT8, list(SHAPE))]
    end = chain.pair(chain.conv(chain.dequantize("x"), (4, 4)))
    model = chain.model({end: FLOAT})
    assert left(model) == {"an input of the file": 1}
    changed = moved(model)
    given = {"x": np.random.default_rng(0).integers(-128, 128, SHAPE, dtype=np.int8)}
    assert np.array_equal(run(changed, given)[end], run(model, given)[end])


def branch(name: str) -> onnx.GraphProto:
    node = helper.make_node("Identity", [name], [f"{name}_again"])
    return helper.make_graph([node], "branch", [], [onnx.ValueInfoProto(name=f"{name}_again")])


def strange_reader(chain: Chain, integers: str) -> str:
    return chain.node("Cast", [integers], to=TensorProto.INT32)


def inner_reader(chain: Chain, integers: str) -> str:
    always, body = chain.constant(True, np.bool_), branch(integers)
    return chain.node("If", [always], then_branch=body, else_branch=body)


def changing_zero_point(chain: Chain, integers: str) -> str:
    values = chain.constant([3, 3], np.int8)
    zero = chain.node("ReduceMax", [values], axes=[0], keepdims=0)
    return chain.node("DequantizeLinear", [integers, chain.constant(0.05, np.float32), zero])


def zero_points_by_channel(chain: Chain, integers: str) -> str:
    point = [chain.constant([0.1] * 4, np.float32), chain.constant([1, 2, 3, 4], np.int8)]
    return chain.node("DequantizeLinear", [integers, *point], axis=1)


def meets_weights(chain: Chain, integers: str) -> str:
    held = chain.node("Cast", [chain.constant(np.ones(SHAPE), np.float32)], to=INT8)
    joined = chain.node("Concat", [integers, held], axis=1)
    return chain.dequantize(joined)


@pytest.mark.parametrize(
    ("reader", "why"),
    [
        (strange_reader, "read by Cast"),
        (inner_reader, "read by If"),
        (changing_zero_point, "a zero point is not one constant"),
        (zero_points_by_channel, "a zero point is not one constant"),
        (meets_weights, "tied to a tensor that cannot move"),
    ],
)
def test_a_tensor_of_which_not_all_is_known_stays(reader: Any, why: str) -> None:
    chain = Chain(SHAPE)
    start = chain.pair("x")
    kept = chain.quantize(start)
    other = reader(chain, kept)
    kind = {"Cast": TensorProto.INT32, "If": INT8}.get(chain.nodes[-1].op_type, FLOAT)
    model = chain.model({chain.dequantize(kept): FLOAT, other: kind})
    expect_same(model, chain.integers, stay=(kept,))
    reasons = left(model)
    assert why in reasons
    assert all(count > 0 for count in reasons.values())


def test_a_file_that_gives_operators_another_meaning_is_left_alone() -> None:
    chain, end = residual()
    model = chain.model({end: FLOAT})
    nodes = [helper.make_node("Identity", ["a"], ["b"])]
    model.functions.append(
        helper.make_function(
            "com.microsoft", "QuantizeLinear", ["a"], ["b"], nodes, [helper.make_opsetid("", 17)]
        )
    )
    assert _core.move_to_uint8(model.SerializeToString()) is None


def points(chain: Chain, *numbers: tuple[float, int]) -> list[list[str]]:
    return [[chain.constant(s, np.float32), chain.constant(z, np.int8)] for s, z in numbers]


MICROSOFT = "com.microsoft"
ONE_OPERAND = {
    "QLinearGlobalAveragePool": {"channels_last": 0},
    "QLinearAveragePool": {"kernel_shape": [2, 2]},
    "QLinearLeakyRelu": {"alpha": 0.1},
    "QLinearSigmoid": {},
    "QLinearSoftmax": {"axis": 1, "opset": 13},
}


OPERATORS = (
    *ONE_OPERAND,
    *("QLinearConv", "QLinearAdd", "QLinearMul", "QLinearConcat", "constant"),
    *("QLinearMatMul", "QGemm", "QGemm of floats"),
)


@pytest.mark.parametrize("op", OPERATORS)
def test_operators_that_are_quantised_already_move_with_what_they_touch(op: str) -> None:
    chain = Chain(SHAPE)
    (a, b, c) = points(chain, (0.05, 3), (0.05, -7), (0.1, 5))
    first = chain.integer("QuantizeLinear", ["x", *a])
    second = chain.integer("QuantizeLinear", ["x", *b])
    weight_scale, no_zero = chain.constant(0.01, np.float32), chain.constant(0, np.int8)
    steps = 0 if op in ("QLinearConv", "QLinearMatMul", "QGemm") else 1
    if op in ONE_OPERAND:
        inputs, domain, attributes = [first, *a, *c], MICROSOFT, ONE_OPERAND[op]
    elif op == "QLinearConv":
        values = chain.constant(chain.rng.integers(-127, 128, (4, 4, 3, 3)), np.int8)
        inputs, domain, attributes = [first, *a, values, weight_scale, no_zero, *c], "", {}
    elif op in ("QLinearAdd", "QLinearMul"):
        inputs, domain, attributes = [first, *a, second, *b, *c], MICROSOFT, {}
    elif op == "constant":
        held = chain.constant(chain.rng.integers(-128, 128, (4, 1, 1)), np.int8)
        inputs, domain, attributes = [first, *a, held, *b, *c], MICROSOFT, {}
        op = "QLinearAdd"
    elif op == "QLinearConcat":
        inputs, domain, attributes = [*c, first, *a, second, *b], MICROSOFT, {"axis": 1}
    else:
        values = chain.constant(chain.rng.integers(-127, 128, (6, 5)), np.int8)
        inputs, domain, attributes = [first, *a, values, weight_scale, no_zero, *c], "", {}
        if op.startswith("QGemm"):
            shape = chain.constant([24, 6], np.int64)
            flat = chain.integer("Reshape", [first, shape])
            inputs, domain = [flat, *a, values, weight_scale, no_zero, "", *c], MICROSOFT
            if op.endswith("floats"):
                inputs = inputs[:6]
            op = "QGemm"
    result = chain.node(op, inputs, domain, **attributes)
    if len(inputs) == 6 and op == "QGemm":
        expect_same(chain.model({result: FLOAT}), chain.integers)
        return
    end = chain.node("DequantizeLinear", [result, *c])
    model = chain.model({end: FLOAT, chain.dequantize(second): FLOAT})
    changed = moved(model)
    assert left(model) == {}
    for inputs_ in (image(1), image(2)):
        wanted, found = run(model, inputs_, [result]), run(changed, inputs_, [result])
        difference = wanted[result].astype(np.int16) + 128 - found[result]
        # Sums of products are exact; the others take the zero points into sums of floats, where
        # halves may round apart.
        assert np.abs(difference).max() <= steps
