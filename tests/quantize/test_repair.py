"""Repairs: what each promises, and that only what helps is kept."""

from collections.abc import Sequence

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import edgeinfer
from edgeinfer import InputError
from edgeinfer.quantize.candidate import Material, make_candidate
from edgeinfer.quantize.grid import Weights
from edgeinfer.quantize.plan import make_plan
from edgeinfer.quantize.prepare import prepare
from edgeinfer.quantize.repair.bias import mean_shift
from edgeinfer.quantize.repair.catalogue import REPAIRS, checked_repairs, mend
from edgeinfer.quantize.repair.choice import choose_repairs
from edgeinfer.quantize.repair.equalise import factors_of
from edgeinfer.quantize.repair.weights import search_scales
from edgeinfer.quantize.targets import TARGETS
from oracles.integer_network import FloatNetwork

pytestmark = pytest.mark.filterwarnings("ignore::edgeinfer.CalibrationWarning")

Samples = list[dict[str, np.ndarray]]


def material(net: FloatNetwork, *outputs: str, method: str = "percentile") -> Material:
    prepared = prepare(net.model(*outputs).SerializeToString())
    plan = make_plan(prepared.network)
    names = plan.measured(prepared.network)
    ranges = edgeinfer.calibrate(prepared.model, samples(net), tensors=names, method=method)
    return Material(prepared.network, plan, ranges, TARGETS["x86-64-vnni"])


def samples(net: FloatNetwork, count: int = 32) -> Samples:
    return [{"x": net.sample(i)} for i in range(count)]


def run(model: onnx.ModelProto, sample: np.ndarray) -> np.ndarray:
    with edgeinfer.Session(model.SerializeToString(), threads=1, cache=False) as session:
        return next(iter(session.run(sample).values()))


def decibels(wanted: np.ndarray, found: np.ndarray) -> float:
    exact = wanted.astype(np.float64)
    return float(10 * np.log10(np.square(exact).sum() / np.square(exact - found).sum()))


def uneven(activation: str = "Relu", seed: int = 0) -> tuple[FloatNetwork, str]:
    """Channels that differ by a factor of hundreds, in front of a depthwise and a whole one."""
    net = FloatNetwork(shape=(1, 4, 12, 12), seed=seed)

    def cut(name: str) -> str:
        if activation == "Clip":
            return net.node("Clip", [name, net.constant(0.0), net.constant(6.0)])
        return net.node("Relu", [name])

    first = cut(net.conv("x", 8, 4, kernel=3))
    deep = cut(net.conv(first, 8, 8, kernel=3, group=8))
    for slot in ("k0", "k1"):
        sizes = np.logspace(-2.5, 0.3, 8).reshape(-1, *[1] * (net.held[slot].ndim - 1))
        net.held[slot] = (net.held[slot] * sizes).astype(np.float32)
    return net, net.conv(deep, 5, 8)


@pytest.mark.parametrize("activation", ["Relu", "Clip"])
@pytest.mark.parametrize("seed", range(4))
def test_equalising_leaves_the_float_function_as_it_is(activation: str, seed: int) -> None:
    net, last = uneven(activation, seed)
    before = material(net, last, method="minmax")
    after = mend(before, "equalise")
    assert after is not None
    assert after.network.model.SerializeToString() != before.network.model.SerializeToString()
    for sample in samples(net):
        wanted = run(before.network.model, sample["x"])
        found = run(after.network.model, sample["x"])
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5 * np.abs(wanted).max())


def test_equalising_gives_small_channels_finer_steps() -> None:
    net, last = uneven()
    before = material(net, last, method="minmax")
    after = mend(before, "equalise")
    assert after is not None
    found = []
    for one in (before, after):
        model = make_candidate(one).model
        wanted = [run(before.network.model, sample["x"]) for sample in samples(net)]
        have = [run(model, sample["x"]) for sample in samples(net)]
        found.append(decibels(np.stack(wanted), np.stack(have)))
    assert found[1] > found[0]


@settings(max_examples=60, deadline=None)
@given(
    reach=st.lists(st.floats(0, 1), min_size=1, max_size=20),
    shares=st.lists(st.floats(0, 1), min_size=20, max_size=20),
    free=st.booleans(),
)
def test_no_channel_leaves_the_range_or_shrinks(
    reach: list[float], shares: list[float], free: bool
) -> None:
    seen = np.array(reach)
    factors = factors_of(seen, None if free else np.array(shares[: len(reach)]))
    assert (factors >= 1).all()
    assert (factors <= 16).all()
    assert (seen * factors <= 1 + 1e-6).all()


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 1000),
    axis=st.sampled_from([0, 1]),
    heavy=st.floats(1, 30),
    largest=st.sampled_from([63, 127]),
)
def test_searched_scales_are_never_further_from_the_weights(
    seed: int, axis: int, heavy: float, largest: int
) -> None:
    rng = np.random.default_rng(seed)
    weights = rng.normal(0, 1, (6, 5)).astype(np.float32)
    weights.flat[seed % weights.size] *= heavy
    start = (np.abs(weights).max(axis=1 - axis) / largest).astype(np.float32)
    found = search_scales(weights, axis, start, largest)

    def error(scales: np.ndarray) -> np.ndarray:
        wide = np.expand_dims(scales.astype(np.float64), 1 - axis)
        rounded = np.clip(np.rint(weights / wide), -largest, largest) * wide
        return np.square(rounded - weights).sum(axis=1 - axis)

    assert found.shape == start.shape
    assert (found <= start).all()
    assert (error(found) <= error(start) * (1 + 1e-4)).all()


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 1000),
    shape=st.sampled_from([(1, 6, 4), (2, 6, 4), (4, 4, 4), (3, 9, 6)]),
    kernel=st.integers(1, 3),
)
def test_mean_shifts_are_those_of_a_sum_over_all_places(
    seed: int, shape: tuple[int, int, int], kernel: int
) -> None:
    groups, outputs, inputs = shape
    rng = np.random.default_rng(seed)
    weights = rng.normal(0, 1, (outputs, inputs // groups, kernel, kernel)).astype(np.float32)
    scales = (np.abs(weights).reshape(outputs, -1).max(axis=1) / 7).astype(np.float32)
    integers = np.rint(weights / scales.reshape(-1, 1, 1, 1)).astype(np.int8)
    mean = rng.normal(0, 1, inputs)
    found = mean_shift(weights, Weights(integers, scales, 0), mean, groups)
    for o in range(outputs):
        shift = 0.0
        for i in range(inputs // groups):
            channel = o // (outputs // groups) * (inputs // groups) + i
            for y in range(kernel):
                for x in range(kernel):
                    lost = float(weights[o, i, y, x]) - int(integers[o, i, y, x]) * float(scales[o])
                    shift += lost * mean[channel]
        assert found is not None
        assert found[o] == pytest.approx(shift, abs=1e-9)


def test_parts_of_a_concat_get_scales_as_far_as_they_reach() -> None:
    net = FloatNetwork(shape=(1, 4, 12, 12))
    small, large = net.conv("x", 3, 4), net.conv("x", 4, 4)
    net.held["k0"], net.held["k1"] = net.held["k0"] / 50, net.held["k1"] / 50
    last = net.conv(net.node("Concat", [small, large], axis=1), 5, 7)
    before = material(net, last, method="minmax")
    after = mend(before, "split")
    assert after is not None
    one, two = make_candidate(before), make_candidate(after)
    assert small not in one.grids
    assert two.grids[small].scale < 0.2 * two.grids[large].scale
    onnx.checker.check_model(two.model, full_check=True)
    assert decibels(run(before.network.model, net.sample(99)), run(two.model, net.sample(99))) > 25


def test_only_what_helps_is_kept_and_all_is_told() -> None:
    net, last = uneven()
    start = material(net, last)
    chosen = choose_repairs(start, "auto", samples(net, 8), threads=1)
    assert [one.name for one in chosen.reports] == list(REPAIRS)
    assert chosen.names == tuple(one.name for one in chosen.reports if one.applied)
    level = None
    for one in chosen.reports:
        if one.before is None or one.after is None:
            assert one.note
            continue
        assert level is None or one.before == level
        level = one.after if one.applied else one.before
        assert not one.applied or one.after > one.before
    same = choose_repairs(start, "auto", samples(net, 8), threads=1)
    made = [make_candidate(one.material, repairs=one.names).model for one in (chosen, same)]
    assert made[0].SerializeToString() == made[1].SerializeToString()


@pytest.mark.parametrize("names", [(), ("weights",), ("equalise", "activations")])
def test_named_repairs_are_done_whatever_they_buy(names: Sequence[str]) -> None:
    net, last = uneven()
    chosen = choose_repairs(material(net, last), tuple(names), samples(net, 4), threads=1)
    assert [one.name for one in chosen.reports] == list(names)
    assert all(one.applied for one in chosen.reports)


def test_the_first_layer_in_float_is_named_with_its_reason() -> None:
    net = FloatNetwork(shape=(1, 3, 12, 12))
    first = net.conv("x", 4, 3)
    last = net.conv(net.conv(first, 64, 4), 64, 64, kernel=3)
    after = mend(material(net, last), "first")
    assert after is not None
    assert after.plan.decisions[0].kind == "float"
    assert "first layer" in after.plan.decisions[0].reason
    assert mend(material(net, last), "last") is None


@pytest.mark.parametrize("repairs", ["best", ["bias", "luck"], 3])
def test_unknown_repairs_are_refused_with_those_there_are(repairs: object) -> None:
    with pytest.raises(InputError, match=r"repairs: found .*activations, bias, weights"):
        checked_repairs(repairs)  # type: ignore[arg-type]
