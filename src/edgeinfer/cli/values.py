"""Numbers on the command line: sizes, channel values, counts, seconds."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import Final

__all__ = [
    "channels",
    "count",
    "join_numbers",
    "level",
    "number",
    "quant",
    "seconds",
    "shape",
    "share",
    "size",
]

# Such as no recipe takes, too: they are to be refused as numbers, not as file names.
_NUMBER: Final = re.compile(r"[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|nan|inf|infinity)", re.IGNORECASE)

# Options that take several numbers: how many at most, and what joins them into one argument.
_SEVERAL: Final = {
    "--size": (2, "x"),
    "--frame": (2, "x"),
    "--mean": (3, ","),
    "--std": (3, ","),
    "--quant": (2, ","),
}


def join_numbers(arguments: Sequence[str]) -> list[str]:
    """Turn ``--size 320 320`` into ``--size=320x320``, and ``--mean`` and ``--std`` alike.

    argparse knows options of one or of three values, not of either, and takes values that look like
    numbers but follow an option as file names.
    """
    joined: list[str] = []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "--":
            return [*joined, word, *rest]
        most, sign = _SEVERAL.get(word, (0, ""))
        values: list[str] = []
        while len(values) < most and rest and _NUMBER.fullmatch(rest[0]):
            values.append(rest.pop(0))
        joined.append(f"{word}={sign.join(values)}" if values else word)
    return joined


def size(text: str) -> tuple[int, int]:
    """(height, width) from ``HxW``."""
    match = re.fullmatch(r"(\d+)[xX,](\d+)", text)
    if match is None or "0" in (match[1], match[2]):
        raise argparse.ArgumentTypeError(f"expected HEIGHT WIDTH, such as 320 320, got {text!r}")
    return int(match[1]), int(match[2])


def channels(text: str) -> tuple[float, ...]:
    """Three values from ``R,G,B``, or from one that stands for all."""
    values = tuple(number(part) for part in text.split(","))
    if len(values) not in (1, 3):
        raise argparse.ArgumentTypeError(f"expected one number or three, got {text!r}")
    return values * 3 if len(values) == 1 else values


def quant(text: str) -> tuple[float, int]:
    """Scale and zero point from ``SCALE,ZERO_POINT``."""
    scale, comma, zero_point = text.partition(",")
    if comma == "" or re.fullmatch(r"[+-]?\d+", zero_point) is None:
        raise argparse.ArgumentTypeError(
            f"expected SCALE ZERO_POINT, such as 0.0187 114, got {text!r}"
        )
    return number(scale), int(zero_point)


def level(text: str) -> int:
    """A gray level, 0 to 255."""
    if re.fullmatch(r"\d{1,3}", text) is None or int(text) > 255:
        raise argparse.ArgumentTypeError(f"expected a gray level from 0 to 255, got {text!r}")
    return int(text)


def number(text: str) -> float:
    """A number or a fraction, ``1/255``."""
    try:
        above, slash, below = text.partition("/")
        return float(above) / float(below) if slash else float(above)
    except (ValueError, ZeroDivisionError):
        raise argparse.ArgumentTypeError(
            f"expected a number, such as 0.5 or 1/255, got {text!r}"
        ) from None


def count(text: str) -> int:
    """A whole number from 1."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, got {text!r}")
    return int(text)


def seconds(text: str) -> float:
    """A time above 0."""
    value = number(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected seconds above 0, got {text!r}")
    return value


def share(text: str) -> float:
    """A share from 0 to 1, also in percent: 0.03 or 3%."""
    value = number(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"expected a share such as 0.03 or 3%, got {text!r}")
    return value


def shape(text: str) -> tuple[str, tuple[int, ...]]:
    """Name and sizes of a tensor from ``NAME=1,3,224,224``; nothing behind ``=`` is a scalar."""
    name, sign, sizes = text.rpartition("=")
    extents = re.split("[,x]", sizes) if sizes else []
    if not sign or not name or any(re.fullmatch(r"\d{1,9}", one) is None for one in extents):
        raise argparse.ArgumentTypeError(f"expected NAME=1,3,224,224, got {text!r}")
    return name, tuple(int(one) for one in extents)
