"""``edgeinfer profile``: what each layer takes on this machine, in float and in 8-bit integers."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from edgeinfer.cli import values
from edgeinfer.cli.document import print_document
from edgeinfer.cli.model import naming
from edgeinfer.cli.table import Column, Table, printable

if TYPE_CHECKING:
    from edgeinfer.quantize.profile import Profile

__all__ = ["add_parser", "execute"]

_EPILOG = """\
Needs the package onnx: pip install 'edgeinfer[quantize]'. No samples: times of kernels do not
depend on values.

example: on the board, then where models are made:
  edgeinfer profile model.onnx --out pi4.json
  edgeinfer quantize model.onnx photos/ --recipe recipe.json --mode mixed --target a72 \\
      --profile pi4.json --out model.a72.onnx
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the arguments of ``profile``."""
    parser = commands.add_parser(
        "profile",
        help="measure each layer in float and in 8-bit integers",
        description="Measure what each layer of a float model takes on this machine, in float and "
        "in 8-bit integers, and keep it for edgeinfer quantize --profile.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(execute=execute)
    parser.add_argument("model", metavar="MODEL", type=Path, help="a float32 .onnx file")
    parser.add_argument("--out", metavar="FILE", type=Path, required=True, help="the profile, JSON")
    parser.add_argument("--threads", metavar="N", type=values.count, help="default: one per core")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")


def execute(options: argparse.Namespace) -> int:
    """Run the command."""
    from edgeinfer.quantize import profile_layers

    with naming(options.model):
        profile = profile_layers(options.model, options.out, threads=options.threads)
    if options.json:
        facts = {"model": str(options.model), "out": str(options.out), **profile.to_dict()}
        print_document("profile", facts)
    else:
        _print_table(options, profile)
    return 0


def _print_table(options: argparse.Namespace, profile: Profile) -> None:
    print(f"{printable(options.model.name)} on {printable(profile.cpu)} ({profile.target})")
    longest = min(max((len(row.name) for row in profile.layers), default=5), 40)
    table = Table(
        (
            Column("layer", longest, "left"),
            Column("operator", 18, "left"),
            Column("float ms", 8),
            Column("int8 ms", 8),
            Column("won ms", 8),
        )
    )
    table.titles()
    for row in profile.layers:
        won = row.float_ms - row.int8_ms
        figures = [f"{one:.3f}" for one in (row.float_ms, row.int8_ms, won)]
        table.row([printable(row.name), printable(row.op), *figures])
    print(
        f"sum of layers: float {profile.float_ms:.2f} ms, int8 {profile.int8_ms:.2f} ms, and "
        f"{profile.rounding_ms:.2f} ms for each million values rounded between them"
    )
    if profile.advice:
        print(f"note: {profile.advice}")
    print(f"written to {printable(str(options.out))}")
