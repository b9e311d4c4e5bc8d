"""What ``edgeinfer quantize`` prints: a table of layers, and the outcome in a few lines."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from edgeinfer.cli.table import Column, Table, printable, quantity

if TYPE_CHECKING:
    from edgeinfer.quantize import LayerReport, OutputReport, QuantizeReport, RepairReport

__all__ = ["print_report"]


def print_report(name: str, out: str, html: str | None, report: QuantizeReport) -> None:
    """Print it all.

    Args:
        name: of the model.
        out, html: where the new model and the page are.
    """
    method = "" if report.method is None else f", {report.samples} samples, {report.method}"
    print(
        f"{printable(name)}: {report.mode} for {report.target}, activations "
        f"{report.activations}, weights {report.weight_bits} bits{method}"
    )
    _print_layers(report)
    for line in _lines(report):
        print(line)
    print(
        f"written to {printable(out)}: {quantity(report.int8_bytes, 'B')}, "
        f"{report.size_ratio:.2f} of {quantity(report.float_bytes, 'B')}, "
        f"in {sum(report.seconds.values()):.1f} s"
    )
    if html is not None:
        print(f"report in {printable(html)}")


def _print_layers(report: QuantizeReport) -> None:
    """One row a layer; those that are merged into another stand behind its operator."""
    merged: dict[str, list[str]] = {}
    names = {layer.name for layer in report.layers if layer.decision != "merged"}
    for layer in report.layers:
        if layer.decision == "merged" and layer.into in names:
            merged.setdefault(layer.into, []).append(layer.op)

    def operators(layer: LayerReport) -> str:
        return printable("+".join([layer.op, *merged.get(layer.name, ())]))

    rows = [one for one in report.layers if one.decision != "merged" or one.into not in names]
    columns: list[tuple[Column, Callable[[LayerReport], str]]] = [
        (Column("layer", _widest(one.name for one in rows), "left"), lambda x: printable(x.name)),
        (Column("operator", _widest(map(operators, rows)), "left"), operators),
        (Column("result", 15), lambda one: _shape(one.shape)),
        (Column("range", 18), _range),
        (Column("cut off", 7), lambda one: _share(one.clipped)),
        (Column("SQNR", 7), lambda one: _decibels(one.sqnr_db)),
        (Column("network", 7), lambda one: _decibels(one.network_sqnr_db)),
        (Column("float ms", 8), lambda one: _figure(one.float_ms)),
        (Column("int8 ms", 8), lambda one: _figure(one.int8_ms)),
        (Column("now", 6, "left"), lambda one: printable(one.decision)),
        (Column("why", 0, "left"), lambda one: printable(one.reason)),
    ]
    # A column in which nothing is known would only push the others off the screen.
    shown = [pair for pair in columns if pair is columns[-1] or any(map(pair[1], rows))]
    table = Table([column for column, _ in shown])
    table.titles()
    for layer in rows:
        table.row([cell(layer) for _, cell in shown])


def _widest(texts: Iterable[str]) -> int:
    """Characters that hold the texts, up to a bound: of longer ones the end has to do."""
    return min(max(map(len, texts), default=0), 40)


def _lines(report: QuantizeReport) -> Iterator[str]:
    yield ", ".join(
        f"{report.count(decision)} {said}"
        for decision, said in _decisions(report)
        if report.count(decision)
    )
    if report.timing:
        yield f"times of layers: {report.timing}"
    yield from (_repair(one) for one in report.repairs)
    yield from (_output(one, report.judged) for one in report.outputs)
    if report.score is not None and report.float_score is not None:
        yield f"score {report.score:.4g}, in float {report.float_score:.4g}"
    if report.drop is not None:
        allowed = "" if report.max_drop is None else f", {report.max_drop:.4g} worse is allowed"
        way = "worse" if report.drop >= 0 else "better"
        yield f"{way} by {abs(report.drop):.4g}{allowed}"
    if report.float_ms and report.int8_ms:
        yield (
            f"a run takes {report.int8_ms:.3g} ms, in float {report.float_ms:.3g} ms: "
            f"{report.float_ms / report.int8_ms:.2f} times as fast on this CPU"
        )
    if report.advice:
        yield f"advice: {printable(report.advice)}"
    yield from (f"note: {printable(note)}" for note in report.notes)


def _decisions(report: QuantizeReport) -> list[tuple[str, str]]:
    others = {one.decision for one in report.layers} - {"int8", "merged", "float"}
    known = [("int8", "layers int8"), ("merged", "merged into them")]
    return [*known, *((one, printable(one)) for one in sorted(others)), ("float", "float")]


def _repair(one: RepairReport) -> str:
    said = [f"repair {printable(one.name)}: {'in the file' if one.applied else 'left out'}"]
    if one.before is not None and one.after is not None:
        said.append(f"{one.before:.4g} to {one.after:.4g} {printable(one.unit)}")
    said.append(f"{one.seconds:.1f} s")
    return ", ".join(said) + (f"; {printable(one.note)}" if one.note else "")


def _output(one: OutputReport, samples: int) -> str:
    agreement = "" if one.agreement is None else f", agrees to {one.agreement:.2%}"
    told = _decibels(one.sqnr_db)
    return f"output {printable(one.name)}: {told}{agreement}, {samples} samples"


def _shape(shape: tuple[int | None, ...] | None) -> str:
    return "x".join("?" if size is None else str(size) for size in shape or ())


def _range(layer: LayerReport) -> str:
    return "" if layer.low is None else f"{layer.low:.4g} .. {layer.high:.4g}"


def _share(share: float | None) -> str:
    return "" if share is None else f"{share:.2%}"


def _decibels(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.1f} dB" if math.isfinite(value) else "equal" if value > 0 else "no signal"


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"
