"""What ``run`` shows on a terminal: a line for each image, medians below."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from edgeinfer.cli.job import Report
from edgeinfer.cli.table import Column, Table, printable

__all__ = ["Rows"]

_LONGEST_NAME: Final = 44
_ROOM_FOR_RESULT: Final = 30


class Rows:
    """The table of one run, printed as the images are done.

    On a terminal too narrow for all columns, a row keeps the name, the total and the result; the
    medians of the stages then stand in a sentence below.

    Args:
        paths: all images; a folder that they share is shown once, above the table.
        stages: of a result's times, in order, the total last.
    """

    def __init__(self, paths: Sequence[Path], stages: Sequence[str]) -> None:
        self._folder = _shared_folder(paths)
        names = [printable(str(self._below(path))) for path in paths]
        self._stages = tuple(stages)
        longest = min(max(len("median of 1000"), *map(len, names)), _LONGEST_NAME)
        name = Column("image", longest, "left")
        size = Column("width x height", 14)
        times = [Column(stage, 7) for stage in stages]
        result = Column("result", 24, "left")
        wide = [name, size, *times]
        needed = sum(max(column.width, len(column.title)) + 2 for column in wide)
        room = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        self._narrow = room is not None and needed + _ROOM_FOR_RESULT > room
        if self._narrow:
            narrow_name = Column("image", min(longest, 28), "left")
            self._table = Table([narrow_name, times[-1], result])
        else:
            self._table = Table([*wide, result])

    def begin(self, headline: str) -> None:
        """Print what stands above the first row."""
        print(headline)
        if self._folder is not None:
            print(f"images in {printable(str(self._folder))}")
        print()
        self._table.titles()

    def add(self, path: Path, report: Report) -> None:
        """Print the row of one image."""
        name = printable(str(self._below(path)))
        if report.failed:
            self._row(name, "", {}, report.summary)
            return
        size = f"{report.facts['width']} x {report.facts['height']}"
        self._row(name, size, report.times_ms, report.summary)
        for line in report.details:
            self._row("", "", {}, line)

    def end(self, summary: dict[str, Any]) -> None:
        """Print medians and what went wrong."""
        done = summary["images"] - summary["failed"]
        medians = summary["median_ms"]
        if done > 1:
            self._row(f"median of {done}", "", medians, "")
        notes = []
        if self._narrow and done:
            parts = ", ".join(f"{stage} {medians[stage]:.2f}" for stage in self._stages)
            notes.append(f"median ms: {parts}")
        if summary["failed"]:
            notes.append(f"{summary['failed']} of {summary['images']} images failed")
        if summary["skipped"]:
            notes.append(f"{summary['skipped']} other files in the folders skipped")
        if notes:
            print("\n" + "\n".join(notes))

    def _row(self, name: str, size: str, times_ms: dict[str, float], result: str) -> None:
        times = [f"{times_ms[stage]:.2f}" if times_ms else "" for stage in self._stages]
        cells = [name, times[-1]] if self._narrow else [name, size, *times]
        self._table.row([*cells, result])

    def _below(self, path: Path) -> Path:
        return path if self._folder is None else path.relative_to(self._folder)


def _shared_folder(paths: Sequence[Path]) -> Path | None:
    """The deepest folder that holds all of the files, None if that is where the user is."""
    first, *others = (path.parent.parts for path in paths)
    shared = 0
    while all(shared < len(parts) for parts in (first, *others)) and all(
        parts[shared] == first[shared] for parts in others
    ):
        shared += 1
    return Path(*first[:shared]) if shared else None
