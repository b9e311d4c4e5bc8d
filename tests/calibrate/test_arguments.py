"""What statistics take, and what they say of the rest."""

import numpy as np
import pytest

from edgeinfer import _core
from edgeinfer.errors import InputError

ONES = np.ones((2, 3, 4), np.float32)


@pytest.mark.parametrize("bins", [0, 15, 65537])
def test_a_number_of_bins_beyond_the_limits_is_refused(bins: int) -> None:
    with pytest.raises(InputError, match="bins: found"):
        _core.TensorStatistics(1, bins)


def test_no_channel_is_refused() -> None:
    with pytest.raises(InputError, match="channels: found 0"):
        _core.TensorStatistics(0)


@pytest.mark.parametrize(
    ("channels", "axis", "says"),
    [
        (3, None, "wanted the axis of the 3 channels"),
        (3, 0, r"found float32 \(2, 3, 4\), wanted 3 channels on axis 0"),
        (3, 3, "wanted an axis of"),
        (3, -4, "wanted an axis of"),
    ],
)
def test_an_axis_that_does_not_fit_is_refused(channels: int, axis: int | None, says: str) -> None:
    with pytest.raises(InputError, match=says):
        _core.TensorStatistics(channels).observe(ONES, axis)


def test_another_type_is_refused() -> None:
    with pytest.raises(InputError, match="found float64"):
        _core.TensorStatistics(1).observe(ONES.astype(np.float64), None)


def test_views_of_any_strides_are_taken() -> None:
    random = np.random.default_rng(3)
    values = random.standard_normal((4, 6, 8)).astype(np.float32)
    for view in (values[::-1, ::2], values.T, values[:, :0]):
        found, wanted = _core.TensorStatistics(1), _core.TensorStatistics(1)
        found.observe(view, None)
        wanted.observe(np.ascontiguousarray(view), None)
        found.end_sample()
        wanted.end_sample()
        assert found.state() == wanted.state()


@pytest.mark.parametrize(
    ("method", "parameter"),
    [
        ("minmax", 1.0),
        ("moving_average", 0.9),
        ("percentile", 50.0),
        ("percentile", float("nan")),
        ("mse", 4.5),
        ("entropy", 256.001),
        ("percentile", 100.1),
        ("entropy", 3),
        ("mse", 1e9),
        ("mse", float("inf")),
    ],
)
def test_a_parameter_that_does_not_fit_is_refused(method: str, parameter: float) -> None:
    statistics = _core.TensorStatistics(1)
    statistics.observe(ONES, None)
    statistics.end_sample()
    with pytest.raises(InputError, match="parameter: found"):
        statistics.range(method, parameter)


def test_an_unknown_method_is_refused_with_all_names() -> None:
    with pytest.raises(InputError, match="minmax, moving_average, percentile, entropy, mse"):
        _core.TensorStatistics(1).range("best")


def test_statistics_of_other_settings_do_not_merge() -> None:
    with pytest.raises(InputError, match="found statistics of 2 channels, wanted 1"):
        _core.TensorStatistics(1).merge(_core.TensorStatistics(2))
    with pytest.raises(InputError, match="found statistics of 100 bins, wanted 2048"):
        _core.TensorStatistics(1).merge(_core.TensorStatistics(1, 100))


def test_a_view_too_large_to_copy_is_an_error_of_memory() -> None:
    statistics = _core.TensorStatistics(1)
    with pytest.raises(MemoryError):
        statistics.observe(np.broadcast_to(np.float32(1), (1 << 45,)), None)
    with pytest.raises(InputError, match="no value observed"):
        statistics.range("minmax")
