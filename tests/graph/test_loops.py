"""Loops without a bound are found, and limited."""

import math
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

import edgeinfer as ei
from session.networks import convolution, counting, doubler, endless, model_bytes, tensor

from .handmade import BOOL, F32, IDS, codes


def looping(most: NDArray | None, outer: NDArray | None = None, place: str = "graph") -> bytes:
    """y = x after a Loop; inside of another one, an If or a function where that is asked for."""
    ends = [tensor("i", (), IDS), tensor("go", (), BOOL), tensor("v", (4,))]
    results = [tensor("on", (), BOOL), tensor("w", (4,))]

    def loop(name: str, held: NDArray | None, source: str, into: str, nodes: list[NodeProto]):
        body = helper.make_graph(
            [*nodes, helper.make_node("Identity", ["go"], ["on"])], name, ends, results
        )
        count = "" if held is None else f"{name}.n"
        out = [helper.make_node("Loop", [count, "", source], [into], body=body)]
        if held is not None:
            value = numpy_helper.from_array(held)
            out.insert(0, helper.make_node("Constant", [], [count], value=value))
        return out

    inner = loop("inner", most, "x" if outer is None else "v", "y" if outer is None else "w", [
        helper.make_node("Identity", ["v"], ["w"])
    ])  # fmt: skip
    nodes = inner if outer is None else loop("outer", outer, "x", "y", inner)
    x, y = tensor("x", (4,)), tensor("y", (4,))
    if place == "if":
        branch = helper.make_graph(nodes, "branch", [], [y])
        nodes = [helper.make_node("If", ["yes"], ["z"], then_branch=branch, else_branch=branch)]
        return model_bytes(nodes, [x], [tensor("z", (4,))], {"yes": np.array(True)})
    if place == "function":
        model = onnx.load_from_string(
            model_bytes([helper.make_node("F", ["x"], ["y"], domain="my")], [x], [y])
        )
        imports = [helper.make_opsetid("", 17)]
        model.functions.append(helper.make_function("my", "F", ["x"], ["y"], nodes, imports))
        model.opset_import.append(helper.make_opsetid("my", 1))
        return model.SerializeToString()
    return model_bytes(nodes, [x], [y])


def casted(to: int) -> bytes:
    """A loop whose number of iterations passes a Cast."""
    model = onnx.load_from_string(counting(5))
    (loop,) = [one for one in model.graph.node if one.op_type == "Loop"]
    model.graph.node.insert(0, helper.make_node("Cast", [loop.input[0]], ["narrow"], to=to))
    model.graph.node.insert(1, helper.make_node("Cast", ["narrow"], ["wide"], to=IDS))
    loop.input[0] = "wide"
    return model.SerializeToString()


def scanning(length: int | str, *, depth: int = 1, held: bool = True, most: int = 1) -> bytes:
    """Scans in each other along "long"; in a loop of ``most`` iterations if that is more than 1."""
    state, one = tensor("v", (1,)), tensor("e", (1,))
    nodes = [helper.make_node("Add", ["v", "v"], ["w"])]
    for _ in range(depth):
        body = helper.make_graph(nodes, "body", [state, one], [tensor("w", (1,))])
        nodes = [helper.make_node("Scan", ["v", "long"], ["w"], body=body, num_scan_inputs=1)]
    inputs = [state]
    weights = {"n": np.array(most)}
    if held:
        assert isinstance(length, int)
        weights["long"] = np.zeros((length, 1), F32)
    else:
        inputs.append(tensor("long", (length, 1)))
    if most > 1:
        go, on = tensor("go", (), BOOL), tensor("on", (), BOOL)
        nodes.append(helper.make_node("Identity", ["go"], ["on"]))
        ends = [tensor("i", (), IDS), go, tensor("v", (1,))]
        body = helper.make_graph(nodes, "loop", ends, [on, tensor("w", (1,))])
        nodes = [helper.make_node("Loop", ["n", "", "v"], ["w"], body=body)]
    return model_bytes(nodes, inputs, [tensor("w", (1,))], weights)


def mapping() -> bytes:
    """Adds each of a sequence of two to itself."""
    body = helper.make_graph(
        [helper.make_node("Add", ["e", "e"], ["f"])], "b", [tensor("e", (1,))], [tensor("f", (1,))]
    )
    nodes = [
        helper.make_node("SequenceConstruct", ["x", "x"], ["s"]),
        helper.make_node("SequenceMap", ["s"], ["t"], body=body),
        helper.make_node("ConcatFromSequence", ["t"], ["y"], axis=0),
    ]
    return model_bytes(nodes, [tensor("x", (1,))], [tensor("y", (2,))])


BOUNDED: list[tuple[bytes, bool]] = [
    (doubler(), True),
    (counting(1000), True),
    (counting(100_000), True),
    (counting(100_001), False),
    (endless(), False),
    (looping(None), False),
    (looping(np.array(5)), True),
    (looping(np.array(5), np.array(7)), True),
    (looping(np.array(500), np.array(700)), False),
    (looping(None, np.array(7)), False),
    (looping(np.array(7), place="if"), True),
    (looping(None, place="if"), False),
    (looping(np.array(7), place="function"), False),
    (looping(np.array(-7)), True),
    (casted(TensorProto.UINT32), False),  # -1 comes out as 2^32 - 1
    (casted(IDS), False),
    (scanning(1000), True),
    (scanning(100_001), False),
    (scanning(300, depth=2), True),
    (scanning(1000, depth=2), False),
    (scanning(1000, depth=5), False),
    (scanning(300, most=300), True),
    (scanning(300, most=500), False),
    (scanning(300, held=False), True),
    (scanning("n", held=False), False),
    (mapping(), False),
]


@pytest.mark.parametrize(("model", "bounded"), BOUNDED)
def test_loops_without_bound_are_found_and_limited(model: bytes, bounded: bool) -> None:
    facts = ei.inspect(model)
    assert facts.may_loop == (not bounded)
    told = ei.Session(model, threads=1).describe()
    assert told["loops"] == {"without_bound": not bounded, "why": facts.loops}
    assert told["timeout_s"] == (None if bounded else 10.0)
    for limit in (3.0, math.inf):
        options = ei.SessionOptions(timeout_s=limit)
        told = ei.Session(model, threads=1, options=options).describe()
        assert told["timeout_s"] == min(limit, 1e9)


def test_a_number_of_iterations_that_is_an_input_is_no_bound() -> None:
    model = onnx.load_from_string(counting(5))
    model.graph.input.append(tensor("most", (), IDS))
    # Since IR version 4 the initialiser is only what a caller may leave.
    assert ei.inspect(model.SerializeToString()).may_loop


def test_a_count_is_followed_in_the_graph_that_computes_it() -> None:
    model = onnx.load_from_string(looping(np.array(5), np.array(7)))
    body = model.graph.node[1].attribute[0].g
    inner = next(one for one in body.node if one.op_type == "Loop")
    inner.input[0] = "count"  # outside: of an "inner.n" that is not the 5 of the body
    model.graph.node.insert(0, helper.make_node("Identity", ["inner.n"], ["count"]))
    model.graph.initializer.append(numpy_helper.from_array(np.array(10**15), "inner.n"))
    assert ei.inspect(model.SerializeToString()).may_loop


def test_a_file_that_cannot_be_looked_at_is_limited_too(tmp_path: Path) -> None:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "m.ort")
    options.add_session_config_entry("session.save_model_format", "ORT")
    onnxruntime.InferenceSession(convolution(), options, providers=["CPUExecutionProvider"])
    told = ei.Session(tmp_path / "m.ort", threads=1).describe()
    assert told["looked_at"] is False
    assert told["loops"]["why"].startswith("not known")
    assert told["timeout_s"] == 10.0


def graph_of(nodes: list[NodeProto], ends: list[ValueInfoProto]) -> onnx.GraphProto:
    return helper.make_graph(nodes, "g", [], ends)


def test_a_branch_may_use_names_that_others_use_outside() -> None:
    # The inner "t" is the branch's own; taken for the outer one, it would close a cycle.
    inner = graph_of([helper.make_node("Neg", ["x"], ["t"])], [tensor("t", (4,))])
    nodes = [
        helper.make_node("If", ["yes"], ["u"], then_branch=inner, else_branch=inner),
        helper.make_node("Relu", ["u"], ["t"]),
        helper.make_node("Identity", ["t"], ["y"]),
    ]
    model = model_bytes(nodes, [tensor("x", (4,))], [tensor("y", (4,))], {"yes": np.array(True)})
    assert codes(model) == []
