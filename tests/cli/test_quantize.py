"""``edgeinfer quantize``: its page, its table, and what it refuses before the work begins."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest
from PIL import Image

import edgeinfer as ei
from edgeinfer.cli.quantized import print_report
from edgeinfer.quantize import OutputReport
from oracles.integer_network import FloatNetwork
from quantize.reports import full_report

pytestmark = pytest.mark.filterwarnings("ignore::edgeinfer.CalibrationWarning")

Run = Callable[..., CompletedProcess[str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A network that gives masks, five photographs, and names of its classes."""
    net = FloatNetwork(shape=(1, 3, 16, 16))
    relu = net.node("Relu", [net.conv("x", 8, 3, kernel=3)])
    model = net.model(net.node("Softmax", [net.conv(relu, 4, 8)], axis=1))
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    (tmp_path / "photos").mkdir()
    for i in range(5):
        pixels = np.random.default_rng(i).integers(0, 256, (20, 30, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{i}.png")
    (tmp_path / "labels.txt").write_text("<b>sky</b>\n" * 4)
    return tmp_path


def test_a_page_is_written_beside_the_model(edgeinfer: Run, folder: Path) -> None:
    done = edgeinfer(
        *("quantize", "model.onnx", "photos", "--out", "int8.onnx", "--json"),
        *("--html", "report.html", "--labels", "labels.txt"),
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "<h1>model.onnx</h1>" in page
    assert "Before and after" in page
    assert "&lt;b&gt;sky&lt;/b&gt;" in page
    for layer in facts["layers"]:
        assert layer["name"] in page.replace("<wbr>", "")
    assert sorted(path.name for path in folder.iterdir() if path.is_file()) == [
        "int8.onnx",
        "labels.txt",
        "model.onnx",
        "report.html",
    ]


def test_the_table_shows_what_is_known_of_each_layer(edgeinfer: Run, folder: Path) -> None:
    done = edgeinfer(
        *("quantize", "model.onnx", "photos", "--out", "int8.onnx", "--html", "report.html"),
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    titles = lines[1].split("  ")
    # A page asks which layer hurts, so the layers were measured.
    measured = ["SQNR", "network"]
    known = ["layer", "operator", "result", "range", "cut off", *measured, "now", "why"]
    shown = [one.strip() for one in titles if one.strip()]
    assert [one for one in shown if not one.endswith(" ms")] == known
    assert "Conv+Relu" in lines[3]
    assert "1x8x16x16" in lines[3]
    assert "times as fast on this CPU" in done.stdout
    assert lines[-1] == "report in report.html"


def test_a_result_of_nothing_but_error_is_not_called_equal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    outputs = tuple(
        OutputReport(name=name, sqnr_db=value, agreement=None)
        for name, value in (("same", math.inf), ("lost", -math.inf), ("near", 31.25))
    )
    print_report("m", "o", None, replace(full_report(), outputs=outputs))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in lines if line.startswith("output ")] == [
        "output same: equal",
        "output lost: no signal",
        "output near: 31.2 dB",
    ]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--html", "nowhere/report.html"), "--html: found no folder nowhere"),
        (("--html", "photos"), "--html: found a folder"),
        (("--labels", "nowhere.txt"), "nowhere.txt"),
    ],
)
def test_a_page_that_cannot_be_written_is_refused_before_the_work(
    edgeinfer: Run, folder: Path, arguments: tuple[str, ...], text: str
) -> None:
    done = edgeinfer(
        "quantize", "model.onnx", "photos", "--out", "int8.onnx", *arguments, cwd=folder
    )
    assert done.returncode == 1
    assert text in done.stderr
    assert not (folder / "int8.onnx").exists()


def test_a_page_may_take_the_place_of_an_old_one(edgeinfer: Run, folder: Path) -> None:
    ei.calibrate(folder / "model.onnx", folder / "photos", preprocess=ei.Preprocess((16, 16))).save(
        folder / "model.ranges"
    )
    (folder / "report.html").write_text("old")
    done = edgeinfer(
        *("quantize", "model.onnx", "--ranges", "model.ranges", "--out", "int8.onnx"),
        *("--html", "report.html", "--quiet"),
        cwd=folder,
    )
    assert (done.returncode, done.stderr) == (0, "")
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "No samples to run it on." in page
