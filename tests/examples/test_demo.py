"""The demo's page needs nothing from outside, and the demo itself runs to its end."""

import base64
import html.parser
import io
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
sys.path.insert(0, str(EXAMPLES))

from report import Picture, Report, page  # noqa: E402

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


def test_the_demo_runs_to_its_end(tmp_path: Path) -> None:
    command = [sys.executable, str(EXAMPLES / "demo.py"), "--count", "2", "--frame", "240x320"]
    done = subprocess.run(
        [*command, "--out", str(tmp_path)], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "edgeinfer run " in done.stdout
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["1000300.overlay.jpg", "1000301.overlay.jpg", "report.html"]
    assert Page((tmp_path / "report.html").read_text()).open == []
