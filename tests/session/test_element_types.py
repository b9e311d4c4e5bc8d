"""Every element type that NumPy or ml_dtypes holds goes in and comes out unchanged."""

import ml_dtypes
import numpy as np
import pytest
from onnx import TensorProto, helper

import edgeinfer as ei
from session.networks import model_bytes, tensor

NUMBERS = {
    "float32": TensorProto.FLOAT,
    "float64": TensorProto.DOUBLE,
    "float16": TensorProto.FLOAT16,
    "bfloat16": TensorProto.BFLOAT16,
    "float8_e4m3fn": TensorProto.FLOAT8E4M3FN,
    "float8_e4m3fnuz": TensorProto.FLOAT8E4M3FNUZ,
    "float8_e5m2": TensorProto.FLOAT8E5M2,
    "float8_e5m2fnuz": TensorProto.FLOAT8E5M2FNUZ,
    "bool": TensorProto.BOOL,
    "int8": TensorProto.INT8,
    "int16": TensorProto.INT16,
    "int32": TensorProto.INT32,
    "int64": TensorProto.INT64,
    "uint8": TensorProto.UINT8,
    "uint16": TensorProto.UINT16,
    "uint32": TensorProto.UINT32,
    "uint64": TensorProto.UINT64,
}
NIBBLES = {"int4": TensorProto.INT4, "uint4": TensorProto.UINT4}


def dtype(name: str) -> np.dtype:
    return np.dtype(getattr(ml_dtypes, name, name))


def through(op: str, kind: int, rank: int, to: int | None = None) -> ei.Session:
    axes = [f"n{i}" for i in range(rank)]
    node = helper.make_node(op, ["x"], ["y"], **({"to": to} if op == "Cast" else {}))
    model = model_bytes(
        [node], [tensor("x", axes, kind)], [tensor("y", axes, to or kind)], opset=21, ir=10
    )
    return ei.Session(model, threads=1)


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("shape", [(), (0,), (1,), (7,), (3, 0, 2), (2, 3, 5)], ids=str)
def test_numbers_come_back_bit_for_bit(name: str, shape: tuple[int, ...]) -> None:
    session = through("Identity", NUMBERS[name], len(shape))
    assert (session.inputs[0].dtype, session.outputs[0].dtype) == (name, name)
    wanted = dtype(name)
    raw = np.random.default_rng(3).integers(
        0, 2 if name == "bool" else 256, size=(*shape, wanted.itemsize), dtype=np.uint8
    )
    array = np.frombuffer(raw.tobytes(), wanted).reshape(shape)
    found = session.run(array)["y"]
    assert (found.dtype, found.shape) == (wanted, shape)
    assert found.tobytes() == array.tobytes()


@pytest.mark.parametrize("name", NIBBLES)
@pytest.mark.parametrize("count", [0, 1, 2, 3, 8, 15])
def test_nibbles_of_even_and_odd_counts_go_in_and_out(name: str, count: int) -> None:
    low = -8 if name == "int4" else 0
    values = (np.arange(count) % 16 + low).astype(dtype(name))
    into = through("Cast", NIBBLES[name], 1, TensorProto.FLOAT).run(values)["y"]
    np.testing.assert_array_equal(into, values.astype(np.float32))
    back = through("Cast", TensorProto.FLOAT, 1, NIBBLES[name]).run(into)["y"]
    assert back.dtype == dtype(name)
    np.testing.assert_array_equal(back.astype(np.float32), into)


def test_nibbles_have_no_fixed_buffer_to_bind() -> None:
    session = through("Cast", TensorProto.INT4, 1, TensorProto.FLOAT)
    with pytest.raises(ei.InputError, match=r"tensor of int4.*use run"):
        session.bind({"x": (4,)})


@pytest.mark.parametrize("kind", [TensorProto.COMPLEX64, TensorProto.FLOAT4E2M1])
def test_types_the_runtime_cannot_run_are_refused_at_load(kind: int) -> None:
    with pytest.raises(ei.ModelError):
        through("Identity", kind, 1)


TEXTS = ["", "plain", "größer", "日本語", "🙂", "x" * 10_000, " spaces\tand\nlines "]
STRING_ARRAYS = {
    "object": np.array(TEXTS, object),
    "str": np.array(TEXTS),
    "StringDType": np.array(TEXTS, np.dtypes.StringDType()),
    "bytes": np.array([t.encode() for t in TEXTS], object),
    "mixed": np.array([t.encode() if i % 2 else t for i, t in enumerate(TEXTS)], object),
    "fixed bytes": np.array([t.encode() for t in TEXTS]),
    "empty": np.array([], object),
    "plane": np.array([["a", "b", ""], ["ä", "", "c"]], object),
    "single": np.array("one"),
}


@pytest.mark.parametrize("how", STRING_ARRAYS)
def test_strings_come_back(how: str) -> None:
    array = STRING_ARRAYS[how]
    found = through("Identity", TensorProto.STRING, array.ndim).run(array)["y"]
    assert (found.dtype, found.shape) == (np.dtype(object), array.shape)
    wanted = [t.decode() if isinstance(t, bytes) else t for t in array.ravel().tolist()]
    assert found.ravel().tolist() == wanted


@pytest.mark.parametrize(
    ("text", "why"), [("ab\0c", "NUL"), (b"\0", "NUL"), ("\ud800", "surrogates"), (7, "type")]
)
def test_strings_that_would_change_on_the_way_are_refused(text: object, why: str) -> None:
    session = through("Identity", TensorProto.STRING, 1)
    with pytest.raises(ei.InputError, match=f"input 'x'.*{why}"):
        session.run(np.array(["fine", text], object))


def sequence_model(as_input: bool) -> bytes:
    listed = helper.make_tensor_sequence_value_info("s", TensorProto.FLOAT, [2])
    if as_input:
        node = helper.make_node("SequenceLength", ["s"], ["y"])
        return model_bytes([node], [listed], [tensor("y", (), TensorProto.INT64)])
    nodes = [
        helper.make_node("SequenceConstruct", ["x", "x"], ["s"]),
        helper.make_node("Neg", ["x"], ["y"]),
    ]
    return model_bytes(nodes, [tensor("x", (2,))], [listed, tensor("y", (2,))])


def test_a_sequence_is_refused_as_an_input() -> None:
    with pytest.raises(ei.ModelError, match=r"input 's': found a sequence.*wanted a tensor"):
        ei.Session(sequence_model(as_input=True), threads=1)


def test_a_sequence_among_the_outputs_leaves_the_others_usable() -> None:
    session = ei.Session(sequence_model(as_input=False), threads=1)
    frame = np.ones(2, np.float32)
    assert session.outputs[0] == ei.TensorSpec("s", "unknown", ())
    with pytest.raises(ei.RunError, match=r"output 's': found a sequence.*outputs=\["):
        session.run(frame)
    np.testing.assert_array_equal(session.run(frame, outputs=["y"])["y"], -frame)
    with pytest.raises(ei.InputError, match="'s' is a tensor of unknown"):
        session.bind()
    binding = session.bind(outputs=["y"])
    binding.inputs["x"][...] = frame
    binding.run()
    np.testing.assert_array_equal(binding.outputs["y"], -frame)


def test_an_empty_optional_is_told_apart_from_a_tensor() -> None:
    kind = helper.make_tensor_type_proto(TensorProto.FLOAT, [2])
    nodes = [
        helper.make_node("Optional", [], ["o"], type=kind),
        helper.make_node("Neg", ["x"], ["y"]),
    ]
    optional = helper.make_value_info("o", helper.make_optional_type_proto(kind))
    model = model_bytes(nodes, [tensor("x", (2,))], [optional, tensor("y", (2,))])
    session = ei.Session(model, threads=1)
    with pytest.raises(ei.RunError, match="output 'o': found"):
        session.run(np.ones(2, np.float32))
    assert session.run(np.ones(2, np.float32), outputs=["y"])["y"].tolist() == [-1, -1]
