"""``edgeinfer quantize``: a float model in, one in 8-bit integers out."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from edgeinfer.cli import recipe, samples, values
from edgeinfer.cli.document import print_document
from edgeinfer.cli.model import naming
from edgeinfer.cli.outputs import check_place
from edgeinfer.cli.quantized import print_report
from edgeinfer.cli.steps import Steps
from edgeinfer.errors import InputError

if TYPE_CHECKING:
    from edgeinfer.calibrate import Ranges

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
  With as many layers in float as keep 99 % of the answers:
    edgeinfer quantize model.onnx photos/ --recipe recipe.json --mode mixed --max-drop 0.01 \\
        --out model.int8.onnx
  With a page that shows what became of each layer, and of masks:
    edgeinfer quantize model.onnx photos/ --recipe recipe.json --out model.int8.onnx \\
        --html model.html
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
    choice.add_argument(
        "--mode", choices=("static", "dynamic", "mixed", "weights8", "weights4"), default="static"
    )
    choice.add_argument(
        "--max-drop",
        metavar="X",
        type=values.number,
        help="with --mode mixed: leave those layers in float that it takes to agree with the float "
        "model on all samples but this share; default 0.01",
    )
    choice.add_argument(
        "--profile",
        metavar="FILE",
        type=Path,
        help="times of layers on the target, of edgeinfer profile; for --mode mixed and --layers",
    )
    choice.add_argument(
        "--layers",
        action="store_true",
        help="with --mode static: measure the error and the time of each layer",
    )
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
        "--wide",
        metavar="NAME",
        action="append",
        default=[],
        help="give the results of these layers 16 bits, for tensors that 8 spoil; they take the "
        "time of float; may be repeated",
    )
    choice.add_argument(
        "--force-convolutions",
        action="store_true",
        help="with --mode dynamic: convolutions too, although they become slower",
    )
    choice.add_argument(
        "--repairs",
        metavar="NAMES",
        type=_repairs,
        default="auto",
        help="what wins back accuracy, with commas between: activations, bias, weights, equalise, "
        "split, first, last; none; default auto: those that help on samples",
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
    output.add_argument(
        "--html",
        metavar="FILE",
        type=Path,
        help="write a report there, one page for a browser; measures the layers, as --layers does",
    )
    output.add_argument(
        "--labels", metavar="FILE", type=Path, help="class names for --html, one a line"
    )
    output.add_argument("-q", "--quiet", action="store_true", help="no progress on stderr")


def execute(options: argparse.Namespace) -> int:
    """Run the command."""
    recipe.refuse_flags_beside_recipe(options)
    if options.mode == "static" and not options.samples and options.ranges is None:
        options.usage_error("expected SAMPLES, or --ranges, for --mode static")
    if options.mode == "mixed" and not options.samples:
        options.usage_error("expected SAMPLES for --mode mixed")
    given = (options.model, options.ranges, options.profile, options.recipe, options.labels)
    check_place("--html", options.html, (options.out, *given, *options.samples))
    labels = recipe.read_labels(options.labels) if options.labels else ()
    from edgeinfer.inspection import inspect
    from edgeinfer.quantize import quantize

    with naming(options.model):
        preprocess = None
        if options.samples:
            preprocess = samples.chosen_preprocess(options, inspect(options.model))
        told = Steps(quiet=options.quiet)
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
                wide=options.wide,
                preprocess=preprocess,
                ranges=_ranges(options),
                repairs=options.repairs,
                force_convolutions=options.force_convolutions,
                max_drop=options.max_drop,
                profile=options.profile,
                analyse=_analysed(options),
                threads=options.threads,
                progress=told,
            )
        finally:
            told.clear()
    if options.html is not None:
        report.save_html(options.html, title=options.model.name, labels=labels)
    if options.json:
        facts = {"model": str(options.model), "out": str(options.out), **report.to_dict()}
        print_document("quantize", facts)
    else:
        html = None if options.html is None else str(options.html)
        print_report(options.model.name, str(options.out), html, report)
    return 0


def _repairs(text: str) -> str | tuple[str, ...]:
    if text == "auto":
        return text
    return () if text == "none" else tuple(text.split(","))


def _ranges(options: argparse.Namespace) -> Ranges | None:
    if options.ranges is None:
        return None
    if options.mode == "dynamic":
        raise InputError("--ranges: found it with --mode dynamic, which looks for ranges itself")
    if options.mode in ("weights8", "weights4"):
        raise InputError(
            f"--ranges: found it with --mode {options.mode}, which rounds weights only"
        )
    from edgeinfer.calibrate import Ranges

    ranges = Ranges.load(options.ranges)
    if options.method is None and options.parameter is None:
        return ranges
    return ranges.with_method(options.method or ranges.method, options.parameter)


def _analysed(options: argparse.Namespace) -> bool:
    """Whether layers are measured: a page without would leave the question open which one hurts."""
    page = options.html is not None and options.mode == "static" and bool(options.samples)
    return bool(options.layers or page)
