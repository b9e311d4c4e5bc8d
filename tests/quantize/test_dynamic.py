"""Networks whose activations are rounded while running, against onnxruntime's own quantiser."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper
from onnxruntime.quantization import QuantType, quantize_dynamic

import edgeinfer
from edgeinfer import ModelError
from oracles.integer_network import FloatNetwork

pytestmark = pytest.mark.filterwarnings("ignore::edgeinfer.CalibrationWarning")


def lstm(net: FloatNetwork) -> str:
    sizes = ((2, 128, 24), (2, 128, 32), (2, 256))
    names = [net.constant(net.rng.normal(0, 0.2, size)) for size in sizes]
    made = ["t0", "t0.state", "t0.cell"]
    net.nodes.append(
        helper.make_node(
            "LSTM", ["x", *names], made, "n.t0", hidden_size=32, direction="bidirectional"
        )
    )
    return "t0"


def gemm(net: FloatNetwork) -> str:
    names = [net.constant(net.rng.normal(0, 1, size)) for size in ((9, 64), 9)]
    return net.node("Gemm", ["x", *names], transB=1)


def attention(net: FloatNetwork) -> str:
    names = [net.constant(net.rng.normal(0, 0.2, size)) for size in ((32, 96), 96)]
    node = helper.make_node(
        "Attention", ["x", *names], ["t0"], "n.t0", domain="com.microsoft", num_heads=4
    )
    net.nodes.append(node)
    return "t0"


Layer = tuple[tuple[int, ...], Callable[[FloatNetwork], str], str]
LAYERS: dict[str, Layer] = {
    "MatMul": (
        (3, 5, 64),
        lambda n: n.node("MatMul", ["x", n.constant(n.rng.normal(0, 1, (64, 9)))]),
        "MatMulInteger",
    ),
    "a stack": (
        (3, 5, 64),
        lambda n: n.node("MatMul", ["x", n.constant(n.rng.normal(0, 1, (3, 64, 9)))]),
        "MatMulInteger",
    ),
    "Gemm": ((5, 64), gemm, "MatMulInteger"),
    "LSTM": ((7, 1, 24), lstm, "DynamicQuantizeLSTM"),
    "Attention": ((2, 6, 32), attention, "QAttention"),
    "Conv": ((1, 4, 8, 8), lambda n: n.conv("x", 6, 4, kernel=3), "ConvInteger"),
    "depthwise": ((1, 4, 8, 8), lambda n: n.conv("x", 4, 4, kernel=3, group=4), "ConvInteger"),
}


def built(name: str) -> tuple[FloatNetwork, onnx.ModelProto]:
    shape, build, _ = LAYERS[name]
    net = FloatNetwork(shape=shape)
    last = build(net)
    if name != "Attention":
        return net, net.model(last)
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        net.nodes,
        "attention",
        [value("x", onnx.TensorProto.FLOAT, list(shape))],
        [value(last, onnx.TensorProto.FLOAT, list(shape))],
        [onnx.numpy_helper.from_array(one, key) for key, one in net.held.items()],
    )
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid("com.microsoft", 1)]
    return net, helper.make_model(graph, opset_imports=opsets, ir_version=8)


@pytest.mark.parametrize("name", LAYERS)
def test_results_are_as_near_to_float_as_those_of_the_runtimes_own_quantiser(
    name: str, tmp_path: Path
) -> None:
    net, model = built(name)
    report = edgeinfer.quantize(
        model.SerializeToString(),
        tmp_path / "ours.onnx",
        mode="dynamic",
        target="x86-64-vnni",
        force_convolutions=True,
        samples=[net.sample()],
    )
    assert [layer.decision for layer in report.layers] == ["int8"]
    written = {node.op_type for node in onnx.load(tmp_path / "ours.onnx").graph.node}
    assert LAYERS[name][2] in written
    theirs = onnx.ModelProto()
    theirs.CopyFrom(model)
    quantize_dynamic(
        theirs,
        tmp_path / "theirs.onnx",
        # Of a stack, its file with scales for channels does not run.
        per_channel=name not in ("Attention", "a stack"),
        weight_type=QuantType.QInt8,
    )
    results = [
        onnxruntime.InferenceSession(one).run(["t0"], {"x": net.sample()})[0].astype(np.float64)
        for one in (model.SerializeToString(), tmp_path / "ours.onnx", tmp_path / "theirs.onnx")
    ]
    ours, peer = (np.square(results[0] - one).mean() for one in results[1:])
    assert ours < 1.3 * peer + 1e-12
    assert ours < 1e-3 * np.square(results[0]).mean()


def test_recurrent_layers_without_a_kernel_stay_in_float_with_the_reason(tmp_path: Path) -> None:
    net = FloatNetwork(shape=(7, 1, 24))
    names = [net.constant(net.rng.normal(0, 0.2, (1, 96, size))) for size in (24, 32)]
    net.nodes.append(helper.make_node("GRU", ["x", *names], ["", "t0"], "gru", hidden_size=32))
    row = net.node("Squeeze", ["t0", net.constant([0], np.int64)])
    last = net.node("MatMul", [row, net.constant(net.rng.normal(0, 1, (32, 9)))])
    model = net.model(last).SerializeToString()
    report = edgeinfer.quantize(model, tmp_path / "o.onnx", mode="dynamic")
    by_op = {layer.op: (layer.decision, layer.reason) for layer in report.layers}
    assert by_op["GRU"] == ("float", "the runtime has no dynamic kernel for GRU")
    assert by_op["MatMul"] == ("int8", "")


def test_an_activation_that_two_products_read_is_rounded_once(tmp_path: Path) -> None:
    net = FloatNetwork(shape=(3, 64))
    made = [
        net.node("MatMul", ["x", net.constant(net.rng.normal(0, 1, (64, 9)))]) for _ in range(2)
    ]
    model = net.model(net.node("Add", made)).SerializeToString()
    edgeinfer.quantize(model, tmp_path / "o.onnx", mode="dynamic")
    operators = [node.op_type for node in onnx.load(tmp_path / "o.onnx").graph.node]
    assert operators.count("DynamicQuantizeLinear") == 1
    assert operators.count("MatMulInteger") == 2


def test_nothing_is_logged_and_the_callers_logging_is_left_alone(tmp_path: Path) -> None:
    _, model = built("Gemm")
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import logging, sys, edgeinfer\n"
            "edgeinfer.quantize('model.onnx', 'int8.onnx', mode='dynamic')\n"
            "print(logging.root.handlers, 'onnxruntime' in sys.modules)\n",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "[] False\n", "")


def test_a_network_of_convolutions_is_refused_with_what_they_cost(tmp_path: Path) -> None:
    _, model = built("Conv")
    with pytest.raises(ModelError, match=r"1 convolutions.*8\.5 times as long"):
        edgeinfer.quantize(model.SerializeToString(), tmp_path / "o.onnx", mode="dynamic")
    assert list(tmp_path.iterdir()) == []
