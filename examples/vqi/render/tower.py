"""Lattice towers: struts for the picture, silhouettes for the mask, points for the cables.

A tower is built in its own frame (across, up, along the line; metres) and placed in the world.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .camera import Camera, Points
from .canvas import Canvas, hull
from .classes import TOWER
from .weather import Rgb, Weather

_Add = Callable[[Points, Points, float], None]
_SIDES = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], np.float64)

# Cross-arms as (fraction of the height, half length in metres), by the usual family names.
_SHAPES: dict[str, tuple[tuple[float, float], ...]] = {
    "single": ((0.86, 10.5),),
    "danube": ((0.68, 11.0), (0.86, 7.0)),
    "barrel": ((0.6, 6.5), (0.75, 9.5), (0.9, 6.5)),
    "fir": ((0.6, 10.5), (0.75, 8.0), (0.9, 5.5)),
    "portal": ((0.88, 13.0),),
}


@dataclass(frozen=True)
class Design:
    """One family of towers; the towers of a line share it. Lengths in metres."""

    height: float
    base: float
    waist: float
    waist_at: float
    bodies: tuple[float, ...]
    arms: tuple[tuple[float, float], ...]
    arm_rise: float
    panels: int
    leg: float
    brace: float
    color: Rgb
    band: Rgb | None


@dataclass(frozen=True)
class Place:
    """Where a tower stands: foot (x, z) and the unit direction of the line there."""

    x: float
    z: float
    along: tuple[float, float]

    def world(self, local: Points) -> Points:
        """(..., 3) points of the tower's frame (across, up, along) in the world."""
        ahead_x, ahead_z = self.along
        across, up, along = local[..., 0], local[..., 1], local[..., 2]
        return np.stack(
            [
                self.x + across * ahead_z + along * ahead_x,
                up,
                self.z - across * ahead_x + along * ahead_z,
            ],
            axis=-1,
        )


def choose(rng: np.random.Generator) -> Design:
    """Draw a design: shape, proportions, strut sizes and paint."""
    shape = tuple(_SHAPES)[int(rng.choice(5, p=(0.16, 0.26, 0.2, 0.24, 0.14)))]
    height = float(rng.uniform(30, 50)) * (0.7 if shape == "portal" else 1.0)
    stretch = float(rng.uniform(0.8, 1.2))
    paints: tuple[Rgb, ...] = (
        (172, 176, 178), (140, 143, 145), (108, 110, 112), (74, 76, 78), (96, 116, 96),
        (70, 88, 72), (128, 100, 82), (206, 208, 208), (50, 48, 48), (150, 146, 136),
    )  # fmt: skip
    grey = paints[int(rng.integers(len(paints)))]
    band = (190.0, 62.0, 48.0) if rng.random() < 0.1 else None
    return Design(
        height=height,
        base=height * float(rng.uniform(0.06, 0.11)) * (0.4 if shape == "portal" else 1.0),
        waist=float(rng.uniform(0.8, 1.5)),
        waist_at=float(rng.uniform(0.45, 0.58)),
        bodies=(-6.5 * stretch, 6.5 * stretch) if shape == "portal" else (0.0,),
        arms=tuple((at, half * stretch) for at, half in _SHAPES[shape]),
        arm_rise=float(rng.uniform(1.4, 2.8)),
        panels=int(rng.integers(7, 12)),
        leg=float(rng.uniform(0.32, 0.55)),
        brace=float(rng.uniform(0.16, 0.3)),
        color=grey,
        band=band,
    )


def _half_width(design: Design, up: float) -> float:
    part = up / design.height
    if part < design.waist_at:
        return design.base + (design.waist - design.base) * part / design.waist_at
    return design.waist * (1.0 - 0.45 * (part - design.waist_at) / (1.0 - design.waist_at))


def _ring(design: Design, up: float, middle: float) -> Points:
    half = _half_width(design, up)
    return np.column_stack([middle + _SIDES[:, 0] * half, np.full(4, up), _SIDES[:, 1] * half])


def tips(design: Design) -> Points:
    """Arm ends (count, 3) in the tower's frame, both sides of every arm, portal centre included."""
    points = [
        (side * half, at * design.height, 0.0) for at, half in design.arms for side in (-1.0, 1.0)
    ]
    if len(design.bodies) > 1:
        points.append((0.0, design.arms[0][0] * design.height, 0.0))
    return np.array(points)


def peaks(design: Design) -> Points:
    """Where the earth wires are held: the top of each body."""
    return np.array([(middle, design.height, 0.0) for middle in design.bodies])


def _struts(design: Design, coarse: bool) -> tuple[Points, list[float], list[Points]]:
    """Ends (count, 2, 3), widths in metres, and silhouette corner sets, all in tower frame."""
    ends: list[tuple[Points, Points]] = []
    widths: list[float] = []
    solids: list[Points] = []

    def add(first: Points, second: Points, width: float) -> None:
        ends.append((first, second))
        widths.append(width)

    panels = max(4, design.panels // 2) if coarse else design.panels
    # Panels shorten towards the top, as the body does.
    left = [1.0 - index / panels for index in range(panels + 1)]
    steps = [1.0 - part * math.sqrt(part) for part in left]
    for middle in design.bodies:
        rings = [_ring(design, step * design.height, middle) for step in steps]
        for low, high in pairwise(rings):
            for corner in range(4):
                after = (corner + 1) % 4
                add(low[corner], high[corner], design.leg)
                add(low[corner], high[after], design.brace)
                add(low[after], high[corner], design.brace)
                add(high[corner], high[after], design.brace)
        waist = _ring(design, design.waist_at * design.height, middle)
        solids += [np.vstack([rings[0], waist]), np.vstack([waist, rings[-1]])]
    for at, half in design.arms:
        up = at * design.height
        for side in (-1.0, 1.0):
            solids.append(_arm(design, up, side * half, coarse, add))
    return np.array(ends), widths, solids


def _arm(design: Design, up: float, reach: float, coarse: bool, add: _Add) -> Points:
    """Add one arm, a pyramid from the body to its tip; return its corners."""
    half = _half_width(design, up)
    root = 0.0 if len(design.bodies) > 1 else (half if reach > 0 else -half)
    # A portal's beam keeps its depth; a bracket arm narrows to a point.
    end = design.arm_rise * 0.6 if len(design.bodies) > 1 else 0.15
    lower = [np.array([root, up, side * half]) for side in (-1.0, 1.0)]
    upper = [np.array([root, up + design.arm_rise, side * half]) for side in (-1.0, 1.0)]
    low_tip, high_tip = np.array([reach, up, 0.0]), np.array([reach, up + end, 0.0])
    count = 3 if coarse else 5
    for low, high in zip(lower, upper, strict=True):
        add(low, low_tip, design.leg * 0.8)
        add(high, high_tip, design.leg * 0.8)
        for index in range(count):
            near, far = index / count, (index + 1) / count
            below, above = low + (low_tip - low) * near, high + (high_tip - high) * far
            add(below, above, design.brace)
            add(above, low + (low_tip - low) * far, design.brace)
    return np.vstack([lower, upper, [low_tip, high_tip]])


def draw(canvas: Canvas, camera: Camera, weather: Weather, design: Design, place: Place) -> None:
    """Draw one tower unless it reaches behind the viewer; label its silhouette."""
    depth = float(camera.depth(np.array([place.x, design.height / 2, place.z])))
    scale = camera.pixels_per_metre(depth)
    ends, widths, solids = _struts(design, coarse=scale * design.height < 70)
    world = place.world(ends)
    distances = camera.depth(world)
    if distances.min() < 3.0:
        return
    order = np.argsort(-distances.mean(axis=1), kind="stable")
    middle = float(np.median(distances))
    depths = distances.mean(axis=1)
    deep = max(float(np.ptp(depths)), 1e-6)
    highs = ends[:, :, 1].mean(axis=1)
    tint = np.array(weather.shade(design.color, middle))
    colors = np.broadcast_to(tint, (len(ends), 3))
    if design.band:
        odd = (highs / design.height * 7).astype(np.int64) % 2 == 1
        colors = np.where(odd[:, None], np.array(weather.shade(design.band, middle)), tint)
    # Far faces lie in the shade of the near ones; without it a lattice looks flat.
    near = 1.12 - 0.5 * (depths - depths.min()) / deep
    right = (ends[:, 0, 0] + ends[:, 1, 0] > 0) * 0.1
    colors = colors * (near + right)[:, None]
    sizes = np.maximum(0.34, np.array(widths) * scale)
    canvas.segments(camera.project(world[order]), sizes[order], colors[order])
    for solid in solids:
        canvas.label_area(hull(camera.project(place.world(solid))), TOWER)
