"""Plain-text tables whose rows are printed as they become known."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["Column", "Table", "median", "printable", "quantity"]

_GAP = "  "


@dataclass(frozen=True)
class Column:
    """One column: its title, its width in characters, and the side its text leans on."""

    title: str
    width: int
    side: Literal["left", "right"] = "right"


class Table:
    """Rows under aligned titles, written to stdout one at a time.

    Widths are fixed beforehand, so the first row can be read before the last is computed. A text
    too long for its column loses its beginning if it leans left (the end of a path tells more);
    numbers are never cut. The last column is as wide as its text, on a terminal up to the right
    edge.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = tuple(columns)
        # Cutting is for eyes: what goes to a file or a pipe is kept whole.
        self._limit = shutil.get_terminal_size().columns if sys.stdout.isatty() else None

    def titles(self) -> None:
        """Print the titles and a rule below them."""
        self.row([column.title for column in self._columns])
        last = self._columns[-1]
        rule = ["-" * max(column.width, len(column.title)) for column in self._columns[:-1]]
        self.row([*rule, "-" * max(len(last.title), min(last.width, 24))])

    def row(self, cells: Sequence[str]) -> None:
        """Print one row; missing cells at the end stay empty."""
        *fixed, last = self._columns
        parts = [_fit(text, column) for text, column in zip(cells, fixed, strict=False)]
        if len(cells) == len(self._columns):
            parts.append(cells[-1].rjust(last.width) if last.side == "right" else cells[-1])
        line = _GAP.join(parts).rstrip()
        if self._limit is not None and len(line) > self._limit:
            line = line[: self._limit - 1] + "…"
        print(line, flush=True)


def _fit(text: str, column: Column) -> str:
    width = max(column.width, len(column.title))
    if column.side == "right":
        return text.rjust(width)
    if len(text) > width:
        text = "…" + text[len(text) - width + 1 :]
    return text.ljust(width)


def printable(text: str) -> str:
    """``text`` with control characters, which could move the cursor, replaced by question marks."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def quantity(number: float, unit: str = "") -> str:
    """``number`` with a factor of 1000 (k, M, G) and three digits: 2768251 is 2.77 M."""
    for factor, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= factor:
            scaled = number / factor
            digits = max(0, 2 - (len(str(int(abs(scaled)))) - 1))
            return f"{scaled:.{digits}f} {letter}{unit}"
    return f"{number:g} {unit}".rstrip()


def median(values: Sequence[float]) -> float:
    """The middle value, or the mean of the middle two; values must not be empty."""
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
