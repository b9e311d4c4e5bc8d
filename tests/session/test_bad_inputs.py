"""What does not fit is refused in words: what was found, what was wanted, and what to do."""

import gc
import re
import weakref
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

import edgeinfer as ei
from session.networks import doubler, model_bytes, tensor

GOOD = np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.fixture(scope="module")
def fixed() -> ei.Session:
    return ei.Session(doubler((2, 3)), threads=1)


@pytest.fixture(scope="module")
def symbolic() -> ei.Session:
    return ei.Session(doubler(("rows", 3)), threads=1)


@pytest.fixture(scope="module")
def pair() -> ei.Session:
    """y = a + b, z = a - b."""
    nodes = [helper.make_node("Add", ["a", "b"], ["y"]), helper.make_node("Sub", ["a", "b"], ["z"])]
    shapes = [tensor(name, (2, 3)) for name in "abyz"]
    return ei.Session(model_bytes(nodes, shapes[:2], shapes[2:]), threads=1)


WANTED = r"wanted float32 \(2, 3\)"


@pytest.mark.parametrize(
    ("array", "found"),
    [
        (GOOD.astype(np.float64), rf"found float64 \(2, 3\), {WANTED}; convert it with"),
        (GOOD.astype(np.uint8), rf"found uint8 \(2, 3\), {WANTED}"),
        (GOOD.astype(bool), rf"found bool \(2, 3\), {WANTED}"),
        (GOOD.astype(object), rf"found object \(2, 3\), {WANTED}"),
        (GOOD.astype("datetime64[s]"), rf"found datetime64\[s\] \(2, 3\), {WANTED}"),
        (GOOD.astype(np.longdouble), rf"found float128 \(2, 3\), {WANTED}"),
        (np.zeros((2, 3), [("a", "f4")]), rf"found .* \(2, 3\), {WANTED}"),
        (GOOD.astype(">f4"), "foreign order.*newbyteorder"),
        (GOOD[0], rf"found float32 \(3,\), {WANTED}; reshape"),
        (GOOD[None], rf"found float32 \(1, 2, 3\), {WANTED}"),
        (GOOD.T, rf"found float32 \(3, 2\), {WANTED}"),
        (np.float32(1), rf"found float32 \(\), {WANTED}"),
        (np.array(1, np.float32), rf"found float32 \(\), {WANTED}"),
        (np.zeros((2, 0), np.float32), rf"found float32 \(2, 0\), {WANTED}"),
        (GOOD.tolist(), r"found list, wanted .*numpy\.asarray"),
        (None, "found NoneType, wanted"),
        (10**40, "found int, wanted"),
        ("text", "found str, wanted"),
        (memoryview(b"abcdef"), rf"found uint8 \(6,\), {WANTED}"),
    ],
)
def test_an_input_that_does_not_fit(fixed: ei.Session, array: object, found: str) -> None:
    for inputs in (array, {"x": array}):
        with pytest.raises(ei.InputError, match=f"input 'x': .*{found}"):
            fixed.run(inputs)
        with pytest.raises(ei.InputError, match=f"input 'x': .*{found}"):
            fixed.segment(inputs)


@pytest.mark.parametrize(
    ("inputs", "found"),
    [
        ({}, r"inputs: 'x' is missing, wanted float32 \(2, 3\)"),
        ({"y": GOOD}, "found the name 'y', wanted one of 'x'"),
        ({"x": GOOD, "more": GOOD}, "found the name 'more', wanted one of 'x'"),
        ({1: GOOD}, "inputs: found int, wanted str"),
        ({"\ud800": GOOD}, "inputs: .*surrogates"),
        ({"x\0": GOOD}, "found the name 'x"),
    ],
)
def test_names_that_do_not_fit(fixed: ei.Session, inputs: dict[object, object], found: str) -> None:
    with pytest.raises(ei.InputError, match=found):
        fixed.run(inputs)


def test_one_array_for_two_inputs(pair: ei.Session) -> None:
    with pytest.raises(ei.InputError, match=r"one array for a model of 2 inputs.*'a', 'b'"):
        pair.run(GOOD)
    with pytest.raises(ei.InputError, match="'b' is missing"):
        pair.run({"a": GOOD})


class Masked(np.ndarray):
    """A subclass, as libraries make them."""


@pytest.mark.parametrize(
    "array",
    [
        np.asfortranarray(GOOD),
        GOOD.view(Masked),
        np.ma.masked_array(GOOD),
        GOOD[::-1],
        np.broadcast_to(GOOD[0], (2, 3)),
    ],
    ids=["fortran", "subclass", "masked", "reversed", "broadcast"],
)
def test_any_layout_and_subclass_is_taken(fixed: ei.Session, array: np.ndarray) -> None:
    np.testing.assert_array_equal(fixed.run(array)["y"], np.asarray(array) * 2)


def test_the_copy_of_a_strided_input_lives_until_the_run_ends() -> None:
    # Above any threshold of the allocator: once freed, it is no memory of the process any more.
    side = 4096
    array = np.broadcast_to(np.arange(side, dtype=np.float32)[:, None], (side, side))
    with ei.Session(doubler((side, side)), threads=1, cache=False) as session:
        found = session.run(array)["y"]
    np.testing.assert_array_equal(found, 2 * array)


def test_any_mapping_is_taken(pair: ei.Session) -> None:
    inputs: Mapping[str, np.ndarray] = MappingProxyType({"b": GOOD, "a": 3 * GOOD})
    np.testing.assert_array_equal(pair.run(inputs)["z"], 2 * GOOD)


@pytest.mark.parametrize(
    ("outputs", "found"),
    [
        ([], "outputs: found an empty list, wanted one or more of 'y', 'z'"),
        (["nothing"], "outputs: found the name 'nothing', wanted one of 'y', 'z'"),
        (["z", "y", "z"], "outputs: found 'z' twice"),
        ([None], "outputs: found NoneType, wanted str"),
        ("y", "outputs: found 'y', wanted a list"),
        (5, "outputs: found 5, wanted a list"),
    ],
)
def test_outputs_that_do_not_fit(pair: ei.Session, outputs: object, found: str) -> None:
    inputs = {"a": GOOD, "b": GOOD}
    with pytest.raises(ei.InputError, match=found):
        pair.run(inputs, outputs=outputs)  # type: ignore[arg-type]
    with pytest.raises(ei.InputError, match=found):
        pair.bind(outputs=outputs)  # type: ignore[arg-type]


def test_outputs_come_in_the_order_asked_for(pair: ei.Session) -> None:
    inputs = {"a": 3 * GOOD, "b": GOOD}
    found = pair.run(inputs, outputs=("z", "y"))
    assert list(found) == ["z", "y"]
    np.testing.assert_array_equal(found["z"], 2 * GOOD)
    assert list(pair.run(inputs, outputs=["z"])) == ["z"]
    assert list(pair.bind(outputs=["z"]).outputs) == ["z"]


def read_only() -> np.ndarray:
    array = np.empty((2, 3), np.float32)
    array.setflags(write=False)
    return array


def misaligned() -> np.ndarray:
    return np.empty(25, np.uint8)[1:].view(np.float32).reshape(2, 3)


@pytest.mark.parametrize(
    ("array", "found"),
    [
        (np.empty((2, 3), np.float64), rf"found float64 \(2, 3\), {WANTED}"),
        (np.empty((3, 2), np.float32), r"found float32 \(3, 2\), wanted a writable"),
        (np.empty((2, 6), np.float32)[:, ::2], "not C-contiguous"),
        (np.empty((3, 2), np.float32).T, "not C-contiguous"),
        (read_only(), "read-only"),
        (misaligned(), "not aligned"),
        (np.empty((2, 3), ">f4"), "foreign order"),
        (b"\0" * 24, "found uint8"),
        (None, "found NoneType"),
        ([[0.0] * 3] * 2, "found list"),
    ],
)
def test_an_out_that_does_not_fit(fixed: ei.Session, array: object, found: str) -> None:
    with pytest.raises(ei.InputError, match=rf"out\['y'\]: .*{found}"):
        fixed.run(GOOD, out={"y": array})  # type: ignore[dict-item]


def test_out_names_that_do_not_fit(pair: ei.Session) -> None:
    inputs, spare = {"a": GOOD, "b": GOOD}, np.empty((2, 3), np.float32)
    with pytest.raises(ei.InputError, match="out: found the name 'x', wanted one of 'y', 'z'"):
        pair.run(inputs, out={"x": spare})
    with pytest.raises(ei.InputError, match=r"out: found 'z', which outputs=\[...\] leaves out"):
        pair.run(inputs, outputs=["y"], out={"z": spare})
    with pytest.raises(ei.InputError, match="out: found int, wanted str"):
        pair.run(inputs, out={7: spare})  # type: ignore[dict-item]
    with pytest.raises(ei.InputError, match="out: found ndarray, wanted"):
        pair.run(inputs, out=spare)  # type: ignore[arg-type]


@pytest.mark.parametrize("rows", [0, 1, 3, 2000])
@pytest.mark.parametrize("op", ["Add", "Identity", "Flatten", "Relu", "Concat"])
def test_an_out_of_a_wrong_symbolic_size_is_told_when_the_runtime_knows(op: str, rows: int) -> None:
    two = ["x", "x"] if op in ("Add", "Concat") else ["x"]
    node = helper.make_node(op, two, ["y"], **({"axis": 1} if op in ("Concat", "Flatten") else {}))
    columns = 6 if op == "Concat" else 3
    model = model_bytes([node], [tensor("x", ("r", 3))], [tensor("y", ("r", columns))])
    session = ei.Session(model, threads=1)
    guard = np.full((rows + 4, columns), 7, np.float32)
    with pytest.raises(ei.InputError, match="out: an array has another size") as caught:
        session.run(GOOD, out={"y": guard[2 : 2 + rows]})
    assert re.search(rf"\b{rows},{columns}\b.*\b2,{columns}\b", str(caught.value))
    assert (guard == 7).all()
    # The session serves the next caller.
    assert session.run(GOOD)["y"].shape == (2, columns)


def test_an_out_that_overlaps_an_input_or_another_out_is_refused(pair: ei.Session) -> None:
    block = np.zeros((5, 3), np.float32)
    inputs = {"a": block[:2], "b": GOOD}
    with pytest.raises(ei.InputError, match=r"out\['y'\].*shares memory with input 'a'"):
        pair.run(inputs, out={"y": block[1:3]})
    with pytest.raises(ei.InputError, match=r"shares memory with out\['y'\]"):
        pair.run(inputs, out={"y": block[2:4], "z": block[3:5]})
    pair.run(inputs, out={"y": block[2:4]})
    np.testing.assert_array_equal(block[2:4], GOOD)


def test_tensors_of_no_elements_go_through(symbolic: ei.Session) -> None:
    empty = np.zeros((0, 3), np.float32)
    assert symbolic.run(empty)["y"].shape == (0, 3)
    out = np.zeros((0, 3), np.float32)
    assert symbolic.run(empty, out={"y": out})["y"] is out
    binding = symbolic.bind({"x": (0, 3)})
    binding.run()
    assert binding.outputs["y"].shape == (0, 3)


@pytest.mark.parametrize(
    ("shapes", "found"),
    [
        (None, "input 'x' has symbolic axes"),
        ({}, "input 'x' has symbolic axes"),
        ({"x": (2, 4)}, "does not fit what the model declares"),
        ({"x": (2,)}, "does not fit what the model declares"),
        ({"x": (2, 3), "w": (1,)}, "'w', which is no input"),
        ({"x": (-1, 3)}, "shapes: found"),
        ({"x": (2.5, 3)}, "shapes: found"),
        ({"x": ("2", 3)}, "shapes: found"),
        ({"x": 6}, "shapes: found"),
        ({"x": None}, "shapes: found"),
        ({3: (2, 3)}, "shapes: found"),
        ({"x": (2**70, 3)}, "shapes: found"),
        ({"x": (True, 3)}, "shapes: found"),
        ({"x": np.array([True, True])}, "shapes: found"),
        ({"x": (2**62, 3)}, "product of the sizes"),
        ([("x", (2, 3))], "shapes: found list"),
    ],
)
def test_shapes_that_do_not_fit(symbolic: ei.Session, shapes: object, found: str) -> None:
    with pytest.raises(ei.InputError, match=found):
        symbolic.bind(shapes)  # type: ignore[arg-type]


def test_a_shape_beyond_all_memory_is_a_run_error(symbolic: ei.Session) -> None:
    found = rf"no memory for 'x', float32 \({2**57}, 3\), wanted {2**57 * 12} bytes; bind a smaller"
    with pytest.raises(ei.RunError, match=found):
        symbolic.bind({"x": (2**57, 3)})


def test_what_is_assigned_to_a_buffers_name_is_refused_and_written_into_it_is_not(
    fixed: ei.Session,
) -> None:
    binding = fixed.bind()
    for views in (binding.inputs, binding.outputs):
        (name,) = views
        view = views[name]
        for value in (GOOD, view.copy(), None, view[...]):
            with pytest.raises(ei.InputError, match=rf"{name}.*\['{name}'\]\[\.\.\.\] = value"):
                views[name] = value  # type: ignore[assignment]
        with pytest.raises(ei.InputError, match="'other'"):
            views["other"] = GOOD
        assert list(views) == [name]
        assert views[name] is view
        assert len(views) == 1
        assert repr(views) == f"<BoundArrays '{name}': float32 (2, 3)>"
    binding.inputs["x"][...] = GOOD
    binding.inputs["x"] *= 4  # in place, and then assigned to its own name
    binding.run()
    assert np.array_equal(binding.outputs["y"], GOOD * 8)


@pytest.mark.parametrize("read", [ei.Session, ei.inspect])
def test_a_released_memoryview_is_an_input_error(read: Callable[[memoryview], object]) -> None:
    model = memoryview(doubler())
    model.release()
    with pytest.raises(ei.InputError, match=r"model: found a memoryview that .*before it is rel"):
        read(model)


@pytest.mark.parametrize(
    "size",
    [
        (0, 1),
        (1, 2**20 + 1),
        (True, 4),
        (4, np.True_),
        (1.5, 2),
        ("1", "2"),
        (1, 2, 3),
        (),
        5,
        None.__class__,
        "ab",
    ],
)
def test_sizes_that_do_not_fit(fixed: ei.Session, size: object) -> None:
    with pytest.raises(ei.InputError, match="size: found"):
        fixed.segment(GOOD, size=size)  # type: ignore[arg-type]


def test_a_failure_inside_the_network_is_a_run_error_and_the_session_lives() -> None:
    node = helper.make_node("Reshape", ["x", "shape"], ["y"])
    model = model_bytes(
        [node],
        [tensor("x", ("n",)), tensor("shape", (2,), TensorProto.INT64)],
        [tensor("y", ("a", "b"))],
    )
    session = ei.Session(model, threads=1)
    x = np.arange(6, dtype=np.float32)
    with pytest.raises(ei.RunError, match="run the model: ONNX Runtime") as caught:
        session.run({"x": x, "shape": np.array([4, 4])})
    assert caught.value.reason == "runtime"
    assert session.run({"x": x, "shape": np.array([3, 2])})["y"].shape == (3, 2)
    with pytest.raises(ei.RunError):
        session.bind({"x": (6,)}).run()


class Lending:
    """A fresh array at every DLPack request, and something that happens before it."""

    def __init__(self, before: Callable[[], object] = lambda: None) -> None:
        self._before = before
        self.lent: weakref.ref[NDArray[np.float32]] | None = None

    def __dlpack__(self, **wanted: Any) -> object:
        self._before()
        array = GOOD.copy()
        self.lent = weakref.ref(array)
        return array.__dlpack__(**wanted)

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)


def test_what_out_lends_is_held_until_the_run_is_over(pair: ei.Session) -> None:
    first = Lending()

    def is_held() -> None:
        gc.collect()
        assert first.lent is not None
        assert first.lent() is not None

    second = Lending(is_held)
    out = {"y": first, "z": second}
    found = pair.run({"a": GOOD, "b": GOOD}, out=out)  # type: ignore[arg-type]
    assert (found["y"], found["z"]) == (first, second)
    assert first.lent is not None
    assert first.lent() is None


def test_inputs_may_be_changed_while_they_are_read(pair: ei.Session) -> None:
    inputs: dict[str, object] = {}
    inputs |= {"a": Lending(inputs.clear), "b": GOOD.copy()}
    np.testing.assert_array_equal(pair.run(inputs)["y"], GOOD + GOOD)
    assert not inputs


def test_a_picture_handed_to_run_hears_of_preprocess(fixed: ei.Session) -> None:
    with pytest.raises(ei.InputError, match=r"make it with edgeinfer.Preprocess"):
        fixed.run(np.zeros((2, 3), np.uint8))
