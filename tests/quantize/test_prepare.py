"""What is folded before quantising, and what is refused."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import edgeinfer
from edgeinfer import InputError, ModelError
from edgeinfer.quantize.prepare import prepare, require_equal
from oracles.integer_network import FloatNetwork


def operators(model: bytes) -> list[str]:
    return [node.op_type for node in onnx.load_model_from_string(model).graph.node]


def batch_norm(net: FloatNetwork, source: str, channels: int) -> str:
    values = [net.rng.uniform(0.5, 2, channels) for _ in range(4)]
    return net.node("BatchNormalization", [source, *map(net.constant, values)], epsilon=1e-3)


FOLDED: dict[str, Callable[[FloatNetwork], str]] = {
    "BatchNormalization": lambda n: batch_norm(n, n.conv("x", 6, 4, kernel=3), 6),
    "of a depthwise convolution": lambda n: batch_norm(n, n.conv("x", 4, 4, 3, group=4), 4),
    "without a bias": lambda n: batch_norm(
        n, n.node("Conv", ["x", n.constant(n.rng.normal(0, 1, (6, 4, 1, 1)))]), 6
    ),
    "Mul and Add": lambda n: n.node(
        "Add",
        [
            n.constant(n.rng.normal(0, 1, (1, 6, 1, 1))),
            n.node("Mul", [n.conv("x", 6, 4), n.constant(n.rng.normal(1, 0.2, (6, 1, 1)))]),
        ],
    ),
    "Identity and Dropout": lambda n: n.node(
        "Relu", [n.node("Dropout", [n.node("Identity", [n.conv("x", 6, 4)])])]
    ),
}


@pytest.mark.parametrize("name", FOLDED)
def test_folding_leaves_the_results_as_they_are(name: str) -> None:
    net = FloatNetwork()
    model = net.model(FOLDED[name](net)).SerializeToString()
    prepared = prepare(model)
    assert set(operators(prepared.model)) <= {"Conv", "Relu"}
    with edgeinfer.Session(model, cache=False) as before:
        (wanted,) = before.run(net.sample()).values()
    with edgeinfer.Session(prepared.model, cache=False) as after:
        (found,) = after.run(net.sample()).values()
    np.testing.assert_allclose(found, wanted, atol=2e-6 * np.abs(wanted).max())
    assert require_equal(model, prepared, {"x": net.sample()}) < 1e-5


def test_a_normalisation_of_what_others_read_too_stays() -> None:
    net = FloatNetwork()
    conv = net.conv("x", 6, 4)
    model = net.model(net.node("Add", [conv, batch_norm(net, conv, 6)])).SerializeToString()
    assert "BatchNormalization" in operators(prepare(model).model)


def test_a_wrong_fold_is_found() -> None:
    net = FloatNetwork()
    model = net.model(net.conv("x", 6, 4)).SerializeToString()
    prepared = prepare(model)
    other = onnx.load_model_from_string(prepared.model)
    bias = next(one for one in other.graph.initializer if one.name == "k1")
    bias.CopyFrom(onnx.numpy_helper.from_array(net.held["k1"] + np.float32(0.01), "k1"))
    with pytest.raises(ModelError, match="'t0': after folding it differs"):
        require_equal(
            model, replace(prepared, model=other.SerializeToString()), {"x": net.sample()}
        )


def test_sizes_that_follow_from_fixed_shapes_are_computed() -> None:
    net = FloatNetwork()
    conv = net.conv("x", 6, 4)
    batch = net.node("Gather", [net.node("Shape", [conv]), net.constant([0], np.int64)], axis=0)
    size = net.node("Concat", [batch, net.constant([-1], np.int64)], axis=0)
    model = net.model(net.node("Reshape", [conv, size])).SerializeToString()
    prepared = prepare(model)
    assert operators(prepared.model) == ["Conv", "Reshape"]
    assert prepared.steps["constants computed"] == 3
    assert require_equal(model, prepared, {"x": net.sample()}) == 0


def test_a_mean_over_planes_becomes_the_pooling_that_has_a_kernel() -> None:
    net = FloatNetwork()
    model = net.model(
        net.node("ReduceMean", [net.conv("x", 6, 4)], axes=[2, 3], keepdims=0)
    ).SerializeToString()
    prepared = prepare(model)
    assert operators(prepared.model) == ["Conv", "GlobalAveragePool", "Flatten"]
    assert require_equal(model, prepared, {"x": net.sample()}) < 1e-5


def test_an_old_opset_is_turned_into_one_with_scales_for_channels() -> None:
    net = FloatNetwork()
    model = net.model(net.node("Relu", [net.conv("x", 6, 4)]), opset=9).SerializeToString()
    prepared = prepare(model)
    assert prepared.network.opset == 13
    assert require_equal(model, prepared, {"x": net.sample()}) == 0


def test_weights_among_the_inputs_are_weights() -> None:
    net = FloatNetwork()
    model = net.model(net.conv("x", 6, 4))
    value = helper.make_tensor_value_info("k0", TensorProto.FLOAT, [6, 4, 1, 1])
    model.graph.input.append(value)
    assert prepare(model.SerializeToString()).network.inputs == ["x"]


@pytest.mark.parametrize("op", ["QuantizeLinear", "DynamicQuantizeLinear"])
def test_a_quantised_model_is_refused_with_what_was_found(op: str) -> None:
    net = FloatNetwork()
    if op == "QuantizeLinear":
        point = [net.constant(0.1), net.constant(3, np.int8)]
        made = net.node("DequantizeLinear", [net.node(op, ["x", *point]), *point])
    else:
        net.nodes.append(helper.make_node(op, ["x"], ["q", "s", "z"]))
        made = net.node("DequantizeLinear", ["q", "s", "z"])
    model = net.model(net.conv(made, 6, 4)).SerializeToString()
    with pytest.raises(ModelError, match=f"quantised already .*1 {op}"):
        prepare(model)


def test_a_damaged_file_is_refused() -> None:
    net = FloatNetwork()
    model = net.model(net.conv("x", 6, 4)).SerializeToString()
    with pytest.raises(ModelError):
        prepare(model[: len(model) // 2])


def test_a_network_without_inputs_is_refused() -> None:
    net = FloatNetwork()
    made = net.node("Relu", [net.constant(np.ones((1, 4, 8, 8)))])
    model = net.model(made)
    del model.graph.input[:]
    with pytest.raises((InputError, ModelError)):
        prepare(model.SerializeToString())
