"""Things beside the power line: trees and houses (ground), birds (whatever is behind them)."""

from __future__ import annotations

import numpy as np

from .camera import Camera, Points
from .canvas import Canvas, hull
from .classes import GROUND
from .weather import Rgb, Weather

_LEAVES: tuple[Rgb, ...] = ((52, 76, 40), (66, 92, 48), (40, 60, 38), (88, 96, 50), (104, 84, 46))
_TILES: tuple[Rgb, ...] = (
    (150, 78, 58),
    (112, 106, 104),
    (84, 82, 86),
    (172, 168, 162),
    (128, 92, 76),
)


def draw_tree(
    canvas: Canvas, camera: Camera, weather: Weather, rng: np.random.Generator, foot: Points
) -> None:
    """A leafy, coniferous or bare tree of 5 to 15 metres; ``foot`` in the world."""
    height = float(rng.uniform(5, 15))
    depth = float(camera.depth(foot))
    scale = camera.pixels_per_metre(depth) / 320.0
    # A tree before the lens would hide everything else.
    if depth < 6.0 or height * scale > 0.35:
        return
    bark = weather.shade((70, 58, 48), depth)
    leaf = weather.shade(_LEAVES[int(rng.integers(len(_LEAVES)))], depth)
    base, size = camera.project(foot), height * scale
    kind = rng.random()
    if kind < 0.2:
        _bare(canvas, rng, base, size, bark)
        return
    half = np.array((0.015 * size, 0.0))
    waist = base - (0.0, size / 2)
    canvas.polygon(np.array([base - half, base + half, waist + half, waist - half]), bark, GROUND)
    if kind < 0.45:
        _conifer(canvas, rng, base, size, leaf)
    else:
        _leafy(canvas, rng, base, size, leaf)


def _leafy(canvas: Canvas, rng: np.random.Generator, base: Points, size: float, leaf: Rgb) -> None:
    slender = float(rng.uniform(0.22, 0.42))
    offsets = rng.uniform(-1, 1, (14 + int(160 * size), 4))
    red, green, blue = leaf
    for across, up, tone, part in offsets[np.argsort(offsets[:, 1], kind="stable")].tolist():
        # Wider below the middle, narrow at the top: an egg filled with clumps of leaves.
        reach = size * slender * (1.0 - 0.45 * up - 0.3 * up * up)
        radius = size * (0.07 + 0.05 * part) * (1.3 - 0.3 * up)
        gain = 0.8 + 0.2 * up + 0.2 * tone + 0.1 * across
        spot = base + np.array((across * reach, -size * (0.62 + 0.32 * up)))
        canvas.ellipse(spot, (radius, radius), (red * gain, green * gain, blue * gain), GROUND)


def _conifer(
    canvas: Canvas, rng: np.random.Generator, base: Points, size: float, leaf: Rgb
) -> None:
    wide = size * float(rng.uniform(0.16, 0.26))
    tiers = 5
    for tier in range(tiers):
        low, high = 0.12 + 0.16 * tier, min(1.0, 0.42 + 0.16 * tier)
        reach = wide * (1.0 - 0.8 * tier / tiers) * float(rng.uniform(0.85, 1.1))
        offsets = np.array([(-reach, -low * size), (reach, -low * size), (0.0, -high * size)])
        gain = 0.62 + 0.07 * tier + float(rng.uniform(-0.05, 0.05))
        red, green, blue = leaf
        color = (red * gain, green * gain, blue * gain)
        canvas.polygon(base + offsets, color, GROUND)


def _bare(canvas: Canvas, rng: np.random.Generator, base: Points, size: float, bark: Rgb) -> None:
    """Branches: thin, dark, against the sky - what a cable looks like to a careless eye.

    Labelled by the crown's outline, as the lattice of a tower is.
    """
    ends = [base, base - (0.0, 0.4 * size)]
    canvas.stroke(np.array(ends), 320 * 0.035 * size, bark)
    front = [(ends[1], np.array((0.0, -1.0)), 0.24)]
    reached = [base, ends[1]]
    for level in range(4):
        grown: list[tuple[Points, Points, float]] = []
        for start, way, length in front:
            for side in (-1.0, 1.0):
                turn = side * float(rng.uniform(0.25, 0.7))
                bent = way + turn * np.array((-way[1], way[0]))
                bent = bent / np.sqrt((bent * bent).sum())
                stop = start + bent * length * size * float(rng.uniform(0.7, 1.1))
                canvas.stroke(np.array([start, stop]), 320 * size * 0.02 / (level + 1), bark)
                grown.append((stop, bent, length * 0.75))
        front = grown
        reached += [stop for stop, _, _ in grown]
    canvas.label_area(hull(np.array(reached)), GROUND)


def draw_house(
    canvas: Canvas, camera: Camera, weather: Weather, rng: np.random.Generator, foot: Points
) -> None:
    """A box with a pitched roof, seen from wherever the camera is."""
    wide, deep, wall, rise = (float(rng.uniform(*b)) for b in ((5, 14), (5, 10), (3, 7), (1.5, 4)))
    slant = float(rng.uniform(-0.6, 0.6))
    plaster_tone = float(rng.uniform(120, 225))
    tile = _TILES[int(rng.integers(len(_TILES)))]
    depth = float(camera.depth(foot))
    if depth < 3 * wide + 8:
        return

    def at(across: float, up: float, away: float) -> Points:
        corner: Points = foot + np.array(
            (across * wide + slant * away * deep, up, away * deep - slant * across * wide)
        )
        return corner

    plaster = weather.shade((plaster_tone, plaster_tone * 0.97, plaster_tone * 0.9), depth)
    shaded: Rgb = (plaster[0] * 0.75, plaster[1] * 0.75, plaster[2] * 0.78)
    roof = weather.shade(tile, depth)
    dark: Rgb = (roof[0] * 0.78, roof[1] * 0.78, roof[2] * 0.78)
    peak = wall + rise
    gable = 1.0 if slant > 0 else -1.0
    back = [at(-1, wall, 1), at(1, wall, 1), at(1, peak, 0), at(-1, peak, 0)]
    front = [at(-1, 0, -1), at(1, 0, -1), at(1, wall, -1), at(-1, wall, -1)]
    side = [
        at(gable, 0, -1),
        at(gable, 0, 1),
        at(gable, wall, 1),
        at(gable, peak, 0),
        at(gable, wall, -1),
    ]
    slope = [at(-1.05, wall, -1.1), at(1.05, wall, -1.1), at(1.05, peak, 0), at(-1.05, peak, 0)]
    for face, color in ((back, dark), (side, shaded), (front, plaster), (slope, roof)):
        canvas.polygon(camera.project(np.array(face)), color, GROUND)


def draw_birds(canvas: Canvas, rng: np.random.Generator) -> None:
    """A few dark strokes; they stay what the mask says is behind them."""
    count = int(rng.integers(1, 7))
    center = rng.uniform((0.1, 0.05), (0.9, 0.5))
    for _ in range(count):
        x, y = (center + rng.uniform(-0.15, 0.15, 2)).tolist()
        wing, lift = float(rng.uniform(0.006, 0.02)), float(rng.uniform(-0.004, 0.008))
        left, right = (x - wing, y - lift), (x + wing, y - lift * 1.2)
        ends = np.array([left, (x, y), right])
        tone = float(rng.uniform(15, 70))
        canvas.stroke(ends, 0.8, (tone, tone, tone))
