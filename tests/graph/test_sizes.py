"""Tensors that a file makes huge are refused before anything allocates them."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import NodeProto, helper

import edgeinfer as ei
from session.networks import doubler, model_bytes, tensor

from .handmade import F32, IDS, codes, sizes


def made_by(node: NodeProto, held: dict[str, NDArray], into: str = "big") -> bytes:
    """A model whose first node makes "big" of x (1, 3, 8, 8)."""
    use = helper.make_node("ReduceMax", [into], ["y"], keepdims=0)
    return model_bytes([node, use], [tensor("x", (1, 3, 8, 8))], [tensor("y", ())], held)


HUGE: dict[str, Callable[[int], bytes]] = {  # each makes about 4 * n bytes, from x if it reads it
    "ConstantOfShape": lambda n: made_by(
        helper.make_node("ConstantOfShape", ["s"], ["big"]), {"s": sizes(n)}
    ),
    "Expand": lambda n: made_by(
        helper.make_node("Expand", ["x", "s"], ["big"]), {"s": sizes(n // 192, 3, 8, 8)}
    ),
    "Tile": lambda n: made_by(
        helper.make_node("Tile", ["x", "s"], ["big"]), {"s": sizes(1, 1, n // 192, 1)}
    ),
    "Pad": lambda n: made_by(
        helper.make_node("Pad", ["x", "s"], ["big"]), {"s": sizes(0, 0, 0, 0, 0, 0, n // 24, 0)}
    ),
    "Resize": lambda n: made_by(
        helper.make_node("Resize", ["x", "", "", "s"], ["big"]), {"s": sizes(1, 3, 8, n // 24)}
    ),
    "Range": lambda n: made_by(
        helper.make_node("Range", ["a", "s", "b"], ["big"]),
        {"a": np.array(0), "s": np.array(n // 2), "b": np.array(1)},
    ),
    "RandomNormal": lambda n: made_by(
        helper.make_node("RandomNormal", [], ["big"], shape=[n]), {}
    ),
    "OneHot": lambda n: made_by(
        helper.make_node("OneHot", ["i", "s", "v"], ["big"]),
        {"i": sizes(1), "s": np.array(n), "v": np.zeros(2, np.uint8)},
    ),
    "Conv": lambda n: made_by(
        helper.make_node("Conv", ["x", "w"], ["big"], pads=[0, 0, n // 6, 0]),
        {"w": np.zeros((1, 3, 3, 3), F32)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("op", HUGE)
def test_what_constants_make_huge_is_refused(op: str) -> None:
    model = HUGE[op](3 * 2**29)
    assert codes(model) == ["size"]
    with pytest.raises(ei.ModelError, match=r"model refused: .*max_tensor_mb"):
        ei.Session(model)
    assert codes(HUGE[op](2**20)) == []
    assert codes(HUGE[op](2**62)) == ["size"]


def small(op: str, first: NDArray, second: NDArray) -> bytes:
    """A ConstantOfShape of about 4 GB, whose sizes another node computes from constants."""
    nodes = [
        helper.make_node(op, ["a", "b"], ["s"], **({"axis": 0} if op == "Concat" else {})),
        helper.make_node("Cast", ["s"], ["t"], to=IDS),
        helper.make_node("ConstantOfShape", ["t"], ["big"]),
        helper.make_node("ReduceMax", ["big"], ["y"], keepdims=0),
    ]
    held = {"a": first, "b": second}
    return model_bytes(nodes, [tensor("x", ())], [tensor("y", ())], held)


def of_constants(op: str, *held: NDArray, **attributes: object) -> bytes:
    names = [f"c{i}" for i in range(len(held))]
    node = helper.make_node(op, names, ["big"], **attributes)
    return made_by(node, dict(zip(names, held, strict=True)))


@pytest.mark.parametrize(
    "model",
    [
        small("Add", sizes(10**9), sizes(5)),
        small("Sub", sizes(10**9), sizes(5)),
        small("Mul", sizes(10**5), sizes(10**4)),
        small("Div", sizes(10**12), sizes(10**3)),
        small("Max", sizes(5), sizes(10**9)),
        small("Concat", sizes(10**5), sizes(10**4)),
        of_constants("Range", F32(0), F32(5e8), F32(1)),
        of_constants("HannWindow", np.array(10**9)),
        of_constants("Einsum", np.ones(30000, F32), np.ones(30000, F32), equation="i,j->ij"),
        of_constants("Einsum", np.ones(30000, F32), np.ones(30000, F32), equation="i, j"),
        of_constants("Gather", np.ones((1, 30000), F32), np.zeros(30000, np.int64)),
    ],
)  # fmt: skip
def test_sizes_that_constants_lead_to_are_found(model: bytes) -> None:
    assert codes(model) == ["size"]


def test_weights_of_the_file_may_be_larger_than_what_it_computes() -> None:
    # 1 MB of int8 becomes 4 MB of floats, where 16 MB leave 2 MB to what constants make.
    held = {"w": np.ones((1024, 1024), np.int8), "s": F32(1)}
    nodes = [
        helper.make_node("DequantizeLinear", ["w", "s"], ["f"]),
        helper.make_node("Transpose", ["f"], ["t"], perm=[1, 0]),
        helper.make_node("MatMul", ["x", "t"], ["y"]),
    ]
    ends = [tensor("x", (1, 1024))], [tensor("y", (1, 1024))]
    options = ei.SessionOptions(max_tensor_mb=16)
    ei.Session(model_bytes(nodes, *ends, held), threads=1, options=options)
    nodes[1] = helper.make_node("Mul", ["f", "s"], ["t"])
    with pytest.raises(ei.ModelError, match=r"max_tensor_mb, an eighth of which is the limit"):
        ei.Session(model_bytes(nodes, *ends, held), threads=1, options=options)


def test_the_limit_is_the_callers() -> None:
    model = HUGE["Resize"](24 * 2**15)  # 3 MB
    ei.Session(model, options=ei.SessionOptions(max_tensor_mb=3))
    with pytest.raises(ei.ModelError, match="3145728 bytes; the limit is 2097152"):
        ei.Session(model, options=ei.SessionOptions(max_tensor_mb=2))


@pytest.mark.parametrize("wrong", [0, -1, True, 1.5, "1", 2**41, None])
def test_a_limit_that_is_no_size_is_an_input_error(wrong: object) -> None:
    with pytest.raises(ei.InputError, match="max_tensor_mb: found"):
        ei.SessionOptions(max_tensor_mb=wrong)  # type: ignore[arg-type]


def test_a_huge_declared_input_is_refused_before_bind_allocates_it() -> None:
    for shape in ((2**40, 2**40), (2**16, 2**16), (1, 3, 2**32, 1, "n")):
        with pytest.raises(ei.ModelError, match="input 'x' is"):
            ei.Session(doubler(shape))
    ei.Session(doubler(("n", "m")))
    ei.Session(doubler((-1, 3)))  # the runtime takes it as symbolic


def test_doubling_a_constant_is_refused_before_the_runtime_computes_it() -> None:
    def doubled(times: int) -> bytes:
        nodes = [
            helper.make_node("Concat", [f"d{i}", f"d{i}"], [f"d{i + 1}"], axis=0)
            for i in range(times)
        ]
        nodes += [
            helper.make_node("ReduceMax", [f"d{times}"], ["r"]),
            helper.make_node("Add", ["x", "r"], ["y"]),
        ]
        return model_bytes(nodes, [tensor("x", (1,))], [tensor("y", (1,))], {"d0": np.ones(1, F32)})

    assert codes(doubled(26)) == []  # 256 MiB
    assert codes(doubled(27)) == ["size"]
    assert codes(doubled(60)) == ["size"]


def test_sizes_inside_of_graphs_are_judged() -> None:
    inner = helper.make_node("ConstantOfShape", ["s"], ["b"])
    branch = helper.make_graph([inner], "b", [], [tensor("b", ("n",))])
    choose = helper.make_node("If", ["yes"], ["y"], then_branch=branch, else_branch=branch)
    held = {"yes": np.array(True), "s": sizes(2**40)}
    assert codes(model_bytes([choose], [tensor("x", ())], [tensor("y", ("n",))], held)) == ["size"]
