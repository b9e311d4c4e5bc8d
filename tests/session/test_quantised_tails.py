"""Tails on quantised logits: the fused pass reads the integers, and never a float plane of them.

Oracle: the integers interpolated in float64, where they are exact to far below any margin here. One
positive scale moves no maximum, so the file agrees with it wherever the two best classes differ by
more than the file's own rounding.
"""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import NodeProto, helper

import edgeinfer as ei
from session.networks import model_bytes, reference, tensor

EXTENDED = ei.SessionOptions(graph="extended")  # as the reference runs it


class Form(NamedTuple):
    """How a file goes on after its quantised logits."""

    nodes: tuple[str, ...]
    rounding: float  # of the file's own values, in steps of the integers
    cut: bool = True


# Floats keep 24 bits of at most 255 steps; the runtime's positions are off by 2^-23 of the axis.
FLOATS = 0.02
FORMS = {
    "DequantizeLinear ArgMax": Form(("dequantise", "argmax"), 0),
    "ArgMax of integers": Form(("argmax",), 0),
    "DequantizeLinear Resize ArgMax": Form(("dequantise", "resize", "argmax"), FLOATS),
    "DequantizeLinear Resize": Form(("dequantise", "resize"), FLOATS),
    "Resize between pairs, ArgMax": Form(
        ("dequantise", "resize", "quantise", "dequantise", "argmax"), 1 + FLOATS
    ),
    "Resize between pairs": Form(("dequantise", "resize", "quantise", "dequantise"), 1 + FLOATS),
    "Resize between pairs, integers out": Form(("dequantise", "resize", "quantise"), 1 + FLOATS),
    # The runtime drops fractions towards zero there: up to one step down here, one up there.
    "Resize of integers, ArgMax": Form(("resize", "argmax"), 2 + FLOATS),
    "integers out": Form((), 0, cut=False),
}


def quantised_file(
    form: Form, corners: str, shape: tuple[int, ...], size: tuple[int, int],
    scale: float, zero: NDArray,
) -> bytes:  # fmt: skip
    """x (float) -> QuantizeLinear -> the form."""
    nodes: list[NodeProto] = [helper.make_node("QuantizeLinear", ["x", "s", "z"], ["v0"])]
    for at, step in enumerate(form.nodes):
        source, into = f"v{at}", f"v{at + 1}"
        match step:
            case "dequantise":
                made = helper.make_node("DequantizeLinear", [source, "s", "z"], [into])
            case "quantise":
                made = helper.make_node("QuantizeLinear", [source, "s", "z"], [into])
            case "argmax":
                made = helper.make_node("ArgMax", [source], [into], axis=1, keepdims=0)
            case _:
                made = helper.make_node(
                    "Resize", [source, "", "", "size"], [into], mode="linear",
                    coordinate_transformation_mode=corners,
                )  # fmt: skip
        nodes.append(made)
    nodes[-1].output[0] = "out"
    resized = "resize" in form.nodes
    kind = helper.np_dtype_to_tensor_dtype(zero.dtype)
    if form.nodes[-1:] == ("argmax",):
        out = tensor("out", (1, *(size if resized else shape[2:])), 7)
    else:
        integers = form.nodes[-1:] in ((), ("quantise",))
        sides = size if resized else shape[2:]
        out = tensor("out", (*shape[:2], *sides), kind if integers else 1)
    held = {"s": np.float32(scale), "z": zero, "size": np.array([*shape[:2], *size], np.int64)}
    if not resized:
        del held["size"]
    return model_bytes(nodes, [tensor("x", shape)], [out], held)


def interpolated(values: NDArray, size: tuple[int, int], corners: str) -> NDArray[np.float64]:
    """(C, h, w) to (C, *size), bilinear in float64."""
    values = values.astype(np.float64)
    for axis, out in ((1, size[0]), (2, size[1])):
        into, x = values.shape[axis], np.arange(out)
        if corners == "align_corners":
            at = x * (into - 1) / max(out - 1, 1)
        else:
            at = np.clip((x + 0.5) * into / out - 0.5, 0, into - 1)
        first = np.minimum(at.astype(int), into - 1)
        second = np.minimum(first + 1, into - 1)
        far = (at - first).reshape([-1 if i == axis else 1 for i in range(3)])
        values = values.take(first, axis) * (1 - far) + values.take(second, axis) * far
    return values


def is_best(mask: NDArray, exact: NDArray[np.float64], within: float) -> bool:
    """Every pixel's class is at most `within` below the best one, and the first best at 0."""
    if not within:
        return bool(np.array_equal(mask, exact.argmax(0)))
    chosen = np.take_along_axis(exact, mask[None].astype(np.int64), 0)[0]
    return bool((exact.max(0) - chosen <= within).all())


@settings(deadline=None, max_examples=60)
@given(
    data=st.data(),
    form=st.sampled_from(sorted(FORMS)),
    corners=st.sampled_from(["half_pixel", "align_corners"]),
    dtype=st.sampled_from([np.uint8, np.int8]),
    scale=st.floats(2.0**-10, 8, width=32),
    sides=st.tuples(st.integers(2, 9), st.integers(2, 9)),
    size=st.tuples(st.integers(2, 30), st.integers(2, 30)),
    classes=st.integers(2, 6),
    seed=st.integers(0, 2**32 - 1),
    spread=st.sampled_from([2, 20, 255]),
)
def test_the_mask_is_that_of_the_integers_and_of_the_file(
    data: st.DataObject, form: str, corners: str, dtype: type, scale: float,
    sides: tuple[int, int], size: tuple[int, int], classes: int, seed: int, spread: int,
) -> None:  # fmt: skip
    limits = np.iinfo(dtype)
    zero = np.array(data.draw(st.integers(limits.min, limits.max)), dtype)
    low = data.draw(st.integers(limits.min, limits.max - spread))
    shape = (1, classes, *sides)
    integers = np.random.default_rng(seed).integers(low, low + spread + 1, shape)
    x = ((integers - int(zero)) * np.float64(np.float32(scale))).astype(np.float32)
    chosen = FORMS[form]
    model = quantised_file(chosen, corners, shape, size, scale, zero)
    theirs = reference(model, "extended").run(None, {"x": x})[0]
    session = ei.Session(model, threads=1, options=EXTENDED)

    tail = session.describe()["tail"]
    assert tail["cut"] == chosen.cut, tail["why"]
    facts = ei.inspect(model).tail
    assert facts is None or facts.dtype == np.dtype(dtype).name
    assert np.array_equal(session.run(x)["out"], theirs)

    resized = "resize" in chosen.nodes
    exact = interpolated(integers[0], size if resized else sides, corners)
    mask = session.segment(x).classes
    tiny = 255 * 4 * 2.0**-24 if resized else 0  # of float32 arithmetic on the integers
    assert is_best(mask, exact, tiny)
    file_mask = theirs[0] if theirs.ndim == 3 else theirs[0].argmax(0)
    assert is_best(file_mask, exact, chosen.rounding)
    # Where the two best differ by more than the file rounds, both say the same.
    best = np.sort(exact, axis=0)[-2:]
    clear = best[1] - best[0] > chosen.rounding + tiny
    assert np.array_equal(mask[clear], file_mask[clear])


@settings(deadline=None, max_examples=60)
@given(
    dtype=st.sampled_from([np.uint8, np.int8]),
    scale=st.floats(2.0**-100, 2.0**100, width=32),
    zero=st.integers(0, 255),  # above the least value of the type
    seed=st.integers(0, 2**32 - 1),
    corners=st.booleans(),
)
def test_segment_gives_the_same_mask_whatever_the_one_scale(
    dtype: type, scale: float, zero: int, seed: int, corners: bool
) -> None:
    limits = np.iinfo(dtype)
    rng = np.random.default_rng(seed)
    logits = rng.integers(limits.min, limits.max + 1, (5, 6, 7)).astype(dtype)
    plain = ei.segment(logits, size=(17, 23), align_corners=corners)
    quant = (scale, int(limits.min) + zero)
    told = ei.segment(logits, size=(17, 23), align_corners=corners, quant=quant)
    assert np.array_equal(told.classes, plain.classes)
    assert np.array_equal(told.areas, plain.areas)
    # The plain float32 path on the same numbers: all of them are exact in it.
    floats = ei.segment(logits.astype(np.float32), size=(17, 23), align_corners=corners)
    assert np.array_equal(floats.classes, plain.classes)


def test_scales_by_class_are_no_one_scale() -> None:
    logits = np.zeros((3, 4, 4), np.uint8)
    with pytest.raises(ei.InputError, match="changes which class is the best"):
        ei.segment(logits, size=(8, 8), quant=([0.1, 0.2, 0.3], 0))  # type: ignore[arg-type]
