"""The demo's page needs nothing from outside, and the demo itself runs to its end."""

import base64
import html.parser
import io
import json
import math
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from PIL import Image

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
sys.path[:0] = [str(EXAMPLES), str(EXAMPLES / "vqi")]

from render import render  # noqa: E402

from page import page  # noqa: E402
from report import EightBits, FileRow, Picture, Report  # noqa: E402

VOID = {"meta", "img", "rect", "br", "link", "input", "hr"}
STAGES = {"preprocess": 1.25, "run": 10.0, "tail": 0.05}


class Page(html.parser.HTMLParser):
    """Checks nesting; collects tags, attributes that load something, and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attributes:
            if name in ("src", "href", "srcset", "data", "action", "poster", "xlink:href"):
                self.loads.append(value or "")
            assert not name.startswith("on"), f"{name} runs a script"
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.text += data


def jpeg() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (1, 2, 3)).save(file, "JPEG")
    return file.getvalue()


def eight_bits() -> EightBits:
    exact = {"miou": 0.8, "iou_cable": 0.6543, "iou_insulator": 0.5}
    return EightBits(
        rows=[
            FileRow("FP32", "a.onnx", 12.0, 1.25, exact),
            FileRow("static int8", "b.onnx", 4.0, 0.5, {**exact, "miou": 0.79}, native=True),
            FileRow("dynamic <int8>", "c.onnx", 120.0, 0.25, {**exact, "iou_cable": math.nan}),
        ],
        calibrated=48,
        held_out=60,
        notes=["U8S8 & why"],
    )


def report(compared: bool = True) -> Report:
    iou = {"miou": 0.8126, "iou_sky": 0.99, "iou_cable": 0.6543}
    ways = ("edgeinfer", "common <way>") if compared else ("edgeinfer",)
    return Report(
        count=24,
        frame="1280 x 720",
        environment=[("processor", "a <fast> one & more")],
        stages={way: dict(STAGES) for way in ways},
        pairs=[("edgeinfer", "common <way>", 0.99876)] if compared else [],
        versions="OpenCV 1, NumPy 2" if compared else "cv2 is not installed",
        at_network=iou,
        at_frame=iou,
        eight_bits=eight_bits() if compared else EightBits(why="onnx is <missing>"),
        training={
            "training_seeds": [700000, 709999],
            "file_bytes": 1_087_519,
            "evaluation": {"miou": 0.81},
            "baseline": {"box": {**iou, "miou": 0.2}, "rows": {**iou, "miou": 0.3055}},
        },
        pictures=[Picture(1_000_300, "demo/1.jpg", "sky 50.0%", jpeg(), jpeg(), jpeg())],
        classes=[("sky", (70, 130, 200)), ("cable", (250, 225, 60))],
        commands=["edgeinfer run a.onnx 'b & c.jpg' > out.txt"],
    )


@pytest.mark.parametrize("compared", [True, False])
def test_the_page_is_well_formed_and_needs_nothing_from_outside(compared: bool) -> None:
    text = page(report(compared))
    parsed = Page(text)
    assert parsed.open == []
    assert not {"script", "link", "iframe", "object", "embed"} & set(parsed.tags)
    assert parsed.loads
    for source in parsed.loads:
        kind, _, data = source.partition(",")
        assert kind == "data:image/jpeg;base64"
        with Image.open(io.BytesIO(base64.b64decode(data, validate=True))) as image:
            image.load()
    bare = re.sub(r'"data:[^"]*"', '""', text)  # base64 may hold two slashes
    assert not re.search(r"//|url\(|@import|@font-face", bare)
    assert "prefers-color-scheme: dark" in text
    assert 'name="viewport"' in text


def test_the_page_says_what_was_measured() -> None:
    text = Page(page(report())).text
    for words in (
        "0.813",  # mean IoU
        "0.654",  # of cables
        "11.3 ms",  # sum of the stages
        "1.00 times as fast",
        "at least 99.87 % of each mask is the same",
        "best colour rule (rows)",
        "edgeinfer run a.onnx 'b & c.jpg' > out.txt",
        "a <fast> one & more",
        "up to number 709,999",
    ):
        assert words in text, words


def test_without_the_other_libraries_the_reason_is_given() -> None:
    text = Page(page(report(compared=False))).text
    assert "No comparison: cv2 is not installed" in text
    assert "times as fast" not in text


def test_ratios_are_to_the_float_file() -> None:
    table = eight_bits()
    ratios = [table.ratios(row) for row in table.rows]
    assert ratios[0] == {"speed": 1, "size": 1, "miou": 1}
    assert ratios[1] == pytest.approx({"speed": 3, "size": 0.4, "miou": 0.9875})
    assert ratios[2] == pytest.approx({"speed": 0.1, "size": 0.2, "miou": 1})


def test_terminal_page_and_document_tell_the_same_of_the_files() -> None:
    told, shown = report().text(), Page(page(report())).text
    for words in ("dynamic <int8>", "3.00 x", "0.40 x", "0.7900", "98.75%", "0.10 x", "120.00"):
        assert words in told, words
        assert words in shown, words
    assert "U8S8 & why" in told
    assert "U8S8 & why" in shown
    assert "as fast in 8 bits, with 98.75% of the mean IoU" in shown
    rows = report().to_dict()["eight_bits"]["rows"]
    assert rows[1]["ratios"]["speed"] == 3
    assert rows[2]["accuracy"]["iou_cable"] is None  # NaN is no JSON
    json.dumps(report().to_dict(), allow_nan=False)


def test_without_a_quantiser_the_reason_is_given() -> None:
    assert "onnx is <missing>" in report(compared=False).text()
    assert "Not quantised: onnx is <missing>" in Page(page(report(compared=False))).text


def miou_by_numpy(file: Path, seeds: range) -> float:
    """Each pixel compared, with the runtime's own Python module, and nothing of the example."""
    recipe = json.loads((EXAMPLES / "vqi" / "model" / "recipe.json").read_text())
    network = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    hits, either = np.zeros(5), np.zeros(5)
    for seed in seeds:
        scene = render(seed)  # 320 x 320 already: no resize
        values = (scene.image * recipe["scale"] - recipe["mean"]) / recipe["std"]
        tensor = values.transpose(2, 0, 1)[None].astype(np.float32)
        mask = network.run(None, {"image": tensor})[0][0].argmax(axis=0)
        for label in range(5):
            hits[label] += np.sum((mask == label) & (scene.mask == label))
            either[label] += np.sum((mask == label) | (scene.mask == label))
    return float(np.mean(hits / either))


def test_the_demo_runs_to_its_end_and_its_figures_are_those_of_numpy(tmp_path: Path) -> None:
    command = [sys.executable, str(EXAMPLES / "demo.py"), "--count", "2", "--frame", "240x320"]
    command += ["--calibrated", "32", "--held-out", "6", "--json", "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "edgeinfer run " in done.stderr
    assert "Warning" not in done.stderr
    names = {path.name for path in tmp_path.iterdir()}
    assert {"1000300.overlay.jpg", "1000301.overlay.jpg", "report.html", "quantised.html"} <= names
    assert Page((tmp_path / "report.html").read_text()).open == []

    document = json.loads(done.stdout)["eight_bits"]
    rows = {row["name"].strip(): row for row in document["rows"]}
    assert list(rows)[:2] == ["FP32", "static int8, signed (S8S8)"]
    assert (document["calibrated"], document["held_out"]) == (32, 6)
    for row in rows.values():
        wanted = miou_by_numpy(Path(row["file"]), range(1_000_000, 1_000_006))
        # Other kernels round otherwise: in integers a few pixels of a border change sides.
        assert row["accuracy"]["miou"] == pytest.approx(wanted, abs=2e-3), row["name"]
        assert row["megabytes"] == Path(row["file"]).stat().st_size / 1e6
    for row in document["rows"][1:]:
        assert row["ratios"]["size"] < 0.45
        assert row["accuracy"]["miou"] > rows["FP32"]["accuracy"]["miou"] - 0.01


def test_too_many_scenes_are_a_usage_error(tmp_path: Path) -> None:
    command = [sys.executable, str(EXAMPLES / "demo.py"), "--held-out", "301"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 2
    assert "--held-out must be 1 to 300" in done.stderr
