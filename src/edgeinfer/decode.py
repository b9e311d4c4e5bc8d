"""Image files to frames; damaged and hostile files are refused with one error."""

from __future__ import annotations

import io
import os
import stat
from typing import Final

import numpy as np

from edgeinfer import _containers, _pillow
from edgeinfer._containers import Container
from edgeinfer.errors import InputError
from edgeinfer.frame import Frame, PixelFormat

__all__ = ["decode", "image_bytes"]

# A picture of up to so many pixels is no bomb however well it is compressed: flat ones compress
# without bound (a WebP of 12 megapixels in one colour is some 500 bytes).
_NO_BOMB_PIXELS: Final = 1 << 24

# What fits into a board of 1 GB; see the memory in docs/images.md.
_MOST_PIXELS: Final = {
    "JPEG": 8192 * 6144,
    "PNG": 8192 * 6144,
    "WEBP": 4096 * 6144,
    "BMP": 8192 * 6144,
}


def decode(
    path_or_bytes: str | os.PathLike[str] | bytes | bytearray | memoryview,
    *,
    at_least: tuple[int, int] | None = None,
    max_pixels: int | None = None,
    max_bytes: int = 1 << 26,
    max_ratio: float = 4096,
    timeout_s: float | None = 30,
) -> Frame:
    """Read a JPEG, PNG, WebP or BMP image.

    The pixels are those of Pillow's ``convert("RGB")``: grey, palette and CMYK images become RGB,
    an alpha channel is dropped, of an animation the first picture is taken; 16-bit colour keeps
    its high bytes, 16-bit grey is clipped at 255. EXIF orientation is applied; orientation data
    that cannot be read counts as upright. ``docs/images.md`` has the table, and what each limit
    does and does not bound.

    Args:
        path_or_bytes: a regular file, or the bytes of one.
        at_least: (height, width) in pixels of the upright picture, such as the model's input. A
            JPEG is then decoded at 1/2, 1/4 or 1/8 of its size if that is no smaller than this in
            either direction. Several times faster for large photographs; the pixels differ a
            little from decoding in full and shrinking. Other formats ignore it.
        max_pixels: refuse pictures of more than width x height pixels, as stored, before anything
            is decoded. None: 8192 x 6144, what cameras of 50 megapixels write, and for WebP half
            of it, as its decoder takes twice the memory; this suits a board of 1 GB. Pillow's own
            limit is not changed, and but for WebP not used.
        max_bytes: refuse larger files, before more of them is read.
        max_ratio: refuse pictures of more than 2**24 pixels that take more than so many times the
            bytes of the file once they are RGB. Flat pictures reach 510 as JPEG of colour, 3100
            as PNG of 8-bit grey.
        timeout_s: give up after so long; looked at while reading, between parts of a kilobyte or
            more while decoding, and before the first and after the last part. None: never.
    Returns:
        A ``PixelFormat.RGB`` frame of (height, width, 3) uint8, which owns its pixels.
    Raises:
        InputError: no such file, not one of the four formats, damaged, cut short, over a limit, or
            more than memory holds.
    Cost: Pillow is imported on the first call. Peak memory is about twice the file and 7 bytes a
        pixel; more for WebP and for JPEG in several scans. Safe from several threads.
    """
    _check_settings(at_least, max_pixels, max_bytes, max_ratio, timeout_s)
    clock = _pillow.Clock(timeout_s)
    name, data = _contents(path_or_bytes, max_bytes, clock)
    try:
        container = _containers.examine(data)
        del data  # the container has what is needed of it
        _check_size(container, max_pixels, max_ratio)
        pixels = _pillow.upright_rgb(container, at_least, clock)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error.__cause__
    height, width, _ = pixels.shape
    return Frame(pixels, PixelFormat.RGB, width=width, height=height)


def image_bytes(
    path: str | os.PathLike[str], *, max_bytes: int = 1 << 26, timeout_s: float | None = 30
) -> bytes:
    """What an image file holds, read as ``decode`` reads it, within the same limits.

    Raises:
        InputError: no such file, no regular one, or over a limit.
    """
    return _contents(path, max_bytes, _pillow.Clock(timeout_s))[1]


def _check_settings(
    at_least: tuple[int, int] | None,
    max_pixels: int | None,
    max_bytes: int,
    max_ratio: float,
    timeout_s: float | None,
) -> None:
    pair = at_least is None or (
        isinstance(at_least, tuple | list)
        and len(at_least) == 2
        and all(_is_count(side) for side in at_least)
    )
    if not pair:
        raise InputError(f"at_least: expected (height, width), both positive, got {at_least!r}")
    for name, count in (("max_pixels", max_pixels), ("max_bytes", max_bytes)):
        if not _is_count(count) and not (name == "max_pixels" and count is None):
            raise InputError(f"{name}: expected a positive whole number, got {count!r}")
    if not _is_positive(max_ratio):
        raise InputError(
            f"max_ratio: expected a positive number, got {max_ratio!r}; math.inf is no limit"
        )
    if timeout_s is not None and not _is_positive(timeout_s):
        raise InputError(
            f"timeout_s: expected a positive number of seconds, got {timeout_s!r}; None is no limit"
        )


def _is_count(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        return False
    return bool(value >= 1)


def _is_positive(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return False
    return bool(value > 0)  # False for NaN, too


def _contents(
    source: str | os.PathLike[str] | bytes | bytearray | memoryview,
    max_bytes: int,
    clock: _pillow.Clock,
) -> tuple[str, bytes]:
    """The name for error texts, and the bytes as they are now: a file or a buffer may change."""
    if isinstance(source, bytes | bytearray | memoryview):
        try:
            size = source.nbytes if isinstance(source, memoryview) else len(source)
        except ValueError as error:
            raise InputError(
                f"image bytes: found a memoryview that cannot be read ({error}); decode it before "
                "it is released"
            ) from error
        if size > max_bytes:
            raise _too_many_bytes("image bytes", f"{size} bytes are more than the", max_bytes)
        return "image bytes", bytes(source)
    if not isinstance(source, str | os.PathLike):
        raise InputError(
            f"image: expected a path or the bytes of a file, got {type(source).__name__}; "
            "an array needs no decoding, pass it on as a frame"
        )
    path = os.fsdecode(source)
    try:
        # Opening a device may already do something, so that its kind is asked for first; and once
        # more after, as another file may have come in its place.
        _check_kind(path, os.stat(path).st_mode)
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb", 0) as file:
            status = os.fstat(file.fileno())
            _check_kind(path, status.st_mode)
            if status.st_size > max_bytes:
                raise _too_many_bytes(path, f"{status.st_size} bytes are more than the", max_bytes)
            return path, _read(path, file, status.st_size, max_bytes, clock)
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the path
        if isinstance(error, InputError):
            raise
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"{path}: cannot read the image: {reason}") from error


def _check_kind(path: str, mode: int) -> None:
    # A pipe would block and a device may never end.
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "no regular file"
        raise InputError(f"{path}: expected an image file, this is {kind}")


def _read(path: str, file: io.FileIO, size: int, max_bytes: int, clock: _pillow.Clock) -> bytes:
    """To the end of the file, wherever that is by now."""
    blocks, total = [], 0
    # As a rule the first block is all: joining one costs no second copy.
    while block := file.read(max(size - total, 1 << 16)):
        clock.look()
        blocks.append(block)
        total += len(block)
        if total > max_bytes:
            raise _too_many_bytes(path, "it gave more bytes than the", max_bytes)
    return b"".join(blocks)


def _too_many_bytes(name: str, found: str, max_bytes: int) -> InputError:
    return InputError(f"{name}: {found} {max_bytes} allowed; shrink the image or raise max_bytes")


def _check_size(container: Container, max_pixels: int | None, max_ratio: float) -> None:
    width, height = container.width, container.height
    most = _MOST_PIXELS[container.kind] if max_pixels is None else max_pixels
    if width < 1 or height < 1:
        raise InputError(f"damaged: {width} x {height} pixels; fetch or save the image again")
    if width * height > most:
        raise InputError(
            f"{width} x {height} is more than the {most} pixels allowed; "
            "shrink the image or raise max_pixels"
        )
    ratio = 3 * width * height / len(container.stream)
    if width * height > _NO_BOMB_PIXELS and ratio > max_ratio:
        raise InputError(
            f"{width} x {height} pixels are {ratio:.0f} times the bytes they are stored in, more "
            f"than the {max_ratio:g} allowed at this size; save the image as JPEG, or raise "
            "max_ratio if it comes from where you trust"
        )
