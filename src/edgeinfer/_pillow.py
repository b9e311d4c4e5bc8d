"""From one examined picture to upright RGB pixels; the only place that knows Pillow."""

from __future__ import annotations

import io
import math
import struct
import time
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from edgeinfer._containers import Container, inflates_to
from edgeinfer.errors import InputError

if TYPE_CHECKING:
    from PIL import Image, ImageFile

__all__ = ["Clock", "upright_rgb"]

# Pixels turned to RGB at a time: few enough for a cache, enough for the calls not to count.
_TILE_PIXELS: Final = 1 << 16

# Orientations whose stored columns, and whose stored rows, run backwards in the upright picture.
_MIRRORED: Final = (2, 3, 7, 8)
_UPSIDE_DOWN: Final = (3, 4, 6, 7)

# What a decoder of a JPEG in several scans gets between two looks at the clock: a scan can be a
# hundred bytes long and visit every pixel.
_BYTES_BETWEEN_LOOKS: Final = 2048

# What Pillow's readers raise on damaged files. Warning: some processes make errors of warnings.
_DAMAGE: Final = (
    ArithmeticError,
    AssertionError,
    EOFError,
    LookupError,
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
    Warning,
    struct.error,
    zlib.error,
)


class Clock:
    """The time that one picture may take.

    Args:
        timeout_s: from now on; None: for ever.
    """

    def __init__(self, timeout_s: float | None) -> None:
        self._timeout_s = timeout_s
        self._end = math.inf if timeout_s is None else time.monotonic() + timeout_s

    def look(self) -> None:
        """Raise InputError if the time is over."""
        if time.monotonic() > self._end:
            raise InputError(
                f"not decoded within {self._timeout_s:g} s; shrink the image, or raise timeout_s "
                "if it comes from where you trust"
            )


class _Timed(io.BytesIO):
    """A file in memory that ends a decoder which reads on after its time."""

    def __init__(self, data: bytes, clock: Clock) -> None:
        super().__init__(data)
        self._clock = clock

    def read(self, size: int | None = -1, /) -> bytes:
        self._clock.look()
        return super().read(size)


def upright_rgb(
    container: Container, at_least: tuple[int, int] | None, clock: Clock
) -> NDArray[np.uint8]:
    """The picture as (height, width, 3) uint8, turned as its orientation says.

    Args:
        at_least: (height, width) of the upright picture; see ``decode``.
    Raises:
        InputError: damaged, cut short, out of memory or out of time.
    """
    from PIL.Image import DecompressionBombError  # WebP's reader has Pillow's own limit in force

    try:
        image = _loaded(container, at_least, clock)
        return _turned(image, container.orientation, clock)
    except InputError:
        raise  # a ValueError too, with a better text than the one below
    except MemoryError as error:
        raise InputError(
            f"not enough memory for {container.width} x {container.height} pixels; shrink the "
            "image, or lower max_pixels to refuse its like before they are decoded"
        ) from error
    except (*_DAMAGE, DecompressionBombError) as error:
        reason = str(error) or type(error).__name__
        raise InputError(
            f"damaged or cut short: {reason}; fetch or save the image again"
        ) from error


def _loaded(
    container: Container, at_least: tuple[int, int] | None, clock: Clock
) -> ImageFile.ImageFile:
    file = _Timed(container.stream, clock)
    image: ImageFile.ImageFile
    # The readers themselves, as Image.open() would warn of sizes that max_pixels allows, and would
    # ask files for more than their first picture.
    if container.kind == "JPEG":
        from PIL.JpegImagePlugin import JpegImageFile

        image = JpegImageFile(file)
    elif container.kind == "PNG":
        from PIL.PngImagePlugin import PngImageFile

        image = PngImageFile(file)
    elif container.kind == "WEBP":
        from PIL.WebPImagePlugin import SUPPORTED, WebPImageFile

        if not SUPPORTED:
            raise InputError("a WebP image, and this Pillow was built without WebP; convert it")
        image = WebPImageFile(file)
    else:
        from PIL.BmpImagePlugin import BmpImageFile

        image = BmpImageFile(file)
    if image.size != (container.width, container.height):
        width, height = image.size
        raise InputError(
            f"damaged: one header says {container.width} x {container.height} pixels, another "
            f"{width} x {height}; fetch or save the image again"
        )
    if at_least is not None and container.kind == "JPEG":
        # Before load(): the reader must know the scale.
        image.draft(None, at_least if container.orientation >= 5 else at_least[::-1])
    if container.scans > 1:
        image.decodermaxblock = _BYTES_BETWEEN_LOOKS
    image.load()
    if container.kind == "PNG" and _may_lack_rows(image, container):
        held = inflates_to(container.stream, container.raw_bytes)
        if held < container.raw_bytes:
            raise InputError(
                f"cut short: found {held} bytes of pixels, the header says "
                f"{container.raw_bytes}; fetch or save the image again"
            )
    return image


def _may_lack_rows(image: Image.Image, container: Container) -> bool:
    """Whether the data of a PNG may have ended early: Pillow then leaves the rest at zero."""
    if container.interlaced:
        return True  # passes go through the picture again and again
    bottom = image.crop((0, image.height - 1, image.width, image.height))
    return not any(bottom.tobytes())


def _turned(image: Image.Image, orientation: int, clock: Clock) -> NDArray[np.uint8]:
    """RGB pixels, upright.

    Tile by tile, so that neither the RGB nor the turned picture exists twice.
    """
    from PIL.Image import Transpose

    method = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }.get(orientation)
    width, height = image.size
    sideways = orientation >= 5
    pixels = np.empty((width, height, 3) if sideways else (height, width, 3), np.uint8)
    for box in _tiles(width, height):
        clock.look()
        tile = image.crop(box).convert("RGB")
        if method is not None:
            tile = tile.transpose(method)
        left, top, right, bottom = box
        # What is stored at the left or at the top may belong to the right or to the bottom.
        across = (
            slice(width - right, width - left) if orientation in _MIRRORED else slice(left, right)
        )
        down = (
            slice(height - bottom, height - top)
            if orientation in _UPSIDE_DOWN
            else slice(top, bottom)
        )
        pixels[(across, down) if sideways else (down, across)] = np.asarray(tile)
    return pixels


def _tiles(width: int, height: int) -> Iterator[tuple[int, int, int, int]]:
    """Left, top, right, bottom of bands of whole rows, or of parts of very long rows."""
    columns = min(width, _TILE_PIXELS)
    rows = max(1, _TILE_PIXELS // columns)
    for top in range(0, height, rows):
        for left in range(0, width, columns):
            yield left, top, min(left + columns, width), min(top + rows, height)
