"""Layers left in float between layers in integers: the runtime is not to round them either."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from oracles.integer_network import FloatNetwork
from quantize.written import Written, kinds, optimised


def assert_nothing_more_is_rounded(model: onnx.ModelProto, sample: np.ndarray) -> None:
    """The same results as with the runtime's own rounding of weights switched off."""
    results = []
    for switched_off in ("", "WeightBiasQuantization"):
        options = onnxruntime.SessionOptions()
        options.add_session_config_entry("optimization.disable_specified_optimizers", switched_off)
        session = onnxruntime.InferenceSession(model.SerializeToString(), options)
        results.append(session.run(None, {"x": sample})[0])
    np.testing.assert_array_equal(*results)


# Of a layer between two convolutions in integers: how it is made, and what stands behind it.
BETWEEN = {
    "Conv": lambda n, t: n.conv(t, 6, 6, kernel=3),
    "Conv, Relu": lambda n, t: n.node("Relu", [n.conv(t, 6, 6, kernel=3)]),
    "Conv, Clip": lambda n, t: n.node(
        "Clip", [n.conv(t, 6, 6, kernel=3), n.constant(0), n.constant(6)]
    ),
    "Conv, MaxPool": lambda n, t: n.node("MaxPool", [n.conv(t, 6, 6)], kernel_shape=[2, 2]),
    "Transpose, Conv": lambda n, t: n.conv(n.node("Transpose", [t], perm=[0, 1, 3, 2]), 6, 6),
    "ConvTranspose": lambda n, t: n.node(
        "ConvTranspose", [t, n.constant(n.rng.normal(0, 1, (6, 6, 2, 2)))], strides=[2, 2]
    ),
}


@pytest.mark.parametrize("name", sorted(BETWEEN))
def test_a_layer_left_in_float_is_not_rounded_by_the_runtime(
    written: Callable[..., Written], tmp_path: Path, name: str
) -> None:
    net = FloatNetwork()
    first = net.conv("x", 6, 4, kernel=3)
    begin = len(net.nodes)
    middle = BETWEEN[name](net, first)
    left = [node.output[0] for node in net.nodes[begin:]]
    last = net.conv(middle, 5, 6)
    model, plan, network = written(net, last, exclude=left)
    assert [kinds(plan, network)[one] for one in (first, last)] == ["int8", "int8"]
    operators = optimised(model, tmp_path)
    assert operators.count("QLinearConv") == 2, operators
    assert {"Conv", "FusedConv", "ConvTranspose"} & set(operators), operators
    # It is computed within the layer, or, where that takes no activation, gone.
    assert "ConvTranspose" in operators or "LeakyRelu" not in operators, operators
    assert_nothing_more_is_rounded(model, net.sample(1))


def test_a_product_left_in_float_is_not_rounded_by_the_runtime(
    written: Callable[..., Written], tmp_path: Path
) -> None:
    net = FloatNetwork(shape=(1, 8))

    def product(source: str, width: int = 8) -> str:
        weights = net.constant(net.rng.normal(0, 1, (8, width)))
        return net.node("Gemm", [source, weights, net.constant(net.rng.normal(0, 1, width))])

    first = product("x")
    left = product(first)
    # What only layers in float read is not rounded; this one wants the same in integers.
    beside, last = product(first), product(left, 5)
    model, _, _ = written(net, beside, last, exclude=(left,))
    operators = optimised(model, tmp_path)
    assert operators.count("QGemm") == 3, operators
    assert {"Gemm", "FusedGemm"} & set(operators), operators
    assert_nothing_more_is_rounded(model, net.sample(1))


def test_a_layer_in_float_whose_result_is_not_rounded_gets_nothing_behind_it(
    written: Callable[..., Written],
) -> None:
    net = FloatNetwork()
    last = net.conv(net.node("Relu", [net.conv("x", 6, 4)]), 5, 6)
    for left in ("t0", last):
        model, _, _ = written(net, last, exclude=(left, "t1") if left == "t0" else (left,))
        assert "LeakyRelu" not in [node.op_type for node in model.graph.node]
