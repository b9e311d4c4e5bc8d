"""Scenes: a view, a day, a power line and its surroundings, drawn from far to near."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from . import camera as cameras
from . import ground, optics, power_line, scenery, sky, tower
from . import weather as days
from .camera import Camera, Points
from .canvas import Bytes, Canvas
from .classes import GROUND, SKY

_Step = tuple[float, Callable[[], None]]  # depth in metres, and what to draw there
_Draw = Callable[[Canvas, Camera, days.Weather, np.random.Generator, Points], None]

_BACKGROUND_LIMIT = 960  # rows or columns; larger pictures enlarge this background


@dataclass(frozen=True)
class Scene:
    """``image`` (H, W, 3) uint8 RGB and ``mask`` (H, W) uint8 of class numbers."""

    image: Bytes
    mask: Bytes


@dataclass(frozen=True)
class _Line:
    """The plan of a power line: equal towers at ``places``, hung with ``fittings``."""

    design: tower.Design
    fittings: power_line.Fittings
    places: tuple[tower.Place, ...]


def render(seed: int, size: int | tuple[int, int] = 320) -> Scene:
    """Draw the scene of ``seed``.

    Args:
        seed: not negative; the same seed gives the same scene.
        size: side of a square picture, or (height, width), pixels. Geometry is kept in fractions
            of the picture, so other sizes show the same scene (another aspect: stretched).
    Raises:
        ValueError: size below 32 pixels.
    """
    height, width = (size, size) if isinstance(size, int) else size
    if min(height, width) < 32:
        raise ValueError(f"size: expected at least 32 pixels, got {height} x {width}")
    # One stream per part: a draw more in one of them leaves the others as they were.
    view_rng, back_rng, line_rng, thing_rng, lens_rng = (
        np.random.default_rng((seed, part)) for part in range(5)
    )
    line, camera = _plan(line_rng, cameras.choose(view_rng))
    weather = days.choose(view_rng, camera.horizon)
    picture, mask = _background(back_rng, camera, weather, (height, width))
    canvas = Canvas(picture, mask, (height, width))
    steps = _line_steps(canvas, camera, weather, line)
    steps += _thing_steps(canvas, camera, weather, thing_rng)
    for _, step in sorted(steps, key=lambda item: -item[0]):
        step()
    if thing_rng.random() < 0.25:
        scenery.draw_birds(canvas, thing_rng)
    picture, mask = canvas.finish()
    return Scene(optics.expose(lens_rng, picture), mask)


def _background(
    rng: np.random.Generator, camera: Camera, weather: days.Weather, size_hw: tuple[int, int]
) -> tuple[Bytes, Bytes]:
    rows, cols = (min(side, _BACKGROUND_LIMIT) for side in size_hw)
    y = ((np.arange(rows, dtype=np.float32) + np.float32(0.5)) / np.float32(rows))[:, None]
    x = ((np.arange(cols, dtype=np.float32) + np.float32(0.5)) / np.float32(cols))[None, :]
    picture = sky.paint(rng, weather, x, y, camera.horizon)
    is_ground = ground.paint(rng, camera, weather, picture, x, y)
    mask = np.where(is_ground, np.uint8(GROUND), np.uint8(SKY))
    return np.clip(picture, 0, 255).astype(np.uint8), mask


def _plan(rng: np.random.Generator, camera: Camera) -> tuple[_Line, Camera]:
    """Place the main tower where the view asks for it and the others along the line.

    The camera comes back at the height from which the tower's arms appear at the row drawn.
    """
    design, fittings = tower.choose(rng), power_line.choose(rng)
    shares = {
        "field": (0.5, 0.95),
        "slope": (0.45, 0.9),
        "aerial": (0.4, 0.85),
        "close": (1.0, 1.9),
    }
    share = min(float(rng.uniform(*shares[camera.kind])), max(camera.horizon, 0.3) + 0.5)
    if camera.kind == "field":
        share = min(share, camera.horizon + 0.04)
    distance = camera.focal * design.height / share
    at, row = float(rng.uniform(0.18, 0.82)), float(rng.uniform(0.25, 0.55))
    sine, cosine = camera.tilt
    rise = (0.5 - row) / camera.focal
    if camera.kind != "field":
        height = 0.75 * design.height - distance * (rise * cosine - sine)
        camera = replace(camera, height=max(height, 4.0))
    x, z = (at - 0.5) * distance / camera.focal, distance * (cosine + rise * sine)
    # Half-angle form: a unit vector without sine and cosine. 0 runs away from the viewer.
    half = float(rng.uniform(-0.6, 0.6))
    along = (2 * half / (1 + half * half), (1 - half * half) / (1 + half * half))
    span = float(rng.uniform(1.8, 4.5)) * design.height
    bends = (0.5 * rng.uniform(-0.1, 0.1, 7)).tolist()
    places = tuple(
        tower.Place(
            x + span * (along[0] * index + along[1] * bends[index + 2] * abs(index)),
            z + along[1] * span * index,
            along,
        )
        for index in range(-2, 5)
    )
    return _Line(design, fittings, places), camera


def _line_steps(canvas: Canvas, camera: Camera, weather: days.Weather, line: _Line) -> list[_Step]:
    design, fittings, places = line.design, line.fittings, line.places
    tips = [place.world(tower.tips(design)) for place in places]
    peaks = [place.world(tower.peaks(design)) for place in places]
    depths = [float(camera.depth(np.array([place.x, 0.0, place.z]))) for place in places]
    steps: list[_Step] = []

    def holds(index: int, side: int) -> Points:
        """Cable ends at tower ``index`` towards its neighbour at ``side`` (-1 or 1)."""
        if not fittings.tension:
            return power_line.hanging(fittings, tips[index])
        inside = 0 <= index + side < len(tips)
        other = tips[index + side] if inside else 2 * tips[index] - tips[index - side]
        ends = [
            power_line.strained(fittings, *pair) for pair in zip(tips[index], other, strict=True)
        ]
        return np.array(ends)

    def tower_step(index: int) -> None:
        tower.draw(canvas, camera, weather, design, places[index])
        if not fittings.tension:
            for tip, end in zip(tips[index], holds(index, 1), strict=True):
                power_line.draw_string(canvas, camera, weather, fittings, tip, end)
            return
        for tip, before, after in zip(tips[index], holds(index, -1), holds(index, 1), strict=True):
            power_line.draw_jumper(canvas, camera, weather, fittings, np.array([before, after]))
            for end in (after, before):
                power_line.draw_string(canvas, camera, weather, fittings, tip, end)

    def span_step(index: int) -> None:
        pairs = zip(holds(index, 1), holds(index + 1, -1), strict=True)
        for pair in pairs:
            power_line.draw_cable(canvas, camera, weather, fittings, np.array(pair), 1.0)
        for pair in zip(peaks[index], peaks[index + 1], strict=True):
            power_line.draw_cable(canvas, camera, weather, fittings, np.array(pair), 0.7)

    def near_enough(index: int) -> bool:
        return design.height * camera.pixels_per_metre(depths[index]) > 32

    for index, depth in enumerate(depths):
        if depth > 3 and near_enough(index):
            steps.append((depth, partial(tower_step, index)))
        if index + 1 < len(depths) and near_enough(index + 1):
            middle = (depth + depths[index + 1]) / 2
            steps.append((middle, partial(span_step, index)))
    return steps


def _thing_steps(
    canvas: Canvas, camera: Camera, weather: days.Weather, rng: np.random.Generator
) -> list[_Step]:
    """Trees alone and in rows, houses; each with its own draws, whatever the picture's size."""
    feet: list[tuple[Points, _Draw]] = []
    for _ in range(int(rng.integers(0, 6))):
        feet.append((_spot(rng, camera), scenery.draw_tree))
    if rng.random() < 0.4:
        start, stop = _spot(rng, camera), _spot(rng, camera)
        for part in np.linspace(0, 1, int(rng.integers(8, 22))).tolist():
            foot = start + (stop - start) * part + rng.uniform(-4, 4, 3) * (1, 0, 1)
            feet.append((foot, scenery.draw_tree))
    if rng.random() < 0.35:
        start = _spot(rng, camera)
        for _ in range(int(rng.integers(1, 5))):
            feet.append((start + rng.uniform(-40, 40, 3) * (1, 0, 1), scenery.draw_house))
    steps: list[_Step] = []
    for foot, draw in feet:
        own = np.random.default_rng(int(rng.integers(1 << 40)))
        depth = float(camera.depth(foot))
        steps.append((depth, partial(draw, canvas, camera, weather, own, foot)))
    return steps


def _spot(rng: np.random.Generator, camera: Camera) -> Points:
    """A place on the plain that the camera sees, not right before the lens."""
    low = max(camera.horizon, 0.0) + 0.015
    x = rng.uniform(-0.05, 1.05, 1)
    y = low + (1.05 - low) * rng.uniform(0.0, 1.0, 1) ** 2
    across, ahead = camera.ground(x, y)
    return np.array((float(across[0]), 0.0, float(ahead[0])))
