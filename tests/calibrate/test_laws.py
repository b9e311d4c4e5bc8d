"""Laws of every method: cut, order and merge change nothing; nothing observed is an error."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibrate.tensors import BINS, Floats, often, parts, seldom, tensors
from edgeinfer import _core
from edgeinfer.errors import InputError

METHODS = ("minmax", "moving_average", "percentile", "entropy", "mse")


def observed(*samples: Floats, bins: int = 2048) -> _core.TensorStatistics:
    statistics = _core.TensorStatistics(1, bins)
    for sample in samples:
        statistics.observe(sample, None)
        statistics.end_sample()
    return statistics


def same_histogram(one: _core.TensorStatistics, other: _core.TensorStatistics) -> bool:
    (counts, *place), (others, *elsewhere) = one.histogram(), other.histogram()
    return place == elsewhere and counts.tolist() == others.tolist() and one.zeros == other.zeros


@pytest.mark.parametrize("method", METHODS)
@seldom
@given(cut=parts(), bins=st.sampled_from(BINS))
def test_any_chunking_in_any_order_gives_the_same_range(
    method: str, cut: tuple[Floats, list[Floats]], bins: int
) -> None:
    values, pieces = cut
    whole = observed(values, bins=bins)
    chunked = _core.TensorStatistics(1, bins)
    for piece in pieces:
        chunked.observe(piece, None)
    chunked.end_sample()
    assert same_histogram(whole, chunked)
    assert whole.range(method) == chunked.range(method)


@pytest.mark.parametrize("method", METHODS)
@seldom
@given(cut=parts(), bins=st.sampled_from(BINS))
def test_merging_is_free_of_order(method: str, cut: tuple[Floats, list[Floats]], bins: int) -> None:
    samples = [piece for piece in cut[1] if piece.size]
    one_run = observed(*samples, bins=bins)
    forward, backward = _core.TensorStatistics(1, bins), _core.TensorStatistics(1, bins)
    for sample in samples:
        forward.merge(observed(sample, bins=bins))
    for sample in reversed(samples):
        backward.merge(observed(sample, bins=bins))
    for merged in (forward, backward):
        assert same_histogram(one_run, merged)
        assert merged.samples == one_run.samples == len(samples)
        if method == "moving_average":
            # Sums of doubles: their order shows in the last bits where samples differ that much.
            largest = max(abs(float(sample.min())) + abs(float(sample.max())) for sample in samples)
            found, wanted = merged.range(method), one_run.range(method)
            assert found == pytest.approx(wanted, rel=2e-7, abs=1e-12 * largest)
        else:
            assert merged.range(method) == one_run.range(method)


@often
@given(values=tensors(), bins=st.sampled_from(BINS))
def test_memory_is_what_is_stated(values: Floats, bins: int) -> None:
    # 100 bytes of header, 8 a bin, 32 a channel, however much is observed.
    statistics = observed(values, bins=bins)
    most = 100 + 8 * bins + 32
    assert len(statistics.state()) <= most
    statistics.observe(values * np.float32(0.5), None)
    statistics.observe(np.float32(1e30) * np.arange(-5, 5, dtype=np.float32), None)
    statistics.end_sample()
    assert len(statistics.state()) <= most
    assert statistics.histogram()[0].size <= bins


@pytest.mark.parametrize("method", METHODS)
def test_nothing_observed_raises(method: str) -> None:
    statistics = _core.TensorStatistics(3)
    with pytest.raises(InputError, match="no value observed"):
        statistics.range(method)
    statistics.observe(np.zeros((0, 3), np.float32), 1)
    statistics.end_sample()
    with pytest.raises(InputError, match="no value observed"):
        statistics.range(method)
    statistics.observe(np.full((1, 3), np.nan, np.float32), 1)
    statistics.end_sample()
    with pytest.raises(InputError, match="NaN or infinite"):
        statistics.range(method)
    for read in ("low", "high"):
        with pytest.raises(InputError):
            getattr(statistics, read)
    for read in ("histogram", "channel_low", "channel_mean", "channel_variance", "channel_high"):
        with pytest.raises(InputError):
            getattr(statistics, read)()


@pytest.mark.parametrize("method", METHODS)
@seldom
@given(values=tensors(), bins=st.sampled_from(BINS))
def test_every_range_holds_zero_and_stays_within_what_was_seen(
    method: str, values: Floats, bins: int
) -> None:
    low, high = observed(values, bins=bins).range(method)
    assert min(float(values.min()), 0.0) <= low <= 0 <= high <= max(float(values.max()), 0.0)
    assert low < high or not values.any() or method in ("percentile", "moving_average")


@pytest.mark.parametrize("method", METHODS)
def test_a_tensor_of_zeros_has_the_range_of_zero(method: str) -> None:
    statistics = observed(np.array([0.0, -0.0, 0.0], np.float32))
    assert statistics.range(method) == (0.0, 0.0)
    assert statistics.zeros == statistics.count == 3
    assert statistics.histogram()[0].size == 0


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("value", [-3.4e38, -1.0, -1e-45, 1e-45, 1e-38, 7.5, 3.4028235e38])
def test_a_constant_tensor_keeps_its_value(method: str, value: float) -> None:
    constant = np.full(1000, value, np.float32)
    low, high = observed(constant).range(method)
    kept = low if value < 0 else high
    assert abs(kept - float(constant[0])) <= abs(float(constant[0])) / 2
    assert (high if value < 0 else low) == 0


@seldom
@given(values=tensors(), bad=st.lists(st.sampled_from([np.nan, np.inf, -np.inf]), min_size=1))
def test_values_that_are_not_finite_are_counted_and_change_nothing_else(
    values: Floats, bad: list[float]
) -> None:
    clean = observed(values)
    places = np.linspace(0, values.size, len(bad)).astype(int)
    dirty = observed(np.insert(values, places, np.array(bad, np.float32)))
    assert dirty.not_finite == len(bad)
    assert dirty.count == clean.count == values.size
    assert same_histogram(clean, dirty)
    for method in METHODS:
        assert dirty.range(method) == clean.range(method)


@often
@given(cut=parts(), channels=st.integers(1, 5))
def test_moments_of_channels_do_not_depend_on_cuts_order_or_merge(
    cut: tuple[Floats, list[Floats]], channels: int
) -> None:
    # Each value in every channel, weighed by it: order and cuts are those of rows. Weights below 1
    # keep the largest floats finite.
    weights = 1 / np.arange(1, channels + 1, dtype=np.float32)
    whole, chunked = _core.TensorStatistics(channels), _core.TensorStatistics(channels)
    whole.observe(cut[0][:, None] * weights, 1)
    whole.end_sample()
    for piece in cut[1]:
        part = _core.TensorStatistics(channels)
        part.observe(np.ascontiguousarray((piece[:, None] * weights).T), 0)
        part.end_sample()
        chunked.merge(part)
    np.testing.assert_array_equal(whole.channel_low(), chunked.channel_low())
    np.testing.assert_array_equal(whole.channel_high(), chunked.channel_high())
    mean, variance = whole.channel_mean(), whole.channel_variance()
    most = np.maximum(abs(whole.channel_low()), abs(whole.channel_high()))
    assert (abs(chunked.channel_mean() - mean) <= 1e-12 * most).all()
    assert (abs(chunked.channel_variance() - variance) <= 1e-12 * (mean**2 + variance)).all()
