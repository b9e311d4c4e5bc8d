"""Opset imports and functions: each once, and unfolding to an end."""

import time
from itertools import pairwise

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

import edgeinfer as ei
from session.networks import doubler

from .handmade import F32, codes


def test_opset_imports_are_there_once() -> None:
    model = onnx.load_from_string(doubler())
    model.opset_import.append(helper.make_opsetid("ai.onnx", 17))
    assert codes(model.SerializeToString()) == []
    model.opset_import[1].version = 11
    assert codes(model.SerializeToString()) == ["opset"]
    with pytest.raises(ei.ModelError, match="versions 17 and 11"):
        ei.Session(model.SerializeToString())
    del model.opset_import[:]
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    with pytest.raises(ei.ModelError, match=r"no opset import of ai\.onnx, but Add is of it"):
        ei.Session(model.SerializeToString())


def calling(functions: int, times: int) -> bytes:
    """Functions of which each calls the next one `times` times, in a row."""
    model = onnx.load_from_string(doubler((4,)))
    model.opset_import.append(helper.make_opsetid("my", 1))
    imports = list(model.opset_import)
    for i in range(functions):
        called = f"f{(i + 1) % functions}" if times < 0 else f"f{i + 1}"
        names = ["a", *(f"t{k}" for k in range(abs(times) - 1)), "b"]
        body = [helper.make_node(called, [one], [two], domain="my") for one, two in pairwise(names)]
        if times > 0 and i == functions - 1:
            body = [helper.make_node("Relu", ["a"], ["b"])]
        model.functions.append(helper.make_function("my", f"f{i}", ["a"], ["b"], body, imports))
    model.graph.node[0].CopyFrom(helper.make_node("f0", ["x"], ["y"], domain="my"))
    return model.SerializeToString()


def test_functions_that_unfold_without_end_are_refused() -> None:
    assert codes(calling(5, 2)) == []
    ei.Session(calling(5, 2))
    start = time.perf_counter()
    for model in (calling(40, 2), calling(300, 9), calling(1, -1), calling(7, -1)):
        assert codes(model) == ["function"]
        with pytest.raises(ei.ModelError, match="model refused: "):
            ei.Session(model)
    assert codes(calling(5000, 1)) == ["function"]  # a chain too deep to follow
    assert time.perf_counter() - start < 10


def test_constants_that_functions_copy_without_end_are_refused() -> None:
    def copying(depth: int) -> bytes:
        model = onnx.load_from_string(calling(depth, 2))
        last = model.functions[depth - 1]
        held = numpy_helper.from_array(np.ones(2**18, F32))  # 1 MB
        last.node.insert(0, helper.make_node("Constant", [], ["big"], value=held))
        return model.SerializeToString()

    assert codes(copying(8)) == []  # 128 MB
    assert codes(copying(10)) == ["function"]  # 512 MB
    with pytest.raises(ei.ModelError, match="bytes of constants more than it holds"):
        ei.Session(copying(10))
