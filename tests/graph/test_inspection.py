"""inspect(): facts against the onnx package, problems one by one, external data."""

import dataclasses
import json
import os
import re
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

import edgeinfer
from edgeinfer import inspection
from edgeinfer.errors import InputError, ModelError
from oracles import onnx_tails
from oracles.onnx_tails import argmax, dequantize, network, quantize, resize, step

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the shared test data is not beside the project"
)
MODELS = sorted((SHARED / "models").glob("*.onnx"))


def problems(model: onnx.ModelProto | bytes) -> list[tuple[str, str]]:
    data = model if isinstance(model, bytes) else model.SerializeToString()
    found = inspection.inspect(data).problems
    assert all(one.remedy for one in found)
    return [(one.code, one.text) for one in found]


@needs_shared
@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_facts_of_a_real_model_agree_with_onnx(path: Path) -> None:
    facts = inspection.inspect(path)
    model = onnx.load(path)
    graph = model.graph
    weights = [numpy_helper.to_array(one) for one in graph.initializer]
    supplied = {one.name for one in graph.initializer}
    assert facts.file_bytes == path.stat().st_size
    assert facts.ir_version == model.ir_version
    assert facts.producer_name == model.producer_name
    assert facts.opsets == {one.domain or "ai.onnx": one.version for one in model.opset_import}
    assert facts.operators == Counter(one.op_type for one in graph.node)
    assert facts.parameters == sum(one.size for one in weights)
    assert facts.weight_bytes == sum(one.nbytes for one in weights)
    wanted = [one.name for one in graph.input if one.name not in supplied]
    assert [one.name for one in facts.inputs] == wanted
    assert [one.name for one in facts.outputs] == [one.name for one in graph.output]
    for value, proto in zip(facts.outputs, graph.output, strict=True):
        dims = proto.type.tensor_type.shape.dim
        assert value.dtype == "float32"
        assert value.shape == tuple(one.dim_param or one.dim_value for one in dims)
    assert facts.quantised_nodes == 0
    assert facts.weighted_nodes == sum(
        facts.operators.get(one, 0) for one in ("Conv", "Gemm", "MatMul")
    )
    assert facts.problems == ()


def test_facts_are_plain_data() -> None:
    facts = edgeinfer.inspect(network(resize(), argmax()).SerializeToString())
    again = json.loads(json.dumps(facts.to_dict()))
    assert again["tail"]["steps"] == ["Resize half_pixel 8x8 -> 20x24", "ArgMax"]
    assert again["tail"]["size"] == [8, 8]
    assert again["quantised_share"] == 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        facts.ir_version = 3  # type: ignore[misc]


def test_a_path_may_be_a_string_a_path_or_bytes_of_the_file(tmp_path: Path) -> None:
    data = network(argmax()).SerializeToString()
    path = tmp_path / "näme.onnx"
    path.write_bytes(data)
    assert inspection.inspect(path) == inspection.inspect(str(path)) == inspection.inspect(data)
    assert inspection.inspect(bytearray(data)) == inspection.inspect(memoryview(data))


@pytest.mark.parametrize("model", [None, 5, ["model.onnx"]], ids=repr)
def test_what_is_no_path_and_no_bytes_is_refused(model: object) -> None:
    with pytest.raises(InputError, match="wanted a path or the bytes"):
        inspection.inspect(model)  # type: ignore[arg-type]


def test_a_path_with_a_nul_names_no_other_file(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(network(argmax()).SerializeToString())
    with pytest.raises(ModelError, match="NUL"):
        inspection.inspect(f"{path}\0.bak")


@pytest.mark.parametrize(
    ("name", "text"),
    [("missing.onnx", "No such file"), (".", "no regular file"), ("pipe", "no regular file")],
)
def test_a_path_without_a_model_is_refused(tmp_path: Path, name: str, text: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ModelError, match=text):
        inspection.inspect(tmp_path / name)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.onnx").touch()
    with pytest.raises(ModelError, match="empty"):
        inspection.inspect(tmp_path / "empty.onnx")


def test_operators_of_subgraphs_and_other_domains_are_counted() -> None:
    model = network(argmax())
    value = helper.make_tensor_value_info("a", TensorProto.FLOAT, None)
    inner = helper.make_graph([helper.make_node("Relu", ["t0"], ["a"])], "b", [], [value])
    inner.initializer.append(numpy_helper.from_array(np.zeros(7, np.float32), "more"))
    model.graph.node.append(
        helper.make_node("If", ["yes"], ["x"], then_branch=inner, else_branch=inner)
    )
    model.graph.node.append(helper.make_node("Gelu", ["t0"], ["y"], domain="com.microsoft"))
    before = inspection.inspect(network(argmax()).SerializeToString())
    facts = inspection.inspect(model.SerializeToString())
    assert facts.operators == {"ArgMax": 1, "Conv": 1, "If": 1, "Relu": 2, "com.microsoft.Gelu": 1}
    assert facts.parameters == before.parameters + 14


def test_the_quantised_share_counts_nodes_between_integers() -> None:
    model = network(argmax())
    assert inspection.inspect(model.SerializeToString()).quantised_share == 0
    pairs = network(quantize(), dequantize(), step("Conv", np.zeros((5, 5, 1, 1), np.float32)))
    facts = inspection.inspect(pairs.SerializeToString())
    assert (facts.weighted_nodes, facts.quantised_nodes) == (2, 0)  # weights are still real
    weights = pairs.graph.initializer[-1]
    weights.CopyFrom(numpy_helper.from_array(np.zeros((5, 5, 1, 1), np.int8), "q"))
    pairs.graph.initializer.append(numpy_helper.from_array(np.float32(0.1), "s"))
    pairs.graph.node.insert(0, helper.make_node("DequantizeLinear", ["q", "s"], ["c3_0"]))
    facts = inspection.inspect(pairs.SerializeToString())
    assert (facts.weighted_nodes, facts.quantised_nodes) == (2, 1)
    assert facts.quantised_share == 0.5


def changed(kind: str) -> onnx.ModelProto:
    model = network(resize(), argmax())
    graph = model.graph
    match kind:
        case "ir":
            model.ir_version = 14
        case "opset":
            model.opset_import[0].version = 27
        case "opset-0":
            model.opset_import[0].version = 0
        case "ml-opset":
            model.opset_import.append(helper.make_opsetid("ai.onnx.ml", 6))
        case "no-opset":
            del model.opset_import[:]
        case "domain":
            graph.node[0].domain = "no.such"
        case "missing":
            graph.node[0].input[0] = "nowhere"
        case "missing-output":
            graph.output[0].name = "nowhere"
        case "twice":
            graph.node[1].output[0] = "t0"
            graph.node[2].input[0] = "t0"
        case "input-twice":
            graph.input.append(graph.input[0])
        case "cycle":
            graph.node[0].input[0] = "t1"
        case "no-outputs":
            del graph.output[:]
        case "short":
            graph.initializer[0].raw_data = graph.initializer[0].raw_data[:-4]
        case "short-typed":
            graph.initializer[1].ClearField("raw_data")
            graph.initializer[1].int64_data.extend([1, 5, 20])
        case "negative":
            graph.initializer[0].dims[0] = -5
        case "overflow":
            graph.initializer[0].dims[0] = 2**62
        case "dtype":
            graph.initializer[0].data_type = 77
        case "sequence":
            graph.input[0].type.CopyFrom(
                helper.make_sequence_type_proto(helper.make_tensor_type_proto(1, None))
            )
        case "untyped":
            graph.input[0].ClearField("type")
    return model


@pytest.mark.parametrize(
    ("kind", "code", "text"),
    [
        ("ir", "ir-version", "IR version 14, the runtime reads up to 13"),
        ("opset", "opset", "opset 27 of ai.onnx, the runtime knows 1 to 26"),
        ("opset-0", "opset", "opset 0 of ai.onnx"),
        ("ml-opset", "opset", "opset 6 of ai.onnx.ml, the runtime knows 1 to 5"),
        ("no-opset", "opset", "no opset import"),
        ("domain", "domain", "Conv is of domain 'no.such'"),
        ("missing", "missing", "Conv reads 'nowhere', which nobody makes"),
        ("missing-output", "missing", "output 'nowhere' is made by nobody"),
        ("twice", "duplicate", "value 't0' is made twice"),
        ("input-twice", "duplicate", "input 'image' is declared twice"),
        ("cycle", "cycle", "is part of a cycle"),
        ("no-outputs", "no-outputs", "no outputs"),
        ("short", "data", "announce 540 bytes, the file holds 536"),
        ("short-typed", "data", "announce 4 values, the file holds 3"),
        ("negative", "data", "negative or too large"),
        ("overflow", "data", "negative or too large"),
        ("dtype", "dtype", "element type 77"),
        ("sequence", "kind", "input 'image' is no tensor"),
        ("untyped", "untyped", "input 'image' has no type"),
    ],
)
def test_a_problem_is_found_and_the_runtime_agrees(kind: str, code: str, text: str) -> None:
    model = changed(kind)
    found = problems(model)
    assert [one for one, _ in found] == [code]
    assert text in found[0][1]
    if kind != "no-outputs":  # loads there, and fails when run
        with pytest.raises((ort_errors.Fail, ort_errors.InvalidGraph, ort_errors.InvalidArgument)):
            onnxruntime.InferenceSession(model.SerializeToString())


def test_the_limits_here_are_those_of_the_installed_runtime() -> None:
    def loads(model: onnx.ModelProto) -> bool:
        try:
            onnxruntime.InferenceSession(model.SerializeToString())
        except (ort_errors.Fail, ort_errors.InvalidGraph, ort_errors.InvalidArgument):
            return False
        return True

    if tuple(map(int, onnxruntime.__version__.split(".")[:2])) != (1, 31):
        pytest.skip("the default limits are those of onnxruntime 1.31")
    onnxruntime.set_default_logger_severity(4)
    relu = network(step("Relu"))
    for ir in (13, 14):
        relu.ir_version = ir
        assert loads(relu) == (problems(relu) == [])
    relu.ir_version = 10
    for opset in (26, 27):
        relu.opset_import[0].version = opset
        assert loads(relu) == (problems(relu) == [])
    relu.opset_import[0].version = 17
    relu.opset_import.append(helper.make_opsetid("ai.onnx.ml", 1))
    for opset in (5, 6):
        relu.opset_import[1].version = opset
        assert loads(relu) == (problems(relu) == [])


def test_nodes_in_any_order_are_no_problem() -> None:
    model = network(resize(), argmax())
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(reversed(nodes))
    assert problems(model) == []
    onnx_tails.run(model.SerializeToString(), onnx_tails.image(model))


def test_a_function_of_the_file_defines_its_domain() -> None:
    model = network(step("Relu"))
    model.graph.node[1].domain = "my.own"
    assert [code for code, _ in problems(model)] == ["domain"]
    relu = helper.make_node("Relu", ["x"], ["y"])
    imports = [helper.make_opsetid("", 17)]
    model.functions.append(helper.make_function("my.own", "Relu", ["x"], ["y"], [relu], imports))
    assert problems(model) == []


def test_many_problems_of_a_kind_are_summed_up() -> None:
    model = network(step("Relu"))
    for number in range(20):
        model.graph.node.append(helper.make_node("Relu", [f"no{number}"], [f"r{number}"]))
    found = problems(model)
    assert len(found) == 9
    assert found[-1] == ("missing", "12 more of the kind")


def test_names_that_are_no_text_do_not_break_the_report() -> None:
    data = network(step("Relu")).SerializeToString()
    data = data.replace(b"image", b"im\xff\x00e")
    facts = inspection.inspect(data)
    assert facts.inputs[0].name == "im\\xff\\x00e"
    broken = data.replace(b"w", b"\xfe", 1)
    for one in inspection.inspect(broken).problems:
        one.text.encode()


def with_external(folder: Path, location: str, **entries: str) -> Path:
    """A model whose weights lie in a file of 4 + 540 bytes, the last 540 being theirs."""
    model = network(argmax())
    weights = model.graph.initializer[0]
    (folder / "weights.bin").write_bytes(b"head" + weights.raw_data)
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    entries = {"location": location, "offset": "4", "length": "540", **entries}
    for key, value in entries.items():
        weights.external_data.add(key=key, value=value)
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def test_external_data_beside_the_model_is_accepted(tmp_path: Path) -> None:
    path = with_external(tmp_path, "weights.bin")
    facts = inspection.inspect(path)
    assert facts.problems == ()
    assert facts.external_files == ("weights.bin",)
    assert facts.weight_bytes == 540
    onnxruntime.InferenceSession(path)
    assert [one.code for one in inspection.inspect(path.read_bytes()).problems] == ["external-data"]


def test_external_data_in_a_folder_below_is_accepted(tmp_path: Path) -> None:
    path = with_external(tmp_path, "below/weights.bin")
    (tmp_path / "below").mkdir()
    (tmp_path / "weights.bin").rename(tmp_path / "below" / "weights.bin")
    assert inspection.inspect(path).problems == ()


def test_a_model_in_the_working_directory_finds_its_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = with_external(tmp_path, "weights.bin")
    monkeypatch.chdir(tmp_path)
    assert inspection.inspect(path.name).problems == ()


@pytest.mark.parametrize(
    ("location", "entries", "text"),
    [
        ("/etc/hostname", {}, "no relative path"),
        ("", {}, "no location"),
        ("../outside.bin", {}, "leads out of the model's folder"),
        ("below/../../outside.bin", {}, "leads out of the model's folder"),
        ("link.bin", {}, "a link out of the model's folder"),
        ("linked/outside.bin", {}, "a link out of the model's folder"),
        ("gone.bin", {}, "missing"),
        ("below", {}, "no regular file"),
        (".", {}, "link out|no regular file"),
        ("weights.bin", {"offset": "5"}, "has 544 bytes, 540 from byte 5 on"),
        ("weights.bin", {"offset": "9223372036854775807"}, "544 bytes"),
        ("weights.bin", {"offset": "9223372036854775808"}, "wanted a whole number"),
        ("weights.bin", {"offset": "-4"}, "wanted a whole number"),
        ("weights.bin", {"offset": "4k"}, "wanted a whole number"),
        ("weights.bin", {"length": "100"}, "announce 540 bytes, the entry says 100"),
    ],
)
def test_external_data_elsewhere_or_too_short_is_a_problem(
    tmp_path: Path, location: str, entries: dict[str, str], text: str
) -> None:
    home = tmp_path / "home"
    (home / "below").mkdir(parents=True)
    (tmp_path / "outside.bin").write_bytes(bytes(544))
    (home / "link.bin").symlink_to(tmp_path / "outside.bin")
    (home / "linked").symlink_to(tmp_path)
    (one,) = inspection.inspect(with_external(home, location, **entries)).problems
    assert one.code == "external-data"
    assert re.search(text, one.text), one.text


def outside(name: str, dims: tuple[int, ...] = (3,)) -> TensorProto:
    found = TensorProto(
        name=name, data_type=TensorProto.FLOAT, dims=dims, data_location=TensorProto.EXTERNAL
    )
    found.external_data.add(key="location", value="../outside.bin")
    return found


def with_external_in(place: str) -> onnx.ModelProto:
    """y = x + w, where w comes from a file outside of the model's folder."""
    constant = helper.make_node("Constant", [], ["w"], value=outside("w"))
    body = [constant, helper.make_node("Add", ["x", "w"], ["y"])]
    vector = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [3]) for name in ("x", "y")]
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("mine", 1)]
    functions, sparse = [], []
    if place == "function":
        functions = [helper.make_function("mine", "F", ["x"], ["y"], body, opsets[:1])]
        body = [helper.make_node("F", ["x"], ["y"], domain="mine")]
    elif place == "branch of a function":
        empty = helper.make_graph(
            [helper.make_node("Identity", ["v"], ["w"])],
            "branch",
            [],
            [helper.make_tensor_value_info("w", TensorProto.FLOAT, [3])],
            [outside("v")],
        )
        choice = helper.make_node("If", ["c"], ["w"], then_branch=empty, else_branch=empty)
        truth = helper.make_node("Constant", [], ["c"], value=helper.make_tensor("c", 9, [], [1]))
        body = [truth, choice, body[1]]
        functions = [helper.make_function("mine", "F", ["x"], ["y"], body, opsets[:1])]
        body = [helper.make_node("F", ["x"], ["y"], domain="mine")]
    elif place == "sparse indices":
        values = helper.make_tensor("w", TensorProto.FLOAT, [1], [1.0])
        indices = outside("", (1,))
        indices.data_type = TensorProto.INT64
        sparse = [helper.make_sparse_tensor(values, indices, [3])]
        body = body[1:]
    graph = helper.make_graph(body, "g", vector[:1], vector[1:], sparse_initializer=sparse)
    return helper.make_model(graph, opset_imports=opsets, functions=functions, ir_version=8)


@pytest.mark.parametrize(
    "place", ["attribute", "function", "branch of a function", "sparse indices"]
)
def test_external_data_is_found_wherever_the_runtime_would_read_it(
    tmp_path: Path, place: str
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "outside.bin").write_bytes(bytes(64))
    path = tmp_path / "home" / "model.onnx"
    path.write_bytes(with_external_in(place).SerializeToString())
    assert {one.code for one in inspection.inspect(path).problems} == {"external-data"}
    # Refused by our own reading, whatever the installed runtime checks.
    with pytest.raises(ModelError, match="leads out of the model's folder"):
        edgeinfer.Session(path)


@needs_shared
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("06_ir_9999", "ir-version"),
        ("06_opset_0", "opset"),
        ("06_opset_9999", "opset"),
        ("07_unknown_domain", "domain"),
        ("08_cycle", "cycle"),
        ("09_duplicate_output_name", "duplicate"),
        ("09_missing_initializer", "missing"),
        ("09_missing_output_node", "missing"),
        ("09_no_outputs", "no-outputs"),
        ("10_bad_dtype", "dtype"),
        ("10_dims_negative", "data"),
        ("10_dims_overflow", "data"),
        ("10_short_raw_data", "data"),
        ("11_external_absolute", "external-data"),
        ("11_external_huge_offset", "external-data"),
        ("11_external_missing", "external-data"),
        ("11_external_traversal", "external-data"),
    ],
)
def test_a_malformed_file_has_the_problem_it_was_made_for(name: str, code: str) -> None:
    facts = inspection.inspect(SHARED / "malformed" / "onnx" / f"{name}.onnx")
    assert [one.code for one in facts.problems] == [code]
