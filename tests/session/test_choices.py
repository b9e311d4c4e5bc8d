"""What a caller may leave out or lend: optional inputs, chosen outputs, arrays to write into."""

import ml_dtypes
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

import edgeinfer as ei
from session.networks import FLOAT, convolution, model_bytes, reference, tensor, with_resize
from session.test_element_types import NIBBLES, NUMBERS

X6 = np.arange(6, dtype=np.float32).reshape(2, 3)
ONES = np.ones(3, np.float32)


def affine(ir: int = 8) -> bytes:
    """y = x * scale + shift, scale and shift with defaults of 1 and 2; `unused` is read by none."""
    nodes = [
        helper.make_node("Mul", ["x", "scale"], ["m"]),
        helper.make_node("Add", ["m", "shift"], ["y"]),
    ]
    weights = {"scale": ONES, "shift": 2 * ONES, "unused": ONES}
    inputs = [tensor("x", ("n", 3)), *(tensor(name, (3,)) for name in weights)]
    return model_bytes(nodes, inputs, [tensor("y", ("n", 3))], weights, ir=ir)


@pytest.mark.parametrize("given", [(), ("scale",), ("shift",), ("shift", "scale", "unused")])
def test_inputs_with_defaults_are_given_or_left_out(given: tuple[str, ...]) -> None:
    session = ei.Session(affine(), threads=1)
    assert [s.name for s in session.inputs] == ["x"]
    assert session.optional_inputs == tuple(
        ei.TensorSpec(name, "float32", (3,)) for name in ("scale", "shift", "unused")
    )
    feeds = {"x": X6, **{name: np.array([3, 4, 5], np.float32) for name in given}}
    wanted = reference(affine()).run(None, feeds)[0]
    np.testing.assert_array_equal(session.run(feeds)["y"], wanted)
    np.testing.assert_array_equal(session.run_async(feeds).result(30)["y"], wanted)
    binding = session.bind({name: array.shape for name, array in feeds.items()})
    assert list(binding.inputs) == ["x", *(n for n in ("scale", "shift", "unused") if n in given)]
    for name, array in feeds.items():
        assert not binding.inputs[name].any()
        binding.inputs[name][...] = array
    binding.run()
    np.testing.assert_array_equal(binding.outputs["y"], wanted)


def test_one_array_is_the_input_that_has_no_default() -> None:
    session = ei.Session(affine(), threads=1)
    np.testing.assert_array_equal(session.run(X6)["y"], X6 + 2)
    with pytest.raises(ei.InputError, match="inputs: 'x' is missing"):
        session.run({"scale": ONES})
    with pytest.raises(ei.InputError, match=r"input 'scale': found float32 \(2,\), wanted"):
        session.run({"x": X6, "scale": ONES[:2]})
    with pytest.raises(ei.InputError, match="found the name 'other', wanted one of 'x', 'scale'"):
        session.run({"x": X6, "other": ONES})
    with pytest.raises(ei.InputError, match="bind: the shape given for input 'scale'"):
        session.bind({"x": (2, 3), "scale": (4,)})
    out = np.empty((2, 3), np.float32)
    with pytest.raises(ei.InputError, match="shares memory with input 'scale'"):
        session.run({"x": X6, "scale": out[0]}, out={"y": out})


def test_before_ir_4_an_initialiser_is_fixed() -> None:
    session = ei.Session(affine(ir=3), threads=1)
    assert session.optional_inputs == ()
    with pytest.raises(ei.InputError, match="found the name 'scale'"):
        session.run({"x": X6, "scale": ONES})
    np.testing.assert_array_equal(session.run(X6)["y"], X6 + 2)


@pytest.mark.parametrize("fuse", [True, False])
def test_a_default_in_front_of_a_cut_tail_can_be_replaced(fuse: bool) -> None:
    proto = onnx.load_from_string(with_resize(convolution(8)))
    weights = proto.graph.initializer[0]
    proto.graph.input.append(tensor(weights.name, weights.dims))
    options = ei.SessionOptions(fuse_tail=fuse)
    session = ei.Session(proto.SerializeToString(), threads=1, options=options)
    assert session.describe()["tail"]["cut"] is fuse
    assert [s.name for s in session.optional_inputs] == ["w"]
    rng = np.random.default_rng(4)
    feeds = {
        "x": rng.normal(size=(1, 3, 8, 8)).astype(np.float32),
        "w": rng.normal(size=tuple(weights.dims)).astype(np.float32),
    }
    oracle = reference(proto.SerializeToString())
    for given in (feeds, {"x": feeds["x"]}):
        wanted = oracle.run(None, given)[0]
        np.testing.assert_allclose(session.run(given)["z"], wanted, rtol=1e-5, atol=1e-5)
        classes = session.segment(given).classes
        assert (classes == wanted[0].argmax(0)).mean() > 0.999
        binding = session.bind({name: a.shape for name, a in given.items()})
        for name, array in given.items():
            binding.inputs[name][...] = array
        binding.run()
        np.testing.assert_allclose(binding.outputs["z"], wanted, rtol=1e-5, atol=1e-5)


def three() -> ei.Session:
    nodes = [helper.make_node(op, ["x"], [name]) for op, name in OPS.items()]
    outputs = [tensor(name, ("n", 3)) for name in OPS.values()]
    return ei.Session(model_bytes(nodes, [tensor("x", ("n", 3))], outputs), threads=1)


OPS = {"Neg": "neg", "Abs": "abs", "Sqrt": "sqrt"}


def test_some_outputs_are_lent_and_others_made() -> None:
    session = three()
    for lent in ((), ("abs",), ("sqrt", "neg"), ("neg", "abs", "sqrt")):
        out = {name: np.full((2, 3), 9, np.float32) for name in lent}
        found = session.run(X6, out=out)
        assert list(found) == ["neg", "abs", "sqrt"]
        for name, wanted in (("neg", -X6), ("abs", X6), ("sqrt", np.sqrt(X6))):
            np.testing.assert_array_equal(found[name], wanted)
            assert (found[name] is out.get(name)) is (name in lent)
    block = np.empty((2, 2, 3), np.float32)
    session.run(X6, outputs=["sqrt", "neg"], out={"neg": block[1], "sqrt": block[0]})
    np.testing.assert_array_equal(block, [np.sqrt(X6), -X6])
    with pytest.raises(ei.InputError, match=r"out\['abs'\]: found an array that shares memory"):
        session.run(X6, out={"neg": block[1], "abs": block[1]})


EVERY_TYPE = {**NUMBERS, "object": TensorProto.STRING, **NIBBLES}


def kind_of(name: str) -> np.dtype:
    return np.dtype(getattr(ml_dtypes, name, name))


def through(kind: int) -> ei.Session:
    # 4-bit values pass through a Cast: the runtime has no Identity of theirs.
    packed = kind in (TensorProto.INT4, TensorProto.UINT4)
    op, source, more = ("Cast", FLOAT, {"to": kind}) if packed else ("Identity", kind, {})
    node = helper.make_node(op, ["x"], ["y"], **more)
    axes = ("n", "m")
    return ei.Session(
        model_bytes(
            [node], [tensor("x", axes, source)], [tensor("y", axes, kind)], opset=21, ir=10
        ),
        threads=1,
    )


def values(name: str, shape: tuple[int, int]) -> NDArray:
    count = shape[0] * shape[1]
    numbers = np.arange(count).reshape(shape) % (2 if name == "bool" else 7)
    if name == "object":
        return np.array([f"text {n}ä" for n in range(count)], object).reshape(shape)
    return numbers.astype(np.float32).astype(kind_of(name))


@pytest.mark.parametrize("name", EVERY_TYPE)
@pytest.mark.parametrize("shape", [(2, 5), (0, 3), (4, 0)], ids=str)
def test_every_type_is_written_into_an_array_that_is_lent(
    name: str, shape: tuple[int, int]
) -> None:
    session = through(EVERY_TYPE[name])
    wanted = values(name, shape)
    given = wanted.astype(np.float32) if session.inputs[0].dtype == "float32" else wanted
    out = np.zeros(shape, kind_of(name))
    assert session.run(given, out={"y": out})["y"] is out
    assert out.tolist() == wanted.tolist()
    assert session.run_async(given, out={"y": out}).result(30)["y"] is out
    if shape[0] == 2:
        with pytest.raises(ei.InputError, match=r"out"):
            session.run(given, out={"y": np.zeros((3, 5), kind_of(name))})
        strided = np.zeros((2, 10), kind_of(name))[:, ::2]
        with pytest.raises(ei.InputError, match="not C-contiguous"):
            session.run(given, out={"y": strided})
        out.setflags(write=False)
        with pytest.raises(ei.InputError, match="read-only"):
            session.run(given, out={"y": out})


def test_text_is_written_into_objects_only() -> None:
    session = through(TensorProto.STRING)
    text = values("object", (1, 2))
    for fixed in (np.zeros((1, 2), "U9"), np.zeros((1, 2), "S9")):
        with pytest.raises(ei.InputError, match=r"out\['y'\]: found .*wanted an array of objects"):
            session.run(text, out={"y": fixed})


def optional_model() -> bytes:
    """y = the value of an optional input, which only another graph can make."""
    kind = helper.make_optional_type_proto(helper.make_tensor_type_proto(FLOAT, [2]))
    node = helper.make_node("OptionalGetElement", ["o"], ["y"])
    return model_bytes([node], [helper.make_value_info("o", kind)], [tensor("y", (2,))])


def test_an_input_of_optional_type_is_refused_at_load() -> None:
    with pytest.raises(ei.ModelError, match=r"input 'o': found .*optional, wanted a tensor"):
        ei.Session(optional_model(), threads=1)


@pytest.mark.parametrize("shape", [(0, 3), (2, 0), (0, 0)], ids=str)
def test_axes_of_no_size_go_in_and_come_out(shape: tuple[int, int]) -> None:
    session = ei.Session(
        model_bytes(
            [helper.make_node("Concat", ["x", "x"], ["y"], axis=0)],
            [tensor("x", ("n", "m"))],
            [tensor("y", ("k", "m"))],
        ),
        threads=1,
    )
    x = np.zeros(shape, np.float32)
    wanted = (2 * shape[0], shape[1])
    assert session.run(x)["y"].shape == wanted
    out = np.zeros(wanted, np.float32)
    assert session.run(x, out={"y": out})["y"] is out
    binding = session.bind({"x": shape})
    binding.run()
    assert binding.outputs["y"].shape == wanted
    assert session.run_async(x).result(30)["y"].shape == wanted
