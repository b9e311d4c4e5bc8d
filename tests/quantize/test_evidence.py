"""What the report tells of layers, against counts of our own."""

from pathlib import Path

import numpy as np
import pytest

import edgeinfer
from edgeinfer import _core
from edgeinfer.quantize.evidence import clipped_share, histogram_of
from oracles.integer_network import FloatNetwork

pytestmark = pytest.mark.filterwarnings("ignore::edgeinfer.CalibrationWarning")


def statistics(values: np.ndarray) -> _core.TensorStatistics:
    made = _core.TensorStatistics(1)
    made.observe(values.astype(np.float32), None)
    made.end_sample()
    return made


def test_a_histogram_joins_neighbours_and_loses_nothing() -> None:
    values = np.random.default_rng(0).normal(0, 3, 20000)
    values[:700] = 0
    made = histogram_of(statistics(values))
    assert len(made.counts) <= 128
    assert (sum(made.counts), made.zeros) == (20000 - 700, 700)
    edges = made.first_edge + np.arange(len(made.counts) + 1) * made.width
    wanted, _ = np.histogram(values[700:].astype(np.float32), edges)
    # A value on an edge may lie in either bin.
    assert np.abs(wanted - made.counts).max() <= 1


def test_the_clipped_share_counts_what_integers_cut_off() -> None:
    values = np.random.default_rng(1).normal(0, 1, 50000).astype(np.float32)
    made = statistics(values)
    found = clipped_share(made, -2.0, 1.0)
    half = 3 / 255 / 2
    wanted = float(((values < -2 - half) | (values > 1 + half)).mean())
    assert found == pytest.approx(wanted, abs=0.002)
    low, high = float(values.min()), float(values.max())
    assert clipped_share(made, low, high) == 0


def test_the_report_tells_shape_work_and_what_was_seen(tmp_path: Path) -> None:
    net = FloatNetwork(shape=(1, 3, 16, 16))
    last = net.conv(net.node("Relu", [net.conv("x", 8, 3, kernel=3)]), 5, 8)
    model = net.model(last).SerializeToString()
    given = [{"x": net.sample(i)} for i in range(8)]
    ranges = edgeinfer.calibrate(model, given, method="percentile", parameter=99)
    # Unrepaired: a searched range would cut off less than this percentile.
    report = edgeinfer.quantize(
        model, tmp_path / "o.onnx", samples=given, method="percentile", parameter=99, repairs=()
    )
    first, relu, _ = report.layers
    assert (first.shape, first.macs) == ((1, 8, 16, 16), 8 * 16 * 16 * 27)
    # A merged activation is the result of the layer before it.
    assert (relu.decision, relu.into) == ("merged", first.name)
    assert (first.low, first.high) == (relu.low, relu.high)
    assert first.histogram is not None
    assert sum(first.histogram.counts) + first.histogram.zeros == 8 * 8 * 16 * 16
    assert first.clipped == pytest.approx(ranges.clipped(ranges.tensors[1].name), abs=0.004)
    assert first.clipped > 0.004
