"""Drawings of the report's page, as SVG that takes its colours from the page's style."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape
from typing import Final

from edgeinfer.quantize.report import LayerHistogram

__all__ = ["bar", "histogram", "number", "shares"]

_WIDTH: Final = 320.0
_HEIGHT: Final = 84.0


def number(value: float) -> str:
    """Four digits, for a label."""
    return f"{value:.4g}"


def bar(share: float, kind: str) -> str:
    """One bar, ``share`` of the width there is; the text beside it says the same."""
    width = max(0.0, min(1.0, share)) * 100
    return (
        '<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="rail" width="100" height="8"/><rect class="{kind}" width="{width:.2f}" '
        'height="8"/></svg>'
    )


def shares(parts: Sequence[tuple[float, str]]) -> str:
    """One bar made of parts (amount, kind)."""
    total = sum(amount for amount, _ in parts) or 1.0
    drawn, at = [], 0.0
    for amount, kind in parts:
        width = 100 * amount / total
        drawn.append(f'<rect class="{kind}" x="{at:.2f}" width="{width:.2f}" height="8"/>')
        at += width
    return (
        '<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        f"{''.join(drawn)}</svg>"
    )


def histogram(
    seen: LayerHistogram,
    low: float | None,
    high: float | None,
    *,
    cut: bool = True,
    small: bool = False,
) -> str:
    """Values seen, on a logarithmic scale, over the range that was chosen.

    Bins outside of the range, which integers cut off, have a colour of their own.

    Args:
        seen: at least one bin.
        low, high: what the integers span; None: no range was chosen.
        cut: whether any value lies outside; bins alone do not tell where they hold the last one.
        small: of a table: without figures.
    """
    first, last = seen.first_edge, seen.first_edge + seen.width * len(seen.counts)
    chosen = low is not None and high is not None
    left = min(first, low) if low is not None else first
    right = max(last, high) if high is not None else last
    scale = _WIDTH / (right - left) if right > left else 0.0

    def place(value: float) -> float:
        return (value - left) * scale

    base = _HEIGHT if small else _HEIGHT - 16
    drawn = []
    if low is not None and high is not None:
        drawn.append(
            f'<rect class="span" x="{place(low):.1f}" width="{place(high) - place(low):.1f}" '
            f'height="{base:g}"/>'
        )
    middles = [first + (i + 0.5) * seen.width for i in range(len(seen.counts))]
    inside = [not cut or low is None or high is None or low <= middle <= high for middle in middles]
    for kind, wanted in (("kept", True), ("cut", False)):
        drawn.append(_bins(seen, [one is wanted for one in inside], kind, place, base))
    if low is not None and high is not None:
        for edge in (low, high):
            drawn.append(
                f'<path class="edge" d="M{min(max(place(edge), 0.75), _WIDTH - 0.75):.1f} 0'
                f'V{base:g}"/>'
            )
    told = f"Values seen from {number(first)} to {number(last)}"
    if chosen:
        assert low is not None
        assert high is not None
        told += f"; integers span {number(low)} to {number(high)}"
    if not small:
        drawn.append(f'<path class="axis" d="M0 {base:g}H{_WIDTH:g}"/>')
        drawn += _figures(low, high, left, right, place)
    fit = ' preserveAspectRatio="none"' if small else ""
    kind = "hist small" if small else "hist"
    return (
        f'<svg class="{kind}" viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}"{fit} role="img" '
        f'aria-label="{escape(told)}"><title>{escape(told)}</title>{"".join(drawn)}</svg>'
    )


def _bins(seen: LayerHistogram, wanted: list[bool], kind: str, place: object, base: float) -> str:
    most = math.log1p(max(seen.counts))
    steps = []
    assert callable(place)
    for i, count in enumerate(seen.counts):
        if wanted[i] and count:
            begin = place(seen.first_edge + i * seen.width)
            end = place(seen.first_edge + (i + 1) * seen.width)
            # A single value in a million stays visible.
            top = base - max(1.5, (base - 4) * math.log1p(count) / most)
            steps.append(f"M{begin:.1f} {base:g}V{top:.1f}H{end:.1f}V{base:g}z")
    return f'<path class="{kind}" d="{"".join(steps)}"/>' if steps else ""


def _figures(
    low: float | None,
    high: float | None,
    left: float,
    right: float,
    place: Callable[[float], float],
) -> list[str]:
    """Figures below the axis; of two that would overlap the end of the axis gives way."""
    kept: list[tuple[float, str]] = []
    marks = [value for value in (low, high, 0.0, left, right) if value is not None]
    drawn = []
    for value in marks:
        text = number(value)
        half = 3.1 * len(text)
        at = min(max(place(value), half), _WIDTH - half)
        if left <= value <= right and all(
            abs(at - other) > half + 3.1 * len(name) + 6 for other, name in kept
        ):
            kept.append((at, text))
            drawn.append(
                f'<text x="{at:.1f}" y="{_HEIGHT - 3:g}" text-anchor="middle">{escape(text)}</text>'
            )
    return drawn
