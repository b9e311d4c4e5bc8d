"""``edgeinfer inspect``: what is in a model file, and what keeps it from loading."""

from __future__ import annotations

import argparse
import shutil
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from edgeinfer.cli.document import print_document
from edgeinfer.cli.model import naming
from edgeinfer.cli.table import printable, quantity

if TYPE_CHECKING:
    from edgeinfer.inspection import (
        HeadFacts,
        ModelFacts,
        Problem,
        TailFacts,
        Uint8Facts,
        ValueFacts,
    )

__all__ = ["add_parser", "execute"]

_DESCRIPTION = """\
Facts about an .onnx file, read without running it: inputs and outputs, size, operators, how much is
quantised, which input could be given as integers, which tail a session replaces by its fused pass,
whether it may loop without bound, what a session would warn of, and what would keep it from
loading. Exit status 1 if something would.
"""

_EPILOG = """\
examples:
  edgeinfer inspect model.onnx
  edgeinfer inspect model.onnx --json | python -m json.tool
"""

_NAME_WIDTH = 11


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the arguments of ``inspect``."""
    parser = commands.add_parser(
        "inspect",
        help="facts about a model",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(execute=execute)
    parser.add_argument("model", metavar="MODEL", type=Path, help="an .onnx file")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of text")


def execute(options: argparse.Namespace) -> int:
    """Run the command; 1 if the model would not load."""
    from edgeinfer.inspection import inspect

    with naming(options.model):
        facts = inspect(options.model)
    if options.json:
        print_document("inspect", {"model": str(options.model), **facts.to_dict()})
    else:
        print(printable(options.model.name))
        for name, texts in _paragraphs(facts):
            _print_paragraph(name, texts)
    return 1 if facts.problems else 0


def _paragraphs(facts: ModelFacts) -> list[tuple[str, list[str]]]:
    opsets = ", ".join(f"{domain} {version}" for domain, version in facts.opsets.items())
    producer = " ".join(filter(None, (facts.producer_name, facts.producer_version)))
    made_by = f", made by {producer}" if producer else ""
    quantised = (
        f"{facts.quantised_nodes} of {facts.weighted_nodes} convolutions and products in 8 bits "
        f"({facts.quantised_share:.0%})"
        if facts.weighted_nodes
        else "no convolutions or products with weights"
    )
    operators = sorted(facts.operators.items(), key=lambda item: (-item[1], item[0]))
    paragraphs = [
        ("file", [f"{quantity(facts.file_bytes, 'B')}, IR {facts.ir_version}{made_by}"]),
        ("opsets", [opsets or "none"]),
        (
            "weights",
            [
                f"{quantity(facts.parameters)} parameters, {quantity(facts.weight_bytes, 'B')}",
                *(f"external file {name}" for name in facts.external_files),
            ],
        ),
        ("quantised", [quantised]),
        ("inputs", [_value(value) for value in facts.inputs] or ["none"]),
        ("outputs", [_value(value) for value in facts.outputs] or ["none"]),
        ("head", [_head(head) for head in facts.heads] or ["no input is quantised at once"]),
        ("uint8", _uint8(facts.uint8)),
        ("tail", _tail(facts.tail) if facts.tail else [facts.tail_why]),
        ("operators", [", ".join(f"{name} {count}" for name, count in operators) or "none"]),
    ]
    if facts.metadata:
        paragraphs.append(
            ("metadata", [f"{key}: {value}" for key, value in facts.metadata.items()])
        )
    paragraphs.append(("loops", [_loops(facts)]))
    if facts.warnings:
        paragraphs.append(("warnings", _problems(facts.warnings)))
    problems = _problems(facts.problems)
    paragraphs.append(("problems", problems or ["none known; it should load"]))
    return paragraphs


def _loops(facts: ModelFacts) -> str:
    limit = "; a session stops each run after 10 s unless timeout_s is given"
    return facts.loops + (limit if facts.may_loop else "")


def _problems(problems: tuple[Problem, ...]) -> list[str]:
    return [
        line
        for problem in problems
        for line in (
            f"{problem.code}: {problem.text}"
            + (" (left to the runtime)" if problem.verdict == "unsupported" else ""),
            f"  remedy: {problem.remedy}",
        )
    ]


def _print_paragraph(name: str, texts: list[str]) -> None:
    width = max(60, min(shutil.get_terminal_size().columns, 100))
    left = name
    for text in texts:
        # A long list breaks between its entries, and its second line stands under the first.
        lines = textwrap.wrap(
            printable(text),
            width - _NAME_WIDTH - 2,
            break_long_words=False,
            break_on_hyphens=False,
            subsequent_indent="  " if text.startswith(" ") else "",
        )
        for line in lines or [""]:
            print(f"  {left:<{_NAME_WIDTH}}{line}".rstrip())
            left = ""


def _value(value: ValueFacts) -> str:
    if value.kind != "tensor":
        return f"{value.name}: {value.kind}"
    if value.shape is None:
        return f"{value.name}: {value.dtype}, any number of axes"
    shape = " x ".join(str(extent) if extent != "" else "?" for extent in value.shape)
    return f"{value.name}: {value.dtype}, {shape or 'scalar'}"


def _head(head: HeadFacts) -> str:
    integers = f"{head.dtype}, scale {head.scale:.6g}, zero point {head.zero_point}"
    how = "quantised to" if head.quantizes else "integers already:"
    cut = "; SessionOptions(cut_head=True) takes these" if head.quantizes else ""
    return f"{head.name} {how} {integers}{cut}"


def _uint8(uint8: Uint8Facts) -> list[str]:
    if not uint8.movable and not uint8.left:
        return ["no int8 activations"]
    here = f"not moved here: {uint8.kept}" if uint8.kept else "a session moves them here"
    moved = f"{uint8.movable} int8 activations can move to uint8"
    return [
        f"{moved}; {here}" if uint8.movable else moved,
        *(f"{count} left: {why}" for why, count in uint8.left.items()),
    ]


def _tail(tail: TailFacts) -> list[str]:
    classes = "classes" if tail.classes is None else f"{tail.classes} classes"
    return [f"{classes} of {tail.dtype}; left to the fused pass:", *(f"  {s}" for s in tail.steps)]
