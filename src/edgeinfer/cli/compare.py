"""``edgeinfer compare``: whether one measurement is faster than another, in spite of noise."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeinfer.cli import values
from edgeinfer.cli.document import print_document
from edgeinfer.cli.figures import print_paragraph
from edgeinfer.cli.table import Column, Table, printable

if TYPE_CHECKING:
    from edgeinfer.bench.compare import Judgement
    from edgeinfer.bench.record import Record

__all__ = ["add_parser", "execute"]

_DESCRIPTION = """\
Compare two files of `edgeinfer bench --out FILE`: how many times longer B takes than A, with an
interval, stage by stage. Faster or slower is said where the whole interval lies beyond the bound
that repeated measurements of the same thing differ by; unclear otherwise. Names what differs
between the two measurements. Exit status 1 only with --fail-slower, if something is slower.
"""

_EPILOG = """\
examples:
  edgeinfer bench model.onnx --out before.json
  edgeinfer bench model.onnx --threads 1 --out after.json
  edgeinfer compare before.json after.json
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the arguments of ``compare``."""
    parser = commands.add_parser(
        "compare",
        help="whether one bench file is faster than another",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(execute=execute)
    parser.add_argument("before", metavar="A", type=Path, help="bench file, the one before")
    parser.add_argument("after", metavar="B", type=Path, help="bench file, the one after")
    parser.add_argument(
        "--bound",
        metavar="SHARE",
        type=values.share,
        help="changes taken as noise, such as 0.05 or 5%%; default 3%%",
    )
    parser.add_argument(
        "--fail-slower", action="store_true", help="exit status 1 if anything is slower"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")


def execute(options: argparse.Namespace) -> int:
    """Run the command; 1 if something is slower and that was asked for."""
    from edgeinfer.bench.compare import BOUND
    from edgeinfer.bench.record import differences, read_record

    before, after = read_record(options.before), read_record(options.after)
    bound = BOUND if options.bound is None else options.bound
    rows = _judge_all(before, after, bound)
    others = differences(before, after)
    slower = [row["name"] for row in rows if row["verdict"] == "slower"]
    if options.json:
        facts = {
            "before": str(before.path),
            "after": str(after.path),
            "bound": bound,
            "rows": rows,
            "differences": [difference._asdict() for difference in others],
            "doubts": {"before": before.doubts, "after": after.doubts},
            "slower": slower,
        }
        print_document("compare", facts)
    else:
        _print(before, after, rows, bound)
        for difference in others:
            print_paragraph(
                "differs", f"{difference.name}: {difference.before} | {difference.after}"
            )
    return 1 if slower and options.fail_slower else 0


def _judge_all(before: Record, after: Record, bound: float) -> list[dict[str, Any]]:
    import numpy as np

    from edgeinfer.bench.compare import judge, judge_few, stage_bound

    rows: list[dict[str, Any]] = []

    def add(name: str, first: Any, second: Any, judgement: Judgement, own: float) -> None:
        rows.append(
            {
                "name": name,
                "before_ms": float(np.median(first)),
                "after_ms": float(np.median(second)),
                "ratio": judgement.ratio,
                "low": judgement.low,
                "high": judgement.high,
                "bound": own,
                "verdict": judgement.verdict,
                "why": judgement.why,
            }
        )

    whole = float(np.median(list(before.stages.values())[-1]))
    for name, first in before.stages.items():
        if name in after.stages:
            second = after.stages[name]
            own = stage_bound(bound, float(np.median(first)), whole)
            add(name, first, second, judge(first, second, bound=own), own)
    for name, first in before.starts.items():
        if name in after.starts:
            second = after.starts[name]
            add(name, first, second, judge_few(first, second, bound=bound), bound)
    return rows


def _print(before: Record, after: Record, rows: list[dict[str, Any]], bound: float) -> None:
    print(f"A {printable(str(before.path))}\nB {printable(str(after.path))}\n")
    longest = max((len(row["name"]) for row in rows), default=5)
    table = Table(
        [
            Column("stage", longest, "left"),
            Column("A ms", 8),
            Column("B ms", 8),
            Column("B / A", 6),
            Column("interval", 14),
            Column("verdict", 8, "left"),
        ]
    )
    table.titles()
    for row in rows:
        table.row(
            [
                row["name"],
                f"{row['before_ms']:.3f}",
                f"{row['after_ms']:.3f}",
                f"{row['ratio']:.3f}",
                f"{row['low']:.3f} - {row['high']:.3f}",
                row["verdict"],
            ]
        )
    if not rows:
        print("no stage is in both files")
    print()
    print_paragraph(
        "bound",
        f"{bound:.1%}, for a stage at least 1% of the whole: faster or slower is what lies beyond "
        "it with its whole interval. Stages: 99% interval, from blocks of neighbouring frames; "
        "session and first result: from the extremes of a few processes",
    )
    for name, record in (("doubts of A", before), ("doubts of B", after)):
        if record.doubts:
            print_paragraph(name, "; ".join(record.doubts))
