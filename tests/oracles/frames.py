"""Frames of every format, and what a preprocessing makes of them: Pillow, OpenCV and NumPy.

Planes are resized by the library itself, each from its own size; chroma becomes colour in float64.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import floor

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .resize import pillow_bound

# Of bytes against float64 colour: rounding to the nearest byte by 0.5, float32 by less than 1e-3.
COLOUR_BOUND = 0.501

CHANNELS = {"RGB": 3, "BGR": 3, "RGBA": 4, "BGRA": 4, "GRAY": 1}
YUV = ("NV12", "NV21", "I420", "YUYV")
FORMATS = (*CHANNELS, *YUV)


def plane_shapes(name: str, height: int, width: int) -> list[tuple[int, ...]]:
    """Of a frame's memory."""
    half = (height // 2, width // 2)
    if name in CHANNELS:
        return [(height, width, CHANNELS[name])]
    if name == "YUYV":
        return [(height, width, 2)]
    return [(height, width), half, half] if name == "I420" else [(height, width), (*half, 2)]


@dataclass
class Picture:
    """A frame's planes in memory, and the channels they mean, each of its own size."""

    name: str
    height: int
    width: int
    planes: list[NDArray[np.uint8]]

    def channels(self) -> list[NDArray[np.uint8]]:
        """R, G, B; one gray; or Y, U, V."""
        first = self.planes[0]
        if self.name == "GRAY":
            return [first.reshape(self.height, self.width)]
        if self.name in ("BGR", "BGRA"):
            return [first[..., 2], first[..., 1], first[..., 0]]
        if self.name in CHANNELS:
            return [first[..., c] for c in range(3)]
        if self.name == "YUYV":
            return [first[..., 0], first[:, 0::2, 1], first[:, 1::2, 1]]
        if self.name == "I420":
            return self.planes
        u, v = self.planes[1][..., 0], self.planes[1][..., 1]
        return [first, v, u] if self.name == "NV21" else [first, u, v]


def resize_channel(
    channel: NDArray[np.uint8], method: str, size: tuple[int, int]
) -> NDArray[np.uint8]:
    """(h, w) as the library makes it; `size` is (h, w)."""
    channel = np.ascontiguousarray(channel)
    if method in ("PIL_BILINEAR", "NEAREST"):
        resample = getattr(Image.Resampling, method.removeprefix("PIL_"))
        return np.asarray(Image.fromarray(channel).resize(size[::-1], resample))
    flag = {"CV2_LINEAR": cv2.INTER_LINEAR, "CV2_AREA": cv2.INTER_AREA}[method]
    return np.asarray(cv2.resize(channel, size[::-1], interpolation=flag), np.uint8).reshape(size)


def colour(
    y: NDArray, u: NDArray, v: NDArray, matrix: str, full_range: bool
) -> NDArray[np.float64]:
    """RGB of luma and chroma: ITU-R BT.601 or BT.709, in float64."""
    red, blue = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722)}[matrix]
    luma = y.astype(np.float64) if full_range else (y - 16.0) / 219 * 255
    cb, cr = (
        (c - 128.0) / (255 if full_range else 224) * 255 for c in (u.astype(float), v.astype(float))
    )
    r = luma + 2 * (1 - red) * cr
    b = luma + 2 * (1 - blue) * cb
    g = (luma - red * r - blue * b) / (1 - red - blue)
    return np.stack([r, g, b], axis=-1).clip(0, 255)


@dataclass(frozen=True)
class Fitted:
    """The size a frame is resized to; what is kept of it; where that lies in the model's input."""

    resized: tuple[int, int]
    first: tuple[int, int]
    kept: tuple[int, int]
    pad: tuple[int, int]


def fit(name: str, frame: tuple[int, int], model: tuple[int, int]) -> Fitted:
    """In exact fractions; sizes are (h, w)."""
    if name == "STRETCH":
        return Fitted(model, (0, 0), model, (0, 0))
    ratios = [Fraction(m, f) for m, f in zip(model, frame, strict=True)]
    if name == "LETTERBOX":
        ratio = min(ratios)
        resized = tuple(max(floor(f * ratio + Fraction(1, 2)), 1) for f in frame)
        pad = tuple((m - r) // 2 for m, r in zip(model, resized, strict=True))
        return Fitted(resized, (0, 0), resized, pad)
    # torchvision: Resize cuts off the longer side, CenterCrop rounds the half of what is over.
    ratio = max(ratios)
    resized = tuple(floor(f * ratio) for f in frame)
    first = tuple(round((r - m) / 2) for r, m in zip(resized, model, strict=True))
    return Fitted(resized, first, model, (0, 0))


def exact_rgb(
    picture: Picture, method: str, how: str, size: tuple[int, int], settings: dict
) -> tuple[NDArray[np.float64], float]:
    """(h, w, 3) values that the formula takes as x, and by how much bytes may differ from them."""
    where = fit(how, (picture.height, picture.width), size)
    channels = picture.channels()
    bound = 0.0
    if method == "PIL_BILINEAR":
        bound = max(pillow_bound(c.shape, where.resized) for c in channels)
    rows, columns = (slice(f, f + n) for f, n in zip(where.first, where.kept, strict=True))
    kept = [
        c if c.shape == where.resized else resize_channel(c, method, where.resized)
        for c in channels
    ]
    kept = [channel[rows, columns] for channel in kept]
    if picture.name in YUV:
        rgb = colour(*kept, settings["matrix"], settings["full_range"])
        bound = COLOUR_BOUND + 3.5 * bound  # a step of chroma is at most 2.2 of colour
    else:
        rgb = np.stack(kept * (3 // len(kept)), axis=-1).astype(np.float64)
    whole = np.full((*size, 3), float(settings["pad"]))
    top, left = where.pad
    whole[top : top + where.kept[0], left : left + where.kept[1]] = rgb
    return whole, bound
