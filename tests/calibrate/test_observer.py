"""Statistics of a real network's tensors equal NumPy's over onnxruntime's own outputs."""

import threading
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgeinfer import _core, open_runtime
from edgeinfer.errors import InputError, ModelError
from oracles import statistics as oracle

open_runtime()

Tensors = list[tuple[str, int | None]]
RANDOM = np.random.default_rng(11)


def small_network(batch: int | str = 1) -> bytes:
    """Conv, Relu, Sqrt (NaN below zero), Flatten, Gemm; an integer tensor beside them."""
    weights = RANDOM.standard_normal((4, 3, 3, 3)).astype(np.float32)
    dense = RANDOM.standard_normal((4 * 6 * 6, 5)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["conv"]),
        helper.make_node("Relu", ["conv"], ["relu"]),
        helper.make_node("Sqrt", ["conv"], ["root"]),
        helper.make_node("Flatten", ["relu"], ["flat"]),
        helper.make_node("MatMul", ["flat", "d"], ["y"]),
        helper.make_node("ArgMax", ["y"], ["best"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 3, 8, 8])],
        [
            helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, 5]),
            helper.make_tensor_value_info("best", TensorProto.INT64, [batch, 1]),
        ],
        [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(dense, "d")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())


def images(count: int, size: int = 8) -> list[np.ndarray]:
    return [RANDOM.standard_normal((1, 3, size, size)).astype(np.float32) for _ in range(count)]


def outputs_of(model: bytes, names: list[str], samples: list[np.ndarray]) -> dict[str, np.ndarray]:
    """What onnxruntime's own module gives for tensors made outputs by the onnx package."""
    opened = onnx.load_from_string(model)
    declared = {output.name for output in opened.graph.output}
    for name in names:
        if name not in declared:
            opened.graph.output.append(onnx.ValueInfoProto(name=name))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        opened.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    entry = session.get_inputs()[0].name
    runs = [session.run(names, {entry: sample}) for sample in samples]
    return {name: np.stack([run[i] for run in runs]) for i, name in enumerate(names)}


def expect_equal(found: _core.TensorStatistics, values: np.ndarray, axis: int | None) -> None:
    """``values``: all samples, one behind the other on a first axis of their own."""
    counts, first_edge, _ = found.histogram()
    wanted, wanted_edge, _, zeros = oracle.histogram(values, found.bins)
    assert counts.tolist() == wanted.tolist()
    assert (first_edge, found.zeros, found.samples) == (wanted_edge, zeros, len(values))
    assert found.not_finite == np.count_nonzero(~np.isfinite(values))
    if axis is not None:
        low, high, mean, variance = oracle.moments(values, axis + 1)
        square = np.nan_to_num(mean**2 + variance)
        np.testing.assert_array_equal(found.channel_low(), low)
        np.testing.assert_array_equal(found.channel_high(), high)
        off = np.nan_to_num(found.channel_mean() - mean)
        assert (abs(off) <= 1e-12 * np.sqrt(square) + 1e-30).all()
        off = np.nan_to_num(found.channel_variance() - variance)
        assert (abs(off) <= 1e-12 * square + 1e-30).all()


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_statistics_of_a_small_network_equal_numpys(threads: int) -> None:
    model, samples = small_network(), images(7)
    tensors: Tensors = [("x", 1), ("conv", 1), ("relu", -3), ("root", 1), ("flat", 1), ("y", None)]
    observer = _core.Observer(model, tensors, threads, 2048)
    for sample in samples:
        observer.run({"x": sample})
    wanted = outputs_of(model, ["conv", "relu", "root", "flat", "y"], samples)
    wanted["x"] = np.stack(samples)
    for name, axis in tensors:
        values = wanted[name]
        expect_equal(observer.statistics(name), values, 1 if axis == -3 else axis)
    assert observer.not_finite == ["root"]


def layers(model: Path) -> tuple[bytes, Tensors]:
    """A model, and every tensor that a convolution's activation ends in."""
    opened = onnx.load(model)
    kinds = ("Clip", "Add", "Conv", "Gemm", "GlobalAveragePool")
    ends = [node.output[0] for node in opened.graph.node if node.op_type in kinds]
    return model.read_bytes(), [(name, 1) for name in ends]


def test_statistics_of_mobilenet_equal_numpys(shared_data: Path) -> None:
    model, tensors = layers(shared_data / "models" / "mobilenet_v2_1.0_224.onnx")
    samples = [np.clip(image / 2, -1, 1) for image in images(2, 224)]
    observer = _core.Observer(model, tensors, 2, 2048)
    entry = onnx.load_from_string(model).graph.input[0].name
    for sample in samples:
        observer.run({entry: sample})
    wanted = outputs_of(model, [name for name, _ in tensors], samples)
    assert len(tensors) > 50
    for name, axis in tensors:
        expect_equal(observer.statistics(name), wanted[name], axis)
    assert observer.not_finite == []


def test_runs_of_several_observers_merge_to_one(shared_data: Path) -> None:
    model, samples = small_network(), images(6)
    tensors: Tensors = [("conv", 1), ("y", None)]
    whole, first, second = (_core.Observer(model, tensors, 1, 100) for _ in range(3))
    for i, sample in enumerate(samples):
        whole.run({"x": sample})
        (first if i < 2 else second).run({"x": sample})
    resumed = _core.Observer(model, tensors, 1, 100)
    for name, _ in tensors:
        for part in (second, first):
            kept = _core.TensorStatistics.from_state(part.statistics(name).state())
            resumed.merge(name, kept)
        for method in ("minmax", "percentile", "entropy", "mse"):
            assert resumed.statistics(name).range(method) == whole.statistics(name).range(method)
        assert resumed.statistics(name).samples == 6


def test_statistics_are_a_copy() -> None:
    observer = _core.Observer(small_network(), [("y", 1)], 1, 100)
    sample = images(1)[0]
    observer.run({"x": sample})
    before = observer.statistics("y")
    state = before.state()
    observer.run({"x": sample})
    assert before.state() == state
    assert observer.statistics("y").samples == 2


def test_runs_from_several_threads_are_all_counted() -> None:
    model = small_network()
    observer = _core.Observer(model, [("conv", 1)], 2, 100)
    samples = images(40)

    def run(part: list[np.ndarray]) -> None:
        for sample in part:
            observer.run({"x": sample})

    threads = [threading.Thread(target=run, args=(samples[i::4],)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    alone = _core.Observer(model, [("conv", 1)], 1, 100)
    for sample in samples:
        alone.run({"x": sample})
    found, wanted = observer.statistics("conv"), alone.statistics("conv")
    assert found.samples == wanted.samples == 40
    assert found.histogram()[0].tolist() == wanted.histogram()[0].tolist()
    assert found.range("moving_average") == pytest.approx(wanted.range("moving_average"), rel=1e-6)
    np.testing.assert_array_equal(found.channel_high(), wanted.channel_high())


def test_a_batch_of_another_size_is_taken_where_the_channels_stay() -> None:
    observer = _core.Observer(small_network("n"), [("conv", 1), ("flat", 0)], 1, 100)
    observer.run({"x": np.concatenate(images(2))})
    with pytest.raises(InputError, match=r"'flat': found the shape \(3, 144\), wanted 2 channels"):
        observer.run({"x": np.concatenate(images(3))})
    # Nothing of the refused sample was taken.
    assert observer.statistics("conv").samples == 1
    assert observer.statistics("conv").count == 2 * 4 * 36


@pytest.mark.parametrize(
    ("tensors", "says"),
    [
        ([], "tensors: found none"),
        ([("conv", 1), ("conv", 1)], "tensors: found a name twice"),
        ([("cnov", 1)], "found 'cnov', wanted an input of the model or a tensor"),
        ([("w", 0)], "found 'w', wanted an input of the model or a tensor"),
        ([("", None)], "found '', wanted an input"),
        ([("best", None)], "found 'best' of int64, wanted float32"),
    ],
)
def test_tensors_that_cannot_be_observed_are_refused(tensors: Tensors, says: str) -> None:
    with pytest.raises(InputError, match=says):
        _core.Observer(small_network(), tensors, 1, 2048)


@pytest.mark.parametrize(("threads", "bins"), [(0, 2048), (1000, 2048), (1, 8), (1, 10**6)])
def test_impossible_settings_are_refused(threads: int, bins: int) -> None:
    with pytest.raises(InputError, match=r"(threads|bins): found"):
        _core.Observer(small_network(), [("y", 1)], threads, bins)


def test_a_damaged_model_is_refused() -> None:
    with pytest.raises(ModelError):
        _core.Observer(small_network()[:-7], [("y", 1)], 1, 2048)


def test_an_axis_that_is_not_there_is_refused_and_nothing_is_observed() -> None:
    observer = _core.Observer(small_network(), [("conv", 1), ("y", 2)], 1, 2048)
    with pytest.raises(InputError, match=r"'y': found the shape \(1, 5\), wanted one with axis 2"):
        observer.run({"x": images(1)[0]})
    with pytest.raises(InputError, match="no sample observed"):
        observer.statistics("conv")
    with pytest.raises(InputError, match="wanted one that is observed"):
        observer.statistics("relu")


def test_inputs_that_do_not_fit_are_refused() -> None:
    observer = _core.Observer(small_network(), [("y", 1)], 1, 2048)
    with pytest.raises(InputError, match="'x' is missing"):
        observer.run({})
    with pytest.raises(InputError, match="found float64"):
        observer.run({"x": np.zeros((1, 3, 8, 8))})
