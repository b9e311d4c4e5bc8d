"""What a check found, and all of them together."""

from __future__ import annotations

import textwrap
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

__all__ = ["Diagnosis", "Finding", "State"]

State = Literal["ok", "note", "warning", "failed"]

_ORDER: Final[tuple[State, ...]] = ("failed", "warning", "note", "ok")
_STATE_WIDTH: Final = 9
_NAME_WIDTH: Final = 24


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact and what to make of it.

    Attributes:
        name: of what was looked at.
        state: ``"ok"``; ``"note"``: worth knowing; ``"warning"``: works, but slower, less precise
            to measure or close to a limit; ``"failed"``: something of edgeinfer does not work.
        found: the fact.
        wanted: what it should be; empty where it is.
        remedy: what to do; empty where nothing is to be done.
    """

    name: str
    state: State
    found: str
    wanted: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What ``edgeinfer.doctor`` found; prints as a table, the worst first."""

    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing failed; warnings may be there."""
        return not self.having("failed")

    def having(self, state: State) -> tuple[Finding, ...]:
        """The findings of one state."""
        return tuple(finding for finding in self.findings if finding.state == state)

    def to_dict(self) -> dict[str, Any]:
        """Plain values that ``json`` can write."""
        return {"ok": self.ok, "findings": [asdict(finding) for finding in self.findings]}

    def text(self, width: int = 80) -> str:
        """The table, at most ``width`` characters wide (but for words that are longer)."""
        lines = [self._headline(), ""]
        for state in _ORDER:
            for finding in self.having(state):
                lines += _lines(finding, width)
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()

    def _headline(self) -> str:
        counts = [(state, len(self.having(state))) for state in _ORDER]
        names = {"note": "notes", "warning": "warnings"}
        return ", ".join(
            f"{count} {names.get(state, state) if count > 1 else state}"
            for state, count in counts
            if count
        )


def _lines(finding: Finding, width: int) -> list[str]:
    left = f"{finding.state:<{_STATE_WIDTH}}{finding.name:<{_NAME_WIDTH}}"
    parts = [finding.found]
    if finding.wanted:
        parts.append(f"wanted: {finding.wanted}")
    if finding.remedy:
        parts.append(f"remedy: {finding.remedy}")
    lines: list[str] = []
    for index, part in enumerate(parts):
        lines += textwrap.wrap(
            "".join(letter if letter.isprintable() else "?" for letter in part),
            width,
            initial_indent=left if index == 0 else " " * len(left),
            subsequent_indent=" " * (len(left) + (2 if index else 0)),
            break_long_words=False,
            break_on_hyphens=False,
        )
    return lines
