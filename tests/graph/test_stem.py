"""A fourth channel for the first convolution: every result is the same, bit for bit.

Oracle: onnxruntime on the unchanged file, with all of its optimisations (there the convolutions are
computed in integers, which is what the wider one is for).
"""

import platform
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from edgeinfer import _core
from oracles.onnx_quantised import FLOAT, INT8, UINT8, run
from oracles.onnx_stems import picture, stem

# Elsewhere the runtime sums products of uint8 and int8 in 16 bits, which saturates, and where it
# does depends on the order of channels.
pytestmark = pytest.mark.skipif(
    platform.machine() == "x86_64" and "vnni" not in _core.cpu_features(),
    reason="this x86 CPU has no VNNI",
)


def wider(model: onnx.ModelProto) -> onnx.ModelProto | None:
    changed = _core.widen_stems(model.SerializeToString())
    return None if changed is None else onnx.load_from_string(changed)


def convolutions(model: onnx.ModelProto, folder: Path) -> list[str]:
    """Operators that are left of the convolutions when the runtime has optimised the file."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.optimized_model_filepath = str(folder / "optimised.onnx")
    onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    made = onnx.load(options.optimized_model_filepath)
    return [node.op_type for node in made.graph.node if "Conv" in node.op_type]


def expect_same(model: onnx.ModelProto, stems: int = 1) -> onnx.ModelProto:
    changed = wider(model)
    assert changed is not None
    onnx.checker.check_model(changed, full_check=True)
    added = [node for node in changed.graph.node if node.op_type == "Pad"]
    assert len(added) == stems
    for seed in range(3):
        inputs = picture(model, seed)
        wanted, found = run(model, inputs, off=False), run(changed, inputs, off=False)
        for name, value in wanted.items():
            assert found[name].dtype == value.dtype
            assert found[name].tobytes() == value.tobytes(), name
        assert any(len(np.unique(value)) > 8 for value in wanted.values())
    assert wider(changed) is None
    return changed


@pytest.mark.parametrize("operators", [False, True])
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_a_narrow_stem_gets_a_fourth_channel(channels: int, operators: bool) -> None:
    model = stem(channels, operators=operators, pads=[1, 1, 1, 1], strides=[2, 2])
    changed = expect_same(model)
    weights = {one.name: numpy_helper.to_array(one) for one in changed.graph.initializer}
    (wide,) = [value for value in weights.values() if value.ndim == 4]
    (narrow,) = [numpy_helper.to_array(one) for one in model.graph.initializer if one.name == "w"]
    assert wide.shape == (16, 4, 3, 3)
    assert np.array_equal(wide[:, :channels], narrow)
    assert not wide[:, channels:].any()


@pytest.mark.parametrize("operators", [False, True])
def test_the_convolution_stays_one_of_integers(tmp_path: Path, operators: bool) -> None:
    changed = wider(stem(operators=operators))
    assert changed is not None
    assert convolutions(changed, tmp_path) == ["QLinearConv"]


@pytest.mark.parametrize("zero", [0, 1, 114, 255])
@pytest.mark.parametrize(
    "attributes",
    [
        {"pads": [2, 0, 1, 3]},
        {"dilations": [2, 3], "pads": [2, 3, 2, 3]},
        {"strides": [3, 1]},
        {"auto_pad": "SAME_UPPER", "strides": [2, 2]},
        {"auto_pad": "SAME_LOWER"},
        {"auto_pad": "VALID"},
        {"kernel": (5, 1), "pads": [2, 0, 2, 0]},
        {"kernel": (7, 7), "kernel_shape": [7, 7], "pads": [3, 3, 3, 3], "strides": [2, 2]},
        {"bias": False},
        {"per_channel": False},
        {"batch": "n", "size": ("h", "w")},
        {"outputs": 24},
    ],
)
def test_attributes_of_the_convolution_keep_their_meaning(
    attributes: dict[str, Any], zero: int
) -> None:
    for operators in (False, True):
        expect_same(stem(zero=zero, operators=operators, **attributes))


# Integers of a step of 0.25 hold what lies between -out_zero / 4 and (255 - out_zero) / 4.
@pytest.mark.parametrize(
    ("between", "out_zero", "limits"),
    [("Relu", 0, (0, 6)), ("Clip", 0, (0, 63.75)), ("Clip", 0, (-1, 64)), ("Clip", 8, (-2, 61.75))],
)
def test_an_activation_that_quantising_implies_may_stand_before_it(
    tmp_path: Path, between: str, out_zero: int, limits: tuple[float, float]
) -> None:
    changed = expect_same(stem(between=between, out_zero=out_zero, step=0.25, limits=limits))
    assert convolutions(changed, tmp_path) == ["QLinearConv"]


@pytest.mark.parametrize(
    ("between", "out_zero", "limits"),
    [("Relu", 128, (0, 6)), ("Clip", 0, (0, 63.5)), ("Clip", 0, (1, 64)), ("Clip", 8, (-1.75, 99))],
)
def test_a_convolution_that_stays_in_float_behind_its_activation_stays(
    tmp_path: Path, between: str, out_zero: int, limits: tuple[float, float]
) -> None:
    model = stem(between=between, out_zero=out_zero, step=0.25, limits=limits)
    assert "QLinearConv" not in convolutions(model, tmp_path)
    assert wider(model) is None


@pytest.mark.parametrize("operators", [False, True])
def test_integers_may_be_given_by_the_caller(operators: bool) -> None:
    expect_same(stem(integer_input=True, operators=operators))


@pytest.mark.parametrize(("opset", "ir"), [(11, 3), (12, 6), (13, 7), (19, 9), (21, 10)])
def test_old_and_new_opsets(opset: int, ir: int) -> None:
    changed = expect_same(stem(opset=opset, ir=ir, per_channel=False))
    if ir < 4:
        declared = {one.name for one in changed.graph.input}
        assert declared == {"x", *(one.name for one in changed.graph.initializer)}


@st.composite
def stems(draw: st.DrawFn) -> onnx.ModelProto:
    kernel = draw(st.sampled_from([(1, 2), (2, 2), (3, 3), (1, 5), (5, 3), (4, 4)]))
    few = st.integers(0, 3)
    return stem(
        draw(st.integers(1, 3)),
        draw(st.sampled_from([16, 24, 32, 64, 72])),
        (draw(st.integers(9, 24)), draw(st.integers(9, 24))),
        batch=draw(st.integers(1, 3)),
        zero=draw(st.integers(0, 255)),
        out_zero=draw(st.integers(0, 255)),
        per_channel=draw(st.booleans()),
        bias=draw(st.booleans()),
        operators=draw(st.booleans()),
        integer_input=draw(st.booleans()),
        seed=draw(st.integers(0, 99)),
        kernel=kernel,
        pads=draw(st.lists(few, min_size=4, max_size=4)),
        strides=draw(st.lists(st.integers(1, 3), min_size=2, max_size=2)),
        dilations=draw(st.lists(st.integers(1, 2), min_size=2, max_size=2)),
    )


@given(stems())
@settings(max_examples=150)
def test_any_stem_gives_the_same_bits(model: onnx.ModelProto) -> None:
    changed = wider(model)
    assert changed is not None
    inputs = picture(model)
    wanted, found = run(model, inputs, off=False), run(changed, inputs, off=False)
    assert found["y"].tobytes() == wanted["y"].tobytes()


def node_named(model: onnx.ModelProto, made: str) -> onnx.NodeProto:
    return next(node for node in model.graph.node if made in node.output)


def held(model: onnx.ModelProto, name: str, value: NDArray) -> None:
    """Give an initialiser another value."""
    tensor = next(one for one in model.graph.initializer if one.name == name)
    tensor.CopyFrom(numpy_helper.from_array(np.asarray(value), name))


def second_convolution(model: onnx.ModelProto) -> None:
    """Another one on the same integers, with the same initialiser as its weights."""
    nodes = [
        helper.make_node("DequantizeLinear", ["q", "xs", "xz"], ["d2"]),
        helper.make_node("DequantizeLinear", ["w", "ws", "wz"], ["v2"], axis=0),
        helper.make_node("Conv", ["d2", "v2"], ["c2"], strides=[2, 1]),
        helper.make_node("QuantizeLinear", ["c2", "ys", "yz"], ["p2"]),
        helper.make_node("DequantizeLinear", ["p2", "ys", "yz"], ["y2"]),
    ]
    model.graph.node.extend(nodes)
    model.graph.output.append(helper.make_tensor_value_info("y2", FLOAT, [None] * 4))


def test_two_convolutions_may_share_their_weights() -> None:
    model = stem()
    second_convolution(model)
    changed = expect_same(model, stems=2)
    assert "w" not in {one.name for one in changed.graph.initializer}


def test_weights_read_often_are_not_written_often() -> None:
    """Each convolution gets wider weights of its own, in all four times a megabyte at most."""
    model = stem(outputs=1000, kernel=(8, 8), bias=False)  # 192 KB
    nodes = list(model.graph.node)[-5:]
    for copy in range(40):
        for node in nodes:
            again = model.graph.node.add()
            again.CopyFrom(node)
            for names in (again.input, again.output):
                names[:] = [f"{n}{copy}" if n in ("d", "v", "c", "p", "y") else n for n in names]
    file = model.SerializeToString()
    changed = _core.widen_stems(file)
    assert changed is not None
    assert sum(node.op_type == "Pad" for node in onnx.load_from_string(changed).graph.node) == 5
    assert len(changed) < len(file) + (4 << 20)


def test_weights_that_the_caller_gets_stay() -> None:
    model = stem()
    model.graph.output.append(helper.make_tensor_value_info("w", INT8, [16, 3, 3, 3]))
    changed = expect_same(model)
    assert "w" in {one.name for one in changed.graph.initializer}


def test_other_readers_of_the_integers_read_what_they_read() -> None:
    model = stem()
    model.graph.node.append(helper.make_node("Identity", ["q"], ["again"]))
    model.graph.output.append(helper.make_tensor_value_info("again", UINT8, [None] * 4))
    expect_same(model)


def test_a_graph_inside_a_node_may_read_the_integers() -> None:
    model = stem()
    body = helper.make_graph(
        [helper.make_node("Identity", ["q"], ["inner"])],
        "body",
        [],
        [helper.make_tensor_value_info("inner", UINT8, [None] * 4)],
    )
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "always"))
    model.graph.node.append(
        helper.make_node("If", ["always"], ["again"], then_branch=body, else_branch=body)
    )
    model.graph.output.append(helper.make_tensor_value_info("again", UINT8, [None] * 4))
    expect_same(model)


def test_declared_shapes_of_the_narrow_tensors_are_gone() -> None:
    model = stem()
    model.graph.value_info.extend(
        [
            helper.make_tensor_value_info("d", FLOAT, [1, 3, 13, 11]),
            helper.make_tensor_value_info("v", FLOAT, [16, 3, 3, 3]),
            helper.make_tensor_value_info("q", UINT8, [1, 3, 13, 11]),
        ]
    )
    assert [one.name for one in expect_same(model).graph.value_info] == ["q"]


def test_names_that_the_file_uses_are_not_taken() -> None:
    model = stem()
    for name in ("stem_padded_0", "stem_weights_0", "stem_widths_0", "stem_zero_point_0"):
        model.graph.node.append(helper.make_node("Identity", ["y"], [name]))
        model.graph.output.append(helper.make_tensor_value_info(name, FLOAT, [None] * 4))
    expect_same(model)


def weights_with_zero_points(model: onnx.ModelProto) -> None:
    held(model, "wz", np.array([0] * 15 + [1], np.int8))


def weights_given_by_the_caller(model: onnx.ModelProto) -> None:
    model.graph.input.append(helper.make_tensor_value_info("w", INT8, [16, 3, 3, 3]))


def weights_outside_the_file(model: onnx.ModelProto) -> None:
    tensor = next(one for one in model.graph.initializer if one.name == "w")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")


def weights_by_input_channel(model: onnx.ModelProto) -> None:
    held(model, "ws", np.array([0.01, 0.02, 0.03], np.float32))
    held(model, "wz", np.zeros(3, np.int8))
    node_named(model, "v").attribute[0].i = 1


def a_group_for_each_channel(model: onnx.ModelProto) -> None:
    held(model, "w", np.ones((18, 1, 3, 3), np.int8))
    node_named(model, "c").attribute.append(helper.make_attribute("group", 3))


def floats_that_the_caller_gets(model: onnx.ModelProto) -> None:
    model.graph.output.append(helper.make_tensor_value_info("d", FLOAT, [None] * 4))


def a_second_reader_of_the_floats(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("Relu", ["d"], ["e"]))
    model.graph.output.append(helper.make_tensor_value_info("e", FLOAT, [None] * 4))


def a_graph_inside_that_reads_the_floats(model: onnx.ModelProto) -> None:
    test_body = helper.make_graph(
        [helper.make_node("Relu", ["d"], ["inner"])],
        "body",
        [],
        [helper.make_tensor_value_info("inner", FLOAT, [None] * 4)],
    )
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "always"))
    model.graph.node.append(
        helper.make_node("If", ["always"], ["e"], then_branch=test_body, else_branch=test_body)
    )
    model.graph.output.append(helper.make_tensor_value_info("e", FLOAT, [None] * 4))


def results_in_float(model: onnx.ModelProto) -> None:
    model.graph.output.append(helper.make_tensor_value_info("c", FLOAT, [None] * 4))


def int8_integers(model: onnx.ModelProto) -> None:
    held(model, "xz", np.int8(3))
    held(model, "yz", np.int8(3))


def a_float_bias(model: onnx.ModelProto) -> None:
    held(model, "bs", np.ones(16, np.float32))
    node_named(model, "c").input[2] = "bs"


def a_zero_point_made_at_run_time(model: onnx.ModelProto) -> None:
    model.graph.node.insert(0, helper.make_node("Identity", ["xz"], ["made"]))
    node_named(model, "d").input[2] = "made"


def a_convolution_that_makes_nothing(model: onnx.ModelProto) -> None:
    inputs = ["q", "xs", "xz", "w", "ws", "wz", "ys", "yz"]
    model.graph.node.append(helper.make_node("QLinearConv", inputs, []))
    model.graph.value_info.append(helper.make_tensor_value_info("q", UINT8, [1, 3, 13, 11]))
    results_in_float(model)


def a_standard_name_of_its_own(model: onnx.ModelProto) -> None:
    model.functions.append(
        helper.make_function(
            "ai.onnx", "Own", ["a"], ["b"], [helper.make_node("Relu", ["a"], ["b"])], []
        )
    )


@pytest.mark.parametrize(
    "change",
    [
        weights_with_zero_points,
        weights_given_by_the_caller,
        weights_outside_the_file,
        weights_by_input_channel,
        a_group_for_each_channel,
        floats_that_the_caller_gets,
        a_second_reader_of_the_floats,
        a_graph_inside_that_reads_the_floats,
        results_in_float,
        int8_integers,
        a_float_bias,
        a_zero_point_made_at_run_time,
        a_convolution_that_makes_nothing,
        a_standard_name_of_its_own,
    ],
    ids=lambda change: change.__name__,
)
def test_a_stem_of_which_not_all_is_known_stays(change: Any) -> None:
    model = stem()
    assert wider(model) is not None
    change(model)
    assert wider(model) is None


@pytest.mark.parametrize(
    "kept",
    [
        {"channels": 4},
        {"channels": 6},
        {"outputs": 12},
        {"outputs": 20},
        {"kernel": (1, 1)},
        {"opset": 10, "per_channel": False, "operators": True},
    ],
)
def test_a_stem_that_would_not_gain_stays(kept: dict[str, Any]) -> None:
    assert wider(stem(**kept)) is None


def test_only_the_first_convolution_is_a_stem() -> None:
    """One of three channels between others stays: a Pad there would cost more than it saves."""
    model = stem()
    node_named(model, "q").input[0] = "f"
    model.graph.node.insert(0, helper.make_node("Relu", ["x"], ["f"]))
    assert wider(model) is None
