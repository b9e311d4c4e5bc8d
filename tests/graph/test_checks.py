"""What is refused before the runtime sees it, what is warned of, and what is left alone."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

import edgeinfer as ei
from session.networks import model_bytes, tensor

from .handmade import F32, codes, pair, sizes


def twice(first: float, last: float, how: str) -> bytes:
    """y = x through int8 and back, with two initialisers for the one scale."""
    model = onnx.load_from_string(pair(F32(first), np.uint8(0), (1,)))
    again = numpy_helper.from_array(F32([last]), "s")
    if how == "dense":
        again.dims.pop()
        model.graph.initializer.append(again)
    else:
        sparse = model.graph.sparse_initializer.add(dims=[1])
        sparse.values.CopyFrom(again)
        sparse.indices.CopyFrom(numpy_helper.from_array(sizes(0), "at"))
    return model.SerializeToString()


@pytest.mark.parametrize("how", ["dense", "sparse"])
def test_two_initialisers_of_one_name_are_refused(how: str) -> None:
    # The runtime takes the last one: neither a bad scale nor another scale may hide behind it.
    for last in (-4.0, 4.0):
        model = twice(1.0, last, how)
        assert "duplicate" in codes(model)
        for cut in (False, True):
            with pytest.raises(ei.ModelError, match="initialiser 's' is there twice"):
                ei.Session(model, options=ei.SessionOptions(cut_head=cut))


def test_two_initialisers_of_one_name_are_refused_inside_of_graphs_and_functions() -> None:
    held = [numpy_helper.from_array(F32([one] * 4), "s") for one in (1, 4)]
    add = helper.make_node("Add", ["x", "s"], ["u"])
    ends = [tensor("x", (4,))], [tensor("y", (4,))]
    for count, wanted in ((1, []), (2, ["duplicate"])):
        branch = helper.make_graph([add], "b", [], [tensor("u", (4,))], held[:count])
        choose = helper.make_node("If", ["yes"], ["y"], then_branch=branch, else_branch=branch)
        assert codes(model_bytes([choose], *ends, {"yes": np.array(True)})) == wanted
        yes = helper.make_node(
            "Constant", [], ["yes"], value=numpy_helper.from_array(np.array(True))
        )
        call = helper.make_node("F", ["x"], ["y"], domain="my")
        called = onnx.load_from_string(model_bytes([call], *ends))
        called.opset_import.append(helper.make_opsetid("my", 1))
        imports = [helper.make_opsetid("", 17)]
        body = helper.make_function("my", "F", ["x"], ["y"], [yes, choose], imports)
        called.functions.append(body)
        assert codes(called.SerializeToString()) == wanted


def test_a_default_of_an_input_is_no_second_maker() -> None:
    model = onnx.load_from_string(pair(F32(1), np.uint8(0), (1,)))
    model.graph.input.append(tensor("s", ()))
    assert codes(model.SerializeToString()) == []


def test_a_forged_mark_of_the_runtimes_own_format_skips_no_check(tmp_path: Path) -> None:
    # The mark lies in the name of the producer, the first field of the file.
    mark = bytes([0x12, 10]) + b"abORTMabcd"
    for scale in (1.0, -1.0):
        model = onnx.load_from_string(pair(F32(scale), np.uint8(0), (1,)))
        model.ClearField("producer_name")
        forged = mark + model.SerializeToString()
        assert forged[4:8] == b"ORTM"
        for name in ("m.onnx", "m.ort"):
            (tmp_path / name).write_bytes(forged)
            with pytest.raises(ei.ModelError):
                ei.Session(tmp_path / name)
        with pytest.raises(ei.ModelError):
            ei.Session(forged)
        # Whoever names the format has the file looked at as just that.
        options = ei.SessionOptions(config={"session.load_model_format": "ONNX"})
        for source in (tmp_path / "m.onnx", forged):
            if scale < 0:
                with pytest.raises(ei.ModelError, match="zero or negative"):
                    ei.Session(source, options=options)
            else:
                assert ei.Session(source, options=options).describe()["looked_at"]
