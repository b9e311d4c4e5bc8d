"""One seeded picture in every pixel format, and what it has to look like after a resize."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

import edgeinfer as ei
from peers import Frame

# Camera modes: width and height.
SIZES = {"640x480": (480, 640), "1280x720": (720, 1280), "1920x1080": (1080, 1920)} | {
    "4056x3040": (3040, 4056)
}
Plane = NDArray[np.uint8]


@dataclass(frozen=True)
class Picture:
    """``frame`` for edgeinfer, and ``resized(size_hw)``: RGB levels, (height, width, 3) float64.

    ``levels`` is by how many of 255 edgeinfer's value may be off: none where the format has bytes
    of RGB, one where colour is computed.
    """

    frame: ei.Frame
    resized: Callable[[tuple[int, int]], NDArray[np.float64]]
    levels: int


def picture(rgb: Frame, format_name: str) -> Picture:
    """``rgb`` in the format; of YUV, the picture is what the planes hold (BT.601, limited range).

    Raises:
        NotImplementedError: this version has no such format; asv skips on this error.
    """
    if format_name not in ei.PixelFormat.__members__:
        raise NotImplementedError(f"this version has no PixelFormat.{format_name}")
    height, width, _ = rgb.shape
    if format_name in _PACKED:
        data = np.ascontiguousarray(_PACKED[format_name](rgb))
        shown = np.repeat(data[:, :, None], 3, axis=2) if format_name == "GRAY" else rgb
        return Picture(
            ei.Frame(data, ei.PixelFormat[format_name], width=width, height=height),
            lambda size: cv2.resize(shown, size[::-1]).astype(np.float64),
            levels=0,
        )
    planar = cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420).astype(np.uint8)
    luma = planar[:height]
    u, v = planar[height:].reshape(2, height // 2, width // 2)
    if format_name == "YUYV":
        u, v = (np.repeat(plane, 2, axis=0) for plane in (u, v))
    data = _YUV[format_name](luma, u, v)
    return Picture(
        ei.Frame(data, ei.PixelFormat[format_name], width=width, height=height),
        lambda size: _rgb_of_planes(luma, u, v, size),
        levels=1,
    )


_PACKED: Mapping[str, Callable[[Frame], Frame]] = {
    "RGB": lambda rgb: rgb,
    "BGR": lambda rgb: rgb[:, :, ::-1],
    "RGBA": lambda rgb: np.dstack([rgb, rgb[:, :, 0]]),
    "BGRA": lambda rgb: np.dstack([rgb[:, :, ::-1], rgb[:, :, 0]]),
    "GRAY": lambda rgb: rgb[:, :, 1],
}


def _interleaved(luma: Plane, first: Plane, second: Plane) -> Plane:
    pairs = np.stack([first, second], axis=-1).reshape(first.shape[0], -1)
    return np.concatenate([luma, pairs])


def _yuyv(luma: Plane, u: Plane, v: Plane) -> Plane:
    return np.stack([luma[:, ::2], u, luma[:, 1::2], v], axis=-1).reshape(*luma.shape, 2)


_YUV: Mapping[str, Callable[[Plane, Plane, Plane], Plane]] = {
    "NV12": _interleaved,
    "NV21": lambda luma, u, v: _interleaved(luma, v, u),
    "I420": lambda luma, u, v: np.concatenate([luma.ravel(), u.ravel(), v.ravel()]).reshape(
        -1, luma.shape[1]
    ),
    "YUYV": _yuyv,
}
FORMATS = (*_PACKED, *_YUV)


def _rgb_of_planes(luma: Plane, u: Plane, v: Plane, size: tuple[int, int]) -> NDArray[np.float64]:
    """Planes resized as bytes by cv2, then BT.601 in float64."""
    resized = [cv2.resize(plane, size[::-1]).astype(np.float64) for plane in (luma, u, v)]
    y = (resized[0] - 16) * 255 / 219
    blue, red = (255 / 224 * (plane - 128) for plane in resized[1:])
    rgb = [y + 1.402 * red, y - 0.344136286 * blue - 0.714136286 * red, y + 1.772 * blue]
    return np.clip(np.rint(np.stack(rgb, axis=-1)), 0, 255)
