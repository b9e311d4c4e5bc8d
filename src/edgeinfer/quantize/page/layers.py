"""The layers on the report's page: a table of all, and large histograms of those that cost most."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from edgeinfer.quantize.page.charts import histogram, number
from edgeinfer.quantize.page.wording import agreed, decibels, name, text
from edgeinfer.quantize.report import LayerReport, QuantizeReport

__all__ = ["layers_section", "ranges_section"]

_LARGE_CHARTS: Final = 6
# A page with more rows than this no longer opens quickly; the JSON document has them all.
_MOST_ROWS: Final = 3000


@dataclass(frozen=True)
class _Column:
    """One column: its title, what first click sorts by, and what a cell holds and sorts by."""

    title: str
    first: str
    cell: Callable[[LayerReport], str]
    value: Callable[[LayerReport], float | str | None]
    numeric: bool = True


def layers_section(report: QuantizeReport) -> str:
    """The table, of those columns in which anything is known."""
    rows = _rows(report)
    shown = rows[:_MOST_ROWS]
    columns = [one for one in _columns() if any(one.value(layer) is not None for layer, _ in shown)]
    titles = "".join(
        f'<th scope="col" data-first="{one.first}"{" class=n" if one.numeric else ""}>'
        f"{text(one.title)}</th>"
        for one in columns
    )
    body = "".join(_row(i, layer, merged, columns) for i, (layer, merged) in enumerate(shown, 1))
    more = ""
    if len(rows) > len(shown):
        more = f" The first {len(shown)} of {len(rows)} are shown; the JSON document has all."
    timing = f" Times: {report.timing}." if report.timing else ""
    return (
        "<section>\n<h2>Layers</h2>\n"
        '<p>In the order in which they run<span class="hint" hidden>; a click on a title sorts'
        f"</span>.{text(timing + more)}</p>\n"
        '<div class="card scroll"><table class="sortable stacked"><thead><tr>'
        f'<th scope="col" data-first="up">Layer</th>{titles}</tr></thead>\n<tbody>{body}</tbody>'
        "</table></div>\n</section>"
    )


def ranges_section(report: QuantizeReport) -> str:
    """Large histograms of the layers that lose most."""
    layers = [
        layer
        for layer, _ in _rows(report)
        if layer.histogram is not None and any(layer.histogram.counts) and layer.low is not None
    ]
    ways: tuple[tuple[str, Callable[[LayerReport], float | None]], ...] = (
        ("whose integers cost the network most", lambda one: one.network_sqnr_db),
        ("whose results lose most", lambda one: one.sqnr_db),
        (
            "of whose values most are cut off",
            lambda one: None if one.clipped is None else -one.clipped,
        ),
    )
    for said, measure in ways:
        known = [(value, one) for one in layers if (value := measure(one)) is not None]
        if known:
            worst = [one for _, one in sorted(known, key=lambda pair: pair[0])[:_LARGE_CHARTS]]
            charts = "".join(map(_chart, worst))
            return (
                f"<section>\n<h2>Ranges</h2>\n<p>The layers {said}: values seen while "
                "calibrating, on a logarithmic scale, over the range that the integers span. What "
                f'is cut off is red.</p>\n<div class="charts">{charts}</div>\n</section>'
            )
    return ""


def _drawn(layer: LayerReport, *, small: bool = False) -> str:
    assert layer.histogram is not None
    cut = bool(layer.clipped)
    return histogram(layer.histogram, layer.low, layer.high, cut=cut, small=small)


def _chart(layer: LayerReport) -> str:
    assert layer.histogram is not None
    facts = []
    if layer.network_sqnr_db is not None:
        facts.append(f"{decibels(layer.network_sqnr_db)} in the network")
    elif layer.sqnr_db is not None:
        facts.append(decibels(layer.sqnr_db))
    if layer.clipped is not None:
        facts.append(f"{_share(layer.clipped)} cut off")
    return (
        f'<figure class="card"><figcaption><b>{name(layer.name)}</b>'
        f'<span class="soft">{text(", ".join(facts))}</span></figcaption>'
        f"{_drawn(layer)}</figure>"
    )


def _rows(report: QuantizeReport) -> list[tuple[LayerReport, list[LayerReport]]]:
    """Each layer, with those that are expressed by its integers."""
    merged: dict[str, list[LayerReport]] = {}
    names = {layer.name for layer in report.layers if layer.decision != "merged"}
    for layer in report.layers:
        if layer.decision == "merged" and layer.into in names:
            merged.setdefault(layer.into, []).append(layer)
    return [
        (layer, merged.get(layer.name, []))
        for layer in report.layers
        if layer.decision != "merged" or layer.into not in names
    ]


def _row(
    place: int, layer: LayerReport, merged: list[LayerReport], columns: Sequence[_Column]
) -> str:
    operators = " + ".join([layer.op, *(one.op for one in merged)])
    names = " + ".join([layer.name, *(one.name for one in merged)])
    cells = ""
    for one in columns:
        value = one.value(layer)
        sorts = "" if value is None else text(value)
        kind = ' class="n"' if one.numeric else ""
        cells += (
            f'<td{kind} data-title="{text(one.title)}" data-value="{sorts}">{one.cell(layer)}</td>'
        )
    return (
        f'<tr><th scope="row" data-value="{place}">{name(layer.name)}'
        f'<span class="soft" title="{text(names)}">{text(operators)}</span></th>{cells}</tr>\n'
    )


def _columns() -> list[_Column]:
    return [
        _Column("Now", "up", _decision, lambda one: one.decision, numeric=False),
        _Column("Result, weights", "down", _shapes, lambda one: _elements(one.shape)),
        _Column("Range", "down", _range, _width, numeric=False),
        _Column(
            "Cut off", "down", lambda one: _known(one.clipped, _share), lambda one: one.clipped
        ),
        _Column("SQNR", "up", lambda one: _known(one.sqnr_db, decibels), lambda one: one.sqnr_db),
        _Column(
            "SQNR, network",
            "up",
            lambda one: _known(one.network_sqnr_db, decibels),
            lambda one: one.network_sqnr_db,
        ),
        _Column(
            "Multiply-adds", "down", lambda one: _known(one.macs, _count), lambda one: one.macs
        ),
        _Column(
            "Float, ms", "down", lambda one: _known(one.float_ms, _three), lambda one: one.float_ms
        ),
        _Column(
            "int8, ms", "down", lambda one: _known(one.int8_ms, _three), lambda one: one.int8_ms
        ),
    ]


def _known(value: float | None, shown: Callable[[float], str]) -> str:
    return "" if value is None else text(shown(value))


def _decision(layer: LayerReport) -> str:
    kind = {"int8": " is-int8", "float": ""}.get(layer.decision, " is-other")
    reason = f'<span class="soft wide">{text(layer.reason)}</span>' if layer.reason else ""
    return f'<span><span class="badge{kind}">{text(layer.decision)}</span>{reason}</span>'


def _range(layer: LayerReport) -> str:
    drawn = ""
    if layer.histogram is not None and any(layer.histogram.counts):
        drawn = _drawn(layer, small=True)
    told = ""
    if layer.low is not None and layer.high is not None:
        told = f'<span class="soft">{text(f"{number(layer.low)} … {number(layer.high)}")}</span>'
    return f"<span>{drawn}{told}</span>" if drawn or told else ""


def _width(layer: LayerReport) -> float | None:
    return None if layer.low is None or layer.high is None else layer.high - layer.low


def _shapes(layer: LayerReport) -> str:
    weights = f'<span class="soft">{_shape(layer.weights)}</span>' if layer.weights else ""
    return f"<span>{_shape(layer.shape)}{weights}</span>" if layer.shape is not None else ""


def _shape(shape: tuple[int | None, ...] | None) -> str:
    if shape is None:
        return ""
    return "&times;".join("?" if size is None else str(size) for size in shape) or "scalar"


def _elements(shape: tuple[int | None, ...] | None) -> int | None:
    return None if shape is None else math.prod(size or 1 for size in shape)


def _share(share: float) -> str:
    if share == 0:
        return "0 %"
    return "< 0.01 %" if share < 1e-4 else agreed(share, up=True)


def _three(value: float) -> str:
    return f"{value:.3g}"


def _count(value: float) -> str:
    for factor, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= factor:
            return f"{value / factor:.3g}{unit}"
    return f"{value:.0f}"
