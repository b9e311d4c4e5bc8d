"""Light of the day: colours of the sky, of the haze and of what the sun reaches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Rgb = tuple[float, float, float]


@dataclass(frozen=True)
class Weather:
    """Colours as RGB 0..255; ``light`` multiplies surfaces; ``haze_m`` is the half-way distance."""

    zenith: Rgb
    horizon: Rgb
    cloud_lit: Rgb
    cloud_dark: Rgb
    cover: float
    sun: tuple[float, float] | None
    light: Rgb
    haze_m: float

    def shade(self, color: Rgb, depth: float) -> Rgb:
        """A surface colour under this light, seen through the haze of ``depth`` metres."""
        veil = depth / (depth + self.haze_m)
        red, green, blue = (
            surface * light * (1.0 - veil) + air * veil
            for surface, light, air in zip(color, self.light, self.horizon, strict=True)
        )
        return red, green, blue


# zenith, horizon, cloud lit, cloud dark, light, chance of a visible sun
_DAYS: dict[str, tuple[Rgb, Rgb, Rgb, Rgb, Rgb, float]] = {
    "clear": (
        (62, 112, 188),
        (172, 202, 228),
        (250, 250, 252),
        (178, 186, 200),
        (1.12, 1.1, 1.05),
        0.3,
    ),
    "fair": (
        (96, 140, 196),
        (198, 212, 224),
        (244, 244, 244),
        (158, 164, 174),
        (1.05, 1.04, 1.0),
        0.2,
    ),
    "overcast": (
        (146, 151, 158),
        (190, 193, 197),
        (208, 210, 213),
        (124, 128, 134),
        (0.86, 0.88, 0.9),
        0,
    ),
    "pale": (
        (204, 211, 219),
        (228, 230, 232),
        (240, 240, 240),
        (196, 199, 203),
        (0.92, 0.92, 0.92),
        0.15,
    ),
    "sunset": (
        (96, 104, 148),
        (242, 170, 104),
        (250, 186, 130),
        (118, 92, 104),
        (0.86, 0.72, 0.62),
        0.6,
    ),
    "dusk": ((48, 58, 92), (158, 122, 118), (150, 120, 124), (58, 56, 76), (0.58, 0.56, 0.62), 0.1),
    "storm": ((84, 92, 106), (142, 147, 152), (150, 154, 158), (66, 72, 84), (0.7, 0.72, 0.74), 0),
    "dawn": (
        (138, 160, 190),
        (238, 206, 176),
        (248, 222, 200),
        (150, 140, 150),
        (0.92, 0.85, 0.78),
        0.5,
    ),
}


def choose(rng: np.random.Generator, horizon: float) -> Weather:
    """Draw a day; its colours are shifted a little so that no two are equal."""
    names = tuple(_DAYS)
    day = names[int(rng.choice(len(names), p=(0.2, 0.16, 0.16, 0.12, 0.12, 0.07, 0.09, 0.08)))]
    *colors, light, sun_chance = _DAYS[day]

    def near(color: Rgb) -> Rgb:
        common = float(rng.uniform(-14, 14))
        red, green, blue = (
            min(255.0, max(0.0, value + common + float(rng.uniform(-9, 9)))) for value in color
        )
        return red, green, blue

    zenith, low, lit, dark = (near(color) for color in colors)
    sun = None
    if rng.random() < sun_chance and horizon > 0.15:
        sun = (float(rng.uniform(0.02, 0.98)), horizon * float(rng.uniform(0.15, 0.98)))
    cover = float(rng.uniform(0.0, 1.0))
    visibility = float(rng.uniform(700, 6000))
    haze_m = visibility * (0.35 if rng.random() < 0.15 else 1.0)
    return Weather(zenith, low, lit, dark, cover, sun, light, haze_m)
