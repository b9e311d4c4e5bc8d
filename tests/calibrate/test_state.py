"""Statistics as bytes: they come back as they were, and hostile ones are refused."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibrate.tensors import BINS, Floats, often, seldom, tensors
from edgeinfer import _core
from edgeinfer.errors import InputError

HEAD = struct.Struct("<QIIQQffQQQQdd")
FIELDS = (
    *("mark", "version", "bins", "counts", "channels", "low", "high", "zeros"),
    *("samples", "not_finite", "averaged", "low_sum", "high_sum"),
)


def observed(values: Floats, bins: int = 2048) -> _core.TensorStatistics:
    statistics = _core.TensorStatistics(1, bins)
    statistics.observe(values, None)
    statistics.end_sample()
    return statistics


@seldom
@given(values=tensors(), bins=st.sampled_from(BINS))
def test_a_state_comes_back_as_it_was(values: Floats, bins: int) -> None:
    statistics = observed(values, bins)
    again = _core.TensorStatistics.from_state(statistics.state())
    assert again.state() == statistics.state()
    for method in ("minmax", "moving_average", "percentile", "entropy", "mse"):
        assert again.range(method) == statistics.range(method)
    assert again.channel_variance().tolist() == statistics.channel_variance().tolist()
    # And goes on as the other does.
    for each in (again, statistics):
        each.observe(values * np.float32(-0.3), None)
        each.end_sample()
    assert again.state() == statistics.state()


@pytest.mark.parametrize("inner", [1, 20])
def test_a_zero_with_a_sign_beside_nan_comes_back_too(inner: int) -> None:
    values = np.array([[np.nan], [-0.0], [5.0]], np.float32).repeat(inner, axis=1)
    for sign in (1, -1):
        statistics = _core.TensorStatistics(3)
        statistics.observe(np.float32(sign) * values, 0)
        statistics.end_sample()
        assert _core.TensorStatistics.from_state(statistics.state()).state() == statistics.state()


def test_statistics_of_nothing_come_back_too() -> None:
    empty = _core.TensorStatistics(5)
    assert _core.TensorStatistics.from_state(empty.state()).state() == empty.state()


def test_a_sample_that_is_not_ended_is_not_kept() -> None:
    statistics = _core.TensorStatistics(1)
    statistics.observe(np.ones(3, np.float32), None)
    with pytest.raises(InputError, match="end_sample"):
        statistics.state()
    with pytest.raises(InputError, match="end_sample"):
        observed(np.ones(3, np.float32)).merge(statistics)
    statistics.end_sample()
    with pytest.raises(InputError, match="nothing observed"):
        statistics.end_sample()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mark", 0),
        ("version", 2),
        ("bins", 15),
        ("bins", 65537),
        ("bins", 2**32 - 1),
        ("counts", 2**64 - 1),
        ("counts", 2**61),
        ("channels", 0),
        ("channels", 2**60),
        ("low", float("nan")),
        ("low", 0.5),
        ("low", -0.0),
        ("low", -1e30),
        ("high", float("inf")),
        ("high", 1e-30),
        ("zeros", 2**64 - 1),
        ("zeros", 2**48),
        ("samples", 2**63),
        ("averaged", 2),
        ("low_sum", float("nan")),
        ("high_sum", -1e300),
    ],
)
def test_a_changed_header_is_refused(field: str, value: float) -> None:
    state = observed(np.linspace(0, 1, 1000, dtype=np.float32)).state()
    fields = dict(zip(FIELDS, HEAD.unpack_from(state), strict=True))
    fields[field] = value
    with pytest.raises(InputError, match="state"):
        _core.TensorStatistics.from_state(HEAD.pack(*fields.values()) + state[HEAD.size :])


CHANNEL = struct.Struct("<Qffdd")


def forged(change: dict[str, float]) -> bytes:
    """Four values of one channel, some fields of the channel changed."""
    state = observed(np.array([-2, 0, 1, 3], np.float32)).state()
    names = ("count", "low", "high", "sum", "squares")
    fields = dict(zip(names, CHANNEL.unpack(state[-CHANNEL.size :]), strict=True))
    return state[: -CHANNEL.size] + CHANNEL.pack(*(fields | change).values())


@pytest.mark.parametrize(
    "change",
    [
        {"count": 3},
        {"low": -1.0},
        {"high": float("nan")},
        {"sum": 12.1},
        {"sum": -8.1},
        {"sum": float("nan")},
        {"sum": 1e308},
        {"squares": -1.0},
        {"squares": 36.1},
        {"squares": 0.99},  # less than the square of the mean
        {"squares": float("nan")},
        {"squares": float("inf")},
    ],
)
def test_a_channel_that_no_values_can_have_is_refused(change: dict[str, float]) -> None:
    assert _core.TensorStatistics.from_state(forged({})).channel_mean() == [0.5]
    with pytest.raises(InputError, match="state"):
        _core.TensorStatistics.from_state(forged(change))


def test_values_of_no_sample_are_refused() -> None:
    state = observed(np.array([-2, 0, 1, 3], np.float32)).state()
    fields = dict(zip(FIELDS, HEAD.unpack_from(state), strict=True))
    for none in ({"averaged": 0, "low_sum": 0.0, "high_sum": 0.0}, {"samples": 0, "averaged": 0}):
        changed = HEAD.pack(*(fields | none).values()) + state[HEAD.size :]
        with pytest.raises(InputError, match="state"):
            _core.TensorStatistics.from_state(changed)


def test_merging_beyond_all_counts_is_refused_and_changes_nothing() -> None:
    state = observed(np.zeros(2, np.float32)).state()
    fields = dict(zip(FIELDS, HEAD.unpack_from(state), strict=True))
    channel = CHANNEL.pack(2**47 + 1, 0, 0, 0, 0)
    half = HEAD.pack(*(fields | {"zeros": 2**47 + 1}).values()) + channel
    one = _core.TensorStatistics.from_state(half)
    with pytest.raises(InputError, match="more than 2\\^48"):
        one.merge(_core.TensorStatistics.from_state(half))
    assert one.state() == half
    one.merge(observed(np.ones(5, np.float32)))
    assert one.count == 2**47 + 6


@often
@given(values=tensors(), cut=st.integers(0, 20000), more=st.binary(max_size=40))
def test_a_state_of_another_length_is_refused(values: Floats, cut: int, more: bytes) -> None:
    state = observed(values, 100).state()
    for changed in (state[: min(cut, len(state) - 1)], state + more + b"\0"):
        with pytest.raises(InputError, match="state"):
            _core.TensorStatistics.from_state(changed)


@seldom
@given(values=tensors(), place=st.integers(0), change=st.integers(1, 255))
def test_a_changed_byte_is_refused_or_makes_statistics_that_hold_together(
    values: Floats, place: int, change: int
) -> None:
    state = bytearray(observed(values, 100).state())
    state[place % len(state)] ^= change
    try:
        found = _core.TensorStatistics.from_state(bytes(state))
    except InputError:
        return
    assert found.state() == bytes(state)
    assert int(found.histogram()[0].sum()) + found.zeros == found.count
    for method in ("minmax", "moving_average", "percentile", "entropy", "mse"):
        low, high = found.range(method)
        assert low <= 0 <= high
    found.observe(values, None)
    found.end_sample()


@often
@given(junk=st.binary(max_size=300))
def test_any_bytes_are_refused(junk: bytes) -> None:
    with pytest.raises(InputError, match="state"):
        _core.TensorStatistics.from_state(junk)
