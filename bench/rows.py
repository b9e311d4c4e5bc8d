"""What a row of the table is: the one thing that every row's module and the table share.

A row's module has a function without arguments that checks answers, then times, and returns an
``Outcome``; it raises AssertionError, with figures, where an answer differs. The list of rows is
in ``table.py``, and each runs in a process of its own, so a row may import, load and set what it
likes. Keep a row under a minute.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from timing import Ratio, Summary, Timings


@dataclass(frozen=True)
class Figure:
    """One figure that a row reached, and what was wanted of it.

    ``ratio`` is how many times faster edgeinfer is, or with ``at_most`` a cost where less is
    better. ``wanted`` decides whether the row is missed; ``aim`` does not. Without both it is
    information.
    """

    name: str
    ratio: Ratio
    wanted: float | None = None
    aim: float | None = None
    at_most: bool = False

    def _meets(self, limit: float) -> bool:
        return self.ratio.value <= limit if self.at_most else self.ratio.value >= limit

    @property
    def missed(self) -> bool:
        """Whether what was wanted was not reached; NaN reaches nothing."""
        return self.wanted is not None and not self._meets(self.wanted)

    @property
    def verdict(self) -> str:
        """``missed``, ``reached``, ``aim reached``, ``aim missed`` (no bound), or nothing."""
        if self.missed:
            return "MISSED"
        if self.aim is not None and self._meets(self.aim):
            return "aim reached"
        if self.wanted is not None:
            return "reached"
        return "" if self.aim is None else "aim missed"


@dataclass(frozen=True)
class Outcome:
    """What a row found.

    ``checked`` says which answers were compared before timing, and within which bound. ``sides``
    are the times behind the figures, those of parts of the work named ``part: ...``; ``notes``
    name peers that took no part, and why. ``profile`` is there where it was asked for.
    """

    checked: str
    figures: tuple[Figure, ...]
    sides: Mapping[str, Summary] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    profile: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """One row of the table; ``name`` is what ``--only`` takes.

    ``profile`` gives, as lines of text, where the time goes that no work of ours can take away.
    """

    name: str
    title: str
    measure: Callable[[], Outcome]
    profile: Callable[[], Sequence[str]] | None = None


def ceilings(timings: Timings, slower: Sequence[str], networks: Sequence[str]) -> list[Figure]:
    """The highest ratio that work around a network can reach, against each of ``slower``.

    It is the peer's whole time over the network's alone: everything else would cost nothing. Of
    several runs of the same network the fastest counts.
    """
    alone = min(networks, key=lambda name: timings.summary(name).median_ms)
    return [Figure(f"(ceiling: {name})", timings.ratio(name, alone)) for name in slower]
