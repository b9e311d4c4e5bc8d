"""A cut head: integers in, and bit for bit what onnxruntime makes of the file's own floats."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)

import edgeinfer as ei
from session.networks import GRAPH_LEVELS, doubler, model_bytes, reference, tensor

SIDE, CLASSES = 24, 5
CUT = ei.SessionOptions(cut_head=True)
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def float_network(batch: int | str = 1) -> bytes:
    """Two convolutions and an upsampling to logits."""
    rng = np.random.default_rng(5)
    weights = {
        "w0": rng.normal(size=(8, 3, 3, 3), scale=0.3).astype(np.float32),
        "w1": rng.normal(size=(CLASSES, 8, 3, 3), scale=0.3).astype(np.float32),
        "scales": np.array([1, 1, 4, 4], np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["image", "w0"], ["c"], pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("Conv", ["r", "w1"], ["low"], pads=[1, 1, 1, 1]),
        helper.make_node("Resize", ["low", "", "scales"], ["logits"], mode="linear"),
    ]
    return model_bytes(
        nodes,
        [tensor("image", (batch, 3, SIDE, SIDE))],
        [tensor("logits", (batch, CLASSES, SIDE * 2, SIDE * 2))],
        weights,
    )


class Samples(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self) -> None:
        rng = np.random.default_rng(6)
        shape = (1, 3, SIDE, SIDE)
        self._left = [rng.normal(size=shape).astype(np.float32) for _ in range(8)]

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        return {"image": self._left.pop()} if self._left else None


@pytest.fixture(scope="session", params=["QUInt8", "QInt8"])
def quantised(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """onnxruntime's own static quantisation, QDQ, weights per channel."""
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "float.onnx").write_bytes(float_network())
    quantize_static(
        folder / "float.onnx",
        folder / "int8.onnx",
        Samples(),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType[request.param],
        weight_type=QuantType.QInt8,
    )
    return (folder / "int8.onnx").read_bytes()


def as_integers(values: NDArray, q: ei.QuantizedInput) -> NDArray:
    """The operator's page: divide, round half to even, add, saturate."""
    limits = np.iinfo(q.dtype)
    scaled = np.rint(values / np.float32(q.scale)) + q.zero_point
    return np.clip(scaled, limits.min, limits.max).astype(q.dtype)


def images(count: int = 6) -> list[NDArray[np.float32]]:
    rng = np.random.default_rng(7)
    usual = [rng.normal(size=(1, 3, SIDE, SIDE)).astype(np.float32) for _ in range(count - 1)]
    return [*usual, rng.normal(scale=1e4, size=(1, 3, SIDE, SIDE)).astype(np.float32)]


@pytest.mark.parametrize("level", GRAPH_LEVELS)
def test_integers_give_bit_for_bit_what_the_file_gives(quantised: bytes, level: str) -> None:
    theirs = reference(quantised, level)
    options = ei.SessionOptions(cut_head=True, graph=level, fuse_tail=False)  # type: ignore[arg-type]
    session = ei.Session(quantised, threads=1, options=options)
    assert session.describe()["head"]["cut"]
    assert [(s.name, s.dtype) for s in session.inputs] == [("image", "float32")]
    q = session.quantized_inputs["image"]
    floats, integers = session.bind(), session.bind(quantized=True)
    assert floats.inputs["image"].dtype == np.float32
    assert integers.inputs["image"].dtype == np.dtype(q.dtype)
    for image in images():
        wanted = theirs.run(None, {"image": image})[0]
        assert np.array_equal(session.run(image)["logits"], wanted)
        assert np.array_equal(session.run({"image": as_integers(image, q)})["logits"], wanted)
        floats.inputs["image"][:] = image
        floats.run()
        assert np.array_equal(floats.outputs["logits"], wanted)
        integers.inputs["image"][:] = as_integers(image, q)
        integers.run()
        assert np.array_equal(integers.outputs["logits"], wanted)


def test_a_frame_goes_straight_into_the_bound_integers(quantised: bytes) -> None:
    frame = np.random.default_rng(8).integers(0, 256, (70, 90, 3), dtype=np.uint8)
    session = ei.Session(quantised, threads=1, options=CUT)
    q = session.quantized_inputs["image"]
    recipe: dict[str, Any] = {"mean": MEAN, "std": STD}
    bound = session.bind(quantized=True)
    write = ei.Preprocess((SIDE, SIDE), dtype=q.dtype, quant=(q.scale, q.zero_point), **recipe)
    write(frame, out=bound.inputs["image"])
    bound.run()
    image = ei.Preprocess((SIDE, SIDE), **recipe)(frame).tensor
    wanted = reference(quantised).run(None, {"image": image})[0]
    assert np.array_equal(bound.outputs["logits"], wanted)


def test_segment_takes_integers_too(quantised: bytes) -> None:
    cut, whole = ei.Session(quantised, threads=1, options=CUT), ei.Session(quantised, threads=1)
    assert cut.describe()["tail"]["cut"]
    assert not whole.describe()["head"]["cut"]
    q = cut.quantized_inputs["image"]
    bound = cut.bind(quantized=True)
    for image in images():
        wanted = whole.segment(image).classes
        assert np.array_equal(cut.segment(image).classes, wanted)
        bound.inputs["image"][:] = as_integers(image, q)
        assert np.array_equal(cut.segment(as_integers(image, q)).classes, wanted)
        assert np.array_equal(bound.segment().classes, wanted)


def test_without_the_option_nothing_is_cut(quantised: bytes) -> None:
    session = ei.Session(quantised, threads=1)
    assert session.quantized_inputs == {}
    assert "cut_head is off" in session.describe()["head"]["why"]
    with pytest.raises(ei.InputError, match=r"quantized=True for a session without.*cut_head"):
        session.bind(quantized=True)
    with pytest.raises(ei.InputError, match="found uint8"):
        session.run(np.zeros((1, 3, SIDE, SIDE), np.uint8))


def test_integers_of_another_type_or_shape_are_input_errors(quantised: bytes) -> None:
    session = ei.Session(quantised, threads=1, options=CUT)
    other = "int16"
    with pytest.raises(ei.InputError, match=f"found {other}"):
        session.run(np.zeros((1, 3, SIDE, SIDE), other))
    dtype = session.quantized_inputs["image"].dtype
    with pytest.raises(ei.InputError, match="found"):
        session.run(np.zeros((1, 3, SIDE, SIDE + 1), dtype))


def qdq(
    scale: NDArray, zero: NDArray, extra: tuple[NodeProto, ...] = (), ir: int = 8, **outputs: int
) -> bytes:
    """x -> QuantizeLinear -> DequantizeLinear -> Relu -> y, of any batch."""
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"]),
        helper.make_node("Relu", ["d"], ["y"]),
        *extra,
    ]
    shape = ("n", 3, 4)
    ends = [tensor("y", shape), *(tensor(name, shape, kind) for name, kind in outputs.items())]
    inputs = [tensor("x", shape)]
    if ir < 4:
        inputs += [
            helper.make_tensor_value_info(name, numpy_helper.from_array(value).data_type, [])
            for name, value in (("s", scale), ("z", zero))
        ]
    opset = 10 if ir < 4 else 17
    return model_bytes(nodes, inputs, ends, {"s": scale, "z": zero}, opset, ir)


SCALE = np.array(0.05, np.float32)
VALUES = np.random.default_rng(9).normal(scale=4, size=(3, 3, 4)).astype(np.float32)


@pytest.mark.parametrize("ir", [3, 8])
@pytest.mark.parametrize(
    "zero", [np.uint8(7), np.int8(-100), np.int8(127), np.int8(-128)], ids=repr
)
def test_symbolic_axes_and_old_files(zero: NDArray, ir: int) -> None:
    model = qdq(SCALE, np.array(zero), ir=ir)
    session = ei.Session(model, threads=1, options=CUT)
    q = session.quantized_inputs["x"]
    assert [(s.name, s.dtype, s.shape) for s in session.inputs] == [("x", "float32", ("n", 3, 4))]
    wanted = reference(model).run(None, {"x": VALUES})[0]
    assert np.array_equal(session.run(VALUES)["y"], wanted)
    assert np.array_equal(session.run(as_integers(VALUES, q))["y"], wanted)
    for quantized in (False, True):
        bound = session.bind({"x": VALUES.shape}, quantized=quantized)
        bound.inputs["x"][:] = as_integers(VALUES, q) if quantized else VALUES
        bound.run()
        assert np.array_equal(bound.outputs["y"], wanted)


@pytest.mark.parametrize(
    "model",
    [
        qdq(np.array([0.1, 0.2, 0.3], np.float32), np.array([1, 2, 3], np.uint8)),
        qdq(SCALE, np.array(3, np.uint8), (helper.make_node("Neg", ["x"], ["more"]),), more=1),
        qdq(SCALE, np.array(3, np.uint8), q=TensorProto.UINT8),
        qdq(SCALE, np.array(-3, np.int8), (helper.make_node("Identity", ["q"], ["i"]),), i=3),
        doubler(),
    ],
    ids=["per channel", "input read twice", "integers are an output", "int8 unpaired", "float"],
)
def test_what_cannot_be_cut_stays_whole(model: bytes) -> None:
    session = ei.Session(model, threads=1, options=CUT)
    cut = session.describe()["head"]
    if cut["cut"]:  # int8 without a pair, where the runtime leaves int8 alone
        assert session.quantized_inputs["x"].dtype == "int8"
    else:
        assert session.quantized_inputs == {}
    (name,) = [spec.name for spec in session.inputs]
    values = VALUES if session.inputs[0].shape[0] == "n" else np.ones((2, 3), np.float32)
    mine = session.run({name: values})
    theirs = reference(model).run(list(mine), {name: values})
    assert all(np.array_equal(a, b) for a, b in zip(mine.values(), theirs, strict=True))


def test_an_integer_input_tells_the_files_own_scale() -> None:
    nodes = [helper.make_node("DequantizeLinear", ["x", "s", "z"], ["y"])]
    held = {"s": SCALE, "z": np.array(-5, np.int8)}
    model = model_bytes(nodes, [tensor("x", (4,), TensorProto.INT8)], [tensor("y", (4,))], held)
    for options in (None, CUT):
        session = ei.Session(model, threads=1, options=options)
        assert session.inputs[0].dtype == "int8"
        assert session.quantized_inputs == {"x": ("int8", pytest.approx(0.05), -5)}
        bound = session.bind(quantized=True)
        bound.inputs["x"][:] = [0, 1, 2, 3]
        bound.run()
        wanted = (np.arange(4) + 5) * np.float32(0.05)
        assert np.array_equal(bound.outputs["y"], wanted.astype(np.float32))


def test_two_heads_take_floats_and_integers_in_any_mixture() -> None:
    nodes = []
    for name in "ab":
        nodes += [
            helper.make_node("QuantizeLinear", [name, "s", "z"], [f"{name}.q"]),
            helper.make_node("DequantizeLinear", [f"{name}.q", "s", "z"], [f"{name}.d"]),
        ]
    nodes.append(helper.make_node("Add", ["a.d", "b.d"], ["y"]))
    held = {"s": SCALE, "z": np.array(9, np.uint8)}
    ends = [tensor("a", (3, 3, 4)), tensor("b", (3, 3, 4))], [tensor("y", (3, 3, 4))]
    model = model_bytes(nodes, *ends, held)
    session = ei.Session(model, threads=1, options=CUT)
    q = session.quantized_inputs
    wanted = reference(model).run(None, {"a": VALUES, "b": -VALUES})[0]
    for a in (VALUES, as_integers(VALUES, q["a"])):
        for b in (-VALUES, as_integers(-VALUES, q["b"])):
            assert np.array_equal(session.run({"a": a, "b": b})["y"], wanted)
    assert np.array_equal(session.run_async({"a": VALUES, "b": -VALUES}).result()["y"], wanted)


def test_external_weights_stay_reachable(tmp_path: Path) -> None:
    model = onnx.load_from_string(qdq(SCALE, np.array(3, np.uint8)))
    model.graph.node.append(helper.make_node("Add", ["y", "w"], ["z1"]))
    weights = np.arange(4, dtype=np.float32)
    model.graph.initializer.append(numpy_helper.from_array(weights, "w"))
    model.graph.output.append(tensor("z1", ("n", 3, 4)))
    held = model.graph.initializer[-1]
    (tmp_path / "w.bin").write_bytes(held.raw_data)
    held.ClearField("raw_data")
    held.data_location = TensorProto.EXTERNAL
    held.external_data.add(key="location", value="w.bin")
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    session = ei.Session(tmp_path / "m.onnx", threads=1, options=CUT)
    assert session.describe()["head"]["cut"]
    result = session.run(VALUES)
    assert np.array_equal(result["z1"], result["y"] + weights)


@pytest.mark.parametrize("bare", [False, True], ids=["zero_point", "none"])
def test_a_head_that_names_its_type_in_an_attribute_is_cut(bare: bool) -> None:
    """Of int8 without a zero point; the cut may move it to uint8, where the attribute would lie."""
    names = ["q", "s"] if bare else ["q", "s", "z"]
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s"], ["q"], output_dtype=TensorProto.INT8),
        helper.make_node("DequantizeLinear", names, ["d"]),
        helper.make_node("Relu", ["d"], ["y"]),
    ]
    held = {"s": SCALE} | ({} if bare else {"z": np.array(0, np.int8)})
    ends = [tensor("x", ("n", 3, 4))], [tensor("y", ("n", 3, 4))]
    model = model_bytes(nodes, *ends, held, 21, 10)
    session = ei.Session(model, threads=1, options=CUT)
    assert session.describe()["head"]["cut"]
    wanted = reference(model).run(None, {"x": VALUES})[0]
    integers = as_integers(VALUES, session.quantized_inputs["x"])
    assert np.array_equal(session.run(VALUES)["y"], wanted)
    assert np.array_equal(session.run(integers)["y"], wanted)


def test_a_name_inside_a_branch_hides_nothing_of_the_cut() -> None:
    """The cut adds a zero point; the obvious name for it is taken by a constant of a branch."""
    inner = helper.make_node("Add", ["d", "q_uint8"], ["sum"])
    held = numpy_helper.from_array(np.float32(1), "q_uint8")
    other = helper.make_node("Identity", ["d"], ["same"])
    branch = helper.make_graph(
        [inner], "then", [], [helper.make_tensor_value_info("sum", 1, None)], [held]
    )
    plain = helper.make_graph([other], "else", [], [helper.make_tensor_value_info("same", 1, None)])
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"]),
        helper.make_node("If", ["yes"], ["y"], then_branch=branch, else_branch=plain),
    ]
    ends = (
        [tensor("x", (3, 3, 4)), tensor("yes", (), TensorProto.BOOL)],
        [helper.make_tensor_value_info("y", 1, None)],
    )
    model = model_bytes(nodes, *ends, {"s": SCALE, "z": np.array(-5, np.int8)})
    session = ei.Session(model, threads=1, options=CUT)
    for yes in (False, True):
        given = {"x": VALUES, "yes": np.array(yes)}
        wanted = reference(model).run(None, given)[0]
        assert np.array_equal(session.run(given)["y"], wanted)
