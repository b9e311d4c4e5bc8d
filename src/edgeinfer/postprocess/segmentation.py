"""Semantic segmentation: low-resolution logits to a class mask."""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import index
from typing import TYPE_CHECKING, Any, Final, SupportsFloat, SupportsIndex

from .. import _core
from .._arguments import LARGEST_SIDE
from ..errors import InputError
from ..result import Mask

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["segment"]

_RANGES: Final = {"uint8": (0, 255), "int8": (-128, 127)}
_FORMATS: Final = {"B": "uint8", "b": "int8", "f": "float32"}  # of the buffer protocol


def segment(
    logits: NDArray[Any],
    *,
    size: tuple[int, int],
    align_corners: bool = False,
    quant: tuple[SupportsFloat, SupportsFloat] | None = None,
    labels: Sequence[str] | None = None,
) -> Mask:
    """Upsample logits bilinearly and take the best class of each pixel, in one pass.

    The upsampled (C, H, W) volume is never made. Among equal values the lowest class wins; NaN
    never wins over a number, and a pixel whose values are all NaN is class 0. Infinite logits count
    as 2**126.

    Args:
        logits: (C, h, w) or (1, C, h, w) float32, uint8 or int8; an ndarray, or an object with
            DLPack or the buffer protocol. Other than C-contiguous ones are copied first.
        size: of the mask, (height, width); any, also smaller than the logits.
        align_corners: sample positions as in ``torch.nn.functional.interpolate``: False for pixel
            centres (ONNX ``half_pixel``), True for corners (ONNX ``align_corners``).
        quant: (scale, zero_point) of integer logits. One scale for all classes does not change
            which class is the best, so it is checked and otherwise unused.
        labels: name of each class, C of them; handed on to the result.
    Returns:
        ``Mask``: classes (height, width) uint8, or uint16 above 256 classes, and areas.
    Raises:
        InputError: shape, dtype, size, quant or labels do not fit.
    Cost: one pass; nothing of the size of (C, height, width) is allocated. GIL released; safe from
        several threads.
    Source: positions as PyTorch and ONNX Resize define them; equal to upsampling and argmax in
        float64 on every pixel but those whose two best values differ by less than the rounding of
        float32 (tests/kernels/test_upsample_argmax.py).
    """
    if quant is not None:
        _check_quant(logits, quant)
    height, width = _checked_size(size)
    mask, areas = _core.segment(logits, height, width, align_corners=align_corners)
    if labels is not None and len(labels) != len(areas):
        raise InputError(
            f"labels: found {len(labels)} names for logits of {len(areas)} classes; "
            "give one name a class"
        )
    return Mask(mask, areas, labels)


def _check_quant(logits: Any, quant: tuple[SupportsFloat, SupportsFloat]) -> None:
    try:
        scale, zero_point = (float(value) for value in quant)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"quant: found {quant!r}, wanted (scale, zero_point), one number each; a scale for "
            "each class changes which class is the best: dequantise the logits first"
        ) from error
    if not (math.isfinite(scale) and scale > 0 and zero_point.is_integer()):
        raise InputError(
            f"quant: found {quant!r}, wanted a finite scale above 0 and an integer zero point"
        )
    dtype = _dtype_name(logits)
    if dtype.startswith("float"):
        raise InputError("quant: found float logits, wanted uint8 or int8; leave quant out")
    lowest, highest = _RANGES.get(dtype, (-128, 255))
    if not lowest <= zero_point <= highest:
        raise InputError(
            f"quant: found {quant!r}, wanted a zero point from {lowest} to {highest}, as "
            f"{dtype or 'uint8 or int8'} logits have it"
        )


def _dtype_name(logits: Any) -> str:
    """Of an array or a tensor, or of a buffer's elements; "" where neither is told."""
    if hasattr(logits, "dtype"):
        return str(logits.dtype).rpartition(".")[2]
    try:
        return _FORMATS.get(memoryview(logits).format, "")
    except (TypeError, ValueError):
        return ""


def _checked_size(size: tuple[int, int]) -> tuple[int, int]:
    try:
        height, width = (_pixels(length) for length in size)
    except (TypeError, ValueError) as error:
        raise InputError(f"size: found {size!r}, wanted (height, width) in pixels") from error
    if not (0 < height <= LARGEST_SIDE and 0 < width <= LARGEST_SIDE):
        raise InputError(
            f"size: found {size!r}, wanted (height, width) of 1 to {LARGEST_SIDE} each"
        )
    return height, width


def _pixels(length: SupportsIndex) -> int:
    if isinstance(length, bool):
        raise TypeError  # counts as 0 or 1 in Python; as a size it is a slip
    return index(length)
