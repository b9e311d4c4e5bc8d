"""Models that are damaged, quantised already, or kept in several files."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import edgeinfer
from edgeinfer import ModelError
from oracles.integer_network import FloatNetwork

pytestmark = pytest.mark.filterwarnings("ignore::edgeinfer.CalibrationWarning")


def dequantised(net: FloatNetwork) -> str:
    return net.node("DequantizeLinear", [net.constant(np.ones((4, 4)), np.int8), net.constant(0.1)])


def multiplied(net: FloatNetwork) -> str:
    one = [net.constant(np.ones((4, 4)), np.uint8), net.constant(0.1), net.constant(3, np.uint8)]
    return net.node("QLinearMatMul", [*one, *one, *one[1:]])


def in_blocks(net: FloatNetwork) -> str:
    inputs = ["x", net.constant(np.zeros((4, 1, 16)), np.uint8), net.constant(np.ones(4))]
    sizes = {"K": 32, "N": 4, "bits": 4, "block_size": 32}
    node = helper.make_node("MatMulNBits", inputs, ["t0"], domain="com.microsoft", **sizes)
    net.nodes.append(node)
    return "t0"


QUANTISED: dict[str, Callable[[FloatNetwork], str]] = {
    "DequantizeLinear": dequantised,
    "QLinearMatMul": multiplied,
    "MatMulNBits": in_blocks,
}


@pytest.mark.parametrize("name", QUANTISED)
@pytest.mark.parametrize("mode", ["static", "dynamic", "weights8", "weights4"])
def test_a_model_in_integers_already_is_refused(name: str, mode: str, tmp_path: Path) -> None:
    net = FloatNetwork(shape=(2, 32))
    net.held["w"] = net.rng.normal(0, 1, (32, 40)).astype(np.float32)
    QUANTISED[name](net)
    net.nodes.append(helper.make_node("MatMul", ["x", "w"], ["y"]))
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        net.nodes,
        "quantised",
        [value("x", TensorProto.FLOAT, [2, 32])],
        [value("y", TensorProto.FLOAT, [2, 40])],
        [numpy_helper.from_array(one, key) for key, one in net.held.items()],
    )
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()
    with pytest.raises(ModelError, match=f"quantised already .*1 {name}"):
        edgeinfer.quantize(model, tmp_path / "o.onnx", mode=mode, samples=[net.sample()])


def test_graphs_inside_nodes_stay_as_they_are_and_keep_what_they_read(tmp_path: Path) -> None:
    net = FloatNetwork(shape=(1, 4, 8, 8))
    conv = net.conv("x", 32, 4, kernel=3)
    weight = net.constant(net.rng.normal(0, 0.2, (32, 32, 1, 1)))
    chosen = net.node("Greater", [net.node("ReduceMax", [conv], keepdims=0), net.constant(0.0)])
    branches = {}
    for branch, node in (
        ("then_branch", helper.make_node("Conv", [conv, weight], ["inner"])),
        ("else_branch", helper.make_node("Neg", [conv], ["inner"])),
    ):
        result = helper.make_tensor_value_info("inner", TensorProto.FLOAT, None)
        branches[branch] = helper.make_graph([node], branch, [], [result])
    choice = net.node("If", [chosen], **branches)
    outer = net.node("Conv", [conv, weight])
    model = net.model(net.node("Add", [choice, outer])).SerializeToString()
    for mode in ("static", "weights8", "weights4", "dynamic"):
        report = edgeinfer.quantize(
            model,
            tmp_path / "o.onnx",
            mode=mode,
            samples=[net.sample(i) for i in range(4)],
            force_convolutions=True,
        )
        (layer,) = (one for one in report.layers if one.op == "If")
        assert layer.decision == "float"
        assert "If" in layer.reason
        assert report.outputs[0].sqnr_db > 25


def test_functions_of_the_file_are_unfolded(tmp_path: Path) -> None:
    net = FloatNetwork(shape=(1, 4, 8, 8))
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid("local", 1)]
    body = [
        helper.make_node("Conv", ["a", "w"], ["b"], "conv"),
        helper.make_node("Relu", ["b"], ["c"], "relu"),
    ]
    block = helper.make_function("local", "Block", ["a", "w"], ["c"], body, opsets[:1])
    weights = [net.constant(net.rng.normal(0, 0.5, (4, 4, 1, 1))) for _ in range(2)]
    nodes = [
        helper.make_node("Block", ["x", weights[0]], ["y"], domain="local"),
        helper.make_node("Block", ["y", weights[1]], ["z"], domain="local"),
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "functions",
        [value("x", TensorProto.FLOAT, [1, 4, 8, 8])],
        [value("z", TensorProto.FLOAT, [1, 4, 8, 8])],
        [numpy_helper.from_array(one, key) for key, one in net.held.items()],
    )
    model = helper.make_model(graph, opset_imports=opsets, functions=[block], ir_version=8)
    report = edgeinfer.quantize(
        model.SerializeToString(), tmp_path / "o.onnx", samples=[net.sample()]
    )
    assert report.prepared["functions unfolded"] == 1
    assert (report.count("int8"), report.count("merged")) == (2, 2)
    assert report.outputs[0].sqnr_db > 25


# Weights beside the file


@pytest.fixture
def beside(folder: Path) -> Path:
    model = onnx.load(folder / "model.onnx")
    (folder.parent / "beside").mkdir()
    onnx.save_model(
        model,
        folder.parent / "beside" / "model.onnx",
        save_as_external_data=True,
        location="model.bin",
        size_threshold=16,
    )
    return folder.parent / "beside"


@pytest.mark.parametrize("mode", ["static", "weights8"])
def test_weights_beside_the_file_are_read_and_counted(
    mode: str, small: tuple[FloatNetwork, bytes], beside: Path, folder: Path
) -> None:
    net, model = small
    given = [net.sample(i) for i in range(3)]
    report = edgeinfer.quantize(
        beside / "model.onnx", folder / "out.onnx", mode=mode, samples=given
    )
    assert edgeinfer.inspect(folder / "out.onnx").external_files == ()
    sizes = [(beside / name).stat().st_size for name in ("model.onnx", "model.bin")]
    assert report.float_bytes == sum(sizes)
    whole = edgeinfer.quantize(model, folder / "out.onnx", mode=mode, samples=given)
    assert report.outputs == whole.outputs
    assert report.int8_bytes == pytest.approx(whole.int8_bytes, abs=16)


@pytest.mark.parametrize("fault", ["outside", "link", "short", "absolute", "missing"])
def test_weights_that_lead_out_of_the_folder_or_are_short_are_refused(
    fault: str, beside: Path, folder: Path
) -> None:
    data, elsewhere = beside / "model.bin", folder.parent / "elsewhere.bin"
    elsewhere.write_bytes(data.read_bytes())
    model = onnx.load(beside / "model.onnx", load_external_data=False)
    where = {"outside": "../elsewhere.bin", "absolute": str(elsewhere), "missing": "none.bin"}
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = where.get(fault, entry.value)
    (beside / "model.onnx").write_bytes(model.SerializeToString())
    if fault == "link":
        data.unlink()
        data.symlink_to(elsewhere)
    elif fault == "short":
        os.truncate(data, 100)
    for mode in ("static", "dynamic", "weights8"):
        with pytest.raises(ModelError, match="external data"):
            edgeinfer.quantize(
                beside / "model.onnx",
                folder / "out.onnx",
                mode=mode,
                samples=[np.load(folder / "0.npy")],
                force_convolutions=True,
            )
    assert (folder / "out.onnx").read_bytes() == b"old"


def test_more_weights_than_one_file_holds_are_refused_unread(folder: Path) -> None:
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[32768, 20480])
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", "huge.bin"), ("length", str(32768 * 20480 * 4))):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    value_of = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "huge",
        [value_of("x", TensorProto.FLOAT, [1, 32768])],
        [value_of("y", TensorProto.FLOAT, [1, 20480])],
        [tensor],
    )
    opsets = [helper.make_opsetid("", 13)]
    place = folder.parent / "huge"
    place.mkdir()
    made = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    (place / "model.onnx").write_bytes(made.SerializeToString())
    with (place / "huge.bin").open("wb") as file:
        file.truncate(32768 * 20480 * 4)  # 2.7 GB of nothing, which takes no disk
    with pytest.raises(ModelError, match=r"2\.7 GB of weights, wanted 2\.0 at most"):
        edgeinfer.quantize(place / "model.onnx", folder / "out.onnx", mode="weights8")
    assert (folder / "out.onnx").read_bytes() == b"old"
