"""Which tails are recognised, and that core and rest together give what the whole file gives."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from edgeinfer import _core
from oracles import onnx_tails
from oracles.onnx_tails import Step, argmax, dequantize, network, quantize, resize, step

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the shared test data is not beside the project"
)
SAME = (1, 5, 8, 8)
IDENTITY = "Resize that changes nothing (8x8)"
HALF = "Resize half_pixel 8x8 -> 20x24"
CORNERS = "Resize align_corners 8x8 -> 20x24"


def cut(model: onnx.ModelProto) -> tuple[_core.TailFacts, onnx.ModelProto, onnx.ModelProto]:
    """Cuts, and proves that the two parts are sound and together equal the whole."""
    whole = model.SerializeToString()
    parts = _core.cut_tail(whole)
    assert parts is not None, _core.inspect_model(whole).tail_why
    core, rest, tail = parts
    for part in (core, rest):
        onnx.checker.check_model(onnx.load_from_string(part))
    inputs = onnx_tails.image(model)
    wanted = onnx_tails.run(whole, inputs)
    found = onnx_tails.run(core, inputs)
    logits = found[tail.logits]
    assert str(logits.dtype) == tail.dtype
    for size, known in zip(
        logits.shape, (tail.batch, tail.classes, tail.height, tail.width), strict=True
    ):
        assert known in (None, size)
    found |= onnx_tails.run(rest, {tail.logits: logits})
    for name, values in wanted.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)
        assert found[name].dtype == values.dtype
    wanted = onnx_tails.run(whole, inputs, layouts=True)
    found = onnx_tails.run(core, inputs, layouts=True)
    found |= onnx_tails.run(rest, {tail.logits: found[tail.logits]}, layouts=True)
    for name, values in wanted.items():
        if values.dtype == np.float32:  # a last bit may differ, but no mask may follow from it
            np.testing.assert_allclose(found[name], values, rtol=1e-5, atol=1e-6, err_msg=name)
    return tail, onnx.load_from_string(core), onnx.load_from_string(rest)


def why_not(model: onnx.ModelProto) -> str:
    data = model.SerializeToString()
    assert _core.cut_tail(data) is None
    facts = _core.inspect_model(data)
    assert facts.tail is None
    return facts.tail_why


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


QUANTISED: dict[str, tuple[list[Step], int, list[str]]] = {
    "as-onnxruntime-writes-it": (
        [quantize(), dequantize(), resize(), quantize(), dequantize()],
        1,
        ["DequantizeLinear", HALF, "QuantizeLinear", "DequantizeLinear"],
    ),
    "with-argmax": (
        [quantize(), dequantize(), resize(), quantize(), dequantize(), argmax()],
        1,
        ["DequantizeLinear", HALF, "QuantizeLinear", "DequantizeLinear", "ArgMax"],
    ),
    "integers-out": (
        [quantize(), dequantize(), resize(), quantize()],
        1,
        ["DequantizeLinear", HALF, "QuantizeLinear"],
    ),
    "float-out": ([quantize(), dequantize(), resize()], 1, ["DequantizeLinear", HALF]),
    "argmax-only": ([quantize(), dequantize(), argmax()], 1, ["DequantizeLinear", "ArgMax"]),
    "identity-in-between": (
        [quantize(), dequantize(), resize(SAME), quantize(), dequantize(), resize(), argmax()],
        1,
        ["DequantizeLinear", IDENTITY, "QuantizeLinear", "DequantizeLinear", HALF, "ArgMax"],
    ),
    "other-scale-in-between": (
        [quantize(), dequantize(), resize(SAME), quantize(0.11), dequantize(0.11), resize()],
        4,
        ["DequantizeLinear", HALF],
    ),
    "chain-of-two": (
        [
            quantize(),
            dequantize(),
            resize((1, 5, 12, 12)),
            quantize(),
            dequantize(),
            resize(),
            quantize(),
            dequantize(),
        ],
        4,
        [
            "DequantizeLinear",
            "Resize half_pixel 12x12 -> 20x24",
            "QuantizeLinear",
            "DequantizeLinear",
        ],
    ),
    "resize-of-integers": ([quantize(), resize(), dequantize()], 1, [HALF, "DequantizeLinear"]),
}


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
@pytest.mark.parametrize("name", QUANTISED)
def test_a_quantised_tail_is_cut_at_the_integers(name: str, dtype: type) -> None:
    def typed(one: Step) -> Step:
        if not one[0].endswith("Linear"):
            return one
        return (one[0], one[1], [one[2][0], dtype(one[2][1])])

    steps, logits, wanted = QUANTISED[name]
    model = network(*map(typed, steps))
    tail, core, _ = cut(model)
    assert tail.steps == wanted
    assert tail.logits == f"t{logits}"
    assert tail.dtype == np.dtype(dtype).name
    assert core.graph.node[-1].output[0] == tail.logits
    assert tail.scale == np.float32(0.11 if name == "other-scale-in-between" else 0.05)
    assert tail.zero_point == 3


@pytest.mark.parametrize("scale", [-0.05, 0.0, float("nan"), float("inf")])
def test_a_scale_that_does_not_keep_the_order_is_left_alone(scale: float) -> None:
    facts = _core.inspect_model(
        network(quantize(), dequantize(scale), argmax()).SerializeToString()
    )
    assert facts.tail is not None
    assert facts.tail.logits == "t2"  # the ArgMax alone, over floats
    model = network(quantize(), dequantize(scale), resize(), quantize(), dequantize())
    assert "the DequantizeLinear before the tail cannot be cut" in why_not(model)


def test_scales_by_channel_are_left_alone() -> None:
    scales = np.full(5, 0.1, np.float32)
    zeros = np.zeros(5, np.uint8)
    pair = [
        step("QuantizeLinear", scales, zeros, axis=1),
        step("DequantizeLinear", scales, zeros, axis=1),
    ]
    tail, _, _ = cut(network(*pair, argmax()))
    assert tail.steps == ["ArgMax"]
    assert tail.dtype == "float32"


def test_a_dequantizelinear_that_others_read_goes_with_the_tail_as_a_copy() -> None:
    model = network(quantize(), dequantize(), resize(), quantize(), dequantize())
    model.graph.node.append(helper.make_node("Relu", ["t2"], ["other"]))
    model.graph.output.append(
        helper.make_tensor_value_info("other", TensorProto.FLOAT, list(onnx_tails.SCORES))
    )
    tail, core, rest = cut(model)
    assert tail.logits == "t1"
    assert [n.op_type for n in core.graph.node].count("DequantizeLinear") == 1
    assert [n.op_type for n in rest.graph.node] == [
        "DequantizeLinear",
        "Resize",
        "QuantizeLinear",
        "DequantizeLinear",
    ]


@st.composite
def tails(draw: st.DrawFn) -> list[Step]:
    """Any sequence of tail operators; most are no tail or only end in one."""
    scale, zero = 0.05, 3
    pieces: list[list[Step]] = [
        [resize((1, 5, draw(st.integers(1, 20)), draw(st.integers(1, 20))))],
        [resize((1, 5, 9, 17), coordinate_transformation_mode="align_corners")],
        [resize(SAME)],
        [resize((1, 5, 12, 12), mode="nearest")],
        [step("Softmax", axis=1)],
        [step("Identity")],
        [quantize(scale, zero), dequantize(scale, zero)],
        [quantize(0.2, 100), dequantize(0.2, 100)],
        [step("Transpose", perm=[0, 2, 3, 1]), step("Transpose", perm=[0, 3, 1, 2])],
        [step("Relu")],
    ]
    chosen = draw(st.lists(st.sampled_from(pieces), min_size=1, max_size=5))
    ends: list[list[Step]] = [
        [],
        [argmax()],
        [argmax(keepdims=0), step("Cast", to=TensorProto.INT32)],
    ]
    return [one for piece in chosen for one in piece] + draw(st.sampled_from(ends))


TWICE = [quantize(0.05, 3), dequantize(0.05, 3), quantize(0.2, 100), dequantize(0.2, 100)]


@pytest.mark.parametrize("between", [[], [step("Identity")]])
@pytest.mark.parametrize("side", [8, 1, 16])
def test_values_quantised_twice_in_a_row_are_not_cut_apart(between: list[Step], side: int) -> None:
    # onnxruntime makes one pair of the two, so parts that hold one each would round otherwise.
    model = network(*TWICE[:2], *between, *TWICE[2:], resize((1, 5, side, side)))
    assert _core.cut_tail(model.SerializeToString()) is None
    assert "twice in a row" in _core.inspect_model(model.SerializeToString()).tail_why


@settings(deadline=None, max_examples=60)
@given(steps=tails(), as_nodes=st.booleans())
def test_whatever_is_cut_core_and_rest_give_what_the_file_gives(
    steps: list[Step], as_nodes: bool
) -> None:
    model = network(*steps, as_nodes=as_nodes)
    if _core.cut_tail(model.SerializeToString()) is not None:
        cut(model)


@needs_shared
@pytest.mark.parametrize(
    ("name", "logits", "steps"),
    [
        (
            name,
            "conv_283",
            [
                "Resize that changes nothing (33x33)",
                "Resize align_corners 33x33 -> 513x513",
            ],
        )
        for name in ("deeplabv3_mnv2_pascal_513", "deeplabv3_mnv2_dm05_pascal_513")
    ],
)
def test_a_deeplab_file_is_cut_before_its_two_resizes(
    name: str, logits: str, steps: list[str]
) -> None:
    path = SHARED / "models" / f"{name}.onnx"
    core, rest, tail = _core.cut_tail(path.read_bytes())
    assert tail.logits == logits
    assert tail.steps == steps
    assert tail.align_corners
    assert (tail.classes, tail.height, tail.width) == (21, 33, 33)
    image = np.random.default_rng(0).standard_normal((1, 3, 513, 513)).astype(np.float32)
    (wanted,) = onnx_tails.run(path.read_bytes(), {"input": image}).values()
    found = onnx_tails.run(core, {"input": image})
    (completed,) = onnx_tails.run(rest, found).values()
    np.testing.assert_array_equal(completed, wanted)
    assert len(core) + len(rest) < path.stat().st_size + 2000


@needs_shared
@pytest.mark.parametrize(
    "name",
    [
        "mobilenet_v2_1.0_224",
        "resnet20_cifar10_32",
        "squeezenet1.0_227",
        "ultraface_rfb_320",
        "vww_mobilenet_v1_0.25_96",
    ],
)
def test_a_network_of_another_kind_has_no_tail(name: str) -> None:
    data = (SHARED / "models" / f"{name}.onnx").read_bytes()
    assert _core.cut_tail(data) is None
    assert _core.inspect_model(data).tail_why.startswith("No tail at output")
