"""Statistics equal what NumPy finds in float64 with all the data at hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibrate.tensors import BINS, Floats, often, seldom, tensors
from edgeinfer import _core
from oracles import statistics as oracle


def observed(values: Floats, axis: int | None = None, bins: int = 2048) -> _core.TensorStatistics:
    statistics = _core.TensorStatistics(1 if axis is None else values.shape[axis], bins)
    statistics.observe(values, axis)
    statistics.end_sample()
    return statistics


@often
@given(values=tensors(), bins=st.sampled_from(BINS))
def test_the_histogram_is_exact(values: Floats, bins: int) -> None:
    statistics = observed(values, bins=bins)
    counts, first_edge, width = statistics.histogram()
    wanted, wanted_edge, wanted_width, zeros = oracle.histogram(values, bins)
    assert (first_edge, width, statistics.zeros) == (wanted_edge, wanted_width, zeros)
    assert counts.dtype == np.uint64
    assert counts.tolist() == wanted.tolist()
    assert statistics.low == values.min()
    assert statistics.high == values.max()
    assert int(counts.sum()) + statistics.zeros == statistics.count == values.size


@often
@given(values=tensors(), percent=st.floats(51, 100), bins=st.sampled_from(BINS))
def test_percentiles_are_exact_to_one_bin(values: Floats, percent: float, bins: int) -> None:
    statistics = observed(values, bins=bins)
    low, high = statistics.range("percentile", percent)
    wanted_low, wanted_high = oracle.percentile(values, percent)
    width = statistics.histogram()[2]
    assert wanted_low - width <= low <= wanted_low
    assert wanted_high <= high <= wanted_high + width


@often
@given(values=tensors())
def test_the_hundredth_percentile_is_the_extreme(values: Floats) -> None:
    statistics = observed(values)
    assert statistics.range("percentile", 100) == statistics.range("minmax")


@seldom
@given(values=tensors(), levels=st.sampled_from([16, 128, 256]), bins=st.sampled_from([100, 2048]))
def test_entropy_finds_the_window_that_diverges_least(
    values: Floats, levels: int, bins: int
) -> None:
    low, high = observed(values, bins=bins).range("entropy", levels)
    counts, first_edge, width, _ = oracle.histogram(values, bins)
    if not counts.size:
        return
    below = round(-first_edge / width)
    least, most = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    narrow, wide = oracle.narrowest(counts, below, levels)
    # An end that was not cut to what was seen tells how far the window reaches.
    cut = [abs(end) for end, extreme in ((low, least), (high, most)) if end != extreme]
    reach = round(cut[0] / width) if cut else wide
    assert (low, high) == (max(least, -reach * width), min(most, reach * width))
    found = oracle.divergence(counts, below, reach, levels)
    step = max((wide - narrow) // 128, 1)
    looked_at = [*range(narrow, wide, step), wide]
    looked_at += range(max(narrow, reach - 1), min(wide, reach + 1) + 1)
    assert found <= min(oracle.divergence(counts, below, one, levels) for one in looked_at) + 1e-9


SHAPES = {
    "laplace": lambda random: random.laplace(0.2, 1, 40000),
    "one side": lambda random: np.maximum(random.normal(0, 1, 40000), 0),
    "uniform": lambda random: random.uniform(-1, 3, 40000),
    "outlier": lambda random: np.append(random.normal(0, 1, 40000), [60.0]),
}


@pytest.mark.parametrize("levels", [16, 256])
@pytest.mark.parametrize("shape", SHAPES)
def test_entropy_is_near_the_best_of_all_windows(shape: str, levels: int) -> None:
    values = SHAPES[shape](np.random.default_rng(5)).astype(np.float32)
    low, high = observed(values).range("entropy", levels)
    counts, first_edge, width, _ = oracle.histogram(values, 2048)
    below = round(-first_edge / width)
    narrow, wide = oracle.narrowest(counts, below, levels)
    every = {
        reach: oracle.divergence(counts, below, reach, levels) for reach in range(narrow, wide + 1)
    }
    cut = [abs(end) for end, most in ((low, values.min()), (high, values.max())) if end != most]
    found = every[round(cut[0] / width) if cut else wide]
    # The search looks at every sixteenth window or so, and at all beside the best of them.
    assert found <= 1.05 * min(every.values()) + 1e-9


@seldom
@given(values=tensors(), levels=st.sampled_from([16, 255, 256]))
def test_mse_is_not_worse_than_the_extremes_or_any_shrunk_range(
    values: Floats, levels: int
) -> None:
    statistics = observed(values)
    if not statistics.histogram()[0].size:
        return
    low, high = statistics.range("mse", levels)
    least, most = statistics.range("minmax")
    width = statistics.histogram()[2]
    found = oracle.square_error(values, low, high, levels)
    # A bin stands for values anywhere within it: what the search cannot know.
    slack = values.size * width**2 + 1e-30
    for part in np.linspace(1 / 32, 1, 32):
        other = oracle.square_error(values, least * part, most * part, levels)
        assert math.sqrt(found) <= math.sqrt(other) + math.sqrt(slack)


@pytest.mark.parametrize("levels", [16, 256])
@pytest.mark.parametrize("shape", SHAPES)
def test_mse_is_near_the_best_of_a_full_search(shape: str, levels: int) -> None:
    values = SHAPES[shape](np.random.default_rng(5)).astype(np.float32)
    statistics = observed(values)
    least, most = statistics.range("minmax")
    found = oracle.square_error(values, *statistics.range("mse", levels), levels)
    parts = np.linspace(0.02, 1, 50)
    best = min(
        oracle.square_error(values, least * a, most * b, levels)
        for a in (parts if least < 0 else [1.0])
        for b in parts
    )
    assert found <= 1.03 * best


@pytest.mark.parametrize("levels", [16, 256])
@pytest.mark.parametrize("shape", SHAPES)
def test_mse_is_found_to_a_256th_of_each_extreme(shape: str, levels: int) -> None:
    values = SHAPES[shape](np.random.default_rng(5)).astype(np.float32)
    statistics = observed(values)
    (least, most), (low, high) = statistics.range("minmax"), statistics.range("mse", levels)
    near = [
        oracle.square_error(values, low + i * least / 256, high + j * most / 256, levels)
        for i in range(-2, 3)
        for j in range(-2, 3)
        if least <= low + i * least / 256 <= 0 < high + j * most / 256 <= most
    ]
    # A histogram stands for the values: met are 1.0022, and 1.0062 without the last search.
    assert oracle.square_error(values, low, high, levels) <= 1.003 * min(near)


def test_the_variance_of_equal_values_is_none_and_never_negative() -> None:
    for value in np.random.default_rng(0).standard_normal(40).astype(np.float32):
        variance = observed(np.full((1000, 2), value, np.float32), 1).channel_variance()
        assert (variance >= 0).all()
        assert (variance <= 1e-12 * float(value) ** 2).all()


shapes = st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 40), st.integers(1, 5))


@often
@given(shape=shapes, axis=st.integers(-4, 3), seed=st.integers(0, 2**32), bad=st.booleans())
def test_moments_of_channels_equal_numpy(
    shape: tuple[int, ...], axis: int, seed: int, bad: bool
) -> None:
    random = np.random.default_rng(seed)
    values = (random.standard_normal(shape) * 3 + random.integers(-50, 50)).astype(np.float32)
    if bad:
        values[random.random(shape) < 0.3] = np.nan
        values.flat[0] = np.inf
        if not np.isfinite(values).any():
            return
    statistics = observed(values, axis)
    low, high, mean, variance = oracle.moments(values, axis)
    square = mean**2 + variance
    np.testing.assert_array_equal(statistics.channel_low(), low)
    np.testing.assert_array_equal(statistics.channel_high(), high)
    np.testing.assert_allclose(
        statistics.channel_mean(), mean, atol=1e-12 * np.nanmax(abs(values[np.isfinite(values)]))
    )
    np.testing.assert_array_less(
        np.nan_to_num(abs(statistics.channel_variance() - variance)),
        np.nan_to_num(1e-12 * square) + 1e-30,
    )
    assert statistics.count == np.isfinite(values).sum()


def test_moving_average_is_the_mean_of_each_samples_extremes() -> None:
    statistics = _core.TensorStatistics(1)
    for sample in ([-1.0, 4.0], [-3.0, 2.0], [np.nan], [0.5, 6.0]):
        for value in sample:
            statistics.observe(np.array([value], np.float32), None)
        statistics.end_sample()
    assert statistics.samples == 4
    assert statistics.range("moving_average") == pytest.approx(((-1 - 3 + 0.5) / 3, 4.0))


def test_large_tensors_are_taken_block_by_block_and_equal_numpy() -> None:
    random = np.random.default_rng(8)
    values = random.standard_normal((2, 3, 300, 301)).astype(np.float32)
    values[1, 2, 17, 5] = np.nan
    for axis in (None, 1, 2, 3):
        statistics = observed(values, axis)
        wanted, _, width, zeros = oracle.histogram(values, 2048)
        counts, _, found_width = statistics.histogram()
        assert counts.tolist() == wanted.tolist()
        assert (found_width, statistics.zeros, statistics.not_finite) == (width, zeros, 1)
        if axis is not None:
            _, _, mean, variance = oracle.moments(values, axis)
            np.testing.assert_allclose(statistics.channel_mean(), mean, atol=1e-12)
            np.testing.assert_allclose(statistics.channel_variance(), variance, rtol=1e-12)
