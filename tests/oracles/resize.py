"""Resizing as others do it: Pillow, OpenCV, and bilinear interpolation in NumPy float64."""

import cv2
import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image

# Of bytes against float64, for sides up to 2000 pixels.
#   Pillow: each pass rounds by 0.5, and averaging what the first one rounded cannot enlarge it;
#   weights of 22 bits add less than 0.01.
#   OpenCV: rounding and cutting off below the last bit up to 0.5 each, weights of 11 bits 0.0625 a
#   pass, positions in float32 less than 0.05.
PILLOW_BOUND = 1.01
OPENCV_BOUND = 1.2

PILLOW_MAJOR = int(PIL.__version__.split(".")[0])


def pillow_bilinear(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """(h, w, 1 or 3) as Pillow's BILINEAR makes it; `size` is (h, w)."""
    squeezed = np.ascontiguousarray(image[:, :, 0] if image.shape[2] == 1 else image)
    resized = Image.fromarray(squeezed).resize(size[::-1], Image.Resampling.BILINEAR)
    return np.asarray(resized).reshape(*size, image.shape[2])


def pillow_bound(frame: tuple[int, int], size: tuple[int, int]) -> int:
    """What the installed Pillow may differ by from Pillow 13.

    Pillow 13 resizes rows first where the height loses more than twice the pixels the width does;
    older ones always start with columns, and each pass rounds.
    """
    lost = frame[0] - size[0]
    rows_first = lost > 0 and lost > 2 * (frame[1] - size[1])
    return 1 if rows_first and PILLOW_MAJOR < 13 else 0


def opencv_linear(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """(h, w, 1 or 3) as cv2.INTER_LINEAR makes it; `size` is (h, w)."""
    contiguous = np.ascontiguousarray(image)
    resized = cv2.resize(contiguous, size[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(resized, np.uint8).reshape(*size, image.shape[2])


def bilinear(
    image: NDArray[np.uint8], size: tuple[int, int], *, antialias: bool
) -> NDArray[np.float64]:
    """The exact value of every resized pixel, as two matrix products."""
    rows = _triangles(image.shape[0], size[0], antialias)
    columns = _triangles(image.shape[1], size[1], antialias)
    return np.einsum("yi,ijc,xj->yxc", rows, image.astype(np.float64), columns, optimize=True)


def _triangles(source: int, target: int, antialias: bool) -> NDArray[np.float64]:
    """(target, source) weights of a triangle around every output's centre."""
    ratio = source / target
    centres = (np.arange(target) + 0.5) * ratio - 0.5
    if not antialias:
        # Two neighbours; outside the image its edge goes on.
        centres = centres.clip(0, source - 1)
    half_width = max(ratio, 1.0) if antialias else 1.0
    distance = np.abs(np.arange(source)[None, :] - centres[:, None]) / half_width
    weights = np.maximum(0.0, 1.0 - distance)
    return weights / weights.sum(axis=1, keepdims=True)
