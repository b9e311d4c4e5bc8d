"""What the bytes of a camera frame mean: a view over somebody's memory, checked once."""

import enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeinfer.errors import InputError

__all__ = ["Frame", "PixelFormat", "as_frame"]


class PixelFormat(enum.Enum):
    """Order of the bytes of one pixel; all formats hold 8 bits per channel."""

    RGB = "RGB"
    BGR = "BGR"
    RGBA = "RGBA"
    GRAY = "GRAY"

    @property
    def channels(self) -> int:
        """Bytes of one pixel."""
        return {"GRAY": 1, "RGBA": 4}.get(self.value, 3)


class Frame:
    """A camera frame: pixels in somebody's memory, and what they mean. Nothing is copied.

    Args:
        data: the pixels, uint8: an ndarray, a DLPack tensor or a buffer (bytes, memoryview, mmap).
            Either shaped (height, width, channels), for GRAY also (height, width), with any row
            stride; or flat, row after row at ``stride`` bytes.
        format: order of the bytes of one pixel.
        width, height: pixels.
        stride: bytes from one row to the next, at least ``width * format.channels``, which is the
            default. The last row needs no padding behind it.
        matrix, full_range: how luma and chroma would become RGB; without meaning for the formats
            here.

    Attributes:
        pixels: (height, width, channels) uint8 view; (height, width) for GRAY.

    Raises:
        InputError: the data is not uint8, is too short, or has another shape.
    """

    __slots__ = ("format", "full_range", "height", "matrix", "pixels", "width")

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
        for name, value in (("width", width), ("height", height), ("stride", stride)):
            if not isinstance(value, int | np.integer) and not (name == "stride" and value is None):
                raise InputError(f"{name}: found {value!r}; wanted a whole number")
        if width < 1 or height < 1:
            raise InputError(f"frame: found width {width}, height {height}; wanted at least 1x1")
        array = _as_bytes_array(data)
        if array.ndim == 1:
            array = _rows_of(array, format, width=width, height=height, stride=stride)
        else:
            _check_shape(array, format, width=width, height=height, stride=stride)
            if format is PixelFormat.GRAY:
                array = array if array.ndim == 2 else array[:, :, 0]
        self.pixels: NDArray[np.uint8] = array
        self.format = format
        self.width = width
        self.height = height
        self.matrix = matrix
        self.full_range = full_range

    @property
    def stride(self) -> int:
        """Bytes from one row to the next."""
        return self.pixels.strides[0]

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


def _as_bytes_array(data: Any) -> NDArray[np.uint8]:
    if isinstance(data, np.ndarray):
        array = data
    else:
        try:
            if hasattr(data, "__dlpack__"):
                array = np.from_dlpack(data)
            else:
                array = np.asarray(memoryview(data))
        except (BufferError, RuntimeError, TypeError, ValueError) as error:
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


def _rows_of(
    flat: NDArray[np.uint8], format: PixelFormat, *, width: int, height: int, stride: int | None
) -> NDArray[np.uint8]:
    row = width * format.channels
    step = row if stride is None else stride
    if step < row:
        raise InputError(
            f"stride: found {step} bytes; wanted at least {row}, the bytes of a row of {width} "
            f"{format.name} pixels"
        )
    needed = (height - 1) * step + row
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
    if format is PixelFormat.GRAY:
        return np.ndarray((height, width), np.uint8, flat, strides=(step, 1))
    channels = format.channels
    return np.ndarray((height, width, channels), np.uint8, flat, strides=(step, channels, 1))


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
    if stride is not None and height > 1 and stride != array.strides[0]:
        raise InputError(
            f"stride: found {stride} bytes, but the array's rows are {array.strides[0]} apart; "
            "leave stride out for a shaped array"
        )
