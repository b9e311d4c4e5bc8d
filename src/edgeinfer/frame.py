"""What the bytes of a camera frame mean: a view over somebody's memory, checked once."""

import enum
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeinfer import _allocation
from edgeinfer._core import PreprocessPlan
from edgeinfer.errors import InputError

__all__ = ["Frame", "PixelFormat", "as_frame"]


class PixelFormat(enum.Enum):
    """What the bytes of a frame are; all formats hold 8 bits per channel."""

    RGB = "RGB"
    BGR = "BGR"
    RGBA = "RGBA"
    """Alpha is dropped."""
    BGRA = "BGRA"
    """Alpha is dropped."""
    GRAY = "GRAY"
    NV12 = "NV12"
    """Luma, then half as many rows of interleaved U and V: one of each for 2x2 pixels."""
    NV21 = "NV21"
    """As NV12, with V before U."""
    I420 = "I420"
    """Luma, then U, then V, each of half the width and height."""
    YUYV = "YUYV"
    """Two pixels in four bytes, Y U Y V; also called YUY2."""

    @property
    def channels(self) -> int:
        """Bytes of one pixel in the first plane: 3, 4 or 1; 2 for YUYV; 1 for luma planes."""
        sizes = {"RGB": 3, "BGR": 3, "RGBA": 4, "BGRA": 4, "YUYV": 2}
        return sizes.get(self.value, 1)

    @property
    def planes(self) -> int:
        """Planes in memory: 2 for NV12 and NV21, 3 for I420, else 1."""
        return {"NV12": 2, "NV21": 2, "I420": 3}.get(self.value, 1)


class Frame:
    """A camera frame: pixels in somebody's memory, and what they mean. Nothing is copied.

    Args:
        data: the pixels, uint8: an ndarray, a DLPack tensor or a buffer (bytes, memoryview, mmap).

            Flat: row after row at ``stride`` bytes. The chroma of NV12 and NV21 follows behind
            ``height`` rows at the same stride; that of I420 at half of it, first U, then V. The
            last row needs no padding behind it.

            Shaped, with any row stride: (height, width, channels), where YUYV has 2; for GRAY also
            (height, width). For NV12, NV21 and I420 (height * 3 / 2, width), as OpenCV has it; I420
            without gaps between its rows.

            For NV12, NV21 and I420 also a tuple or list of one such array per plane, for cameras
            that give planes apart: (height, width) luma; chroma (height / 2, width / 2, 2) or
            (height / 2, width) interleaved, or twice (height / 2, width / 2).
        format: what the bytes are.
        width, height: pixels; even where chroma has half of them: both for NV12, NV21 and I420,
            the width for YUYV.
        stride: bytes from one row of flat data to the next, at least ``width * format.channels``,
            which is the default; even for I420.
        matrix: how luma and chroma become RGB, ``"bt601"`` or ``"bt709"``; for YUV formats.
        full_range: whether luma and chroma use 0..255, as JPEG has them, rather than 16..235 and
            16..240; for YUV formats.

    Attributes:
        planes: tuple of uint8 views, one a plane: (height, width, channels), or (height, width)
            where a sample is one byte; interleaved chroma is (height / 2, width / 2, 2).

    Raises:
        InputError: the data is not uint8, is too short, or has another shape; a side is odd where
            chroma has half of it.
    """

    __slots__ = ("format", "full_range", "height", "matrix", "planes", "width")

    def __init__(
        self,
        data: Any,
        format: PixelFormat,
        *,
        width: int,
        height: int,
        stride: int | None = None,
        matrix: str = "bt601",
        full_range: bool = False,
    ) -> None:
        if not isinstance(format, PixelFormat):
            raise InputError(f"format: found {format!r}; wanted an edgeinfer.PixelFormat")
        if matrix not in ("bt601", "bt709"):
            raise InputError(f"matrix: found {matrix!r}; wanted 'bt601' or 'bt709'")
        if not isinstance(full_range, bool | np.bool_):
            raise InputError(f"full_range: found {full_range!r}; wanted True or False")
        width, height = _whole("width", width), _whole("height", height)
        stride = None if stride is None else _whole("stride", stride)
        if width < 1 or height < 1:
            raise InputError(f"frame: found width {width}, height {height}; wanted at least 1x1")
        _check_even(format, width, height)
        self.planes: tuple[NDArray[np.uint8], ...] = _planes(data, format, width, height, stride)
        self.format = format
        self.width = width
        self.height = height
        self.matrix = matrix
        self.full_range = bool(full_range)

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """(height, width, channels) uint8 view; (height, width) for GRAY.

        Raises:
            InputError: the format has several planes; see ``planes`` and `to_rgb`.
        """
        if len(self.planes) > 1:
            raise InputError(
                f"pixels: found {self.format.name}, whose pixels lie in {len(self.planes)} planes; "
                "use frame.planes, or frame.to_rgb() for (H, W, 3) RGB"
            )
        return self.planes[0]

    @property
    def stride(self) -> int:
        """Bytes from one row to the next, of the first plane."""
        return self.planes[0].strides[0]

    def to_rgb(self) -> NDArray[np.uint8]:
        """The frame as new (height, width, 3) uint8 RGB.

        Chroma of less than the frame's size is enlarged as Pillow's BILINEAR does it, sited at the
        centre of the pixels it stands for, and converted as `Preprocess` converts it.

        Raises:
            InputError: a side is over 65535.
            RunError: no memory for the pixels.
        """
        plan = PreprocessPlan(
            height=self.height,
            width=self.width,
            resize="PIL_BILINEAR",
            color="RGB",
            scale=1.0,
            mean=(0.0, 0.0, 0.0),
            std=(1.0, 1.0, 1.0),
            layout="NHWC",
            dtype="uint8",
        )
        planes = tuple(map(_without_gaps, self.planes))
        rgb = _allocation.empty("the RGB pixels", (self.height, self.width, 3), np.uint8)
        plan.run(planes, self.format.value, rgb[None], self.matrix, self.full_range)
        return rgb

    def __repr__(self) -> str:
        return (
            f"Frame({self.format.name}, width={self.width}, height={self.height}, "
            f"stride={self.stride})"
        )


def as_frame(data: Any) -> Frame:
    """``data`` as a frame, without a copy.

    Args:
        data: a `Frame`, or a uint8 array: (H, W, 3) is taken as RGB, (H, W, 4) as RGBA, (H, W) and
            (H, W, 1) as GRAY.

    Raises:
        InputError: another dtype or shape; the text holds it.
    """
    if isinstance(data, Frame):
        return data
    array = _as_bytes_array(data)
    by_channels = {1: PixelFormat.GRAY, 3: PixelFormat.RGB, 4: PixelFormat.RGBA}
    channels = 1 if array.ndim == 2 else array.shape[2] if array.ndim == 3 else 0
    if channels not in by_channels or array.size == 0:
        raise InputError(
            f"frame: found uint8 {array.shape}; wanted (H, W, 3) RGB, (H, W, 4) RGBA or (H, W) "
            "GRAY with at least one pixel; give others as edgeinfer.Frame(data, format, ...)"
        )
    return Frame(array, by_channels[channels], width=array.shape[1], height=array.shape[0])


def _without_gaps(plane: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if plane.flags.c_contiguous:
        return plane
    copy = _allocation.empty("a plane without gaps", plane.shape, np.uint8)
    copy[...] = plane
    return copy


def _whole(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise InputError(f"{name}: found {value!r}; wanted a whole number")
    return int(value)


def _check_even(format: PixelFormat, width: int, height: int) -> None:
    half_width = format.planes > 1 or format is PixelFormat.YUYV
    half_height = format.planes > 1
    if (half_width and width % 2) or (half_height and height % 2):
        wanted = "both even" if half_height else "an even width"
        raise InputError(
            f"frame: found {width}x{height} {format.name} pixels (width x height), but one chroma "
            f"sample stands for {'2x2' if half_height else 'two'} pixels; wanted {wanted}; leave "
            "the last column or row out"
        )


def _as_bytes_array(data: Any) -> NDArray[np.uint8]:
    if isinstance(data, np.ndarray):
        array = data
    elif isinstance(data, str | os.PathLike):
        raise InputError(
            f"frame: found {type(data).__name__}; wanted pixels; read an image file with "
            "edgeinfer.decode(path)"
        )
    else:
        try:
            if hasattr(data, "__dlpack__"):
                array = np.from_dlpack(data)
            else:
                array = np.asarray(memoryview(data))
        except Exception as error:  # foreign code behind __dlpack__ may raise anything
            raise InputError(
                f"frame: found {type(data).__name__} ({error}); wanted a NumPy array, a CPU tensor "
                "with DLPack, or a buffer; convert it with numpy.asarray(...)"
            ) from error
    if array.dtype != np.uint8:
        raise InputError(
            f"frame: found {array.dtype} {array.shape}, wanted uint8; convert it with "
            "frame.astype(numpy.uint8)"
        )
    return array


def _planes(
    data: Any, format: PixelFormat, width: int, height: int, stride: int | None
) -> tuple[NDArray[np.uint8], ...]:
    """Views of the planes, whichever way the data comes."""
    if format.planes > 1 and isinstance(data, list | tuple):
        return _planes_apart(data, format, width, height, stride)
    array = _as_bytes_array(data)
    if array.ndim == 1:
        return _flat_planes(array, format, width, height, stride)
    if format.planes > 1:
        return _stacked_planes(array, format, width, height, stride)
    _check_shape(array, format, width=width, height=height, stride=stride)
    flatten = format is PixelFormat.GRAY and array.ndim == 3
    return (array[:, :, 0] if flatten else array,)


def _chroma_shape(format: PixelFormat, width: int, height: int) -> tuple[int, ...]:
    half = (height // 2, width // 2)
    return half if format is PixelFormat.I420 else (*half, 2)


def _planes_apart(
    data: Sequence[Any], format: PixelFormat, width: int, height: int, stride: int | None
) -> tuple[NDArray[np.uint8], ...]:
    if len(data) != format.planes:
        raise InputError(
            f"frame: found {len(data)} arrays; wanted {format.planes}, one for each plane of "
            f"{format.name}"
        )
    if stride is not None:
        raise InputError(
            f"stride: found {stride}, but planes given apart have strides of their own; leave "
            "stride out"
        )
    chroma = _chroma_shape(format, width, height)
    flat_chroma = (height // 2, width)  # U and V side by side
    planes = []
    for number, plane in enumerate(data):
        array = _as_bytes_array(plane)
        wanted = [chroma] if number else [(height, width)]
        if number and format is not PixelFormat.I420:
            wanted.append(flat_chroma)
        if array.shape not in wanted:
            raise InputError(
                f"frame: found uint8 {array.shape} as plane {number} of {format.name}; wanted "
                f"{' or '.join(map(str, wanted))} for {width}x{height} pixels"
            )
        planes.append(array.reshape(wanted[0]))  # at most splits the last axis: no copy
    return tuple(planes)


def _stacked_planes(
    array: NDArray[np.uint8], format: PixelFormat, width: int, height: int, stride: int | None
) -> tuple[NDArray[np.uint8], ...]:
    wanted = (height * 3 // 2, width)
    if array.shape != wanted:
        raise InputError(
            f"frame: found uint8 {array.shape}; wanted {wanted} for {width}x{height} {format.name} "
            f"pixels, flat bytes, or a tuple of {format.planes} arrays, one a plane"
        )
    _check_stride(array, stride)
    if format is PixelFormat.I420:
        if not array.flags.c_contiguous:
            raise InputError(
                f"frame: found I420 rows {array.strides[0]} bytes apart in an array; wanted "
                f"{width}, since two rows of chroma share one of the array; give flat bytes with "
                "stride, or a tuple of three arrays, one a plane"
            )
        return _flat_planes(array.reshape(-1), format, width, height, None)
    return array[:height], array[height:].reshape(_chroma_shape(format, width, height))


def _flat_planes(
    flat: NDArray[np.uint8], format: PixelFormat, width: int, height: int, stride: int | None
) -> tuple[NDArray[np.uint8], ...]:
    channels = format.channels
    row = width * channels
    step = row if stride is None else stride
    if step < row:
        raise InputError(
            f"stride: found {step} bytes; wanted at least {row}, the bytes of a row of {width} "
            f"{format.name} pixels"
        )
    if format is PixelFormat.I420 and step % 2:
        raise InputError(
            f"stride: found {step} bytes for I420, whose chroma rows are half of it apart; wanted "
            "an even number; give a tuple of three arrays, one a plane"
        )
    # Offset, shape and strides of each plane. Strides of a single row mean nothing, and may be
    # beyond what NumPy holds.
    pixels = (height, width, channels) if channels > 1 else (height, width)
    pitch = step if height > 1 else row
    layout: list[tuple[int, tuple[int, ...], tuple[int, ...]]] = [
        (0, pixels, (pitch, channels, 1) if channels > 1 else (pitch, 1))
    ]
    if format.planes > 1:
        half = _chroma_shape(format, width, height)
        pitches = (step, 2, 1) if len(half) == 3 else (step // 2, 1)
        first = height * step
        layout.append((first, half, pitches))
        if format is PixelFormat.I420:
            layout.append((first + height // 2 * (step // 2), half, pitches))
    offset, shape, strides = layout[-1]
    needed = offset + sum((n - 1) * s for n, s in zip(shape, strides, strict=True)) + 1
    if flat.size < needed:
        raise InputError(
            f"frame: found {flat.size} bytes; wanted at least {needed} for {width}x{height} "
            f"{format.name} pixels in rows of {step} bytes"
        )
    if not flat.flags.c_contiguous:
        raise InputError(
            f"frame: found flat data with a stride of {flat.strides[0]} bytes, wanted adjoining "
            "bytes; convert it with numpy.ascontiguousarray(data)"
        )
    return tuple(
        np.ndarray(shape, np.uint8, flat, offset=offset, strides=strides)
        for offset, shape, strides in layout
    )


def _check_shape(
    array: NDArray[np.uint8], format: PixelFormat, *, width: int, height: int, stride: int | None
) -> None:
    wanted: set[tuple[int, ...]] = {(height, width, format.channels)}
    if format is PixelFormat.GRAY:
        wanted.add((height, width))
    if array.shape not in wanted:
        raise InputError(
            f"frame: found uint8 {array.shape}; wanted {' or '.join(map(str, sorted(wanted)))} for "
            f"{width}x{height} {format.name} pixels"
        )
    _check_stride(array, stride)


def _check_stride(array: NDArray[np.uint8], stride: int | None) -> None:
    if stride is not None and array.shape[0] > 1 and stride != array.strides[0]:
        raise InputError(
            f"stride: found {stride} bytes, but the array's rows are {array.strides[0]} apart; "
            "leave stride out for a shaped array"
        )
