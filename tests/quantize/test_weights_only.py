"""Weights in 8 and 4 bits: what the file computes, against NumPy's idea of it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper

import edgeinfer
from edgeinfer import InputError, ModelError
from oracles.integer_network import FloatNetwork

pytestmark = pytest.mark.filterwarnings("ignore::edgeinfer.CalibrationWarning")


def recurrent(net: FloatNetwork, op: str, gates: int) -> str:
    weights = [net.rng.normal(0, 0.2, (1, gates * 32, size)) for size in (24, 32)]
    net.nodes.append(
        helper.make_node(op, ["x", *map(net.constant, weights)], ["", "t0"], "n.t0", hidden_size=32)
    )
    return "t0"


def transposed(net: FloatNetwork) -> str:
    weight = net.rng.normal(0, 1, (32, 16, 2, 2))
    return net.node("ConvTranspose", ["x", net.constant(weight)], kernel_shape=[2, 2])


def gemm(net: FloatNetwork, rows: bool) -> str:
    weight = net.rng.normal(0, 1, (40, 70) if rows else (70, 40))
    names = ["x", net.constant(weight), net.constant(net.rng.normal(0, 1, 40))]
    return net.node("Gemm", names, transB=int(rows))


def matmul(net: FloatNetwork, *shape: int) -> str:
    return net.node("MatMul", ["x", net.constant(net.rng.normal(0, 1, shape))])


# The network's input, its nodes, and the axes of its weights that have a scale each.
Layer = tuple[tuple[int, ...], Callable[[FloatNetwork], str], tuple[int, ...]]
LAYERS: dict[str, Layer] = {
    "Conv": ((1, 32, 8, 8), lambda n: n.conv("x", 16, 32, kernel=3), (0,)),
    "depthwise": ((1, 128, 8, 8), lambda n: n.conv("x", 128, 128, kernel=3, group=128), (0,)),
    "ConvTranspose": ((1, 32, 8, 8), transposed, (1,)),
    "Gemm": ((5, 70), lambda n: gemm(n, rows=False), (1,)),
    "Gemm by rows": ((5, 70), lambda n: gemm(n, rows=True), (0,)),
    "MatMul": ((2, 5, 70), lambda n: matmul(n, 70, 40), (1,)),
    "a stack": ((3, 5, 70), lambda n: matmul(n, 3, 70, 40), (0, 2)),
    "LSTM": ((7, 1, 24), lambda n: recurrent(n, "LSTM", 4), (0, 1)),
    "GRU": ((7, 1, 24), lambda n: recurrent(n, "GRU", 3), (0, 1)),
}


def rounded(values: NDArray[np.float32], axes: tuple[int, ...]) -> NDArray[np.float32]:
    """To 127 steps each way of the largest value of each place along ``axes``."""
    rest = tuple(axis for axis in range(values.ndim) if axis not in axes)
    step = np.abs(values.astype(np.float64)).max(rest, keepdims=True) / 127
    return np.asarray(np.rint(values / step) * step, np.float32)


@pytest.mark.parametrize("name", LAYERS)
def test_a_file_with_weights_in_8_bits_computes_in_float_with_rounded_weights(
    name: str, tmp_path: Path
) -> None:
    shape, build, axes = LAYERS[name]
    net = FloatNetwork(shape=shape)
    model = net.model(build(net))
    report = edgeinfer.quantize(
        model.SerializeToString(), tmp_path / "o.onnx", mode="weights8", samples=[net.sample()]
    )
    assert [layer.decision for layer in report.layers] == ["weights8"]
    assert (report.activations, report.weight_bits, report.target) == ("float32", 8, "any")
    for key, value in net.held.items():
        if value.ndim > 1:
            net.held[key] = rounded(value, axes)
    with edgeinfer.Session(tmp_path / "o.onnx", cache=False) as session:
        (found,) = session.run(net.sample()).values()
    with edgeinfer.Session(net.model("t0").SerializeToString(), cache=False) as session:
        (wanted,) = session.run(net.sample()).values()
    np.testing.assert_allclose(found, wanted, atol=2e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("name", ["Conv", "MatMul", "Gemm", "LSTM"])
def test_the_runtime_computes_the_weights_at_load(name: str, tmp_path: Path) -> None:
    shape, build, _ = LAYERS[name]
    net = FloatNetwork(shape=shape)
    edgeinfer.quantize(
        net.model(build(net)).SerializeToString(), tmp_path / "o.onnx", mode="weights8"
    )
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    options.log_severity_level = 3
    onnxruntime.InferenceSession(tmp_path / "o.onnx", options)
    left = {node.op_type for node in onnx.load(tmp_path / "optimised.onnx").graph.node}
    assert left.isdisjoint({"Cast", "Mul", "DequantizeLinear"})


def unpacked(model: onnx.ModelProto) -> tuple[NDArray[np.float64], onnx.NodeProto]:
    """Weights (inputs, outputs) of the one MatMulNBits, after the text of its documentation."""
    (node,) = (one for one in model.graph.node if one.op_type == "MatMulNBits")
    held = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    sizes = {one.name: one.i for one in node.attribute}
    packed, scales = held[node.input[1]], held[node.input[2]].astype(np.float64)
    values = np.zeros((sizes["N"], packed.shape[1] * sizes["block_size"]))
    for row, column in np.ndindex(values.shape):
        block, place = divmod(column, sizes["block_size"])
        byte = int(packed[row, block, place // 2])
        nibble = byte >> 4 if place % 2 else byte & 15
        values[row, column] = (nibble - 8) * scales[row, block]
    assert not values[:, sizes["K"] :].any()  # what fills up the last block
    return values[:, : sizes["K"]].T, node


@pytest.mark.parametrize("name", ["Gemm", "Gemm by rows", "MatMul"])
def test_products_have_weights_in_blocks_of_4_bits(name: str, tmp_path: Path) -> None:
    shape, build, _ = LAYERS[name]
    net = FloatNetwork(shape=shape)
    model = net.model(build(net)).SerializeToString()
    report = edgeinfer.quantize(model, tmp_path / "o.onnx", mode="weights4", samples=[net.sample()])
    (layer,) = report.layers
    assert layer.decision == "weights4"
    weights, _ = unpacked(onnx.load(tmp_path / "o.onnx"))
    exact = net.held["k0"].T if name == "Gemm by rows" else net.held["k0"]
    kept = 10 * np.log10(np.square(exact).sum() / np.square(weights - exact).sum())
    assert kept == pytest.approx(float(layer.reason.split()[-2]), abs=0.06)
    # Rounding to the nearest of 15 levels within the largest of 32 normal values keeps 19.5 dB.
    assert kept > 20.5
    with edgeinfer.Session(tmp_path / "o.onnx", cache=False) as session:
        (found,) = session.run(net.sample()).values()
    wanted = net.sample().astype(np.float64) @ weights
    wanted = wanted + net.held["k1"] if "Gemm" in name else wanted
    # Within its kernel the runtime rounds activations to 8 bits.
    assert np.sqrt(np.square(found - wanted).mean()) < 0.012 * np.sqrt(np.square(wanted).mean())


def test_convolutions_have_8_bits_beside_products_with_4(tmp_path: Path) -> None:
    net = FloatNetwork(shape=(1, 32, 8, 8))
    rows = net.node("Reshape", [net.conv("x", 64, 32), net.constant([-1, 64], np.int64)])
    model = net.model(net.node("MatMul", [rows, net.constant(net.rng.normal(0, 1, (64, 40)))]))
    report = edgeinfer.quantize(model.SerializeToString(), tmp_path / "o.onnx", mode="weights4")
    reasons = {layer.op: (layer.decision, layer.reason) for layer in report.layers}
    assert reasons["Reshape"] == ("float", "Reshape has no weights")
    assert reasons["MatMul"][0] == "weights4"
    decision, reason = reasons["Conv"]
    assert decision == "weights8"
    assert "4 are too few for the weights of a convolution" in reason


def test_single_values_that_dominate_a_block_are_told_by_what_is_left(tmp_path: Path) -> None:
    net = FloatNetwork(shape=(5, 64))
    # Half of the power lies in values next to zero on the scale of their block.
    weight = net.rng.choice([-0.45, 0.45], (64, 40)) * net.rng.uniform(0.3, 1, (64, 40))
    weight[::32] = 6
    model = net.model(net.node("MatMul", ["x", net.constant(weight)])).SerializeToString()
    report = edgeinfer.quantize(model, tmp_path / "o.onnx", mode="weights4")
    assert report.layers[0].decision == "weights8"
    assert "in 4 its weights would keep" in report.layers[0].reason
    assert "no weights have 4 bits" in report.notes[0]


def test_a_table_that_is_looked_up_and_excluded_nodes(tmp_path: Path) -> None:
    net = FloatNetwork(shape=(4, 70))
    table = net.constant(net.rng.normal(0, 1, (100, 70)))
    rows = net.node("Gather", [table, net.constant([3, 1, 4, 1], np.int64)])
    keys = net.constant([0, 2], np.int64)
    chosen = net.node("ArgMax", ["x"], axis=1, keepdims=0)
    looked_up = net.node("Add", [net.node("Gather", [table, chosen]), rows])
    first = net.node("MatMul", [looked_up, net.constant(net.rng.normal(0, 1, (70, 40)))])
    last = net.node("MatMul", [first, net.constant(net.rng.normal(0, 1, (40, 40)))])
    model = net.model(net.node("Gather", [last, keys])).SerializeToString()
    report = edgeinfer.quantize(
        model, tmp_path / "o.onnx", mode="weights8", exclude=[f"n.{last}"], samples=[net.sample()]
    )
    by_name = {layer.name: (layer.decision, layer.reason) for layer in report.layers}
    assert by_name[f"n.{first}"][0] == "weights8"
    assert by_name[f"n.{last}"] == ("float", "excluded")
    assert [d for n, (d, _) in by_name.items() if d == "weights8"].count("weights8") == 2
    assert report.outputs[0].sqnr_db > 35


def test_weights_only_needs_weights_that_are_large_and_finite(tmp_path: Path) -> None:
    net = FloatNetwork()
    small = net.model(net.conv("x", 4, 4)).SerializeToString()
    with pytest.raises(ModelError, match=r"1024 or more .*fewer than 1024 weights"):
        edgeinfer.quantize(small, tmp_path / "o.onnx", mode="weights8")
    for mode in ("weights8", "weights4"):
        net = FloatNetwork(shape=(1, 70))
        weight = net.rng.normal(0, 1, (70, 40))
        weight[3, 4] = np.inf
        model = net.model(net.node("MatMul", ["x", net.constant(weight)])).SerializeToString()
        with pytest.raises(InputError, match="'k0': found NaN or infinity"):
            edgeinfer.quantize(model, tmp_path / "o.onnx", mode=mode)
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_ours_is_not_quantised_again(tmp_path: Path) -> None:
    net = FloatNetwork(shape=(1, 70))
    model = net.model(matmul(net, 70, 40)).SerializeToString()
    edgeinfer.quantize(model, tmp_path / "o.onnx", mode="weights8")
    for mode in ("static", "weights4", "dynamic"):
        with pytest.raises(ModelError, match="quantised already"):
            edgeinfer.quantize(
                tmp_path / "o.onnx", tmp_path / "p.onnx", mode=mode, samples=[net.sample()]
            )


@pytest.mark.parametrize(
    ("name", "share"),
    [("mobilenet_v2_1.0_224", 0.27), ("deeplabv3_mnv2_dm05_pascal_513", 0.29)],
)
def test_a_real_file_becomes_a_quarter_and_loads_as_the_float_one(
    name: str, share: float, shared_data: Path, tmp_path: Path
) -> None:
    model = shared_data / "models" / f"{name}.onnx"
    report = edgeinfer.quantize(model, tmp_path / "o.onnx", mode="weights8")
    assert report.size_ratio < share
    facts = edgeinfer.inspect(tmp_path / "o.onnx")
    assert not facts.problems
    # A second session reads what the first one kept: the weights as the runtime computed them.
    with edgeinfer.Session(model) as session:
        before = session.describe()["tail"]
    for _ in range(2):
        with edgeinfer.Session(tmp_path / "o.onnx") as session:
            assert session.describe()["warnings"] == []
            assert session.describe()["tail"] == before
