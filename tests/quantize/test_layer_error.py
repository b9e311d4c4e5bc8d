"""What one layer in integers costs: against NumPy's own rounding, and what plans keep."""

from collections.abc import Callable

import numpy as np
import onnx
import pytest

from edgeinfer.quantize.candidate import choose_grids
from edgeinfer.quantize.layer_error import layer_errors, results_of
from edgeinfer.quantize.network import Network
from edgeinfer.quantize.plan import Plan, make_plan
from edgeinfer.quantize.prepare import prepare
from edgeinfer.quantize.static import write_static
from edgeinfer.quantize.subset import heads, leave_in_float, only, rounded_values, weighted_places
from edgeinfer.quantize.targets import TARGETS
from oracles import integer_network as oracle
from oracles.integer_network import FloatNetwork

TARGET = TARGETS["x86-64-vnni"]


def spans_of(tensors_of: Callable, network: Network, samples: list) -> Callable:
    seen = tensors_of(network.model, samples)
    return lambda name: (float(seen[name].min()), float(seen[name].max()))


def rounded(values: np.ndarray, grid: oracle.Grid) -> np.ndarray:
    return grid.value(grid.round(values))


def test_the_error_of_each_layer_is_what_rounding_it_in_numpy_gives(tensors_of: Callable) -> None:
    net = FloatNetwork()
    middle = net.node("Relu", [net.conv("x", 6, 4)])
    last = net.conv(middle, 5, 6)
    network = prepare(net.model(last).SerializeToString()).network
    plan = make_plan(network)
    samples = [net.sample(i) for i in range(3)]
    grids = choose_grids(network, plan, spans_of(tensors_of, network, samples), TARGET)
    found = layer_errors(network, plan, grids, TARGET, [{"x": one} for one in samples])
    assert found.keys() == {0, 2}

    def convolve(values: np.ndarray, weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
        return np.einsum("chw,oc->ohw", values, weights[:, :, 0, 0]) + bias.reshape(-1, 1, 1)

    weights = [net.held[name].astype(np.float64) for name in ("k0", "k2")]
    biases = [net.held[name].astype(np.float64) for name in ("k1", "k3")]
    coarse = []
    for one in weights:
        integers, scales = oracle.symmetric(one, 8)
        coarse.append(integers * scales.reshape(-1, 1, 1, 1))
    inputs = [one[0].astype(np.float64) for one in samples]
    exact = [np.maximum(convolve(one, weights[0], biases[0]), 0) for one in inputs]
    results = [convolve(one, weights[1], biases[1]) for one in exact]
    grid_x = oracle.grid(min(map(np.min, inputs)), max(map(np.max, inputs)), False)
    grid_y = oracle.grid(0.0, max(map(np.max, exact)), False)
    grid_z = oracle.grid(min(map(np.min, results)), max(map(np.max, results)), False)

    def decibels(want: list[np.ndarray], have: list[np.ndarray]) -> float:
        noise = sum(np.square(a - b).sum() for a, b in zip(want, have, strict=True))
        return float(10 * np.log10(sum(np.square(a).sum() for a in want) / noise))

    first = [
        rounded(np.maximum(convolve(rounded(one, grid_x), coarse[0], biases[0]), 0), grid_y)
        for one in inputs
    ]
    behind = [convolve(one, weights[1], biases[1]) for one in first]
    assert found[0].own_db == pytest.approx(decibels(exact, first), abs=0.2)
    assert found[0].network_db == pytest.approx(decibels(results, behind), abs=0.2)
    second = [
        rounded(convolve(rounded(one, grid_y), coarse[1], biases[1]), grid_z) for one in exact
    ]
    assert found[2].own_db == pytest.approx(decibels(results, second), abs=0.2)
    # The last layer's result is the network's.
    assert found[2].network_db == pytest.approx(found[2].own_db, abs=1e-6)


def test_a_layer_beside_the_way_to_the_results_costs_them_nothing(tensors_of: Callable) -> None:
    net = FloatNetwork()
    trunk = net.conv("x", 6, 4)
    left, right = net.conv(trunk, 5, 6), net.conv(trunk, 3, 6)
    network = prepare(net.model(left, right).SerializeToString()).network
    plan = make_plan(network)
    samples = [net.sample(i) for i in range(2)]
    grids = choose_grids(network, plan, spans_of(tensors_of, network, samples), TARGET)
    told: list[tuple[int, int]] = []
    found = layer_errors(
        network,
        plan,
        grids,
        TARGET,
        [{"x": one} for one in samples],
        progress=lambda done, total: told.append((done, total)),
    )
    assert [done for done, _ in told] == list(range(6))
    # The worst output counts: each branch hurts its own.
    assert all(np.isfinite(one.network_db) for one in found.values())
    assert found[1].network_db == pytest.approx(found[1].own_db, abs=1e-6)
    assert found[2].network_db == pytest.approx(found[2].own_db, abs=1e-6)


@pytest.fixture
def residual() -> tuple[FloatNetwork, Network, Plan]:
    net = FloatNetwork()
    first = net.node("Relu", [net.conv("x", 6, 4, kernel=3)])  # 0, 1
    second = net.conv(first, 6, 6, kernel=3, group=6)  # 2
    total = net.node("Add", [first, second])  # 3
    pooled = net.node("MaxPool", [total], kernel_shape=[2, 2], strides=[2, 2])  # 4
    last = net.conv(pooled, 5, 6)  # 5
    network = prepare(net.model(last).SerializeToString()).network
    return net, network, make_plan(network)


def kinds(plan: Plan) -> list[str]:
    return [decision.kind for decision in plan.decisions]


def test_a_layer_goes_to_float_and_the_addition_behind_it_stays(residual: tuple) -> None:
    _, network, plan = residual
    assert kinds(plan) == ["int8", "merged", "int8", "int8", "int8", "int8"]
    assert heads(network, plan) == {0: 0, 1: 0, 2: 2, 3: 3, 4: 4, 5: 5}
    assert weighted_places(network, plan) == {0, 2, 5}
    left = leave_in_float(network, plan, {2: "tried"})
    assert kinds(left) == ["int8", "merged", "float", "int8", "int8", "int8"]
    assert left.decisions[2].reason == "tried"
    assert left.owner == plan.owner
    # What merges goes along, and the other way round.
    for place in (0, 1):
        left = leave_in_float(network, plan, {place: "tried"})
        assert kinds(left)[:2] == ["float", "float"]
        assert "x" not in left.owner


def test_what_computes_in_integers_to_no_use_goes_to_float_too(residual: tuple) -> None:
    _, network, plan = residual
    left = leave_in_float(network, plan, {0: "a", 2: "b"})
    # Both that the addition reads are float, then so is it, and the pool behind it.
    assert kinds(left) == ["float", "float", "float", "float", "float", "int8"]
    left = leave_in_float(network, plan, {5: "a"})
    assert kinds(left)[:3] == ["int8", "merged", "int8"]
    assert kinds(left)[3:] == ["float", "float", "float"]


def test_what_is_rounded_by_itself_is_counted(residual: tuple) -> None:
    _, network, plan = residual
    # The picture in, the result out.
    assert rounded_values(network, plan) == 4 * 64 + 5 * 16
    left = leave_in_float(network, plan, {2: "tried"})
    # What layer 2 reads becomes float, what it makes becomes integers.
    assert rounded_values(network, left) == 4 * 64 + 5 * 16 + 2 * 6 * 64


def test_every_part_of_a_plan_is_a_file_that_is_near_the_float_one(
    residual: tuple, tensors_of: Callable
) -> None:
    net, network, plan = residual
    samples = [net.sample(i) for i in range(3)]
    grids = choose_grids(network, plan, spans_of(tensors_of, network, samples), TARGET)
    import edgeinfer

    def run(model: onnx.ModelProto) -> np.ndarray:
        with edgeinfer.Session(model.SerializeToString(), threads=1, cache=False) as session:
            (result,) = session.run(samples[0]).values()
            return result.astype(np.float64)

    exact = run(network.model)
    parts = [only(network, plan, place) for place in (0, 2, 3, 4, 5)]
    parts += [leave_in_float(network, plan, {i: "", j: ""}) for i in range(6) for j in range(i)]
    for part in parts:
        model = write_static(network, part, grids, TARGET)
        onnx.checker.check_model(model, full_check=True)
        noise = np.square(run(model) - exact).sum()
        assert np.square(exact).sum() > 10**2.2 * noise
    nothing = leave_in_float(network, plan, dict.fromkeys(range(6), ""))
    assert set(kinds(nothing)) == {"float"}
    assert nothing.owner == {}
    np.testing.assert_array_equal(run(write_static(network, nothing, grids, TARGET)), exact)


def test_results_are_looked_at_before_a_softmax_at_the_end(tensors_of: Callable) -> None:
    net = FloatNetwork()
    logits = net.conv("x", 5, 4)
    flat = net.node("Flatten", [net.node("GlobalAveragePool", [logits])], axis=1)
    ends = {
        flat: (flat,),
        net.node("Softmax", [flat], axis=1): (flat,),
        net.node("Sigmoid", [net.node("Reshape", [flat, net.constant([5, 1], np.int64)])]): ("t4",),
    }
    for output, wanted in ends.items():
        network = prepare(net.model(output).SerializeToString()).network
        assert results_of(network) == wanted
    network = prepare(net.model("t3").SerializeToString()).network
    plan = make_plan(network)
    samples = [net.sample(i) for i in range(3)]
    grids = choose_grids(network, plan, spans_of(tensors_of, network, samples), TARGET)
    found = layer_errors(network, plan, grids, TARGET, [{"x": one} for one in samples])
    before = layer_errors(
        prepare(net.model(flat).SerializeToString()).network,
        make_plan(prepare(net.model(flat).SerializeToString()).network),
        grids,
        TARGET,
        [{"x": one} for one in samples],
    )
    assert found[0].network_db == pytest.approx(before[0].network_db, abs=1e-3)
