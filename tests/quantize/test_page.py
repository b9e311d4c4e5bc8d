"""The report's page: what it says, what strangers' names can do to it, and how it is written."""

import dataclasses
import html.parser
import math
import os
import re
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

from edgeinfer.quantize import LayerHistogram, LayerReport, QuantizeReport
from edgeinfer.quantize.page import page
from edgeinfer.quantize.page.wording import agreed, decibels, text
from quantize.reports import full_report

HOSTILE = "</script></style><img src=x onerror=alert(1)>\"'&\x1b[2J\u202e\ud800\x00"


class Tags(html.parser.HTMLParser):
    """Every element with its attributes, and all text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.said = ""
        self._inside = ""
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside not in ("style", "script"):
            self.said += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def test_the_page_says_what_the_report_knows() -> None:
    tags = Tags(page(full_report(), "net.onnx"))
    for said in (
        "net.onnx",
        "The new file has 0.27 of the size, runs 2.00 times as fast on this CPU and finds the "
        "float network's class in 97.12 % of pixels.",
        "percentile 99.9 on 40 samples",
        "1.00 kB",
        "4 ms",
        "first",
        "Conv + Relu",
        "no integer kernel for Softmax",
        "-1 … 2",
        "1.00 %",
        "equal",
        "30.0 dB",
        "equalise",
        "20 → 22.5 dB",
        "(+2.5)",
        "Integers do not pay here.",
        "normalisations folded: 2",
        "measured on this CPU",
    ):
        assert said in tags.said, said


def test_scores_and_the_drop_that_is_allowed_are_told() -> None:
    report = dataclasses.replace(
        full_report(), score=0.71, float_score=0.72, drop=0.01, max_drop=0.005
    )
    said = Tags(page(report)).said
    assert "scores 0.71 where the float network scores 0.72" in said
    assert "missed worse by 0.01; 0.005 worse is allowed" in said
    kept = dataclasses.replace(report, drop=-0.02)
    assert "kept better by 0.02; 0.005 worse is allowed" in Tags(page(kept)).said


def test_what_nobody_measured_has_no_column_and_no_figure() -> None:
    bare = QuantizeReport(
        mode="dynamic",
        target="a72",
        activations="uint8",
        weight_bits=8,
        method=None,
        parameter=None,
        samples=0,
        float_bytes=10,
        int8_bytes=4,
        prepared={},
        layers=(LayerReport(name="one", op="MatMul", decision="int8"),),
        judged=0,
        outputs=(),
        seconds={},
    )
    said = Tags(page(bare)).said
    for absent in ("None", "nan", "inf", "SQNR, network", "Float, ms", "Cut off", "Repairs"):
        assert re.search(rf"\b{absent}\b", said) is None, absent
    assert "No samples to run it on." in said


def hostile_report() -> QuantizeReport:
    whole = full_report()
    layers = tuple(
        dataclasses.replace(one, name=HOSTILE, op=HOSTILE, reason=HOSTILE, decision=HOSTILE)
        for one in whole.layers
    )
    return dataclasses.replace(
        whole,
        mode=HOSTILE,
        target=HOSTILE,
        activations=HOSTILE,
        method=HOSTILE,
        layers=layers,
        outputs=tuple(dataclasses.replace(one, name=HOSTILE) for one in whole.outputs),
        repairs=tuple(
            dataclasses.replace(one, name=HOSTILE, unit=HOSTILE, note=HOSTILE)
            for one in whole.repairs
        ),
        prepared={HOSTILE: 1},
        seconds={HOSTILE: 1.0},
        notes=(HOSTILE,),
        advice=HOSTILE,
        timing=HOSTILE,
        pictures=tuple(
            dataclasses.replace(
                one, name=HOSTILE, classes=tuple(c._replace(colour=HOSTILE) for c in one.classes)
            )
            for one in whole.pictures
        ),
    )


def test_names_of_strangers_stay_text_wherever_they_stand() -> None:
    source = page(hostile_report(), HOSTILE, [HOSTILE] * 5)
    source.encode()  # halves of surrogates have no encoding
    tags, plain = Tags(source), Tags(page(full_report(), "t", ["l"] * 5))
    # Not one element and not one attribute more than with harmless names.
    assert {tag for tag, _ in tags.elements} == {tag for tag, _ in plain.elements}
    assert not any(name.startswith("on") for _, attributes in tags.elements for name in attributes)
    assert len(tags.all("script")) == 1
    assert {one.get("src", "data:")[:5] for one in tags.all("img")} == {"data:"}
    for letter in ("\x1b", "\u202e", "\ud800", "\x00"):
        assert letter not in source
    assert source.count("onerror=alert") > 20


def test_a_name_as_long_as_a_file_is_cut() -> None:
    assert len(text("x" * 10**6)) < 500
    assert text("<b>&\"'") == "&lt;b&gt;&amp;&quot;&#x27;"


def test_the_page_brings_all_it_needs() -> None:
    tags = Tags(page(full_report(), "t"))
    addresses = [
        value
        for _, attributes in tags.elements
        for name, value in attributes.items()
        if name in ("src", "href", "srcset", "data", "action", "poster", "xlink:href")
    ]
    assert addresses
    assert all(one.startswith("data:") for one in addresses if one)
    assert tags.all("link") == []
    style = (resources.files("edgeinfer.quantize.page") / "page.css").read_text()
    assert "url(" not in style
    assert "@import" not in style
    (policy,) = (one["content"] for one in tags.all("meta") if "http-equiv" in one)
    assert policy is not None
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert "http" not in policy


def test_the_page_can_be_read_aloud() -> None:
    tags = Tags(page(full_report(), "t", ["background", "tower"]))
    assert tags.all("html") == [{"lang": "en"}]
    assert all(one.get("alt") for one in tags.all("img"))
    assert any("tower 12.00 %" in (one["alt"] or "") for one in tags.all("img"))
    assert all(one.get("scope") in ("col", "row") for one in tags.all("th"))
    for drawing in tags.all("svg"):
        assert drawing.get("aria-hidden") == "true" or drawing.get("aria-label")
    assert len(tags.all("h1")) == 1
    assert len(tags.all("title")) >= 1


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Of WCAG 2: 4.5 is the least for text, 3 for drawings."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_both_themes_have_enough_contrast() -> None:
    style = (resources.files("edgeinfer.quantize.page") / "page.css").read_text()
    light, dark = re.findall(r":root \{(.*?)\}", style, re.DOTALL)[:2]
    for theme in (light, dark):
        colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", theme))
        for ink in ("ink", "soft", "int8", "other", "good", "bad"):
            assert contrast(colours[ink], colours["card"]) >= 4.5, ink
        for ink in ("ink", "soft"):
            assert contrast(colours[ink], colours["page"]) >= 4.5, ink
        for ink in ("ink", "warn"):
            assert contrast(colours[ink], colours["warn-card"]) >= 4.5, ink
        for drawn in ("int8", "bad"):
            assert contrast(colours[drawn], colours["span"]) >= 3, drawn


@pytest.mark.parametrize(
    ("seen", "low", "high"),
    [
        (LayerHistogram(counts=(5,), first_edge=0.0, width=0.25), 0.0, 0.0),
        (LayerHistogram(counts=(0, 0), first_edge=0.0, width=1.0, zeros=9), -1.0, 1.0),
        (LayerHistogram(counts=(1,) * 128, first_edge=-1e38, width=1e36), -1e38, 1e38),
        (LayerHistogram(counts=(1, 2), first_edge=1e-40, width=1e-42), 0.0, 1e-40),
        (LayerHistogram(counts=(3, 1), first_edge=1.0, width=1.0), None, None),
        (None, -1.0, 1.0),
    ],
)
def test_histograms_at_the_edges_are_drawn(
    seen: LayerHistogram | None, low: float | None, high: float | None
) -> None:
    layer = LayerReport(
        name="l", op="Conv", decision="int8", histogram=seen, low=low, high=high, clipped=0.5
    )
    source = page(dataclasses.replace(full_report(), layers=(layer,)))
    for drawing in re.findall(r"<svg.*?</svg>", source):
        assert "nan" not in drawing
        assert "inf" not in drawing
        for figure in re.findall(r'(?:width|height)="([^"]+)"', drawing):
            assert float(figure) >= 0, drawing


def test_shares_are_never_rounded_up_to_all() -> None:
    assert agreed(0.99999) == "99.99 %"
    assert agreed(1.0) == "100.00 %"
    assert agreed(1e-6, up=True) == "0.01 %"
    assert (decibels(math.inf), decibels(-math.inf)) == ("equal", "no signal")


def test_the_page_replaces_an_old_one_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    report = full_report()
    report.save_html(path, title="t")
    assert path.read_text(encoding="utf-8") == page(report, "t")
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(FileNotFoundError):
        report.save_html(tmp_path / "nowhere" / "report.html")


def test_a_full_disk_leaves_the_old_page(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_bytes(b"old")
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import resource, signal, sys\n"
            "from quantize.reports import full_report\n"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512))\n"
            "try: full_report().save_html(sys.argv[1])\n"
            "except OSError as error: print('refused', error.errno)\n",
            str(path),
        ],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith("refused"), done.stderr
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_network_of_thousands_of_layers_is_cut_and_said_so() -> None:
    one = full_report().layers[0]
    layers = tuple(dataclasses.replace(one, name=f"n{i}") for i in range(3500))
    source = page(dataclasses.replace(full_report(), layers=layers))
    assert "The first 3000 of 3500 are shown" in source
    assert source.count("<tr>") < 3100
    assert len(source) < 20e6


def test_a_file_that_is_slower_is_not_praised() -> None:
    said = Tags(page(dataclasses.replace(full_report(), int8_ms=8.0))).said
    assert "takes 2.00 times as long on this CPU" in said
