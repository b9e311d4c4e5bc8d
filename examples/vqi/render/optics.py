"""What the camera adds: exposure, white balance, veil, vignette, blur and sensor noise."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

from .canvas import Bytes


def expose(rng: np.random.Generator, picture: Bytes) -> Bytes:
    """(H, W, 3) uint8 in, the same out; all draws but the noise are independent of the size."""
    gain = float(rng.uniform(0.85, 1.35))
    contrast = float(rng.uniform(0.75, 1.2))
    warm = float(rng.uniform(-0.07, 0.07))
    veil = float(rng.uniform(0, 0.22)) if rng.random() < 0.3 else 0.0
    dark = float(rng.uniform(0, 0.4))
    soft = float(rng.uniform(0.2, 1.0)) if rng.random() < 0.4 else 0.0
    grain = float(rng.uniform(0, 4)) + (float(rng.uniform(3, 9)) if rng.random() < 0.15 else 0.0)
    gray = float(rng.uniform(0.0, 0.9)) if rng.random() < 0.2 else 0.0

    height, width = picture.shape[:2]
    if soft:
        blurred = Image.fromarray(picture).filter(ImageFilter.BoxBlur(soft * height / 320 * 0.5))
        picture = np.asarray(blurred)
    pixels = picture.astype(np.float32)
    if gray:
        mean = pixels.mean(axis=2, keepdims=True, dtype=np.float32)
        pixels += (mean - pixels) * np.float32(gray)
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    shade = np.float32(gain * contrast) * (1 - np.float32(dark * 0.5) * (x * x + y * y) / 2)
    balance = np.array((1 + warm, 1.0, 1 - warm), np.float32) * np.float32(1 - veil)
    offset = np.float32(128 * (1 - contrast) * gain * (1 - veil) + 215 * veil)
    pixels *= shade[..., None]
    pixels *= balance
    pixels += offset
    # Two uniform draws make a triangular error: close enough to a sensor's, and exact everywhere.
    noise = rng.integers(-128, 128, (2, height, width), dtype=np.int16).sum(axis=0, dtype=np.int16)
    pixels += noise.astype(np.float32)[..., None] * np.float32(grain / 105)
    np.clip(pixels, 0, 255, out=pixels)
    return (pixels + np.float32(0.5)).astype(np.uint8)
