"""A file of fewer bytes: the same results bit for bit, the same names where somebody knows them."""

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import ModelProto, TensorProto, helper, numpy_helper

import edgeinfer
from edgeinfer.quantize.compact import compact
from oracles.integer_network import FloatNetwork


def run(model: ModelProto, sample: np.ndarray) -> dict[str, np.ndarray]:
    # "off": each node is executed as it stands, so what stands there is what is compared.
    options = edgeinfer.SessionOptions(graph="off")
    data = model.SerializeToString()
    with edgeinfer.Session(data, threads=1, options=options, cache=False) as session:
        return session.run(sample)


def compacted(model: ModelProto) -> ModelProto:
    small = ModelProto()
    small.CopyFrom(model)
    compact(small)
    onnx.checker.check_model(small, full_check=True)
    return small


def quantised(net: FloatNetwork, last: str, tmp_path_factory: pytest.TempPathFactory) -> ModelProto:
    out = tmp_path_factory.mktemp("compact") / "int8.onnx"
    given_samples = [{"x": net.sample(i)} for i in range(32)]
    edgeinfer.quantize(net.model(last).SerializeToString(), out, samples=given_samples)
    return onnx.load(out)


@settings(max_examples=30, deadline=None)
@given(
    distinct=st.integers(1, 300),
    size=st.integers(1000, 1100),
    seed=st.integers(0, 9),
    awkward=st.booleans(),
)
def test_constants_are_the_same_floats(distinct: int, size: int, seed: int, awkward: bool) -> None:
    rng = np.random.default_rng(seed)
    table = rng.normal(0, 1, distinct).astype(np.float32)
    if awkward:
        table[:3] = np.array([-0.0, 0.0, 1e-45], np.float32)[: len(table[:3])]
    net = FloatNetwork(shape=(1, size))
    last = net.node("Add", ["x", net.constant(rng.choice(table, (1, size)))])
    model = net.model(last)
    small = compacted(model)
    zero = np.full((1, size), -0.0, np.float32)
    (wanted,), (found,) = run(model, zero).values(), run(small, zero).values()
    np.testing.assert_array_equal(wanted.view(np.uint32), found.view(np.uint32))
    bits = numpy_helper.to_array(model.graph.initializer[0]).view(np.uint32)
    if len(np.unique(bits)) <= 256 and size >= 1024:
        assert small.ByteSize() < 0.5 * 4 * size + 4 * distinct


def residual() -> tuple[FloatNetwork, str]:
    net = FloatNetwork(shape=(1, 4, 16, 16))
    first = net.node("Relu", [net.conv("x", 24, 4, kernel=3)])
    second = net.conv(first, 24, 24, kernel=3, group=24)
    return net, net.conv(net.node("Add", [first, second]), 20, 24)


def test_results_and_known_names_stay() -> None:
    net, last = residual()
    model = net.model(last)
    model.doc_string = "words"
    model.graph.node[0].doc_string = "words"
    small = compacted(model)
    assert small.ByteSize() < model.ByteSize()
    assert [node.name for node in small.graph.node] == [node.name for node in model.graph.node]
    assert [one.name for one in small.graph.output] == [last]
    assert not small.graph.value_info
    assert "words" not in str(small)
    np.testing.assert_array_equal(run(small, net.sample())[last], run(model, net.sample())[last])
    again = compacted(small)
    assert again.SerializeToString() == small.SerializeToString()


def test_layers_without_a_name_are_called_as_before() -> None:
    net, last = residual()
    model = net.model(last)
    for node in model.graph.node:
        node.ClearField("name")
    names = [node.name or node.output[0] for node in compacted(model).graph.node]
    assert names == [node.output[0] for node in model.graph.node]


def test_quantised_networks_give_the_same_integers(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    net, last = residual()
    found = quantised(net, last, tmp_path_factory)
    names = {node.name for node in found.graph.node}
    assert {f"n.t{i}" for i in (0, 2, 3, 4)} <= names
    tensors = [name for node in found.graph.node for name in (*node.input, *node.output) if name]
    between = [name for name in tensors if name not in ("x", last)]
    assert max(map(len, between)) <= 2
    equal = [(t.data_type, tuple(t.dims), t.raw_data) for t in found.graph.initializer]
    assert len(set(equal)) == len(equal)
    # One scale and one bias of four bytes for a channel; all else is structure.
    channels, weights = 24 + 24 + 20, sum(v.size for v in net.held.values() if v.ndim == 4)
    assert found.ByteSize() < weights + 8 * channels + 2300


def test_what_graphs_within_a_node_read_keeps_its_name() -> None:
    net = FloatNetwork()
    picked = net.constant(np.full((1, 4, 8, 8), 0.5))
    twin = net.constant(np.full((1, 4, 8, 8), 0.5))
    held = net.node("Relu", [net.conv("x", 4, 4)])
    condition = net.constant(True, np.bool_)

    def branch(name: str, inputs: list[str], op: str) -> onnx.GraphProto:
        node = helper.make_node(op, inputs, [name])
        value = helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4, 8, 8])
        return helper.make_graph([node], name, [], [value])

    inner = net.node(
        "If",
        [condition],
        then_branch=branch("a", [held, twin], "Add"),
        else_branch=branch("b", [held, picked], "Mul"),
    )
    last = net.node("Add", [inner, picked])
    model = net.model(last)
    small = compacted(model)
    np.testing.assert_array_equal(run(small, net.sample())[last], run(model, net.sample())[last])


def test_what_means_nothing_is_left_out_and_what_means_something_is_not() -> None:
    net = FloatNetwork()
    plain = net.conv("x", 4, 4)
    wide = net.conv(plain, 4, 4, kernel=3, group=2)
    weight = net.constant(np.ones((4, 4, 3, 3)))
    last = net.node("Conv", [wide, weight], auto_pad="SAME_UPPER", strides=[2, 2], dilations=[1, 1])
    model = net.model(last)
    small = compacted(model)
    have = [{one.name for one in node.attribute} for node in small.graph.node]
    assert have == [{"kernel_shape"}, {"kernel_shape", "pads", "group"}, {"auto_pad", "strides"}]
    np.testing.assert_array_equal(run(small, net.sample())[last], run(model, net.sample())[last])
