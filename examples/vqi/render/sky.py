"""Sky: vertical gradient, one or two cloud layers, a sun with its glow, thin contrails."""

from __future__ import annotations

import numpy as np

from .noise import FloatArray, ramp, stretch, tile
from .weather import Rgb, Weather


def paint(
    rng: np.random.Generator, weather: Weather, x: FloatArray, y: FloatArray, horizon: float
) -> FloatArray:
    """(rows, cols, 3) float32 sky; x (1, cols) and y (rows, 1) are picture fractions."""
    size_hw = (y.shape[0], x.shape[1])
    height = np.clip(y / np.float32(max(horizon, 0.3)), 0, 1)[..., None]
    shades = _mix(weather.zenith, weather.horizon, height)
    picture = np.repeat(shades, size_hw[1], axis=1)
    for _ in range(int(rng.integers(1, 3))):
        picture = _clouds(rng, weather, picture, size_hw)
    if weather.sun is not None:
        picture = _sun(rng, weather.sun, picture, x, y)
    for _ in range(max(0, int(rng.integers(-2, 3)))):
        picture = _contrail(rng, picture, x, y, horizon)
    return picture


def _mix(first: Rgb, second: Rgb, amount: FloatArray) -> FloatArray:
    start, end = np.asarray(first, np.float32), np.asarray(second, np.float32)
    return start + (end - start) * amount


def _clouds(
    rng: np.random.Generator,
    weather: Weather,
    picture: FloatArray,
    size_hw: tuple[int, int],
) -> FloatArray:
    texture = tile(rng, first=3, octaves=6, gain=float(rng.uniform(0.45, 0.62)))
    width = float(rng.uniform(70, 220))
    height = width * float(rng.uniform(0.5, 1.6))
    left, top = float(rng.uniform(0, 256 - width)), float(rng.uniform(0, 256 - min(height, 240)))
    box = (left, top, left + width, min(256.0, top + height))
    field = stretch(texture, box, size_hw)
    edge = 0.78 - 0.55 * weather.cover + float(rng.uniform(-0.08, 0.08))
    cover = ramp(field, edge - 0.12, edge + float(rng.uniform(0.08, 0.3)))[..., None]
    depth = ramp(field, edge, 1.0)[..., None]
    shade = _mix(weather.cloud_lit, weather.cloud_dark, depth)
    return picture + (shade - picture) * cover * np.float32(rng.uniform(0.5, 1.0))


def _sun(
    rng: np.random.Generator,
    sun: tuple[float, float],
    picture: FloatArray,
    x: FloatArray,
    y: FloatArray,
) -> FloatArray:
    radius = float(rng.uniform(0.015, 0.04))
    distance = ((x - np.float32(sun[0])) ** 2 + (y - np.float32(sun[1])) ** 2)[..., None]
    glow = np.float32(1) / (np.float32(1) + distance / np.float32((3.5 * radius) ** 2))
    white = np.asarray((255, 250, 225), np.float32)
    return picture + (white - picture) * np.minimum(np.float32(1.15) * glow, 1)


def _contrail(
    rng: np.random.Generator, picture: FloatArray, x: FloatArray, y: FloatArray, horizon: float
) -> FloatArray:
    """A soft straight streak: the cable's double in the sky, wider and with a blurred edge."""
    row, slope = float(rng.uniform(0, max(horizon, 0.1))), float(rng.uniform(-0.8, 0.8))
    width = float(rng.uniform(0.004, 0.012))
    line: FloatArray = (x - np.float32(0.5)) * np.float32(slope)
    across = y - np.float32(row) - line
    across /= np.float32(width)
    fall = (1 + across * across)[..., None]
    strength: FloatArray = np.divide(np.float32(rng.uniform(0.1, 0.4)), fall)
    return picture + (np.float32(245) - picture) * strength
