"""What is told of a series of times: its percentiles, and samples that keep their order."""

import numpy as np
import pytest

from edgeinfer.bench.stages import summary


def test_percentiles_are_those_that_their_names_say() -> None:
    times = np.random.default_rng(0).permutation(np.arange(1001.0))
    row = summary(times)
    assert row["count"] == 1001
    assert (row["min_ms"], row["median_ms"]) == (0.0, 500.0)
    assert (row["p90_ms"], row["p99_ms"]) == pytest.approx((900.0, 990.0))
    assert row["mean_ms"] == pytest.approx(500.0)


@pytest.mark.parametrize(("count", "kept"), [(2000, 2000), (2001, 1001), (6000, 2000)])
def test_samples_are_thinned_evenly_and_keep_their_order(count: int, kept: int) -> None:
    samples = summary(np.arange(1.0, count + 1))["samples_ms"]
    assert len(samples) == kept
    assert set(np.diff(samples)) == {-(-count // 2000)}
    assert samples[0] == 1.0
