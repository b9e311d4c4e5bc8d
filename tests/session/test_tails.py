"""Sessions of segmentation networks: run() gives the file's tensors, segment() the file's mask."""

from dataclasses import dataclass

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper

import edgeinfer as ei
from session.networks import model_bytes, reference, tensor

H, W, C = 12, 10, 5
EXACT = ei.SessionOptions(graph="extended")  # "all" may fuse a Resize that stands in the file
FRAME = np.random.default_rng(11).normal(size=(1, 3, H, W)).astype(np.float32)


@dataclass(frozen=True)
class Tail:
    """Nodes from "logits" (1, C, H, W) to "out", and what the output is."""

    nodes: tuple[NodeProto, ...]
    shape: tuple[int | str, ...]
    kind: int = TensorProto.FLOAT
    corners: str = "half_pixel"
    classes_at: int | None = 1  # axis of the classes in the output; None: class ids


def resize(corners: str, into: str = "out", source: str = "logits") -> NodeProto:
    return helper.make_node(
        "Resize", [source, "", "", "size"], [into], mode="linear",
        coordinate_transformation_mode=corners,
    )  # fmt: skip


def node(op: str, source: str, into: str, **attributes: object) -> NodeProto:
    return helper.make_node(op, [source], [into], **attributes)


def rounded(source: str, into: str) -> tuple[NodeProto, NodeProto]:
    return (
        helper.make_node("QuantizeLinear", [source, "scale", "zero"], [f"{into}.q"]),
        helper.make_node("DequantizeLinear", [f"{into}.q", "scale", "zero"], [into]),
    )


BIG = (31, 47)
IDS = TensorProto.INT64
TAILS = {
    "half_pixel": Tail((resize("half_pixel"),), (1, C, *BIG)),
    "pytorch_half_pixel": Tail((resize("pytorch_half_pixel"),), (1, C, *BIG)),
    "align_corners": Tail((resize("align_corners"),), (1, C, *BIG), corners="align_corners"),
    "argmax": Tail(
        (node("ArgMax", "logits", "out", axis=1, keepdims=0),), (1, H, W), IDS, classes_at=None
    ),
    "resize argmax": Tail(
        (resize("half_pixel", "big"), node("ArgMax", "big", "out", axis=1)),
        (1, 1, *BIG), IDS, classes_at=None,
    ),
    "resize softmax argmax": Tail(
        (
            resize("align_corners", "big"),
            node("Softmax", "big", "soft", axis=1),
            node("ArgMax", "soft", "out", axis=1, keepdims=0),
        ),
        (1, *BIG), IDS, "align_corners", None,
    ),
    "resize softmax": Tail(
        (resize("half_pixel", "big"), node("Softmax", "big", "out", axis=1)), (1, C, *BIG)
    ),
    "resize transpose": Tail(
        (resize("half_pixel", "big"), node("Transpose", "big", "out", perm=[0, 2, 3, 1])),
        (1, *BIG, C), classes_at=3,
    ),
    "resize argmax cast": Tail(
        (
            resize("half_pixel", "big"),
            node("ArgMax", "big", "ids", axis=1, keepdims=0),
            node("Cast", "ids", "out", to=TensorProto.UINT8),
        ),
        (1, *BIG), TensorProto.UINT8, classes_at=None,
    ),
    "quantised": Tail(
        (*rounded("logits", "low"), resize("half_pixel", "big", "low"), *rounded("big", "out")),
        (1, C, *BIG),
    ),
}  # fmt: skip


def weights() -> dict[str, NDArray]:
    rng = np.random.default_rng(2)
    return {
        "w": rng.normal(size=(C, 3, 3, 3)).astype(np.float32),
        "size": np.array([1, C, *BIG], np.int64),
        "scale": np.float32(0.11),
        "zero": np.uint8(128),
    }


def network(tail: Tail, also: tuple[str, ...] = ()) -> bytes:
    """Conv -> "logits" -> tail; `also` names further outputs."""
    conv = helper.make_node("Conv", ["x", "w"], ["logits"], pads=[1, 1, 1, 1])
    used = {name for n in (conv, *tail.nodes) for name in n.input}
    outputs = [tensor("out", tail.shape, tail.kind)]
    outputs += [tensor(name, (1, C, H, W)) for name in also]
    held = {k: v for k, v in weights().items() if k in used}
    return model_bytes([conv, *tail.nodes], [tensor("x", (1, 3, H, W))], outputs, held)


def low_logits(tail: Tail) -> NDArray[np.float64]:
    """What the tail interpolates, from a session that ends there."""
    inner = "low" if any(n.op_type == "DequantizeLinear" for n in tail.nodes) else "logits"
    nodes = tuple(rounded("logits", "low")) if inner == "low" else ()
    conv = helper.make_node("Conv", ["x", "w"], ["logits"], pads=[1, 1, 1, 1])
    held = {k: v for k, v in weights().items() if k == "w" or (nodes and k != "size")}
    model = model_bytes(
        [conv, *nodes], [tensor("x", (1, 3, H, W))], [tensor(inner, (1, C, H, W))], held
    )
    return reference(model, "extended").run(None, {"x": FRAME})[0][0].astype(np.float64)


def positions(into: int, out: int, corners: str) -> NDArray[np.float64]:
    x = np.arange(out)
    if corners == "align_corners":
        return x * (into - 1) / max(out - 1, 1)
    return np.clip((x + 0.5) * into / out - 0.5, 0, into - 1)


def interpolate(low: NDArray[np.float64], size: tuple[int, int], corners: str) -> NDArray:
    """Bilinear in float64, axis by axis: the oracle."""
    for axis, out in ((1, size[0]), (2, size[1])):
        at = positions(low.shape[axis], out, corners)
        first = np.minimum(at.astype(int), low.shape[axis] - 1)
        second = np.minimum(first + 1, low.shape[axis] - 1)
        far = (at - first).reshape([-1 if i == axis else 1 for i in range(3)])
        low = low.take(first, axis) * (1 - far) + low.take(second, axis) * far
    return low


# Logits here are below 16 in size. Float32 arithmetic at exact positions, our own:
CLOSE = 16 * 4 * 2.0**-24
# The runtime computes positions in float32 too: an error of 200 * 2^-23 pixels at most, times the
# step of up to 32 between neighbours, on two axes.
RUNTIME = 200 * 2.0**-23 * 32 * 2


def assert_is_argmax(mask: ei.Mask, scores: NDArray[np.float64], bound: float) -> None:
    """The mask is the argmax wherever first and second differ by more than the bound."""
    top = np.sort(scores, axis=0)[-2:]
    clear = top[1] - top[0] > bound
    assert clear.mean() > 0.5
    assert mask.classes.shape == scores.shape[1:]
    np.testing.assert_array_equal(mask.classes[clear], scores.argmax(0)[clear])
    assert (
        mask.areas.tolist() == np.bincount(mask.classes.ravel(), minlength=len(mask.areas)).tolist()
    )


@pytest.mark.parametrize("fuse", [True, False], ids=["cut", "whole"])
@pytest.mark.parametrize("name", TAILS)
def test_run_gives_what_the_file_gives(name: str, fuse: bool) -> None:
    model = network(TAILS[name])
    options = ei.SessionOptions(graph="extended", fuse_tail=fuse)
    session = ei.Session(model, threads=1, options=options)
    assert session.describe()["tail"]["cut"] is fuse
    oracle = reference(model, "extended")
    wanted = oracle.run(None, {"x": FRAME})[0]
    declared = oracle.get_outputs()[0]
    assert (session.outputs[0].name, list(session.outputs[0].shape)) == ("out", declared.shape)
    out = np.empty_like(wanted)
    binding = session.bind()
    binding.inputs["x"][...] = FRAME
    binding.run()
    for found in (
        session.run(FRAME)["out"],
        session.run(FRAME, outputs=["out"], out={"out": out})["out"],
        binding.outputs["out"],
    ):
        assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape)
        assert found.tobytes() == wanted.tobytes()


@pytest.mark.parametrize("name", TAILS)
def test_the_most_optimised_graph_differs_in_the_last_bits_at_most(name: str) -> None:
    tail = TAILS[name]
    model = network(tail)
    wanted = reference(model).run(None, {"x": FRAME})[0]
    found = ei.Session(model, threads=1).run(FRAME)["out"]
    if tail.classes_at is None:
        assert (found != wanted).mean() < 0.02  # ties that the last bits decide
    elif name == "quantised":
        np.testing.assert_allclose(found, wanted, rtol=0, atol=weights()["scale"] * 1.001)
    else:
        np.testing.assert_allclose(found, wanted, rtol=0, atol=RUNTIME)


@pytest.mark.parametrize("name", TAILS)
def test_segment_gives_the_argmax_of_the_file(name: str) -> None:
    tail = TAILS[name]
    model = network(tail)
    file = reference(model, "extended").run(None, {"x": FRAME})[0]
    session = ei.Session(model, threads=1, options=EXACT)
    size = (H, W) if name == "argmax" else BIG
    scores = interpolate(low_logits(tail), size, tail.corners)
    masks = [session.segment(FRAME)]
    binding = session.bind()
    binding.inputs["x"][...] = FRAME
    masks.append(binding.segment())
    for mask in masks:
        assert_is_argmax(mask, scores, CLOSE)
        if tail.classes_at is None:
            wanted = file.reshape(size)
        else:
            planes = np.moveaxis(file[0], tail.classes_at - 1, 0)
            wanted = planes.argmax(0)
            if name == "quantised":  # the file rounds, which makes ties that we do not have
                unique = (planes == planes.max(0)).sum(0) == 1
                np.testing.assert_array_equal(mask.classes[unique], wanted[unique])
                continue
        top = np.sort(scores, axis=0)[-2:]
        clear = top[1] - top[0] > RUNTIME
        assert clear.mean() > 0.98
        np.testing.assert_array_equal(mask.classes[clear], wanted[clear])


def test_a_mask_carries_the_labels_given() -> None:
    session = ei.Session(network(TAILS["half_pixel"]), threads=1)
    labels = [f"class {index}" for index in range(len(session.segment(FRAME).areas))]
    assert session.segment(FRAME, labels=labels).labels == labels
    assert session.bind().segment(labels=labels).labels == labels
    with pytest.raises(ei.InputError, match="labels: found 1 names"):
        session.segment(FRAME, labels=labels[:1])


@pytest.mark.parametrize("size", [(1, 1), (H, W), (7, 90), (200, 3), (64, 64)], ids=str)
@pytest.mark.parametrize("name", list(TAILS))
def test_any_other_size_equals_float64_interpolation(name: str, size: tuple[int, int]) -> None:
    tail = TAILS[name]
    session = ei.Session(network(tail), threads=1, options=EXACT)
    scores = interpolate(low_logits(tail), size, tail.corners)
    if size == (1, 1):
        assert session.segment(FRAME, size=size).classes[0, 0] == scores[:, 0, 0].argmax()
    else:
        assert_is_argmax(session.segment(FRAME, size=size), scores, CLOSE)


def test_without_the_cut_class_ids_cannot_be_scaled() -> None:
    options = ei.SessionOptions(fuse_tail=False)
    session = ei.Session(network(TAILS["resize argmax"]), threads=1, options=options)
    assert session.segment(FRAME).classes.shape == BIG
    with pytest.raises(ei.InputError, match=r"class ids of 31 x 47.*fuse_tail=True"):
        session.segment(FRAME, size=(50, 50))


@pytest.mark.parametrize("name", ["half_pixel", "resize argmax", "resize softmax", "quantised"])
def test_further_outputs_stay_and_subsets_are_given(name: str) -> None:
    tail = TAILS[name]
    # "logits" is where the tail is cut in all but the quantised one.
    model = network(tail, also=("logits",))
    session = ei.Session(model, threads=1, options=EXACT)
    oracle = reference(model, "extended")
    assert [s.name for s in session.outputs] == ["out", "logits"]
    wanted = dict(zip(["out", "logits"], oracle.run(None, {"x": FRAME}), strict=True))
    for names in (None, ["out"], ["logits"], ["logits", "out"]):
        found = session.run(FRAME, outputs=names)
        assert list(found) == (names or ["out", "logits"])
        binding = session.bind(outputs=names)
        binding.inputs["x"][...] = FRAME
        binding.run()
        for key, value in found.items():
            assert value.tobytes() == wanted[key].tobytes()
            assert binding.outputs[key].tobytes() == wanted[key].tobytes()
    out = {key: np.empty_like(value) for key, value in wanted.items()}
    session.run(FRAME, out=out)
    assert {k: v.tobytes() for k, v in out.items()} == {k: v.tobytes() for k, v in wanted.items()}


def symbolic(nodes: list[NodeProto], held: dict[str, NDArray], out: list[int | str]) -> bytes:
    conv = helper.make_node("Conv", ["x", "w"], ["logits"], pads=[1, 1, 1, 1])
    return model_bytes(
        [conv, *nodes], [tensor("x", ("n", 3, "h", "w_"))], [tensor("out", out)],
        {"w": weights()["w"], **held},
    )  # fmt: skip


def test_more_than_one_frame_is_refused_by_segment_and_run_by_run() -> None:
    model = symbolic([node("ArgMax", "logits", "out", axis=1)], {}, ["n", 1, "h", "w_"])
    model = onnx.load_from_string(model)
    model.graph.output[0].type.tensor_type.elem_type = IDS
    session = ei.Session(model.SerializeToString(), threads=1)
    two = np.concatenate([FRAME, FRAME])
    assert session.run(two)["out"].shape == (2, 1, H, W)
    with pytest.raises(ei.InputError, match="holds 2 frames, wanted 1"):
        session.segment(two)
    with pytest.raises(ei.InputError, match=r"holds 0 frames|no axis of size 0"):
        session.segment(two[:0])
    assert session.segment(FRAME).classes.shape == (H, W)


@pytest.mark.parametrize("fuse", [True, False])
@pytest.mark.parametrize("inputs", [(H, W), (8, 20)])
def test_a_resize_by_factors_gives_the_files_size(inputs: tuple[int, int], fuse: bool) -> None:
    resized = helper.make_node("Resize", ["logits", "", "factors"], ["out"], mode="linear")
    factors = np.array([1, 1, 4, 4], np.float32)
    model = symbolic([resized], {"factors": factors}, ["n", C, "H", "W"])
    session = ei.Session(model, threads=1, options=ei.SessionOptions(fuse_tail=fuse))
    frame = np.random.default_rng(0).normal(size=(1, 3, *inputs)).astype(np.float32)
    assert session.segment(frame).classes.shape == session.run(frame)["out"].shape[2:]
    binding = session.bind({"x": frame.shape})
    assert binding.segment().classes.shape == session.run(frame)["out"].shape[2:]


def test_what_is_no_map_of_classes_is_an_input_error() -> None:
    pooled = [node("GlobalAveragePool", "logits", "p"), node("Flatten", "p", "out")]
    session = ei.Session(symbolic(pooled, {}, ["n", C]), threads=1)
    with pytest.raises(ei.InputError, match=r"segment: found 'out' float32 \(n, 5\).*logits"):
        session.segment(FRAME)
    twice = [node("Neg", "logits", "out"), node("Abs", "logits", "more")]
    model = onnx.load_from_string(symbolic(twice, {}, ["n", C, "h", "w_"]))
    model.graph.output.append(tensor("more", ["n", C, "h", "w_"]))
    session = ei.Session(model.SerializeToString(), threads=1)
    with pytest.raises(ei.InputError, match="wanted exactly one output"):
        session.segment(FRAME)
    with pytest.raises(ei.InputError, match="wanted exactly one output"):
        session.bind({"x": FRAME.shape}).segment()


def test_a_binding_without_the_scores_says_so() -> None:
    model = network(TAILS["half_pixel"], also=("logits",))
    session = ei.Session(model, threads=1, options=ei.SessionOptions(fuse_tail=False))
    with pytest.raises(ei.InputError, match="segment: "):
        session.bind(outputs=["logits"]).segment()


@pytest.mark.parametrize("shape", [(2, 2), (4,), (1, 2, 2, 2, 1), ()], ids=str)
def test_an_output_of_another_rank_than_declared_is_refused(shape: tuple[int, ...]) -> None:
    count = int(np.prod(shape)) if shape else 1
    reshape = helper.make_node("Reshape", ["x", "shape"], ["out"])
    model = model_bytes(
        [reshape],
        [tensor("x", ("n",)), tensor("shape", ("r",), TensorProto.INT64)],
        [tensor("out", (1, "c", "h", "w"))],
    )
    session = ei.Session(model, threads=1)
    inputs = {"x": np.zeros(count, np.float32), "shape": np.array(shape, np.int64)}
    with pytest.raises(ei.EdgeInferError) as caught:
        session.segment(inputs)
    assert isinstance(caught.value, ei.InputError | ei.RunError)


def test_wide_masks_hold_more_than_256_classes() -> None:
    rng = np.random.default_rng(4)
    conv = helper.make_node("Conv", ["x", "w"], ["logits"])
    held = {
        "w": rng.normal(size=(300, 3, 1, 1)).astype(np.float32),
        "size": np.array([1, 300, 20, 20], np.int64),
    }
    nodes = [conv, resize("half_pixel")]
    model = model_bytes(nodes, [tensor("x", (1, 3, 6, 6))], [tensor("out", (1, 300, 20, 20))], held)
    frame = rng.normal(size=(1, 3, 6, 6)).astype(np.float32)
    session = ei.Session(model, threads=1, options=EXACT)
    mask = session.segment(frame)
    assert mask.classes.dtype == np.uint16
    scores = reference(model, "extended").run(None, {"x": frame})[0][0].astype(np.float64)
    assert_is_argmax(mask, scores, CLOSE)


@pytest.mark.parametrize("name", ["half_pixel", "pytorch_half_pixel", "align_corners"])
def test_the_oracle_interpolates_as_the_runtime_does(name: str) -> None:
    tail = TAILS[name]
    wanted = reference(network(tail), "extended").run(None, {"x": FRAME})[0][0]
    assert np.abs(wanted).max() < 16
    found = interpolate(low_logits(tail), BIG, tail.corners)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=RUNTIME)


@pytest.mark.parametrize("side", [65536, 2**31, 2**32 + 64])
def test_a_size_beyond_any_picture_is_left_to_the_graph(side: int) -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["logits"]),
        helper.make_node("Resize", ["logits", "", "", "size"], ["out"], mode="linear"),
    ]
    shape = (1, C, side, 2)
    held = {"size": np.array(shape, np.int64)}
    model = model_bytes(nodes, [tensor("x", (1, C, 2, 2))], [tensor("out", shape)], held)
    options = ei.SessionOptions(max_tensor_mb=2**20)
    cut = ei.Session(model, threads=1, options=options).describe()["tail"]
    assert not cut["cut"]
    assert "more than 65535 rows" in cut["why"]
