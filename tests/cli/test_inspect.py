"""``edgeinfer inspect``: facts on stdout, exit status 1 when a model would not load."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from .conftest import Run


def test_facts_of_a_small_model(edgeinfer: Run, segmenter: Path) -> None:
    done = edgeinfer("inspect", segmenter)
    assert done.returncode == 0, done.stderr
    lines = {line.split()[0]: line for line in done.stdout.splitlines() if line.strip()}
    assert "image: float32, 1 x 3 x 32 x 32" in lines["inputs"]
    assert "logits: float32, 1 x 3 x 32 x 32" in lines["outputs"]
    assert "AveragePool 1" in lines["operators"]
    assert "3 classes of float32; left to the fused pass" in lines["tail"]
    assert "none known" in lines["problems"]
    assert max(map(len, done.stdout.splitlines())) <= 80  # without a terminal


def test_json_equals_what_onnx_reads(edgeinfer: Run, shared_data: Path) -> None:
    for path in sorted((shared_data / "models").glob("*.onnx")):
        done = edgeinfer("inspect", path, "--json")
        assert done.returncode == 0, (path.name, done.stderr)
        facts = json.loads(done.stdout)
        model = onnx.load(path)
        assert facts["model"] == str(path)
        assert facts["file_bytes"] == path.stat().st_size
        assert facts["ir_version"] == model.ir_version
        assert [value["name"] for value in facts["outputs"]] == [
            value.name for value in model.graph.output
        ]
        for operator, count in facts["operators"].items():
            assert count == sum(node.op_type == operator for node in model.graph.node), operator
        assert facts["problems"] == []
        assert (facts["tail"] is not None) == path.name.startswith("deeplab")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("06_opset_9999", "opset 9999"),
        ("11_external_missing", "missing.bin"),
        ("08_cycle", "cycle"),
        ("06_ir_9999", "9999"),
    ],
)
def test_what_keeps_a_model_from_loading_comes_with_a_remedy(
    edgeinfer: Run, shared_data: Path, name: str, words: str
) -> None:
    path = shared_data / f"malformed/onnx/{name}.onnx"
    done = edgeinfer("inspect", path)
    assert done.returncode == 1
    problems = done.stdout.split("  problems")[1]
    assert words in problems
    assert "remedy: " in problems
    listed = json.loads(edgeinfer("inspect", path, "--json").stdout)["problems"]
    assert all(problem["remedy"] for problem in listed)


def test_every_malformed_model_gives_facts_or_one_line(edgeinfer: Run, shared_data: Path) -> None:
    for path in sorted((shared_data / "malformed/onnx").glob("*.onnx")):
        done = edgeinfer("inspect", path)
        assert done.returncode in (0, 1), path.name
        if not done.stdout:
            assert done.returncode == 1
            assert done.stderr.startswith(f"edgeinfer: error: {path}: "), path.name
            assert done.stderr.count("\n") == 1


def test_a_missing_file_and_a_folder_are_one_line(edgeinfer: Run, tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.onnx", tmp_path):
        done = edgeinfer("inspect", path)
        assert done.returncode == 1
        assert done.stdout == ""
        assert done.stderr.startswith("edgeinfer: error: ")
        assert str(path) in done.stderr


def test_a_warning_is_told_and_keeps_nothing_from_loading(
    edgeinfer: Run, shared_data: Path
) -> None:
    path = shared_data / "malformed/onnx/14_nan_inf_weights.onnx"
    done = edgeinfer("inspect", path)
    assert done.returncode == 0
    assert "NaN" in done.stdout.split("  warnings")[1]
    listed = json.loads(edgeinfer("inspect", path, "--json").stdout)
    assert [one["code"] for one in listed["warnings"]] == ["weights"]
    assert listed["problems"] == []


def test_a_loop_without_bound_is_told_with_its_limit(edgeinfer: Run, shared_data: Path) -> None:
    path = shared_data / "malformed/onnx/18_loop_forever.onnx"
    done = edgeinfer("inspect", path)
    loops = " ".join(done.stdout.split("  loops")[1].split("  problems")[0].split())
    assert "stops each run after 10 s unless timeout_s is given" in loops
    assert json.loads(edgeinfer("inspect", path, "--json").stdout)["may_loop"] is True


def test_a_quantised_input_is_told(edgeinfer: Run, tmp_path: Path) -> None:
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"]),
    ]
    ends = [helper.make_tensor_value_info(name, 1, [2]) for name in "xy"]
    held = [
        numpy_helper.from_array(np.float32(0.5), "s"),
        numpy_helper.from_array(np.int8(-3), "z"),
    ]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], held)
    path = tmp_path / "pair.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    done = edgeinfer("inspect", path)
    assert "x quantised to int8, scale 0.5, zero point -3" in " ".join(done.stdout.split())
    (head,) = json.loads(edgeinfer("inspect", path, "--json").stdout)["heads"]
    assert head == {
        "name": "x", "dtype": "int8", "scale": 0.5, "zero_point": -3, "quantizes": True
    }  # fmt: skip
