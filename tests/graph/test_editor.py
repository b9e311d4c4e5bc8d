"""The editor: what is not edited stays byte for byte."""

from pathlib import Path

import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgeinfer import _core
from edgeinfer.errors import InputError
from oracles import onnx_graphs

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
MODELS = sorted((SHARED / "models").glob("*.onnx"))
SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.skipif(not MODELS, reason="the shared test data is not beside the project")
@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_an_unedited_real_model_keeps_every_byte(path: Path) -> None:
    data = path.read_bytes()
    assert _core.rebuild_model(data) == data


@SLOW
@given(onnx_graphs.models())
def test_an_unedited_generated_model_is_the_same_model(model: onnx.ModelProto) -> None:
    # Messages, not bytes: the graph may move behind fields that came after it.
    again = onnx.load_from_string(_core.rebuild_model(model.SerializeToString()))
    assert again == model


@SLOW
@given(model=onnx_graphs.models(), data=st.data())
def test_dropping_nodes_changes_nothing_else(model: onnx.ModelProto, data: st.DataObject) -> None:
    count = len(model.graph.node)
    drop = data.draw(st.lists(st.integers(0, max(count - 1, 0)), max_size=count, unique=True))
    found = onnx.load_from_string(_core.rebuild_model(model.SerializeToString(), drop_nodes=drop))
    for index in sorted(drop, reverse=True):
        del model.graph.node[index]
    assert found == model


def unknown(number: int, payload: bytes) -> bytes:
    tag = number << 3 | 2
    return bytes([tag & 0x7F | 0x80, tag >> 7, len(payload)]) + payload


def test_unknown_fields_survive_in_model_graph_and_node() -> None:
    node = b"\x22\x04Relu" + unknown(200, b"in the node")
    graph = b"\x0a" + bytes([len(node)]) + node + b"\x0a\x06\x22\x04Tanh"
    graph += unknown(201, b"in the graph")
    data = b"\x08\x08" + unknown(202, b"before") + b"\x3a" + bytes([len(graph)]) + graph
    data += unknown(203, b"behind")
    assert _core.rebuild_model(data) == data
    edited = _core.rebuild_model(data, drop_nodes=[1])
    for kept in (b"in the node", b"in the graph", b"before", b"behind", b"Relu"):
        assert kept in edited
    assert b"Tanh" not in edited
    assert [n.op_type for n in onnx.load_from_string(edited).graph.node] == ["Relu"]


def test_a_node_that_is_not_there_cannot_be_dropped() -> None:
    with pytest.raises(InputError, match="found 3, the graph has 0 nodes"):
        _core.rebuild_model(b"\x3a\x00", drop_nodes=[3])
