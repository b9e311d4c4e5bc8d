"""Image files to frames; damaged and hostile files are refused with one error."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np

from edgeinfer.errors import InputError
from edgeinfer.frame import Frame, PixelFormat

if TYPE_CHECKING:
    from PIL import Image, ImageFile

__all__ = ["decode"]

# Every other decoder of Pillow stays out of reach: some of them start programs (EPS) or have a long
# history of memory errors, and none is a camera format.
_FORMATS: Final = ("JPEG", "PNG", "WEBP", "BMP")

# How files of these formats begin. WebP is a kind of RIFF.
_SIGNATURES: Final = (b"\xff\xd8\xff", b"\x89PNG", b"RIFF", b"BM")

_ORIENTATION: Final = 0x0112  # EXIF and TIFF tag; 5 to 8 swap width and height

# What Pillow's readers raise on damaged files. Warning: some processes make errors of warnings.
_DAMAGE: Final = (
    ArithmeticError,
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


def decode(
    path_or_bytes: str | os.PathLike[str] | bytes | bytearray | memoryview,
    *,
    at_least: tuple[int, int] | None = None,
    max_pixels: int = 178_956_970,
) -> Frame:
    """Read a JPEG, PNG, WebP or BMP image.

    The pixels are those of Pillow's ``convert("RGB")``: grey, palette and CMYK images become RGB,
    an alpha channel is dropped, of an animation the first picture is taken. EXIF orientation is
    applied; orientation data that cannot be read counts as upright.

    Args:
        path_or_bytes: a regular file, or the bytes of one.
        at_least: (height, width) in pixels of the upright picture, such as the model's input. A
            JPEG is then decoded at 1/2, 1/4 or 1/8 of its size if that is no smaller than this in
            either direction. Several times faster for large photographs; the pixels differ a
            little from decoding in full and shrinking. Other formats ignore it.
        max_pixels: refuse images of more than width x height pixels before anything is decoded.
            The default is Pillow's own limit, ``2 * PIL.Image.MAX_IMAGE_PIXELS``, which stays in
            force when this one is raised.
    Returns:
        A ``PixelFormat.RGB`` frame of (height, width, 3) uint8, which owns its pixels.
    Raises:
        InputError: no such file, not one of the four formats, damaged, cut short, or too large.
    Cost: Pillow is imported on the first call. Peak memory is about 11 bytes a pixel; safe from
        several threads.
    """
    _check_limits(at_least, max_pixels)
    with _opened(path_or_bytes) as (file, name):
        try:
            upright = _read(file, name, at_least, max_pixels)
            pixels = np.asarray(upright)
        except InputError:
            raise  # a ValueError too, with a better text than the one below
        except _DAMAGE as error:
            raise InputError(f"{name}: damaged or cut short{_reason(error)}") from error
    height, width, _ = pixels.shape
    return Frame(pixels, PixelFormat.RGB, width=width, height=height)


def _reason(error: Exception) -> str:
    # Pillow's text names the file object, which tells a reader nothing.
    return "" if "cannot identify" in str(error) else f": {str(error) or type(error).__name__}"


def _check_limits(at_least: tuple[int, int] | None, max_pixels: int) -> None:
    pair = at_least is None or (
        isinstance(at_least, tuple | list)
        and len(at_least) == 2
        and all(isinstance(side, int | np.integer) and side >= 1 for side in at_least)
    )
    if not pair:
        raise InputError(f"at_least: expected (height, width), both positive, got {at_least!r}")
    if not isinstance(max_pixels, int | np.integer) or max_pixels < 1:
        raise InputError(f"max_pixels: expected a positive number, got {max_pixels!r}")


@contextlib.contextmanager
def _opened(
    source: str | os.PathLike[str] | bytes | bytearray | memoryview,
) -> Iterator[tuple[BinaryIO, str]]:
    """The file to read and its name in error texts."""
    if isinstance(source, bytes | bytearray | memoryview):
        yield io.BytesIO(source), "image bytes"
        return
    if not isinstance(source, str | os.PathLike):
        raise InputError(
            f"image: expected a path or the bytes of a file, got {type(source).__name__}; "
            "an array needs no decoding, pass it on as a frame"
        )
    path = Path(source)
    try:
        # A pipe would block and a device never ends, so neither is opened.
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            kind = "a folder" if stat.S_ISDIR(mode) else "no regular file"
            raise InputError(f"{path}: expected an image file, this is {kind}")
        file = path.open("rb")
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the path
        if isinstance(error, InputError):
            raise
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"{path}: cannot read the image: {reason}") from error
    with file:
        yield file, str(path)


def _read(
    file: BinaryIO, name: str, at_least: tuple[int, int] | None, max_pixels: int
) -> Image.Image:
    """The RGB image, upright."""
    image = _identify(file, name)
    width, height = image.size
    if width * height > max_pixels:
        raise InputError(
            f"{name}: {width} x {height} is more than the {max_pixels} pixels allowed; "
            "shrink the image or raise max_pixels"
        )
    if at_least is not None and image.format == "JPEG":
        # Before load(): the reader must know the scale. Only JPEG has its EXIF at hand by then.
        least = at_least if _orientation(image) in (5, 6, 7, 8) else at_least[::-1]
        image.draft(None, least)
    image.load()
    # Colour to be made transparent; Pillow would warn that RGB cannot hold it.
    image.info.pop("transparency", None)
    return _turn(image.convert("RGB"), _orientation(image))


def _identify(file: BinaryIO, name: str) -> ImageFile.ImageFile:
    from PIL import Image, UnidentifiedImageError

    try:
        return Image.open(file, formats=_FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(f"{name}: too large for Pillow: {error}") from error
    except UnidentifiedImageError as error:
        file.seek(0)
        start = file.read(8)
        if start.startswith(_SIGNATURES):
            raise  # the right kind of file after all
        found = f"it starts with {start!r}" if start else "it is empty"
        raise InputError(f"{name}: not a JPEG, PNG, WebP or BMP image: {found}") from error


def _orientation(image: Image.Image) -> object:
    """The EXIF tag, or None. A picture with good pixels and bad EXIF is still a picture."""
    try:
        value: object = image.getexif().get(_ORIENTATION)
    except _DAMAGE:
        return None
    return value


def _turn(image: Image.Image, orientation: object) -> Image.Image:
    from PIL.Image import Transpose

    methods = (
        Transpose.FLIP_LEFT_RIGHT,
        Transpose.ROTATE_180,
        Transpose.FLIP_TOP_BOTTOM,
        Transpose.TRANSPOSE,
        Transpose.ROTATE_270,
        Transpose.TRANSVERSE,
        Transpose.ROTATE_90,
    )
    if isinstance(orientation, int) and 2 <= orientation <= 8:
        return image.transpose(methods[orientation - 2])
    return image
