"""Seeded synthetic camera frames with the statistics that matter to a timing.

A flat or white-noise frame would flatter or punish a resize and saturate a random network; these
have the 1/f spectrum of photographs, lit surfaces with sharp edges, and a little sensor noise. No
image file is needed, so the benchmark runs anywhere and every machine sees the same bytes.
"""

import numpy as np
from numpy.typing import NDArray

FULL_HD = (1080, 1920)


def natural_frame(seed: int, size_hw: tuple[int, int] = FULL_HD) -> NDArray[np.uint8]:
    """One RGB frame, (height, width, 3) uint8, C order; equal seeds give equal frames."""
    rng = np.random.default_rng(seed)
    height, width = size_hw
    light = _pink_noise(rng, height, width)
    scene = np.empty((height, width, 3), np.float32)
    for channel in range(3):
        # Channels of a photograph share most of their structure: one light, a small own part.
        scene[..., channel] = 118 + 42 * light + 7 * _pink_noise(rng, height, width)
    _paint_surfaces(scene, rng)
    scene += rng.normal(0, 2, scene.shape).astype(np.float32)
    return scene.clip(0, 255).astype(np.uint8)


def _pink_noise(rng: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    """(height, width) noise of zero mean and unit variance whose amplitude falls as 1/frequency."""
    fy = np.fft.fftfreq(height)[:, None] * height
    fx = np.fft.rfftfreq(width)[None, :] * width
    radius = np.hypot(fy, fx)
    radius[0, 0] = np.inf
    shape = radius.shape
    spectrum = (rng.normal(size=shape) + 1j * rng.normal(size=shape)) / radius
    plane = np.fft.irfft2(spectrum, s=(height, width))
    return np.asarray(plane / plane.std(), np.float32)


def _paint_surfaces(scene: NDArray[np.float32], rng: np.random.Generator) -> None:
    """Blend tilted ellipses and boxes of own colour and shading over the scene, far ones first."""
    height, width, _ = scene.shape
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    for extent in np.geomspace(0.35, 0.02, 24) * height:
        centre_y, centre_x = rng.uniform(0, height), rng.uniform(0, width)
        top, bottom = int(max(0, centre_y - extent)), int(min(height, centre_y + extent + 1))
        left, right = int(max(0, centre_x - extent)), int(min(width, centre_x + extent + 1))
        window = (slice(top, bottom), slice(left, right))
        angle, squeeze = rng.uniform(0, np.pi), rng.uniform(1.2, 3.5)
        dy, dx = rows[window] - centre_y, columns[window] - centre_x
        along = (dx * np.cos(angle) + dy * np.sin(angle)) / extent
        across = (dy * np.cos(angle) - dx * np.sin(angle)) * squeeze / extent
        power = 2 if rng.uniform() < 0.5 else 8
        inside = (along**power + across**power) < 1
        colour = rng.uniform(10, 245, 3).astype(np.float32)
        shade = (1 + rng.uniform(-0.4, 0.4) * along)[..., None]
        surface = 0.75 * colour * shade + 0.25 * scene[window]
        scene[window] = np.where(inside[..., None], surface, scene[window])
