"""``edgeinfer bench``: real models in real processes; figures are looked at for sense, not size."""

import errno
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import edgeinfer as ei
from edgeinfer.bench import fresh

from .conftest import Run

QUICK = ("--seconds", "0.2", "--no-cold", "--frame", "48", "64")


def bench(edgeinfer: Run, model: Path, *arguments: object) -> dict[str, Any]:
    done = edgeinfer("bench", model, "--json", *arguments)
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    assert (document["schema"], document["command"]) == (1, "bench")
    return document


def check_stages(document: dict[str, Any], names: list[str]) -> None:
    assert list(document["stages"]) == names
    for name, row in document["stages"].items():
        samples = row["samples_ms"]
        assert 0 < len(samples) <= 2000, name
        assert row["count"] >= 20, name
        assert row["min_ms"] <= row["median_ms"] <= row["p90_ms"] <= row["p99_ms"], name
        if row["count"] == len(samples):
            assert row["median_ms"] == pytest.approx(np.median(samples), abs=1e-4), name
            assert row["p90_ms"] == pytest.approx(np.percentile(samples, 90), abs=1e-4), name


@pytest.mark.parametrize(
    ("model", "last"),
    [("segmenter", ["tail"]), ("classifier", ["postprocess"]), ("two_outputs", [])],
)
def test_stages_of_each_task_from_a_made_up_frame(
    edgeinfer: Run, request: pytest.FixtureRequest, model: str, last: list[str]
) -> None:
    document = bench(edgeinfer, request.getfixturevalue(model), *QUICK)
    check_stages(document, ["preprocess", "network", *last, "whole"])
    stages = document["stages"]
    parts = sum(row["min_ms"] for name, row in stages.items() if name != "whole")
    assert parts <= stages["whole"]["median_ms"]
    assert document["frames_per_second"] == pytest.approx(1e3 / stages["whole"]["median_ms"])


def test_a_picture_is_decoded_every_time(edgeinfer: Run, segmenter: Path, pictures: Path) -> None:
    picture = pictures / "green.jpg"
    document = bench(edgeinfer, segmenter, "--seconds", "0.2", "--no-cold", "--image", picture)
    check_stages(document, ["decode", "preprocess", "network", "tail", "whole"])
    assert document["settings"]["image"] == "green.jpg"


@pytest.mark.parametrize("model", ["bytes_classifier", "dequantizing_classifier"])
def test_integer_images_are_measured(
    edgeinfer: Run, request: pytest.FixtureRequest, model: str
) -> None:
    document = bench(edgeinfer, request.getfixturevalue(model), *QUICK)
    check_stages(document, ["preprocess", "network", "postprocess", "whole"])


def save_open(path: Path, kind: int) -> Path:
    """y = x + x of open sizes."""
    ends = [helper.make_tensor_value_info(name, kind, ["N", 3, "H"]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Add", ["x", "x"], ["y"])], "g", ends[:1], ends[1:])
    imports = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=imports, ir_version=8), path)
    return path


@pytest.mark.parametrize(
    "kind", [TensorProto.FLOAT, TensorProto.INT64, TensorProto.UINT8, TensorProto.FLOAT16]
)
def test_a_model_of_no_image_is_measured_with_the_sizes_given(
    edgeinfer: Run, tmp_path: Path, kind: int
) -> None:
    model = save_open(tmp_path / "open.onnx", kind)
    document = bench(
        edgeinfer, model, "--shape", "x=2,3,5", "--seconds", "0.1", "--no-cold", "--warmup", "2"
    )
    check_stages(document, ["network"])
    assert document["settings"]["shapes"] == {"x": [2, 3, 5]}


def test_open_sizes_without_a_shape_are_an_error_that_shows_one(
    edgeinfer: Run, tmp_path: Path
) -> None:
    done = edgeinfer("bench", save_open(tmp_path / "open.onnx", TensorProto.FLOAT))
    assert done.returncode == 1
    assert "--shape x=1,3,1" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_shape_of_an_input_that_is_not_there_is_an_error(edgeinfer: Run, tmp_path: Path) -> None:
    model = save_open(tmp_path / "open.onnx", TensorProto.FLOAT)
    done = edgeinfer("bench", model, "--shape", "z=1,3,1")
    assert done.returncode == 1
    assert "'z'" in done.stderr


def test_flags_of_images_are_refused_for_tensors(edgeinfer: Run, tmp_path: Path) -> None:
    model = save_open(tmp_path / "open.onnx", TensorProto.FLOAT)
    done = edgeinfer("bench", model, "--shape", "x=1,3,1", "--size", "32", "32")
    assert done.returncode == 1
    assert "--size" in done.stderr


def test_the_record_names_what_was_measured_and_where(edgeinfer: Run, segmenter: Path) -> None:
    document = bench(edgeinfer, segmenter, *QUICK, "--threads", "1")
    data = segmenter.read_bytes()
    assert document["model"]["sha256"] == hashlib.sha256(data).hexdigest()
    assert document["model"]["bytes"] == len(data)
    assert document["settings"]["threads"] == 1
    assert document["session"]["tail"]["cut"] is True
    assert document["session"]["runtime"]["path"]
    assert {"edgeinfer", "onnxruntime", "numpy", "python", "kernel"} <= document["versions"].keys()
    assert document["machine"]["cores"] >= 1
    assert "resize_columns=" in document["cpu"]["variants"]
    assert 0 < document["memory"]["resident_mib"] <= document["memory"]["peak_mib"]
    for doubt in document["doubts"]:
        assert doubt["found"]
        assert doubt["wanted"]
        assert doubt["remedy"]


def test_without_the_fused_tail_the_file_does_its_own_upsampling(
    edgeinfer: Run, segmenter: Path
) -> None:
    document = bench(edgeinfer, segmenter, *QUICK, "--no-fuse-tail")
    assert document["session"]["tail"]["cut"] is False
    assert document["settings"]["fuse_tail"] is False


def test_cold_starts_are_whole_processes(edgeinfer: Run, segmenter: Path) -> None:
    document = bench(edgeinfer, segmenter, "--seconds", "0.1", "--frame", "48", "64")
    for state, rows in document["cold_start"].items():
        for begin, session, result, peak in zip(
            rows["import_ms"],
            rows["session_ms"],
            rows["result_ms"],
            rows["peak_mib"],
            strict=True,
        ):
            # Python alone takes milliseconds and megabytes to start.
            assert 1 < begin < result, state
            assert 0 < session < result - begin, state
            assert 5 < peak < 2000, state


def test_cold_starts_without_a_temporary_folder_name_the_remedies(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def none(*_: object, **__: object) -> None:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    monkeypatch.setattr(fresh.tempfile, "TemporaryDirectory", none)
    with pytest.raises(ei.RunError, match=r"No usable.*TMPDIR.*--no-cold"):
        fresh.cold_starts(
            fresh.Program(Path("m.onnx")), rounds=2, seconds=1, cache_variable="EDGEINFER_CACHE"
        )


def test_cold_starts_of_tensors(edgeinfer: Run, tmp_path: Path) -> None:
    model = save_open(tmp_path / "it's open.onnx", TensorProto.INT64)
    document = bench(edgeinfer, model, "--seconds", "0.1", "--shape", "x=1,3,4")
    assert len(document["cold_start"]["off"]["result_ms"]) >= 2


def test_the_table_fits_80_columns_and_tells_the_same(
    edgeinfer: Run, segmenter: Path, tmp_path: Path
) -> None:
    out = tmp_path / "deeper" / "bench.json"
    done = edgeinfer("bench", segmenter, *QUICK, "--out", out, "-q")
    assert done.returncode == 0
    assert done.stderr == ""
    document = json.loads(out.read_text())
    lines = done.stdout.splitlines()
    paths = {document["session"]["runtime"]["path"]}
    assert all(len(line) <= 80 or any(path in line for path in paths) for line in lines)
    for name in document["stages"]:
        assert any(line.startswith(f"{name} ") for line in lines), name
    for doubt in document["doubts"]:
        assert any(line.startswith(doubt["name"]) for line in lines)
    assert [path.name for path in out.parent.iterdir()] == ["bench.json"]


def test_errors_are_one_line(edgeinfer: Run, segmenter: Path, tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "broken.onnx").write_bytes(b"\x08\x08broken")
    for arguments in (
        (tmp_path / "nowhere.onnx",),
        (tmp_path / "broken.onnx",),
        (segmenter, "--image", tmp_path / "text.jpg", "--no-cold"),
        (segmenter, "--image", tmp_path / "nowhere.jpg", "--no-cold"),
        (segmenter, "--size", "16", "16", "--no-cold"),
        (segmenter, *QUICK, "--out", tmp_path / "text.jpg" / "below" / "a.json"),
    ):
        done = edgeinfer("bench", *arguments)
        assert done.returncode == 1, arguments
        assert done.stderr.startswith("edgeinfer: error: "), arguments
        assert done.stderr.count("\n") == 1, arguments


@pytest.mark.parametrize(
    "arguments",
    [
        *(("--seconds", "0"), ("--warmup", "-1"), ("--shape", "x"), ("--shape", "x=1,a")),
        *(("--spin", "maybe"), ("--frame", "0", "9"), ("--image", "a", "--frame", "9", "9")),
        ("--recipe", "r.json", "--size", "9", "9"),
    ],
)
def test_wrong_usage_is_status_2(
    edgeinfer: Run, segmenter: Path, arguments: tuple[str, ...]
) -> None:
    assert edgeinfer("bench", segmenter, *arguments).returncode == 2
