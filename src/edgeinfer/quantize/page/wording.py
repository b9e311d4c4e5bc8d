"""Figures and names as the report's page prints them."""

from __future__ import annotations

import math
from html import escape
from typing import Final

__all__ = ["agreed", "decibels", "milliseconds", "name", "size_of", "text"]

# A name from a hostile file may be as long as the file.
_LONGEST: Final = 400


def text(value: object) -> str:
    """``value`` for HTML, in elements and in attributes.

    Control characters, those that turn the direction of writing, and halves of surrogates, which no
    encoding knows, become replacement characters; what is very long loses its middle.
    """
    whole = str(value)
    if len(whole) > _LONGEST:
        whole = f"{whole[: _LONGEST // 2]}…{whole[-_LONGEST // 2 :]}"
    clean = "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in whole
    )
    return escape(clean)


def name(value: object) -> str:
    """The name of a layer, an output or a file, with places at which its line may be broken."""
    whole = text(value).replace("/", "/<wbr>").replace(".", ".<wbr>").replace("_", "_<wbr>")
    return f"<bdi>{whole}</bdi>"


def agreed(share: float, *, up: bool = False) -> str:
    """A share in per cent, rounded down (or up), so that 100 % (0 %) is left to what is exact."""
    hundredths = math.ceil(share * 1e4 - 1e-9) if up else math.floor(share * 1e4 + 1e-9)
    return f"{hundredths / 100:.2f} %"


def decibels(value: float) -> str:
    """Signal over error."""
    if math.isinf(value):
        return "equal" if value > 0 else "no signal"
    return f"{value:.1f} dB"


def milliseconds(value: float) -> str:
    """Three digits."""
    return f"{value:.3g} ms" if value < 1000 else f"{value:.0f} ms"


def size_of(count: int) -> str:
    """Bytes with three digits and a unit."""
    for factor, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= factor:
            scaled = count / factor
            return f"{scaled:.{max(0, 3 - len(str(int(scaled))))}f} {unit}"
    return f"{count} B"
