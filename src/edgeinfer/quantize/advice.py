"""When integers do not help."""

from __future__ import annotations

from typing import Final

__all__ = ["no_gain"]

# Closer than this, two times are equal.
_NOISE: Final = 0.98


def no_gain(where: str, float_ms: float, int8_ms: float, size_ratio: float) -> str:
    """A sentence if the new file is not faster, else "".

    Args:
        where: "this CPU", or the profile's name.
    """
    if int8_ms < float_ms * _NOISE:
        return ""
    return (
        f"integers do not make this network faster on {where}: {int8_ms:.2f} ms a run, in float "
        f"{float_ms:.2f} ms. What they win is size ({size_ratio:.2f} of the file); where time "
        "matters, use the float file"
    )
