"""Picture and label mask drawn by the same calls, oversampled, so that they cannot disagree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from .camera import Points
from .weather import Rgb

Bytes = NDArray[np.uint8]


class Canvas:
    """Two canvases of one geometry; points are picture fractions, widths 1/320 of the height.

    Args:
        picture, mask: background (rows, cols, 3) and (rows, cols) uint8, any resolution.
        size_hw: resolution wanted from ``finish``.
    """

    def __init__(self, picture: Bytes, mask: Bytes, size_hw: tuple[int, int]) -> None:
        height, width = size_hw
        self._factor = 3 if max(size_hw) <= 640 else 2
        full = (width * self._factor, height * self._factor)
        smooth = Image.fromarray(picture)
        if smooth.size != (width, height):
            smooth = smooth.resize((width, height), Image.Resampling.BICUBIC)
        nearest = Image.Resampling.NEAREST
        self._picture = smooth.resize(full, nearest)
        self._mask = Image.fromarray(mask).resize(full, nearest)
        self._pen = ImageDraw.Draw(self._picture)
        self._label = ImageDraw.Draw(self._mask)
        self._scale = np.array(full, np.float64)
        self._unit = full[1] / 320.0

    def _pixels(self, points: Points) -> list[tuple[float, float]]:
        # Far outside points only cost Pillow time; the clamp lies well beyond the visible part.
        return [(x, y) for x, y in (np.clip(points, -4.0, 5.0) * self._scale).tolist()]

    def _width(self, width: float) -> int:
        return max(1, int(width * self._unit + 0.5))

    def segments(self, ends: Points, widths: Points, colors: Points) -> None:
        """Straight strokes in the picture only: ends (count, 2, 2), colors (count, 3) 0..255."""
        flat = self._pixels(ends.reshape(-1, 2))
        inks = (np.clip(colors, 0, 255) + 0.5).astype(np.uint8).tolist()
        sizes = np.maximum(1, (widths * self._unit + 0.5).astype(np.int64)).tolist()
        draw = self._pen.line
        for index, (ink, size) in enumerate(zip(inks, sizes, strict=True)):
            draw(flat[2 * index : 2 * index + 2], tuple(ink), size)

    def stroke(self, points: Points, width: float, color: Rgb) -> None:
        """A line through (count, 2) points, in the picture only."""
        self._pen.line(self._pixels(points), _bytes(color), self._width(width))

    def polygon(self, points: Points, color: Rgb, label: int | None = None) -> None:
        """A filled polygon; without ``label`` the mask keeps what it had."""
        corners = self._pixels(points)
        self._pen.polygon(corners, fill=_bytes(color))
        if label is not None:
            self._label.polygon(corners, fill=label)

    def ellipse(self, center: Points, radius: tuple[float, float], color: Rgb, label: int) -> None:
        """A filled axis-parallel ellipse; ``radius`` (x, y) in picture fractions."""
        (left, top), (right, bottom) = self._pixels(np.array([center - radius, center + radius]))
        self._pen.ellipse((left, top, right, bottom), fill=_bytes(color))
        self._label.ellipse((left, top, right, bottom), fill=label)

    def label_area(self, points: Points, label: int) -> None:
        """Fill a polygon in the mask only, with an outline so that slivers do not vanish."""
        corners = self._pixels(points)
        self._label.polygon(corners, fill=label)
        edge = self._width(1.0)
        self._label.line([*corners, corners[0]], fill=label, width=edge)

    def label_line(self, points: Points, width: float, label: int) -> None:
        """A stroke in the mask only."""
        self._label.line(self._pixels(points), fill=label, width=self._width(width))

    def finish(self) -> tuple[Bytes, Bytes]:
        """Box-filtered picture (H, W, 3) and centre-sampled mask (H, W)."""
        half = self._factor // 2
        picture = np.asarray(self._picture.reduce(self._factor))
        mask = np.asarray(self._mask)[half :: self._factor, half :: self._factor]
        return picture, np.ascontiguousarray(mask)


def _bytes(color: Rgb) -> tuple[int, int, int]:
    red, green, blue = (min(255, max(0, int(value + 0.5))) for value in color)
    return red, green, blue


def hull(points: Points) -> Points:
    """Convex hull of (N, 2) points, counter-clockwise (Andrew's monotone chain)."""
    ordered = sorted(map(tuple, points.tolist()))

    def chain(sequence: Sequence[tuple[float, ...]]) -> list[tuple[float, ...]]:
        kept: list[tuple[float, ...]] = []
        for x, y in sequence:
            while len(kept) > 1:
                (ax, ay), (bx, by) = kept[-2], kept[-1]
                if (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0:
                    break
                kept.pop()
            kept.append((x, y))
        return kept[:-1]

    return np.array(chain(ordered) + chain(ordered[::-1]) or ordered[:1], np.float64)
