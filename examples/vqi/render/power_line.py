"""What hangs on the towers: insulator strings and the cables between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .camera import NEAR_M, Camera, Points
from .canvas import Canvas
from .classes import CABLE, INSULATOR
from .weather import Rgb, Weather

_SAMPLES = np.linspace(0.0, 1.0, 49)
_DOWN = np.array((0.0, -1.0, 0.0))


@dataclass(frozen=True)
class Fittings:
    """Insulators and cables of a line. Lengths in metres; sag as a fraction of the span.

    tension: strings lie along the cable on both sides of the arm instead of hanging below it.
    """

    length: float
    girth: float
    discs: int
    tension: bool
    twin: bool
    glass: Rgb
    cable: float
    sag: float
    metal: Rgb


def choose(rng: np.random.Generator) -> Fittings:
    """Draw fittings; sizes are on the large side, as 320 pixels show little of the real ones."""
    glasses: tuple[Rgb, ...] = (
        (112, 66, 48), (88, 58, 50), (146, 150, 152), (196, 200, 200), (92, 128, 118),
        (150, 182, 176), (60, 62, 66), (206, 190, 168),
    )  # fmt: skip
    metals: tuple[Rgb, ...] = (
        (28, 29, 32),
        (58, 58, 60),
        (112, 114, 116),
        (168, 170, 172),
        (236, 236, 232),
    )
    return Fittings(
        length=float(rng.uniform(3.2, 5.0)),
        girth=float(rng.uniform(0.75, 1.15)),
        discs=int(rng.integers(6, 11)),
        tension=bool(rng.random() < 0.3),
        twin=bool(rng.random() < 0.25),
        glass=glasses[int(rng.integers(len(glasses)))],
        cable=float(rng.uniform(0.14, 0.3)),
        sag=float(rng.uniform(0.02, 0.07)),
        metal=metals[int(rng.choice(len(metals), p=(0.3, 0.22, 0.18, 0.15, 0.15)))],
    )


def hanging(fittings: Fittings, tip: Points) -> Points:
    """Lower end of a suspension string under ``tip`` (world)."""
    return tip + _DOWN * fittings.length


def strained(fittings: Fittings, tip: Points, toward: Points) -> Points:
    """Outer end of a tension string from ``tip`` towards the next tower's ``toward``."""
    way = toward - tip
    way = way / np.sqrt((way * way).sum()) + _DOWN * 4 * fittings.sag
    end: Points = tip + way / np.sqrt((way * way).sum()) * fittings.length
    return end


def draw_string(
    canvas: Canvas, camera: Camera, weather: Weather, fittings: Fittings, top: Points, end: Points
) -> None:
    """One insulator string: discs on a rod; nothing when too far away to be seen."""
    depth = float(camera.depth(top))
    scale = camera.pixels_per_metre(depth)
    if min(depth, float(camera.depth(end))) < 3.0 or fittings.length * scale < 4.0:
        return
    ends = camera.project(np.array([top, end]))
    glass = weather.shade(fittings.glass, depth)
    girth = max(fittings.girth * scale, 1.7)
    rod: Rgb = (glass[0] * 0.55, glass[1] * 0.55, glass[2] * 0.6)
    canvas.stroke(ends, girth * 0.3, rod)
    way = ends[1] - ends[0]
    length = max(float(np.sqrt((way * way).sum())), 1e-9)
    normal = np.array((-way[1], way[0])) / length * (girth / 640.0)
    places = ends[0] + way * np.linspace(0.1, 0.9, fittings.discs)[:, None]
    discs = np.stack([places - normal, places + normal], axis=1)
    thick = max(0.5, 0.7 * 320.0 * length / fittings.discs)
    sizes = np.full(fittings.discs, thick)
    colors = np.tile(glass, (fittings.discs, 1))
    canvas.segments(discs, sizes, colors)
    lit = np.stack([places - normal * 0.6, places - normal * 0.1], axis=1)
    canvas.segments(lit, sizes * 0.6, colors * 1.25)
    canvas.label_line(ends, max(girth + 0.6, 3.2), INSULATOR)


def draw_cable(
    canvas: Canvas, camera: Camera, weather: Weather, fittings: Fittings, ends: Points, slim: float
) -> None:
    """A cable from ends[0] to ends[1] (world); the parabola is the catenary of a shallow sag."""
    start, stop = ends
    span = stop - start
    drop = 4.0 * fittings.sag * float(np.sqrt((span * span).sum()))
    bow = (_SAMPLES * (1.0 - _SAMPLES))[:, None]
    points = start + span * _SAMPLES[:, None] + _DOWN * (drop * bow)
    depths = camera.depth(points)
    seen = np.nonzero(depths > 2 * NEAR_M)[0]
    if seen.size < 2:
        return
    points, depths = points[seen[0] : seen[-1] + 1], depths[seen[0] : seen[-1] + 1]
    flat = camera.project(points)
    for index in range(0, len(flat) - 1, 3):
        part = flat[index : index + 4]
        depth = float(depths[index : index + 4].mean())
        width = fittings.cable * slim * camera.pixels_per_metre(depth)
        _cable(canvas, part, width, weather.shade(fittings.metal, depth))


def _cable(canvas: Canvas, points: Points, width: float, color: Rgb) -> None:
    """Picture and label of a piece of cable; hair lines are kept visible, near ones in bounds."""
    width = min(3.4, max(0.67, width))
    canvas.stroke(points, width, color)
    canvas.label_line(points, max(3.0, width + 1.4), CABLE)


def draw_jumper(
    canvas: Canvas, camera: Camera, weather: Weather, fittings: Fittings, ends: Points
) -> None:
    """The loop that joins both sides of a tension arm below it."""
    if float(camera.depth(ends).min()) < 3.0:
        return
    bow = (_SAMPLES[::4] * (1.0 - _SAMPLES[::4]))[:, None]
    points = ends[0] + (ends[1] - ends[0]) * _SAMPLES[::4, None]
    points = points + _DOWN * 4 * bow * fittings.length * 0.7
    flat = camera.project(points)
    depth = float(camera.depth(points).mean())
    width = fittings.cable * camera.pixels_per_metre(depth)
    _cable(canvas, flat, width, weather.shade(fittings.metal, depth))
