"""Ground: hills behind, then a plain of fields, meadow, woods or snow with roads and tracks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .camera import Camera
from .noise import FloatArray, lookup, ramp, smooth, tile
from .weather import Rgb, Weather

# Base colours under white light. Greys and pale ones are there on purpose: they are the colours
# of towers, cables and overcast skies as well.
_COVERS: dict[str, tuple[Rgb, ...]] = {
    "fields": (
        (104, 128, 62),
        (148, 142, 84),
        (124, 104, 74),
        (82, 112, 52),
        (186, 172, 112),
        (134, 148, 88),
    ),
    "meadow": ((98, 124, 60), (122, 138, 74), (140, 136, 86)),
    "woods": ((44, 66, 38), (58, 80, 44), (36, 54, 36), (72, 84, 48)),
    "bare": ((132, 124, 114), (150, 142, 130), (112, 108, 104), (164, 158, 148)),
    "snow": ((226, 230, 236), (210, 216, 224), (196, 200, 206)),
    "heath": ((112, 96, 74), (128, 110, 72), (88, 84, 62), (98, 78, 70)),
}
_CHANCES = (0.3, 0.18, 0.2, 0.12, 0.06, 0.14)


def paint(
    rng: np.random.Generator,
    camera: Camera,
    weather: Weather,
    picture: FloatArray,
    x: FloatArray,
    y: FloatArray,
) -> NDArray[np.bool_]:
    """Paint over ``picture`` (rows, cols, 3) in place; return where the ground is."""
    texture = tile(rng, first=8, octaves=5, gain=0.7)
    horizon = np.float32(camera.horizon) + np.float32(camera.roll) * (x - np.float32(0.5))
    is_ground = np.broadcast_to(y > horizon, picture.shape[:2]).copy()
    name = tuple(_COVERS)[int(rng.choice(len(_COVERS), p=_CHANCES))]
    for layer in range(int(rng.integers(0, 4)), 0, -1):
        is_ground |= _hill(rng, weather, texture, picture, x, y, horizon, layer, name)
    rows, cols = np.nonzero(y > horizon)
    if rows.size:
        picture[rows, cols] = _plain(rng, camera, weather, texture, name, x[0, cols], y[rows, 0])
    return is_ground


def _hill(
    rng: np.random.Generator,
    weather: Weather,
    texture: FloatArray,
    picture: FloatArray,
    x: FloatArray,
    y: FloatArray,
    horizon: FloatArray,
    layer: int,
    cover: str,
) -> NDArray[np.bool_]:
    profile = texture[int(rng.integers(0, 256))]
    spread = float(rng.uniform(40, 130))
    at = np.linspace(0, spread, x.shape[1], dtype=np.float32) + np.float32(rng.uniform(0, 256))
    cell = at.astype(np.int32)
    part = at - cell
    rise = profile[cell & 255] * (1 - part) + profile[(cell + 1) & 255] * part
    top = horizon - np.float32(rng.uniform(0.01, 0.06) * (0.4 + 0.6 * layer)) * (
        rise + np.float32(0.2)
    )
    inside: NDArray[np.bool_] = (y > top) & (y <= horizon)
    colors = _COVERS["woods" if rng.random() < 0.6 else cover]
    base = colors[int(rng.integers(len(colors)))]
    shade = np.asarray(
        weather.shade(base, float(rng.uniform(0.3, 1.1)) * 600.0 * layer), np.float32
    )
    rows, cols = np.nonzero(inside)
    grain = lookup(texture, x[0, cols] * np.float32(500), y[rows, 0] * np.float32(900))
    picture[rows, cols] = shade * (np.float32(0.84) + np.float32(0.32) * grain)[:, None]
    return inside


def _plain(
    rng: np.random.Generator,
    camera: Camera,
    weather: Weather,
    texture: FloatArray,
    name: str,
    x: FloatArray,
    y: FloatArray,
) -> FloatArray:
    """Colours of the plain at picture points x, y (1-D, equal length)."""
    far_x, far_z = camera.ground(x.astype(np.float64), y.astype(np.float64))
    side, ahead = far_x.astype(np.float32), far_z.astype(np.float32)
    turn = float(rng.uniform(-0.7, 0.7))
    u, v = side + np.float32(turn) * ahead, ahead - np.float32(turn) * side
    # Detail finer than a pixel would flicker far away, so it fades with the distance.
    fine_m = np.float32(camera.height * 4 + 20)
    near = fine_m / (fine_m + ahead)
    zoom = np.float32(rng.uniform(0.4, 1.6))
    broad = smooth(texture, u * zoom * np.float32(0.25), v * zoom * np.float32(0.25))
    grain = lookup(texture, u * zoom * 6, v * zoom * 6) - np.float32(0.5)

    palette = np.asarray(_COVERS[name], np.float32)
    if name == "fields":
        color = _patchwork(rng, palette, u, v, broad, near)
    else:
        first, second = rng.choice(len(palette), 2, replace=False)
        color = palette[first] + (palette[second] - palette[first]) * ramp(broad, 0.3, 0.7)[:, None]
    contrast = {"woods": 1.1, "snow": 0.12, "bare": 0.35}.get(name, 0.5)
    if name == "woods":
        # Crowns: screen-space clumps, as the tops stay visible where the plain is foreshortened.
        crown = lookup(texture, x * np.float32(420), y * np.float32(420) + grain * 4)
        color = color * (np.float32(0.55) + np.float32(0.9) * crown)[:, None]
    color = color * (1 + np.float32(contrast) * grain * (np.float32(0.25) + near))[:, None]
    for _ in range(int(rng.integers(0, 3))):
        color = _road(rng, color, u, v, broad, fine_m)
    if rng.random() < 0.15:
        water = ramp(broad, 0.68, 0.7)[:, None]
        color = color + (np.asarray(weather.horizon, np.float32) * np.float32(0.8) - color) * water
    veil = (ahead / (ahead + np.float32(weather.haze_m)))[:, None]
    lit = color * np.asarray(weather.light, np.float32)
    return lit + (np.asarray(weather.horizon, np.float32) - lit) * veil


def _patchwork(
    rng: np.random.Generator,
    palette: FloatArray,
    u: FloatArray,
    v: FloatArray,
    broad: FloatArray,
    near: FloatArray,
) -> FloatArray:
    """Fields of differing crops; some with rows, whose thin lines look like cables from above."""
    wide, deep = (np.float32(rng.uniform(25, 120)) for _ in range(2))
    bend = np.float32(rng.uniform(0, 25)) * broad
    column = np.floor((u + bend) / wide).astype(np.int64)
    row = np.floor((v + np.float32(17) * (column & 3) + bend) / deep).astype(np.int64)
    key = (column * 73856093) ^ (row * 19349663) ^ int(rng.integers(1 << 30))
    key = (key ^ (key >> 13)) * 1274126177
    crop = (key >> 8) & 0xFFFF
    color = palette[crop % len(palette)]
    pitch = np.float32(rng.uniform(2.5, 9.0))
    phase = u / pitch - np.floor(u / pitch)
    furrow = np.where((crop & 3) == 0, ramp(np.abs(phase - np.float32(0.5)), 0.1, 0.35), 0.5)
    strength = np.float32(rng.uniform(0.1, 0.5)) * near
    shaded: FloatArray = (
        color * (1 + (furrow.astype(np.float32) - np.float32(0.5)) * strength)[:, None]
    )
    return shaded


def _road(
    rng: np.random.Generator,
    color: FloatArray,
    u: FloatArray,
    v: FloatArray,
    broad: FloatArray,
    fine_m: np.float32,
) -> FloatArray:
    """A straight or slightly winding road or track, with a lane mark now and then."""
    slope, at = float(rng.uniform(-1.5, 1.5)), float(rng.uniform(-60, 60))
    width = np.float32(rng.uniform(1.2, 5.0))
    wind = np.float32(rng.uniform(0, 20)) * broad
    line: FloatArray = (v - fine_m) * np.float32(slope)
    across = np.abs(u - line - np.float32(at) + wind)
    across /= width
    tone = float(rng.uniform(70, 190))
    surface = np.asarray((tone, tone * 0.97, tone * 0.9), np.float32)
    on_road = (1 - ramp(across, 0.85, 1.1))[:, None]
    color = color + (surface - color) * on_road
    if rng.random() < 0.4:
        mark = (1 - ramp(across, 0.05, 0.12))[:, None]
        color = color + (np.float32(215) - color) * mark * np.float32(0.7)
    return color
