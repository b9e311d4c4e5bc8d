"""``edgeinfer calibrate``: which range each tensor of a network spans on samples."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeinfer.cli import recipe, samples, values
from edgeinfer.cli.document import print_document
from edgeinfer.cli.model import naming
from edgeinfer.cli.outputs import check_place
from edgeinfer.cli.progress import Progress
from edgeinfer.cli.table import Column, Table, printable

if TYPE_CHECKING:
    from edgeinfer.calibrate import Ranges

__all__ = ["add_parser", "execute"]

_EPILOG = """\
One calibration serves every method: it keeps histograms, and --method only says how the ranges are
chosen from them. The file of --out is read by edgeinfer.Ranges.load() and edgeinfer.quantize().

examples:
  edgeinfer calibrate model.onnx photos/ --scale 1/127.5 --mean 1 1 1 --out model.ranges
  With a file that survives a power cut; the same command goes on where it was:
    edgeinfer calibrate model.onnx list.txt --recipe recipe.json --resume part.ranges \\
        --out model.ranges
"""

# Of tensors whose range says nothing: those never seen.
_NOTHING = "-"


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the arguments of ``calibrate``."""
    parser = commands.add_parser(
        "calibrate",
        help="observe which ranges a float model's tensors span",
        description="Run a float model on images and tell which range each of its tensors spans.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(execute=execute, usage_error=parser.error)
    samples.add_arguments(parser, nargs="+")
    parser.add_argument("--out", metavar="FILE", type=Path, help="write the calibration there")

    recipe.add_arguments(parser)

    choice = parser.add_argument_group("from what was seen to ranges")
    choice.add_argument(
        "--method",
        choices=samples.METHODS,
        default="percentile",
        help="default percentile",
    )
    choice.add_argument(
        "--parameter",
        metavar="X",
        type=values.number,
        help="per cent kept at each end for percentile, default 99.99; levels of the quantiser for "
        "entropy and mse, default 256",
    )
    choice.add_argument(
        "--bins", metavar="N", type=values.count, default=2048, help="of a histogram; default 2048"
    )
    choice.add_argument(
        "--tensor",
        metavar="NAME",
        action="append",
        help="observe this tensor only; may be repeated. Default: all that a quantiser needs",
    )

    running = parser.add_argument_group("running")
    running.add_argument("--threads", metavar="N", type=values.count, help="default: one per core")
    running.add_argument(
        "--workers",
        metavar="N",
        type=values.count,
        help="threads that read images meanwhile; default 1",
    )
    running.add_argument(
        "--resume",
        metavar="FILE",
        type=Path,
        help="keep what was seen there now and then, and go on from it where it is there already",
    )
    running.add_argument(
        "--cache", metavar="DIR", type=Path, help="look for this calibration there, and keep it"
    )

    output = parser.add_argument_group("output")
    output.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    output.add_argument("-q", "--quiet", action="store_true", help="no progress on stderr")


def execute(options: argparse.Namespace) -> int:
    """Run the command."""
    recipe.refuse_flags_beside_recipe(options)
    check_place("--out", options.out, (options.model, options.recipe, *options.samples))
    from edgeinfer.calibrate import calibrate
    from edgeinfer.inspection import inspect

    with naming(options.model):
        facts = inspect(options.model)
        preprocess = samples.chosen_preprocess(options, facts)
        told = _Told(quiet=options.quiet)
        try:
            ranges = calibrate(
                options.model,
                samples.chosen_samples(options.samples),
                method=options.method,
                parameter=options.parameter,
                preprocess=preprocess,
                tensors=options.tensor,
                threads=options.threads,
                workers=options.workers,
                bins=options.bins,
                progress=told,
                resume=options.resume,
                cache=options.cache,
            )
        finally:
            told.clear()
    if options.out is not None:
        ranges.save(options.out)
    if options.json:
        out = None if options.out is None else str(options.out)
        print_document("calibrate", {"model": str(options.model), "out": out, **ranges.to_dict()})
    else:
        _print_table(options, ranges)
    return 0


class _Told:
    """Shows how far it is; samples that an earlier run has seen are passed by."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._progress: Progress | None = None

    def __call__(self, done: int, total: int | None) -> None:
        if self._progress is None:
            self._progress = Progress((total or 0) - done, "samples", quiet=self._quiet)
        else:
            self._progress.step()

    def clear(self) -> None:
        """Before anything else is printed."""
        if self._progress is not None:
            self._progress.clear()


def _print_table(options: argparse.Namespace, ranges: Ranges) -> None:
    parameter = "" if ranges.parameter is None else f" {ranges.parameter:g}"
    print(
        f"{printable(options.model.name)}: {ranges.samples} samples, {len(ranges.tensors)} "
        f"tensors, {ranges.method}{parameter}"
    )
    table = Table(
        (
            Column("tensor", 28, "left"),
            Column("seen", 22),
            Column("range", 22),
            Column("clipped", 9),
            Column("zeros", 7),
            Column("made by", 0, "left"),
        )
    )
    table.titles()
    for row in ranges.to_dict()["tensors"]:
        table.row(_cells(row))
    if options.out is not None:
        print(f"written to {printable(str(options.out))}")


def _cells(row: dict[str, Any]) -> list[str]:
    cells = [printable(row["name"])]
    if row["seen"] is None:
        cells += [_NOTHING] * 4
    else:
        cells += [_span(row["seen"]), _span(row["range"])]
        cells += [f"{row['clipped']:.3%}", f"{row['zeros'] / row['values']:.0%}"]
    return [*cells, printable(row["layer"])]


def _span(pair: list[float]) -> str:
    return f"{pair[0]:.4g} .. {pair[1]:.4g}"
