"""Quantised tails, drawn tails, and those of real files."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from edgeinfer import _core
from oracles import onnx_tails
from oracles.onnx_tails import Step, argmax, dequantize, network, quantize, resize, step

from .tails import HALF, IDENTITY, SAME, cut, why_not

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"


needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the shared test data is not beside the project"
)


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
