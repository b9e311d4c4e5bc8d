"""The reader against the onnx package: real files, generated ones, hostile bytes."""

import contextlib
import csv
import time
from pathlib import Path

import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from edgeinfer import _core
from edgeinfer.errors import ModelError
from oracles import onnx_dump, onnx_graphs

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the shared test data is not beside the project"
)
MODELS = sorted((SHARED / "models").glob("*.onnx"))
MALFORMED = sorted((SHARED / "malformed" / "onnx").glob("*.onnx"))
SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def relu_model() -> onnx.ModelProto:
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [x], [y])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def varint(value: int) -> bytes:
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def field(number: int, payload: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(payload)) + payload


@needs_shared
@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_a_real_model_reads_as_onnx_reads_it(path: Path) -> None:
    assert _core.dump_model(path.read_bytes()) == onnx_dump.model(onnx.load(path))


@SLOW
@given(onnx_graphs.models())
def test_a_generated_model_reads_as_onnx_reads_it(model: onnx.ModelProto) -> None:
    assert _core.dump_model(model.SerializeToString()) == onnx_dump.model(model)


def test_both_ways_to_write_a_list_of_numbers_read_alike() -> None:
    packed = varint(1 << 3 | 2) + varint(3) + varint(2) + varint(300)
    loose = varint(1 << 3) + varint(2) + varint(1 << 3) + varint(300)
    found = []
    for dims in (packed, loose):
        tensor = dims + varint(2 << 3) + varint(7)
        model = field(7, field(5, tensor))
        found.append(_core.dump_model(model)["graph"]["initializers"][0]["dims"])
    assert found == [[2, 300], [2, 300]]


def test_a_known_field_of_another_wire_type_is_left_alone_as_protobuf_does() -> None:
    # Field 1 of a node is a list of names; as a number it is an unknown field.
    node = varint(1 << 3) + varint(9) + field(4, b"Relu")
    data = field(7, field(1, node))
    assert _core.dump_model(data) == onnx_dump.model(onnx.load_from_string(data))


def test_unknown_fields_are_skipped() -> None:
    unknown = field(1234, b"later") + varint(1235 << 3 | 5) + b"\1\2\3\4"
    unknown += varint(1236 << 3 | 1) + bytes(8) + varint(1237 << 3) + varint(77)
    model = relu_model()
    seen = _core.dump_model(model.SerializeToString() + unknown)
    assert seen == onnx_dump.model(model)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "it is empty"),
        (b"\x08", "a number is cut off"),
        (b"\x08" + b"\xff" * 11, "more than 10 bytes"),
        (b"\x3a\x7f", "longer than what is left"),
        (b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "longer than what is left"),
        (b"\x0b", "wire type"),
        (b"\x0c", "wire type"),
        (b"\x0f", "wire type"),
        (b"\x00\x00", "number 0"),
        (b"\xff\xff\xff\xff\xff\x01", "too large"),
        (b"\x0d\0\0", "cut off"),
        (b"\x08\x08", "no graph"),
        (field(7, b"") * 2, "the graph is given twice"),
    ],
)
def test_damaged_bytes_are_refused_with_the_reason(data: bytes, text: str) -> None:
    with pytest.raises(ModelError, match=text):
        _core.dump_model(data)


def test_an_error_names_the_place_in_the_file() -> None:
    data = relu_model().SerializeToString()
    at = data.index(b"Relu") - 1  # the length of the op_type, inside of node, graph and model
    broken = data[:at] + b"\x7e" + data[at + 1 :]
    with pytest.raises(ModelError, match=f"at byte {at + 1}:"):
        _core.dump_model(broken)


def nested(depth: int) -> bytes:
    graph = b""
    for _ in range(depth):
        graph = field(1, field(5, field(6, graph)))
    return field(7, graph)


def test_graphs_in_graphs_are_read_to_a_depth_of_32() -> None:
    _core.dump_model(nested(32))
    with pytest.raises(ModelError, match="nested more than 32"):
        _core.dump_model(nested(33))
    with pytest.raises(ModelError, match="nested more than 32"):
        _core.dump_model(nested(20_000))


@pytest.mark.parametrize(
    ("graph", "text"),
    [
        (field(1, b"") * 250_001, "more nodes"),
        (field(1, field(5, b"") * 500_001), "more attributes"),
        (field(1, field(1, b"") * 1_000_001), "more input and output names"),
        (field(5, b"") * 250_001, "more tensors"),
        (field(11, b"") * 250_001, "more declared values"),
        (field(5, varint(1 << 3) + b"\1") + field(5, b"\x08\1" * 65), "more than 64 dimensions"),
        (field(5, field(1, b"\1" * 65)), "more than 64 dimensions"),
        (field(2, b"x" * (2**20 + 1)), "a name has 1048577 bytes"),
        (field(11, field(2, b"") * 2), "given twice"),
    ],
)
def test_counts_are_limited(graph: bytes, text: str) -> None:
    with pytest.raises(ModelError, match=text):
        _core.inspect_model(field(7, graph))


@needs_shared
@pytest.mark.parametrize("path", MALFORMED, ids=lambda path: path.stem)
def test_a_malformed_file_is_refused_or_described_in_time(path: Path) -> None:
    started = time.perf_counter()
    with contextlib.suppress(ModelError):
        assert _core.inspect_model(path).file_bytes == path.stat().st_size
    assert time.perf_counter() - started < 2


@needs_shared
def test_what_the_runtime_runs_is_refused_for_its_scales_only() -> None:
    table = SHARED / "malformed" / "onnx" / "ort_behaviour.csv"
    with table.open(newline="") as rows:
        runs = [row["file"] for row in csv.DictReader(rows) if row["onnxruntime_result"] == "runs"]
    assert runs
    for name in runs:
        found = {one.code for one in _core.inspect_model(table.parent / name).problems}
        odd = {"15_qdq_scale": {"scale"}, "14_nan_inf_we": {"weights"}}
        assert found == odd.get(name[:12], odd.get(name[:13], set())), name


@given(st.binary(max_size=200))
def test_random_bytes_raise_only_model_errors(data: bytes) -> None:
    survive(data)


@SLOW
@given(model=onnx_graphs.models(), data=st.data())
def test_changed_bytes_raise_only_model_errors(model: onnx.ModelProto, data: st.DataObject) -> None:
    raw = bytearray(model.SerializeToString())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(raw)))
    survive(bytes(raw))
    survive(bytes(raw[:cut]))


@needs_shared
@settings(deadline=None, max_examples=200)
@given(data=st.data())
def test_changed_real_files_raise_only_model_errors(data: st.DataObject) -> None:
    # Without its weights a model is small, and a change hits the structure.
    raw = bytearray(structure_of(data.draw(st.sampled_from(MODELS))))
    for _ in range(data.draw(st.integers(1, 8))):
        raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    survive(bytes(raw))


def structure_of(path: Path, known: dict[Path, bytes] = {}) -> bytes:  # noqa: B006
    if path not in known:
        model = onnx.load(path)
        for tensor in model.graph.initializer:
            if len(tensor.raw_data) > 64:
                tensor.raw_data = tensor.raw_data[:16]
        known[path] = model.SerializeToString()
    return known[path]


def survive(data: bytes) -> None:
    for use in (_core.dump_model, _core.inspect_model, _core.cut_tail, _core.rebuild_model):
        try:
            use(data)
        except ModelError as error:
            str(error).encode()
