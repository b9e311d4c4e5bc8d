"""Tails that are recognised and cut off, and what is no tail."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from edgeinfer import _core
from oracles import onnx_tails
from oracles.onnx_tails import Step, argmax, network, resize, step

from .tails import HALF, IDENTITY, SAME, cut, why_not

CORNERS = "Resize align_corners 8x8 -> 20x24"


TAILS: dict[str, tuple[list[Step], list[str]]] = {
    "resize-half-pixel": ([resize()], [HALF]),
    "resize-align-corners": (
        [resize(coordinate_transformation_mode="align_corners")],
        [CORNERS],
    ),
    "resize-pytorch-half-pixel": (
        [resize(coordinate_transformation_mode="pytorch_half_pixel")],
        ["Resize pytorch_half_pixel 8x8 -> 20x24"],
    ),
    "resize-scales": (
        [resize(scales=[1, 1, 4, 2.5])],
        ["Resize half_pixel 8x8 -> 32x20"],
    ),
    "resize-down": ([resize((1, 5, 4, 4))], ["Resize half_pixel 8x8 -> 4x4"]),
    "resize-to-one-row": (
        [resize((1, 5, 1, 9), coordinate_transformation_mode="align_corners")],
        ["Resize align_corners 8x8 -> 1x9"],
    ),
    "resize-with-unused-roi": ([resize(roi=[])], [HALF]),
    "argmax": ([argmax()], ["ArgMax"]),
    "argmax-negative-axis": ([argmax(-3)], ["ArgMax"]),
    "resize-argmax": ([resize(), argmax(keepdims=0)], [HALF, "ArgMax"]),
    "resize-softmax": ([resize(), step("Softmax", axis=1)], [HALF, "Softmax"]),
    "resize-logsoftmax": ([resize(), step("LogSoftmax", axis=1)], [HALF, "LogSoftmax"]),
    "softmax-resize": ([step("Softmax", axis=1), resize()], [HALF]),
    "softmax-argmax": ([step("Softmax", axis=1), argmax()], ["Softmax", "ArgMax"]),
    "argmax-cast": (
        [resize(), argmax(), step("Cast", to=TensorProto.UINT8)],
        [HALF, "ArgMax", "Cast to uint8"],
    ),
    "argmax-cast-float": (
        [argmax(), step("Cast", to=TensorProto.FLOAT)],
        ["ArgMax", "Cast to float32"],
    ),
    "transpose": (
        [resize(), step("Transpose", perm=[0, 2, 3, 1])],
        [HALF, "Transpose"],
    ),
    "transpose-softmax-argmax": (
        [resize(), step("Transpose", perm=[0, 2, 3, 1]), step("Softmax", axis=-1), argmax(3)],
        [HALF, "Transpose", "Softmax", "ArgMax"],
    ),
    "argmax-transpose-to-the-end": (
        [argmax(), step("Transpose", perm=[0, 2, 3, 1])],
        ["ArgMax", "Transpose"],
    ),
    "argmax-squeeze": (
        [resize(), argmax(), step("Squeeze", np.array([0, 1]))],
        [HALF, "ArgMax", "Squeeze"],
    ),
    "argmax-unsqueeze-reshape": (
        [argmax(keepdims=0), step("Unsqueeze", np.array([0])), step("Reshape", np.array([8, 8]))],
        ["ArgMax", "Unsqueeze", "Reshape"],
    ),
    "identities": (
        [step("Identity"), resize(), step("Identity"), argmax(), step("Identity")],
        [HALF, "ArgMax"],
    ),
    "identity-resize": ([resize(SAME)], [IDENTITY]),
    "identity-resize-nearest": (
        [resize(SAME, mode="nearest", coordinate_transformation_mode="asymmetric")],
        [IDENTITY],
    ),
    "identity-then-resize": (
        [
            resize(SAME, coordinate_transformation_mode="align_corners"),
            resize(coordinate_transformation_mode="align_corners"),
        ],
        [IDENTITY, CORNERS],
    ),
    "resize-then-identity": (
        [resize(), resize(), argmax()],
        [HALF, "Resize that changes nothing (20x24)", "ArgMax"],
    ),
    "chain-of-two": (
        [resize((1, 5, 12, 12)), resize(), argmax()],
        ["Resize half_pixel 12x12 -> 20x24", "ArgMax"],
    ),
    "chain-of-two-with-nearest-before": (
        [resize((1, 5, 16, 16), mode="nearest"), resize()],
        ["Resize half_pixel 16x16 -> 20x24"],
    ),
    "argmax-over-nearest-resize": ([resize(mode="nearest"), argmax()], ["ArgMax"]),
    "argmax-over-cubic-resize": ([resize(mode="cubic"), argmax()], ["ArgMax"]),
}


@pytest.mark.parametrize("as_nodes", [False, True], ids=["initialisers", "constant-nodes"])
@pytest.mark.parametrize("name", TAILS)
def test_a_tail_is_cut_and_completed(name: str, as_nodes: bool) -> None:
    steps, wanted = TAILS[name]
    tail, core, rest = cut(network(*steps, as_nodes=as_nodes))
    assert tail.steps == wanted
    assert tail.output == "out"
    assert tail.dtype == "float32"
    assert tail.scale is None
    assert tail.argmax == ("ArgMax" in wanted)
    assert tail.softmax == any("oftmax" in one for one in wanted)
    assert tail.resizes == any("->" in one for one in wanted)
    assert tail.align_corners == any("align_corners" in one for one in wanted)
    assert len(core.graph.node) + len(rest.graph.node) == len(
        network(*steps, as_nodes=as_nodes).graph.node
    )
    assert [one.name for one in core.graph.output] == [tail.logits]
    assert [one.name for one in rest.graph.output] == ["out"]
    assert not rest.metadata_props
    assert "w" not in [one.name for one in rest.graph.initializer]


REFUSED: dict[str, tuple[list[Step], str]] = {
    "nothing-there": ([step("Relu")], "it ends in Relu"),
    "only-softmax": ([step("Softmax", axis=1)], "no Resize and no ArgMax"),
    "nearest": ([resize(mode="nearest")], "mode 'nearest'"),
    "cubic": ([resize(mode="cubic")], "mode 'cubic'"),
    "asymmetric": (
        [resize(coordinate_transformation_mode="asymmetric")],
        "coordinates 'asymmetric'",
    ),
    "pytorch-one-row": (
        [resize((1, 5, 1, 9), coordinate_transformation_mode="pytorch_half_pixel")],
        "side of length 1",
    ),
    "scales-not-whole": ([resize(scales=[1, 1, 2.6, 2])], "do not give whole sizes"),
    "crop": (
        [
            resize(
                roi=[0, 0, 0, 0, 1, 1, 0.5, 0.5],
                coordinate_transformation_mode="tf_crop_and_resize",
            )
        ],
        "tf_crop_and_resize",
    ),
    "crop-of-the-same-size": (
        [
            resize(
                SAME,
                roi=[0, 0, 0, 0, 1, 1, 0.5, 0.5],
                coordinate_transformation_mode="tf_crop_and_resize",
            )
        ],
        "tf_crop_and_resize",
    ),
    "last-index": ([argmax(select_last_index=1)], "select_last_index"),
    "argmax-over-rows": ([argmax(2)], "not over the classes"),
    "softmax-over-columns": ([resize(), step("Softmax", axis=3)], "not over the classes"),
    "rows-and-columns-swapped": (
        [resize(), step("Transpose", perm=[0, 1, 3, 2])],
        "swaps batch, rows or columns",
    ),
    "mask-swapped": (
        [argmax(keepdims=0), step("Transpose", perm=[0, 2, 1])],
        "swaps batch, rows or columns",
    ),
    "swapped-and-flattened": (
        [
            argmax(keepdims=0),
            step("Transpose", perm=[0, 2, 1]),
            step("Reshape", np.array([1, 64])),
        ],
        "follows a Transpose",
    ),
    "cast-before-argmax": ([step("Cast", to=TensorProto.DOUBLE), argmax()], "float64"),
    "cast-to-bool": ([argmax(), step("Cast", to=TensorProto.BOOL)], "no numbers"),
    "reshape-before-argmax": (
        [resize(), step("Reshape", np.array([1, 5, 480]))],
        "before the ArgMax",
    ),
    "three-dimensions": ([step("Reshape", np.array([1, 5, 64])), argmax()], "3 dimensions"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_tail_stays_and_the_reason_is_told(name: str) -> None:
    steps, text = REFUSED[name]
    assert text in why_not(network(*steps))


def test_what_stays_before_a_tail_is_told() -> None:
    facts = _core.inspect_model(network(*TAILS["chain-of-two"][0]).SerializeToString())
    assert facts.tail_why == (
        "Tail at output 'out': Resize half_pixel 12x12 -> 20x24, ArgMax; "
        "what is before it stays: two Resizes change the size."
    )


@pytest.mark.parametrize(
    ("op", "opset", "recognised"),
    [("Upsample", 9, False), ("Resize", 10, False), ("Resize", 11, True), ("Resize", 13, True)],
)
def test_asymmetric_opsets_are_left_alone(op: str, opset: int, recognised: bool) -> None:
    scales = np.array([1, 1, 2, 2], np.float32)
    inputs = [scales] if opset < 11 else [np.array([], np.float32), scales]  # roi first
    model = network(step(op, *inputs, mode="linear"), opset=opset)
    if recognised:
        cut(model)
    else:
        assert "asymmetric coordinates" in why_not(model)


@pytest.mark.parametrize(("op", "opset"), [("Upsample", 9), ("Resize", 10)])
def test_an_old_resize_that_changes_nothing_is_passed_over(op: str, opset: int) -> None:
    ones = np.ones(4, np.float32)
    tail, _, _ = cut(network(step(op, ones, mode="nearest"), argmax(), opset=opset))
    assert tail.steps == [IDENTITY, "ArgMax"]


def test_axes_of_opset_18_are_followed() -> None:
    tail, _, _ = cut(network(resize((20, 24), axes=[2, 3]), opset=18))
    assert tail.steps == [HALF]
    tail, _, _ = cut(network(resize((24, 20), axes=[-1, 2]), opset=18))
    assert (tail.out_height, tail.out_width) == (20, 24)
    assert "antialias" in why_not(network(resize(antialias=1), opset=18))
    ratio = resize((20, 24), axes=[2, 3], keep_aspect_ratio_policy="not_larger")
    assert "not constant" in why_not(network(ratio, opset=18))


def test_softmax_before_opset_13_sums_over_all_axes_behind() -> None:
    roi = resize(scales=[1, 1, 2.5, 3], roi=[])  # not optional before opset 13
    tail, _, _ = cut(network(roi, step("Softmax", axis=1), argmax(), opset=11))
    assert tail.softmax
    assert "not over the classes" in why_not(network(roi, step("Softmax", axis=2), opset=11))


def test_double_and_half_precision_are_left_alone() -> None:
    assert "float16" in why_not(network(argmax(), element=TensorProto.FLOAT16))


def test_a_symbolic_batch_needs_scales() -> None:
    tail, core, rest = cut(network(resize(scales=[1, 1, 2, 2]), batch="n"))
    assert tail.batch is None
    assert tail.classes == 5
    assert "batch or classes" in why_not(network(resize(), batch="n"))
    for value in (core.graph.output[0], rest.graph.input[0]):
        assert not value.type.tensor_type.shape.dim[0].HasField("dim_value")


def test_a_computed_size_is_left_alone() -> None:
    model = network(resize())
    nodes = model.graph.node
    nodes.insert(0, helper.make_node("Identity", ["given"], ["size"]))
    nodes[-1].input[3] = "size"
    model.graph.input.append(helper.make_tensor_value_info("given", TensorProto.INT64, [4]))
    assert "not constant" in why_not(model)


@pytest.mark.parametrize(("ir", "recognised"), [(3, True), (4, False), (8, False)])
def test_a_size_that_an_input_may_override_is_not_constant(ir: int, recognised: bool) -> None:
    model = network(resize(scales=[1, 1, 2.5, 3], roi=[]), opset=11, ir=ir)
    model.graph.output[0].CopyFrom(
        helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, 5, 20, 24])
    )
    for one in list(model.graph.initializer):
        model.graph.input.append(
            helper.make_tensor_value_info(one.name, one.data_type, list(one.dims))
        )
    if not recognised:
        assert "not constant" in why_not(model)
        return
    _, core, rest = cut(model)
    assert [one.name for one in core.graph.input] == ["image", "w"]
    assert sorted(one.name for one in rest.graph.input) == ["c1_0", "c1_1", "t0"]


def test_other_outputs_stay_and_those_of_the_tail_go_with_it() -> None:
    steps = [resize(), step("Softmax", axis=1), argmax()]
    model = network(*steps, outputs=["t0", "t2"])
    tail, core, rest = cut(model)
    assert tail.output == "out"
    assert [one.name for one in core.graph.output] == ["t0"]
    assert [one.name for one in rest.graph.output] == ["t2", "out"]

    model = network(*steps, outputs=["t2"])
    relu = helper.make_node("Relu", ["t0"], ["other"])
    model.graph.node.insert(1, relu)
    model.graph.output.append(
        helper.make_tensor_value_info("other", TensorProto.FLOAT, list(onnx_tails.SCORES))
    )
    tail, core, rest = cut(model)
    assert [one.name for one in core.graph.output] == ["t0", "other"]


def test_a_tensor_that_others_read_is_not_cut_off() -> None:
    model = network(resize(), argmax())
    model.graph.node.append(helper.make_node("Relu", ["t1"], ["other"]))
    model.graph.output.append(
        helper.make_tensor_value_info("other", TensorProto.FLOAT, [1, 5, 20, 24])
    )
    tail, _, _ = cut(model)
    assert tail.logits == "t1"
    assert tail.steps == ["ArgMax"]


def branch(name: str, reads: str) -> onnx.GraphProto:
    out = helper.make_tensor_value_info(name, TensorProto.FLOAT, ["a", "b", "c", "d"])
    return helper.make_graph([helper.make_node("Relu", [reads], [name])], name, [], [out])


def test_a_tensor_that_a_subgraph_reads_is_not_cut_off() -> None:
    model = network(resize(), argmax())
    model.graph.initializer.append(helper.make_tensor("yes", TensorProto.BOOL, [], [1]))
    model.graph.node.append(
        helper.make_node(
            "If", ["yes"], ["other"], then_branch=branch("a", "t1"), else_branch=branch("b", "t0")
        )
    )
    model.graph.output.append(
        helper.make_tensor_value_info("other", TensorProto.FLOAT, ["a", "b", "c", "d"])
    )
    tail, _, _ = cut(model)
    assert tail.logits == "t1"
    assert tail.steps == ["ArgMax"]


def test_a_constant_that_others_read_stays_in_the_core() -> None:
    model = network(resize(), outputs=["c1_2"])
    _, core, rest = cut(model)
    assert "c1_2" in [one.name for one in core.graph.initializer]
    assert "c1_2" in [one.name for one in rest.graph.initializer]
    assert [one.name for one in core.graph.output] == ["c1_2", "t0"]


def test_only_the_first_output_with_a_tail_is_cut() -> None:
    model = network(argmax())
    model.graph.node.append(helper.make_node("ArgMax", ["t0"], ["second"], axis=1))
    model.graph.output.insert(
        0, helper.make_tensor_value_info("second", TensorProto.INT64, [1, 1, 8, 8])
    )
    tail, core, _ = cut(model)
    assert tail.output == "second"
    assert [one.name for one in core.graph.output] == ["t0", "out"]


def test_an_input_is_not_taken_for_logits() -> None:
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 5, 8, 8])
    out = helper.make_tensor_value_info("out", TensorProto.INT64, None)
    node = helper.make_node("ArgMax", ["image"], ["out"], axis=1)
    model = helper.make_model(
        helper.make_graph([node], "g", [image], [out]),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    assert "nothing before the tail" in why_not(model)


def test_a_function_named_like_an_operator_stops_recognition() -> None:
    model = network(argmax())
    model.functions.add(name="ArgMax", domain="", input=["x"], output=["y"])
    assert "redefines standard operators" in why_not(model)


def test_metadata_and_functions_stay_with_the_core() -> None:
    model = network(argmax())
    model.metadata_props.add(key="labels", value="a,b")
    relu = helper.make_node("Relu", ["x"], ["y"])
    imports = [helper.make_opsetid("", 17)]
    model.functions.append(helper.make_function("my.own", "Mine", ["x"], ["y"], [relu], imports))
    model.opset_import.append(helper.make_opsetid("my.own", 1))
    model.doc_string = "made for a test"
    _, core, rest = cut(model)
    assert core.metadata_props == model.metadata_props
    assert core.functions == model.functions
    assert not rest.functions
    assert not rest.doc_string
    assert rest.opset_import == model.opset_import
