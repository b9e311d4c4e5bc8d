"""``edgeinfer quantize``: a float model in, one in 8-bit integers out."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING

from edgeinfer.cli import recipe, samples, values
from edgeinfer.cli.document import print_document
from edgeinfer.cli.model import naming
from edgeinfer.cli.progress import Progress
from edgeinfer.cli.table import Column, Table, printable, quantity
from edgeinfer.errors import InputError

if TYPE_CHECKING:
    from edgeinfer.calibrate import Ranges
    from edgeinfer.quantize import LayerReport, QuantizeReport

__all__ = ["add_parser", "execute"]

_EPILOG = """\
Needs the package onnx: pip install 'edgeinfer[quantize]'.

examples:
  edgeinfer quantize model.onnx photos/ --scale 1/127.5 --mean 1 1 1 --out model.int8.onnx
  For another processor, with the last layer in float:
    edgeinfer quantize model.onnx photos/ --recipe recipe.json --target a72 \\
        --exclude classifier --out model.a72.onnx
  From a calibration that was kept, without samples:
    edgeinfer quantize model.onnx --ranges model.ranges --out model.int8.onnx
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the arguments of ``quantize``."""
    parser = commands.add_parser(
        "quantize",
        help="write a float model in 8-bit integers",
        description="Write a float model in 8-bit integers, and tell what became of each layer.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(execute=execute, usage_error=parser.error)
    samples.add_arguments(parser, nargs="*")
    parser.add_argument("--out", metavar="FILE", type=Path, required=True, help="the new model")

    recipe.add_arguments(parser)

    choice = parser.add_argument_group("how")
    choice.add_argument("--mode", choices=("static", "dynamic"), default="static")
    choice.add_argument(
        "--target",
        choices=("a72", "a76", "x86-64", "x86-64-vnni"),
        help="processor that the model is for; default: this one",
    )
    choice.add_argument(
        "--exclude",
        metavar="NAME",
        action="append",
        default=[],
        help="leave these nodes in float: a name, a result or an operator; * and ? stand for any "
        "letters; may be repeated",
    )
    choice.add_argument(
        "--force-convolutions",
        action="store_true",
        help="with --mode dynamic: convolutions too, although they become slower",
    )
    choice.add_argument(
        "--no-correct-bias", action="store_true", help="leave biases as the file has them"
    )
    choice.add_argument(
        "--ranges", metavar="FILE", type=Path, help="of edgeinfer calibrate, instead of a new one"
    )
    choice.add_argument(
        "--method",
        choices=samples.METHODS,
        help="from what was seen to ranges; default percentile, or that of --ranges",
    )
    choice.add_argument(
        "--parameter",
        metavar="X",
        type=values.number,
        help="of the method; see edgeinfer calibrate",
    )
    choice.add_argument("--threads", metavar="N", type=values.count, help="default: one per core")

    output = parser.add_argument_group("output")
    output.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    output.add_argument("-q", "--quiet", action="store_true", help="no progress on stderr")


def execute(options: argparse.Namespace) -> int:
    """Run the command."""
    recipe.refuse_flags_beside_recipe(options)
    if options.mode == "static" and not options.samples and options.ranges is None:
        options.usage_error("expected SAMPLES, or --ranges, for --mode static")
    from edgeinfer.inspection import inspect
    from edgeinfer.quantize import quantize

    with naming(options.model):
        preprocess = None
        if options.samples:
            preprocess = samples.chosen_preprocess(options, inspect(options.model))
        told = _Told(quiet=options.quiet)
        try:
            report = quantize(
                options.model,
                options.out,
                samples=samples.chosen_samples(options.samples) if options.samples else None,
                mode=options.mode,
                method=options.method or "percentile",
                parameter=options.parameter,
                target=options.target,
                exclude=options.exclude,
                preprocess=preprocess,
                ranges=_ranges(options),
                correct_bias=not options.no_correct_bias,
                force_convolutions=options.force_convolutions,
                threads=options.threads,
                progress=told,
            )
        finally:
            told.clear()
    if options.json:
        facts = {"model": str(options.model), "out": str(options.out), **report.to_dict()}
        print_document("quantize", facts)
    else:
        _print_table(options, report)
    return 0


def _ranges(options: argparse.Namespace) -> Ranges | None:
    if options.ranges is None:
        return None
    if options.mode == "dynamic":
        raise InputError("--ranges: found it with --mode dynamic, which looks for ranges itself")
    from edgeinfer.calibrate import Ranges

    ranges = Ranges.load(options.ranges)
    if options.method is None and options.parameter is None:
        return ranges
    return ranges.with_method(options.method or ranges.method, options.parameter)


class _Told:
    """Shows how far a step is, where that can be told."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._step = ""
        self._progress: Progress | None = None

    def __call__(self, step: str, done: int, total: int | None) -> None:
        if step != self._step or self._progress is None:
            self.clear()
            self._step = step
            self._progress = Progress((total or 0) - done, f"samples: {step}", quiet=self._quiet)
        elif done > 0:
            self._progress.step()
        elif total is not None:
            # The total is known only once the step has begun.
            self._progress = Progress(total, f"samples: {step}", quiet=self._quiet)

    def clear(self) -> None:
        """Before anything else is printed."""
        if self._progress is not None:
            self._progress.clear()


def _print_table(options: argparse.Namespace, report: QuantizeReport) -> None:
    method = "" if report.method is None else f", {report.samples} samples, {report.method}"
    print(
        f"{printable(options.model.name)}: {report.mode} for {report.target}, activations "
        f"{report.activations}, weights {report.weight_bits} bits{method}"
    )
    table = Table(
        (
            Column("layer", 28, "left"),
            Column("operator", 18, "left"),
            Column("weights", 16),
            Column("range", 20),
            Column("now", 6, "left"),
            Column("why", 0, "left"),
        )
    )
    table.titles()
    for layer in report.layers:
        table.row(_cells(layer))
    print(
        f"{report.count('int8')} layers int8, {report.count('merged')} merged into them, "
        f"{report.count('float')} float"
    )
    for output in report.outputs:
        agreement = "" if output.agreement is None else f", same class {output.agreement:.2%}"
        ratio = f"{output.sqnr_db:.1f} dB" if math.isfinite(output.sqnr_db) else "equal"
        print(f"output {printable(output.name)}: {ratio}{agreement}, {report.judged} samples")
    for note in report.notes:
        print(f"note: {note}")
    print(
        f"written to {printable(str(options.out))}: {quantity(report.int8_bytes, 'B')}, "
        f"{report.size_ratio:.2f} of {quantity(report.float_bytes, 'B')}, "
        f"in {sum(report.seconds.values()):.1f} s"
    )


def _cells(layer: LayerReport) -> list[str]:
    weights = "" if layer.weights is None else "x".join(map(str, layer.weights))
    span = "" if layer.low is None else f"{layer.low:.4g} .. {layer.high:.4g}"
    name, op = printable(layer.name), printable(layer.op)
    return [name, op, weights, span, layer.decision, printable(layer.reason)]
