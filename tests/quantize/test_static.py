"""What is written in integers: its arithmetic, its operators, what is left in float."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import edgeinfer
from edgeinfer import InputError
from edgeinfer.quantize.candidate import Material, choose_grids, make_candidate
from edgeinfer.quantize.plan import make_plan
from edgeinfer.quantize.prepare import prepare
from edgeinfer.quantize.static import write_static
from edgeinfer.quantize.targets import TARGETS
from oracles import integer_network as oracle
from oracles.integer_network import FloatNetwork
from quantize.written import Written, kinds, optimised


def run(model: onnx.ModelProto, sample: np.ndarray) -> list[np.ndarray]:
    with edgeinfer.Session(model.SerializeToString(), threads=1, cache=False) as session:
        return list(session.run(sample).values())


def residual() -> tuple[FloatNetwork, str]:
    net = FloatNetwork()
    first = net.node("Relu", [net.conv("x", 6, 4, kernel=3)])
    second = net.conv(first, 6, 6, kernel=3, group=6)
    total = net.node("Add", [first, second])
    return net, net.conv(total, 5, 6)


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_the_file_computes_what_numpy_computes_in_integers(
    written: Callable[..., Written], tensors_of: Callable, target: str
) -> None:
    net, last = residual()
    model, _, prepared = written(net, last, target=target)
    sample = net.sample(7)
    seen = tensors_of(prepared.model, [net.sample(i) for i in range(3)])
    signed, bits = TARGETS[target].activations == "int8", TARGETS[target].weight_bits

    def grid(name: str, positive: bool = False) -> oracle.Grid:
        values = seen[name]
        return oracle.grid(0.0 if positive else float(values.min()), float(values.max()), signed)

    def layer(
        integers: np.ndarray, source: oracle.Grid, number: int, result: oracle.Grid, group: int = 1
    ) -> np.ndarray:
        weights = net.held[f"k{2 * number}"].astype(np.float64)
        bias = net.held[f"k{2 * number + 1}"].astype(np.float64)
        values, scales = oracle.symmetric(weights, bits)
        sums = oracle.convolve(integers, source.zero_point, values, group)
        return oracle.rounded_sums(sums, bias, source, scales, result)

    x, relu, deep, total, out = (grid("x"), grid("t1", True), grid("t2"), grid("t3"), grid("t4"))
    first = layer(x.round(sample[0].astype(np.float64)), x, 0, relu)
    second = layer(first, relu, 1, deep, group=6)
    summed = total.round(relu.value(first) + deep.value(second))
    wanted = layer(summed, total, 2, out)

    found = np.rint(run(model, sample)[0][0] / out.scale) + out.zero_point
    # Kernels multiply by a scale in float32: a value half-way between two integers may go either
    # way, and a step of an inner tensor moves the result by one more at most.
    assert np.abs(found - wanted).max() <= 1
    assert (found == wanted).mean() > 0.98


# Each stands between two convolutions; the function gets the network and a tensor of 6 x 8 x 8.
OPERATORS: dict[str, Callable[[FloatNetwork, str], str]] = {
    "Add": lambda n, t: n.node("Add", [t, n.conv("x", 6, 4)]),
    "Add constant": lambda n, t: n.node("Add", [t, n.constant(np.full((1, 1, 8, 8), 0.5))]),
    "AveragePool": lambda n, t: n.node("AveragePool", [t], kernel_shape=[2, 2], strides=[2, 2]),
    "Clip": lambda n, t: n.node("Clip", [n.conv(t, 6, 6), n.constant(0.0), n.constant(0.7)]),
    "Concat": lambda n, t: n.node("Concat", [n.conv(t, 2, 6), n.conv(t, 4, 6)], axis=1),
    "GlobalAveragePool": lambda n, t: n.node("GlobalAveragePool", [t]),
    "LeakyRelu": lambda n, t: n.node("LeakyRelu", [t], alpha=0.1),
    "MaxPool": lambda n, t: n.node("MaxPool", [t], kernel_shape=[2, 2], strides=[2, 2]),
    "Mul": lambda n, t: n.node("Mul", [t, n.conv("x", 6, 4)]),
    "Relu": lambda n, t: n.node("Relu", [n.conv(t, 6, 6)]),
    "Resize": lambda n, t: n.node(
        "Resize",
        [t, "", "", n.constant([1, 6, 16, 16], np.int64)],
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
    ),
    "Reshape": lambda n, t: n.node("Reshape", [t, n.constant([1, 6, 4, 16], np.int64)]),
    "Sigmoid": lambda n, t: n.node("Sigmoid", [t]),
    "Slice": lambda n, t: n.node(
        "Slice",
        [t, *(n.constant(v, np.int64) for v in ([0], [4], [2]))],
    ),
    "Split": lambda n, t: n.node("Split", [t, n.constant([6], np.int64)], axis=1),
    "Squeeze, Unsqueeze": lambda n, t: n.node(
        "Unsqueeze",
        [n.node("Squeeze", [t, n.constant([0], np.int64)]), n.constant([0], np.int64)],
    ),
    "Transpose": lambda n, t: n.node("Transpose", [t], perm=[0, 1, 3, 2]),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_an_operator_between_two_layers_computes_in_integers(
    written: Callable[..., Written], tmp_path: Path, name: str
) -> None:
    net = FloatNetwork()
    last = net.conv(OPERATORS[name](net, net.conv("x", 6, 4, kernel=3)), 5, 6)
    model, plan, network = written(net, last)
    assert set(kinds(plan, network).values()) <= {"int8", "merged"}
    left = optimised(model, tmp_path)
    # One at each end: whatever computed in float would stand between two more.
    assert (left.count("QuantizeLinear"), left.count("DequantizeLinear")) == (1, 1), left
    sample = net.sample(1)
    wanted, found = run(net.model(last), sample)[0], run(model, sample)[0]
    assert np.square(wanted).sum() > 10**2.5 * np.square(found - wanted).sum()


@pytest.mark.parametrize("op", ["Gemm", "MatMul"])
def test_a_product_computes_in_integers_and_its_last_result_stays_float(
    written: Callable[..., Written], tmp_path: Path, op: str
) -> None:
    net = FloatNetwork()
    flat = net.node("Flatten", [net.node("GlobalAveragePool", [net.conv("x", 6, 4)])], axis=1)
    for width in (7, 5):
        inputs = [flat, net.constant(net.rng.normal(0, 1, (6 if width == 7 else 7, width)))]
        if op == "Gemm":
            inputs.append(net.constant(net.rng.normal(0, 1, width)))
        flat = net.node(op, inputs)
    model, plan, network = written(net, flat)
    assert set(kinds(plan, network).values()) == {"int8"}
    assert flat not in plan.owner
    left = optimised(model, tmp_path)
    assert left.count("QuantizeLinear") == 1
    assert not {"Gemm", "MatMul", "Conv"} & set(left)
    sample = net.sample(1)
    wanted, found = run(net.model(flat), sample)[0], run(model, sample)[0]
    assert np.square(wanted).sum() > 10**2.5 * np.square(found - wanted).sum()


def test_what_has_no_integer_kernel_is_left_in_float_with_its_reason(
    written: Callable[..., Written],
) -> None:
    net = FloatNetwork()
    middle = net.node("Softplus", [net.conv("x", 6, 4)])
    last = net.conv(middle, 5, 6)
    model, plan, network = written(net, last)
    by_name = dict(zip((n.output[0] for n in network.nodes), plan.decisions, strict=True))
    assert (by_name[middle].kind, by_name[middle].reason) == (
        "float",
        "no integer kernel for Softplus",
    )
    assert by_name[last].kind == "int8"
    assert "Softplus" in [node.op_type for node in model.graph.node]
    sample = net.sample(1)
    wanted, found = run(net.model(last), sample)[0], run(model, sample)[0]
    assert np.square(wanted).sum() > 10**2.5 * np.square(found - wanted).sum()


def test_what_follows_the_last_weighted_layer_is_left_in_float(
    written: Callable[..., Written],
) -> None:
    net = FloatNetwork()
    conv = net.conv("x", 6, 4)
    last = net.node(
        "Reshape",
        [net.node("MaxPool", [conv], kernel_shape=[2, 2]), net.constant([1, -1], np.int64)],
    )
    _, plan, network = written(net, last)
    assert kinds(plan, network) == {conv: "int8", "t1": "float", last: "float"}


@pytest.mark.parametrize("pattern", ["n.t2", "t2", "t[2]", "n.?2"])
def test_an_excluded_node_keeps_its_float_weights(
    written: Callable[..., Written], pattern: str
) -> None:
    net, last = residual()
    model, plan, network = written(net, last, exclude=(pattern,))
    assert kinds(plan, network)["t2"] == "float"
    held = {tensor.name: tensor for tensor in model.graph.initializer}
    np.testing.assert_array_equal(numpy_helper.to_array(held["k2"]), net.held["k2"])


def test_excluding_what_is_not_there_is_refused_with_what_is_near() -> None:
    net, last = residual()
    network = prepare(net.model(last).SerializeToString()).network
    with pytest.raises(InputError, match=r"'n\.t22'.*near to it: n\.t2"):
        make_plan(network, ("n.t22",))


def test_each_channel_of_weights_has_its_own_scale(written: Callable[..., Written]) -> None:
    net = FloatNetwork()
    model, _, _ = written(net, net.conv("x", 8, 4, kernel=3))
    held = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    largest = np.abs(net.held["k0"]).reshape(8, -1).max(axis=1)
    np.testing.assert_allclose(held["k0_scale"], largest / 127, rtol=1e-6)
    assert (np.abs(held["k0_quantized"]).reshape(8, -1).max(axis=1) == 127).all()


def test_weights_for_processors_that_saturate_have_seven_bits(
    written: Callable[..., Written],
) -> None:
    net = FloatNetwork()
    model, _, _ = written(net, net.conv("x", 8, 4), target="x86-64")
    held = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    assert np.abs(held["k0_quantized"]).max() == 63
    assert held["x_zero_point"].dtype == np.uint8


def test_a_bias_far_larger_than_its_weights_does_not_overflow(
    written: Callable[..., Written],
) -> None:
    net = FloatNetwork()
    weights = np.zeros((3, 4, 1, 1))
    weights[1] = 1e-12
    weights[2] = 1.0
    bias = np.array([0.0, 50.0, 1.0])
    last = net.node("Conv", ["x", net.constant(weights), net.constant(bias)])
    model, _, _ = written(net, last)
    found = run(model, net.sample(0))[0]
    np.testing.assert_allclose(found[0, 1], 50, atol=0.3)
    np.testing.assert_allclose(found[0, 0], 0, atol=0.15)


def test_a_clip_that_other_parts_of_a_concat_do_not_have_still_cuts(
    written: Callable[..., Written],
) -> None:
    net = FloatNetwork()
    cut = net.node("Relu", [net.conv("x", 3, 4)])
    both = net.node("Concat", [cut, net.conv("x", 3, 4)], axis=1)
    # The identity: what comes out is what went into the Concat.
    eye = net.constant(np.eye(6).reshape(6, 6, 1, 1))
    last = net.node("Conv", [both, eye])
    model, plan, network = written(net, last)
    assert kinds(plan, network)[cut] == "merged"
    assert run(model, net.sample(0))[0][0, :3].min() >= 0


def test_an_activation_that_others_also_read_uncut_is_not_merged(
    written: Callable[..., Written],
) -> None:
    net = FloatNetwork()
    conv = net.conv("x", 6, 4)
    relu = net.node("Relu", [conv])
    last = net.conv(net.node("Add", [conv, net.conv(relu, 6, 6)]), 5, 6)
    model, plan, network = written(net, last)
    assert kinds(plan, network)[relu] == "float"
    sample = net.sample(1)
    wanted, found = run(net.model(last), sample)[0], run(model, sample)[0]
    assert np.square(wanted).sum() > 10**2.5 * np.square(found - wanted).sum()


def test_a_tensor_that_is_always_zero_gets_a_scale_all_the_same(
    written: Callable[..., Written],
) -> None:
    net = FloatNetwork()
    zero = net.node("Relu", [net.node("Conv", ["x", net.constant(np.zeros((6, 4, 1, 1)))])])
    last = net.conv(zero, 5, 6)
    model, _, _ = written(net, last)
    bias = net.held["k2"].reshape(1, 5, 1, 1)
    np.testing.assert_allclose(
        run(model, net.sample(0))[0], np.broadcast_to(bias, (1, 5, 8, 8)), atol=0.01
    )


@pytest.mark.parametrize("span", [(float("nan"), 1.0), (0.0, float("inf")), (1.0, -1.0)])
def test_a_range_that_is_none_names_its_tensor(span: tuple[float, float]) -> None:
    net, last = residual()
    network = prepare(net.model(last).SerializeToString()).network
    plan = make_plan(network)
    spans = dict.fromkeys(plan.measured(network), (-1.0, 1.0)) | {"t3": span}
    with pytest.raises(InputError, match="tensor 't3'"):
        choose_grids(network, plan, spans.__getitem__, TARGETS["a72"])


def test_weights_that_are_not_finite_are_refused_by_name(written: Callable[..., Written]) -> None:
    net = FloatNetwork()
    conv = net.conv("x", 6, 4)
    net.held["k0"][2, 1] = np.nan
    prepared = prepare(net.model(conv).SerializeToString())
    plan = make_plan(prepared.network)
    target = TARGETS["a76"]
    grids = choose_grids(prepared.network, plan, lambda _: (-1.0, 1.0), target)
    with pytest.raises(InputError, match="weights 'k0'"):
        write_static(prepared.network, plan, grids, target)


def test_a_linear_resize_is_reported_as_interpolated_in_float(
    written: Callable[..., Written],
) -> None:
    net = FloatNetwork()
    size = net.constant([1, 6, 16, 16], np.int64)
    wide = net.node("Resize", [net.conv("x", 6, 4), "", "", size], mode="linear")
    _, plan, network = written(net, net.conv(wide, 5, 6))
    by_name = dict(zip((n.output[0] for n in network.nodes), plan.decisions, strict=True))
    assert "interpolates in float" in by_name[wide].reason


def test_candidates_leave_layers_in_float_without_calibrating_again() -> None:
    net = FloatNetwork(shape=(1, 4, 16, 16))
    parts = [net.node("Relu", [net.conv("x", n, 4, kernel=3)]) for n in (3, 5)]
    both = net.node("Concat", parts, axis=1)
    pooled = net.node("MaxPool", [both], kernel_shape=[2, 2], strides=[2, 2])
    last = net.conv(pooled, 5, 8)
    prepared = prepare(net.model(last).SerializeToString())
    plan = make_plan(prepared.network)
    samples = [{"x": net.sample(i)} for i in range(32)]
    names = plan.measured(prepared.network)
    ranges = edgeinfer.calibrate(prepared.model, samples, tensors=names)
    material = Material(prepared.network, plan, ranges, TARGETS["x86-64-vnni"])
    before = prepared.network.model.SerializeToString()
    wanted = run(prepared.network.model, net.sample(99))[0]
    power = float(np.square(wanted).sum())

    for place, node in enumerate(prepared.network.nodes):
        made = make_candidate(material, in_float={place: "tried"})
        onnx.checker.check_model(made.model, full_check=True)
        if made.plan.decisions[place].kind != "float":
            pytest.fail(f"{node.op_type} is {made.plan.decisions[place]}")
        assert made.plan.decisions[place].reason == "tried"
        error = float(np.square(run(made.model, net.sample(99))[0] - wanted).sum())
        assert power > 10**2.5 * error, node.op_type
    everything = dict.fromkeys(range(len(prepared.network.nodes)), "tried")
    whole = make_candidate(material, in_float=everything)
    np.testing.assert_allclose(run(whole.model, net.sample(99))[0], wanted, rtol=1e-5, atol=1e-5)
    assert prepared.network.model.SerializeToString() == before
