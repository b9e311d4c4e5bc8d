"""The repairs by name, in the order in which they are tried.

Each makes another ``Material`` of one, without calibrating again; "bias" and "weights" are choices
of the numbers that ``make_candidate`` writes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from edgeinfer.errors import InputError
from edgeinfer.quantize.candidate import Material
from edgeinfer.quantize.repair.activations import search_ranges
from edgeinfer.quantize.repair.ends import first_in_float, last_in_float
from edgeinfer.quantize.repair.equalise import equalise
from edgeinfer.quantize.repair.split import split_scales

__all__ = ["REPAIRS", "checked_repairs", "mend"]

Change = Callable[[Material], Material | None]

# In the order in which they are tried: what changes most first.
_CHANGES: Final[dict[str, Change | None]] = {
    "activations": search_ranges,
    "bias": None,
    "weights": None,
    "equalise": equalise,
    "split": split_scales,
    "first": first_in_float,
    "last": last_in_float,
}
REPAIRS: Final = tuple(_CHANGES)


def mend(material: Material, name: str) -> Material | None:
    """The material with one repair more; None where there is nothing for it to do."""
    change = _CHANGES[name]
    return material if change is None else change(material)


def checked_repairs(repairs: str | Sequence[str]) -> str | tuple[str, ...]:
    """ "auto", or names in the order in which they are done.

    Raises:
        InputError: a name that is none.
    """
    if repairs == "auto":
        return "auto"
    wanted = f"wanted 'auto' or some of {', '.join(REPAIRS)}"
    if isinstance(repairs, str) or not isinstance(repairs, Sequence):
        raise InputError(f"repairs: found {repairs!r}, {wanted}")
    for name in repairs:
        if name not in REPAIRS:
            raise InputError(f"repairs: found {name!r}, {wanted}")
    return tuple(name for name in REPAIRS if name in repairs)
