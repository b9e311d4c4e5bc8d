"""Which tensors a quantiser needs: found without onnx, and here compared with what onnx infers."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgeinfer import _core
from edgeinfer.errors import ModelError

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def model_bytes(
    nodes: list[onnx.NodeProto],
    *,
    given: tuple[str, ...] = ("y",),
    weights: dict[str, np.ndarray] | None = None,
    kind: int = FLOAT,
) -> bytes:
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", kind, [1, 3, 8, 8])],
        [helper.make_tensor_value_info(name, kind, None) for name in given],
        [numpy_helper.from_array(array, name) for name, array in (weights or {}).items()],
    )
    opsets = [helper.make_opsetid("", 17)]
    return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString())


def found(model: bytes) -> dict[str, _core.Activation]:
    return {one.name: one for one in _core.find_activations(model)}


def observed(model: bytes) -> list[str]:
    return [name for name, one in found(model).items() if not one.same_range_as]


W = {"w": np.ones((4, 3, 3, 3), np.float32)}


def test_weights_and_what_is_made_of_them_are_no_activations() -> None:
    nodes = [
        helper.make_node("Constant", [], ["c"], value_float=2.0),
        helper.make_node("Mul", ["w", "c"], ["scaled"]),
        helper.make_node("Conv", ["x", "scaled"], ["y"], name="first"),
    ]
    model = model_bytes(nodes, weights=W)
    assert observed(model) == ["x", "y"]
    assert found(model)["x"].layer == "input"
    assert found(model)["y"].layer == "Conv 'first'"


def test_what_one_activation_function_alone_reads_takes_its_range() -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["conv"]),
        helper.make_node("Relu", ["conv"], ["relu"]),
        helper.make_node("Add", ["relu", "relu"], ["sum"]),
        helper.make_node("Clip", ["sum"], ["y"]),
    ]
    model = model_bytes(nodes, weights=W)
    assert observed(model) == ["x", "relu", "y"]
    assert found(model)["conv"].same_range_as == "relu"
    assert found(model)["sum"].same_range_as == "y"
    # An output of the graph, or with another reader, it has values of its own to keep.
    assert "conv" in observed(model_bytes(nodes, given=("y", "conv"), weights=W))
    also = [*nodes, helper.make_node("Sigmoid", ["conv"], ["z"])]
    assert "conv" in observed(model_bytes(also, given=("y", "z"), weights=W))


def test_behind_a_type_that_no_rule_tells_every_range_is_one_that_is_observed() -> None:
    nodes = [
        helper.make_node("Sin", ["x"], ["sine"]),
        helper.make_node("Conv", ["sine", "w"], ["conv"]),
        helper.make_node("Relu", ["conv"], ["relu"]),
        helper.make_node("Transpose", ["relu"], ["turned"], perm=[0, 2, 3, 1]),
        helper.make_node("Sigmoid", ["turned"], ["y"]),
    ]
    model = model_bytes(nodes, weights=W)
    assert observed(model) == ["sine", "relu", "y"]
    assert found(model)["conv"].same_range_as == "relu"
    assert found(model)["turned"].same_range_as == "relu"


def test_what_is_only_reordered_takes_the_range_of_its_source() -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["conv"]),
        helper.make_node("Transpose", ["conv"], ["turned"], perm=[0, 2, 3, 1]),
        helper.make_node("Flatten", ["turned"], ["flat"]),
        helper.make_node("Sigmoid", ["flat"], ["y"]),
    ]
    model = model_bytes(nodes, weights=W)
    assert observed(model) == ["x", "conv", "y"]
    assert found(model)["turned"].same_range_as == "conv"
    assert found(model)["flat"].same_range_as == "turned"


def test_integers_and_unknown_operators_are_left_out() -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["y"]),
        helper.make_node("Shape", ["y"], ["shape"]),
        helper.make_node("Concat", ["shape", "shape"], ["both"], axis=0),
        helper.make_node("ArgMax", ["y"], ["best"], axis=1),
        helper.make_node("Sin", ["y"], ["sine"]),
        helper.make_node("Cos", ["sine"], ["cosine"]),
    ]
    model = model_bytes(nodes, weights=W)
    assert observed(model) == ["x", "y"]
    also = _core.find_activations(model, ["cosine", "nothing", "w"])
    assert [one.name for one in also] == ["x", "y", "cosine"]


def test_other_floats_are_left_out() -> None:
    nodes = [helper.make_node("Relu", ["x"], ["y"])]
    assert observed(model_bytes(nodes, kind=TensorProto.FLOAT16)) == []
    assert observed(model_bytes(nodes, kind=TensorProto.DOUBLE)) == []
    assert observed(model_bytes(nodes)) == ["x", "y"]


def test_channels_are_where_products_add_up() -> None:
    weights = {**W, "m": np.ones((4, 7), np.float32)}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["conv"]),
        helper.make_node("Transpose", ["conv"], ["turned"], perm=[0, 2, 3, 1]),
        helper.make_node("MatMul", ["turned", "m"], ["product"]),
        helper.make_node("ReduceMean", ["product"], ["y"], keepdims=0),
    ]
    by_name = found(model_bytes(nodes, weights=weights))
    axes = {name: (one.channel_axis, one.channels) for name, one in by_name.items()}
    assert axes["x"] == (1, 3)
    assert axes["conv"] == (1, 4)
    assert axes["turned"] == (3, 4)
    assert axes["product"] == (3, 7)
    assert axes["y"] == (None, None)


def test_files_that_are_no_models_are_refused() -> None:
    with pytest.raises(ModelError):
        _core.find_activations(b"no model")


def test_damaged_models_raise_nothing_else(shared_data: Path) -> None:
    for path in sorted((shared_data / "malformed" / "onnx").glob("*.onnx")):
        try:
            _core.find_activations(path.read_bytes())
        except ModelError:
            continue


def test_a_chain_as_long_as_the_reader_allows_takes_no_walk_for_each_node() -> None:
    count = 100_001  # the last one is a Relu, whose output counts
    nodes = [
        helper.make_node("Identity" if number % 2 else "Relu", [f"t{number}"], [f"t{number + 1}"])
        for number in range(count)
    ]
    nodes[0].input[0] = "x"
    nodes[-1].output[0] = "y"
    # Quadratic, this would take minutes.
    assert len(found(model_bytes(nodes))) == count + 1


def test_real_models_lack_no_tensor_that_onnx_knows(shared_data: Path) -> None:
    for path in sorted((shared_data / "models").glob("*.onnx")):
        by_name = found(path.read_bytes())
        model = onnx.shape_inference.infer_shapes(onnx.load(path), data_prop=True)
        graph = model.graph
        floats = {
            value.name
            for value in (*graph.input, *graph.value_info, *graph.output)
            if value.type.tensor_type.elem_type == FLOAT
        } - {one.name for one in graph.initializer}
        constants = {
            name for node in graph.node if node.op_type == "Constant" for name in node.output
        }
        wanted = set()
        for node in graph.node:
            if node.op_type in (
                "Conv",
                "Gemm",
                "Add",
                "Concat",
                "MaxPool",
                "Resize",
                "Relu",
                "Clip",
            ):
                wanted |= (set(node.input) | set(node.output)) & floats - constants
        assert wanted <= set(by_name), path.name
        assert set(by_name) <= floats, path.name
        for one in by_name.values():
            assert one.same_range_as == "" or one.same_range_as in by_name
