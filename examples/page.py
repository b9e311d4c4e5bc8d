"""The demo's page: one HTML file that needs nothing from outside."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from report import EightBits, Report

__all__ = ["page", "write_report"]


def write_report(path: Path, report: Report) -> None:
    """Write the page."""
    path.write_text(page(report), encoding="utf-8")


def page(report: Report) -> str:
    """The page as text."""
    title = "edgeinfer demo: power lines"
    sections = (
        _lead(report),
        _speed(report),
        _eight_bits(report.eight_bits),
        _accuracy(report),
        _pictures(report),
        _commands(report),
        _facts(report),
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{title}</h1>\n" + "\n".join(sections) + "\n</main>\n</body>\n</html>\n"
    )


def _lead(report: Report) -> str:
    cells = [
        (f"{report.at_network['miou']:.3f}", "mean IoU on pictures never seen"),
        (f"{report.at_network['iou_cable']:.3f}", "IoU of cables, a few pixels wide"),
        (f"{sum(next(iter(report.stages.values())).values()):.1f} ms", "a frame, one thread"),
    ]
    if report.pairs:
        ours, common, _ = report.pairs[0]
        cells.append((f"{report.speedup(ours, common):.2f} x", f"as fast as the {common}"))
    if native := report.eight_bits.native():
        ratios = report.eight_bits.ratios(native)
        text = f"as fast in 8 bits, with {ratios['miou']:.2%} of the mean IoU"
        cells.append((f"{ratios['speed']:.2f} x", text))
    tiles = "".join(
        f'<div class="tile"><b>{escape(value)}</b><span>{escape(text)}</span></div>'
        for value, text in cells
    )
    last = report.training["training_seeds"][1]
    return (
        f"<p>A network of {report.training['file_bytes'] / 1e6:.1f} MB finds towers, cables and "
        f"insulators in {report.count} drawn pictures of {report.frame} pixels. Training saw "
        f"scenes up to number {last:,}; these are {report.pictures[0].seed:,} and up. It has seen "
        "drawings only: expect little of it on photographs.</p>"
        f'<div class="tiles">{tiles}</div>'
    )


def _speed(report: Report) -> str:
    rows = [
        [way, *(f"{value:.2f}" for value in times.values()), f"{sum(times.values()):.2f}"]
        for way, times in report.stages.items()
    ]
    stages = next(iter(report.stages.values()))
    if report.pairs:
        ratios = "".join(
            f"<li>{escape(ours)}: <b>{report.speedup(ours, common):.2f} times as fast</b> as the "
            f"common way; {report.equal_masks(agreement)}</li>"
            for ours, common, agreement in report.pairs
        )
        note = (
            f"The common way is {report.versions}, each step on its own line. All give a mask of "
            f"the network's size and took turns on the same frames, one thread each. "
            "Pillow's resize averages when it shrinks, as training did; OpenCV's linear one looks "
            "at two pixels an axis."
        )
    else:
        ratios = ""
        note = f"No comparison: {report.versions}."
    return (
        "<h2>Time a frame</h2>"
        + _chart(report.stages)
        + _table(["milliseconds, medians", *stages, "sum"], rows)
        + (f"<ul>{ratios}</ul>" if ratios else "")
        + f"<p>{escape(note)} A shared machine gives noisy times; the ratio holds better.</p>"
    )


def _chart(stages: dict[str, dict[str, float]]) -> str:
    """Stacked bars, one a way, as inline SVG in units of its own width."""
    width, bar, gap, top = 640, 30, 30, 34
    longest = max(sum(times.values()) for times in stages.values())
    scale = (width - 90) / longest
    parts = []
    x = 0.0
    for index, stage in enumerate(next(iter(stages.values()))):
        parts.append(f'<rect class="s{index}" x="{x:.0f}" y="4" width="14" height="14"/>')
        parts.append(f'<text x="{x + 20:.0f}" y="16">{escape(stage)}</text>')
        x += 50 + 9 * len(stage)
    y = top
    for way, times in stages.items():
        parts.append(f'<text x="0" y="{y + 14}">{escape(way)}</text>')
        x = 0.0
        for index, value in enumerate(times.values()):
            parts.append(
                f'<rect class="s{index}" x="{x:.1f}" y="{y + 20}" '
                f'width="{max(value * scale, 0.5):.1f}" height="{bar}"/>'
            )
            if value * scale > 44:
                middle = x + value * scale / 2
                parts.append(f'<text class="in" x="{middle:.1f}" y="{y + 40}">{value:.1f}</text>')
            x += value * scale
        total = sum(times.values())
        parts.append(f'<text class="sum" x="{x + 6:.1f}" y="{y + 41}">{total:.1f} ms</text>')
        y += 20 + bar + gap // 2
    said = "; ".join(f"{way}: {sum(times.values()):.1f} ms" for way, times in stages.items())
    return (
        f'<svg viewBox="0 0 {width} {y}" role="img" aria-label="{escape(said)}">'
        + "".join(parts)
        + "</svg>"
    )


def _eight_bits(found: EightBits) -> str:
    if found.why:
        return f"<h2>In 8 bits</h2><p>Not quantised: {escape(found.why)}.</p>"
    header, *rows = found.cells()
    notes = "".join(f"<li>{escape(note)}</li>" for note in found.notes)
    return (
        "<h2>In 8 bits</h2>"
        + _table(header, rows)
        + f"<p>{escape(found.title())} All files took turns on the same scenes.</p>"
        + (f"<ul>{notes}</ul>" if notes else "")
    )


def _accuracy(report: Report) -> str:
    keys = ["miou", *(f"iou_{name}" for name, _ in report.classes)]
    rows = [[label, *(f"{values[key]:.3f}" for key in keys)] for label, values in report.accuracy()]
    names = ["mean", *(name for name, _ in report.classes)]
    unseen = report.training["evaluation"]["miou"]
    return (
        "<h2>Masks against the drawn truth</h2>"
        + _table(["intersection over union", *names], rows)
        + f"<p>The training record gives a mean of {unseen:.3f} on 300 other unseen scenes. The "
        "last row is how far colour without shape gets on those.</p>"
    )


def _pictures(report: Report) -> str:
    legend = "".join(
        f'<li><i style="background:rgb({r},{g},{b})"></i>{escape(name)}</li>'
        for name, (r, g, b) in report.classes
    )
    figures = "".join(
        '<div class="triple">'
        + "".join(
            f'<figure><img alt="{escape(what)} of scene {picture.seed}" '
            f'src="data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}">'
            f"<figcaption>{escape(what)}</figcaption></figure>"
            for what, jpeg in (
                ("picture", picture.photo),
                ("found", picture.found),
                ("truth", picture.truth),
            )
        )
        + f"<p>scene {picture.seed:,}: {escape(picture.caption)}</p></div>"
        for picture in report.pictures
    )
    return (
        f'<h2>Pictures</h2><ul class="legend">{legend}</ul>{figures}'
        f"<p>The first {len(report.pictures)} of {report.count}, not chosen; the overlays of all "
        "lie beside this page.</p>"
    )


def _commands(report: Report) -> str:
    lines = "\n".join(report.commands)
    return (
        f"<h2>On your own picture and model</h2><pre>{escape(lines)}</pre>"
        "<p>The first line runs the network of this demo, which knows drawings only; the second a "
        "model of yours, with the usual ImageNet values.</p>"
    )


def _facts(report: Report) -> str:
    rows = "".join(
        f"<dt>{escape(key)}</dt><dd>{escape(value)}</dd>" for key, value in report.environment
    )
    return f"<h2>Measured on</h2><dl>{rows}</dl>"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in header)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td>{escape(text)}</td>" for text in row[1:])
        + "</tr>"
        for row in rows
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="wide">{table}</div>'


_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --dim: #57606a; --paper: #fff; --line: #d0d7de;
  --tile: #f3f5f7; --s0: #2f6fb5; --s1: #8a97a6; --s2: #d9822b; --on: #fff; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ed; --dim: #9aa4af; --paper: #14171b;
  --line: #343b44; --tile: #1f242a; --s0: #5b9be0; --s1: #77838f; --s2: #e59a4c; --on: #101214; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; margin: .5rem 0; }
h2 { font-size: 1.2rem; margin: 2rem 0 .6rem; }
p { margin: .6rem 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .6rem; }
.tile { background: var(--tile); border-radius: 8px; padding: .7rem .9rem; }
.tile b { display: block; font-size: 1.6rem; line-height: 1.2; }
.tile span, figcaption, .triple p { color: var(--dim); font-size: .85rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .6rem; border-bottom: 1px solid var(--line); text-align: right;
  white-space: nowrap; }
th:first-child { text-align: left; min-width: 9rem; }
tbody th { font-weight: normal; }
th:first-child { white-space: normal; }
svg { width: 100%; max-width: 46rem; height: auto; display: block; margin: .6rem 0; }
svg text { fill: var(--ink); font-size: 14px; }
svg text.in { fill: var(--on); text-anchor: middle; }
svg text.sum { font-weight: 600; }
.s0 { fill: var(--s0); } .s1 { fill: var(--s1); } .s2 { fill: var(--s2); }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; padding: 0; }
.legend i { display: inline-block; width: .9rem; height: .9rem; border-radius: 3px;
  margin-right: .4rem; vertical-align: -.1rem; }
.triple { display: grid; grid-template-columns: repeat(3, 1fr); gap: .4rem .5rem; margin: 1rem 0; }
.triple p { grid-column: 1 / -1; margin: 0; }
figure { margin: 0; }
img { width: 100%; height: auto; display: block; border-radius: 6px; }
@media (max-width: 40rem) { .triple { grid-template-columns: 1fr; } }
pre { background: var(--tile); border-radius: 8px; padding: .8rem; overflow-x: auto; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; margin: 0; }
dt { color: var(--dim); } dd { margin: 0; overflow-wrap: anywhere; }
"""
