"""Camera frame to model input: the values of a recipe, and the way back to frame pixels.

The arithmetic is in the compiled core; nothing here touches a pixel.
"""

import enum
import json
from collections.abc import Mapping
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgeinfer import _allocation
from edgeinfer._core import PreprocessPlan
from edgeinfer.errors import InputError
from edgeinfer.frame import Frame, as_frame
from edgeinfer.placement import Placement

_Member = TypeVar("_Member", bound=enum.Enum)

__all__ = ["Fit", "Placement", "Prepared", "Preprocess", "Resize", "read_recipe"]


class Resize(enum.Enum):
    """Whose arithmetic to match; there is no plain "bilinear", since libraries disagree."""

    PIL_BILINEAR = "PIL_BILINEAR"
    """Pillow's BILINEAR, and torchvision's with antialias: averages when it shrinks."""
    CV2_LINEAR = "CV2_LINEAR"
    """``cv2.INTER_LINEAR``: two source pixels per axis, whatever the ratio."""
    CV2_AREA = "CV2_AREA"
    """``cv2.INTER_AREA``: averages what a pixel covers; where a side grows, what OpenCV does."""
    NEAREST = "NEAREST"
    """Pillow's NEAREST: the source pixel below the centre of each output pixel."""


class Fit(enum.Enum):
    """How a frame of another shape meets the model's input."""

    STRETCH = "STRETCH"
    """Each axis by its own ratio; the whole frame, the whole input."""
    LETTERBOX = "LETTERBOX"
    """One ratio, the smaller one; the whole frame in the middle, ``pad`` around it."""
    CROP = "CROP"
    """One ratio, the larger one; the whole input, the middle of the frame."""


class Prepared(NamedTuple):
    """A frame as a model input.

    Attributes:
        tensor: (1, 3, height, width) or (1, height, width, 3), of the recipe's dtype.
        placement: the way back from model pixels to frame pixels.
    """

    tensor: NDArray[Any]
    placement: Placement


class Preprocess:
    """Fixed recipe from camera frame to model input. Build once, call per frame.

    Every tensor channel holds ``(x * scale - mean) / std``, x being the resized uint8 value,
    rounded as the named library rounds it. It is computed as ``x * a + b`` in float32, with
    ``a = scale / std`` and ``b = -mean / std`` rounded once from float64: the error is at most
    ``5 * 2**-24`` times the larger of ``255 * abs(a)`` and ``abs(b)``.

    Frames of YUV formats are resized plane by plane, then converted to RGB bytes: those are x. So
    is the ``pad`` byte, in every channel. Integer tensors hold ONNX ``QuantizeLinear`` of the value
    that float32 tensors hold, to the last bit: divided by the scale in float32, rounded half to
    even, plus the zero point, saturated.

    Args:
        size: model input (height, width), pixels; each within 1..65535.
        resize: whose arithmetic to match.
        fit: how a frame of another shape meets the input.
        color: order of the tensor's channels, ``"RGB"`` or ``"BGR"``. Frames of any format are
            brought into it; a GRAY frame fills all three channels.
        scale: factor on the uint8 values, 1/255 for inputs within 0..1.
        mean, std: per channel of the tensor, in the order of ``color``, after ``scale``.
        layout: ``"NCHW"`` or ``"NHWC"``.
        dtype: ``"float32"``, ``"uint8"`` or ``"int8"``.
        quant: (scale, zero_point) of an integer input, as its QuantizeLinear or its metadata has
            them; the scale is rounded to float32. None stands for (1, 0), and is refused where
            that would saturate or leave fewer than 16 different values, as 1/255 does; uint8 with
            ``scale=1`` holds the bytes themselves.
        pad: gray level around a letterboxed frame, 0..255; no effect with other fits.
        threads: how many threads a call may compute with, the calling one included. None: as many
            as there are usable cores, 4 at most, for frames larger than 1920 x 1080 while no other
            call is split; one for all others. 1: never another thread. The result is the same to
            the last bit. Not part of the recipe.

    Raises:
        InputError: a value out of range, or values that do not go together; the text says what
            does.

    Source: Pillow's ``Resample.c`` and ``cv2.resize``, both 8-bit; the bytes before scaling equal
    those of Pillow 13 and of OpenCV 4.10 to 5.0 to the last bit (tests/kernels/test_resize.py,
    tests/preprocess/test_every_combination.py). Pillow before 13 differs by at most 1, and only
    where the height loses more than twice the pixels the width does: 13 resizes rows first there.
    Sizes of a crop are those of torchvision's Resize and CenterCrop (docs/frames.md).
    """

    def __init__(
        self,
        size: tuple[int, int],
        *,
        resize: Resize = Resize.PIL_BILINEAR,
        fit: Fit = Fit.STRETCH,
        color: str = "RGB",
        scale: float = 1 / 255,
        mean: tuple[float, float, float] = (0, 0, 0),
        std: tuple[float, float, float] = (1, 1, 1),
        layout: str = "NCHW",
        dtype: str = "float32",
        quant: tuple[float, int] | None = None,
        pad: int = 114,
        threads: int | None = None,
    ) -> None:
        self._size = _two_ints("size", size)
        self._resize = _member("resize", resize, Resize)
        self._fit = _member("fit", fit, Fit)
        self._color = _choice("color", color, ("RGB", "BGR"))
        self._scale = _number("scale", scale)
        self._mean = _three_numbers("mean", mean)
        self._std = _three_numbers("std", std)
        self._layout = _choice("layout", layout, ("NCHW", "NHWC"))
        self._dtype = _choice("dtype", dtype, ("float32", "uint8", "int8"))
        self._quant = _quant(quant)
        self._pad = _level("pad", pad)
        self._threads = _threads(threads)
        self._plan = PreprocessPlan(
            height=self._size[0],
            width=self._size[1],
            resize=self._resize.value,
            fit=self._fit.value,
            color=self._color,
            scale=self._scale,
            mean=self._mean,
            std=self._std,
            layout=self._layout,
            dtype=self._dtype,
            quant=self._quant,
            pad=self._pad,
            threads=_MOST_THREADS if self._threads is None else self._threads,
        )

    @property
    def size(self) -> tuple[int, int]:
        """Model input (height, width), pixels."""
        return self._size

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Of the tensor: (1, 3, height, width), or (1, height, width, 3) with NHWC."""
        return (1, 3, *self._size) if self._layout == "NCHW" else (1, *self._size, 3)

    @property
    def dtype(self) -> str:
        """Of the tensor: ``"float32"``, ``"uint8"`` or ``"int8"``."""
        return self._dtype

    @property
    def variants(self) -> str:
        """Kernel variants chosen for this CPU, as ``"operation=variant ..."``."""
        return self._plan.variants

    def __call__(self, frame: Frame | ArrayLike, *, out: NDArray[Any] | None = None) -> Prepared:
        """Write ``frame`` as a tensor.

        Args:
            frame: a `Frame`, or a uint8 array: (rows, cols, 3) RGB, (rows, cols, 4) RGBA or
                (rows, cols) GRAY; any row stride, pixels contiguous; sides up to 65535.
            out: of ``shape`` and ``dtype``, C order; written in place. Allocated when omitted.

        Returns:
            ``Prepared(tensor, placement)``; ``placement.to_frame(boxes)`` maps model pixels to
            frame pixels.

        Raises:
            InputError: dtype, channels, strides or the shape of ``out`` differ; the text holds
                both. A frame so long that a crop would resize it to more than 2**24 pixels.
            RunError: no memory for the tensor.

        Cost: one pass over the frame, a few rows in cache; with ``out`` nothing the size of a
        frame or a tensor is allocated. The GIL is released; safe from several threads.
        """
        view = as_frame(frame)
        tensor = _allocation.empty("the tensor", self.shape, self._dtype) if out is None else out
        if not isinstance(tensor, np.ndarray):
            raise InputError(
                f"out: found {type(tensor).__name__}; wanted a {self._dtype} ndarray of shape "
                f"{self.shape}"
            )
        sx, sy, px, py, fw, fh, mw, mh = self._plan.run(
            view.planes, view.format.value, tensor, view.matrix, view.full_range
        )
        return Prepared(tensor, Placement(sx, sy, px, py, (fh, fw), (mh, mw)))

    @classmethod
    def from_recipe(
        cls,
        recipe: str | PathLike[str] | Mapping[str, Any],
        *,
        defaults: Mapping[str, Any] | None = None,
        threads: int | None = None,
    ) -> Self:
        """Build from what `to_recipe` gives.

        Args:
            recipe: a mapping, or the path of a JSON file that holds one. ``size`` is required; what
                is left out takes the default of `Preprocess`.
            defaults: values for what the recipe leaves out, such as a model's layout and dtype.
            threads: as for `Preprocess`.

        Raises:
            InputError: the file cannot be read, a key is unknown, or a value is refused.
        """
        if not isinstance(recipe, Mapping | str | PathLike):
            raise InputError(
                f"recipe: found {type(recipe).__name__}; wanted a mapping or a JSON file"
            )
        values = recipe if isinstance(recipe, Mapping) else read_recipe(recipe)
        _check_keys("recipe", values)
        _check_keys("defaults", defaults or {})
        if "size" not in values:
            raise InputError('recipe: found no "size"; wanted [height, width] of the model input')
        settings = {**(defaults or {}), **values}
        for key, kind in (("resize", Resize), ("fit", Fit)):
            if key in settings:
                settings[key] = kind[_choice(key, settings[key], tuple(kind.__members__))]
        return cls(settings.pop("size"), threads=threads, **settings)

    def to_recipe(self) -> dict[str, Any]:
        """The recipe as values that JSON can hold; `from_recipe` gives an equal `Preprocess`."""
        return {
            "size": list(self._size),
            "resize": self._resize.name,
            "fit": self._fit.name,
            "color": self._color,
            "scale": self._scale,
            "mean": list(self._mean),
            "std": list(self._std),
            "layout": self._layout,
            "dtype": self._dtype,
            "quant": None if self._quant is None else list(self._quant),
            "pad": self._pad,
        }

    def __reduce__(self) -> tuple[Any, ...]:
        # The plan holds pointers to kernels of this process; the recipe says what it computes.
        return partial(type(self).from_recipe, threads=self._threads), (self.to_recipe(),)

    def __repr__(self) -> str:
        values = ", ".join(f"{key}={value!r}" for key, value in self.to_recipe().items())
        return f"Preprocess({values})"


_RECIPE_KEYS = (
    "size",
    "resize",
    "fit",
    "color",
    "scale",
    "mean",
    "std",
    "layout",
    "dtype",
    "quant",
    "pad",
)


# Beyond it the core takes no more; a number that its integers hold.
_MOST_THREADS = 64
# Sides beyond this are refused before the core, whose integers would not hold all of Python's.
_LARGEST_SIDE = 65535


def _check_keys(name: str, values: Mapping[str, Any]) -> None:
    # By their text: keys of a mapping need not be comparable.
    unknown = sorted(map(_shown, set(values) - set(_RECIPE_KEYS)))
    if unknown:
        raise InputError(
            f"{name}: found unknown key {', '.join(unknown)}; wanted some of "
            f"{', '.join(_RECIPE_KEYS)}"
        )


def _shown(value: object) -> str:
    """A value for an error text, of bounded length."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # over 4300 digits; lists in lists in lists
        return f"a value of type {type(value).__name__} that is too long to print"
    return text if len(text) <= 100 else f"{text[:99]}…"


def read_recipe(path: str | PathLike[str]) -> Mapping[str, Any]:
    """The values of a recipe file, unchecked.

    Raises:
        InputError: the file cannot be read, or holds no JSON object.
    """
    try:
        values = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"recipe: cannot read {path}: {error}; wanted a JSON file") from error
    if not isinstance(values, dict):
        raise InputError(f"recipe: {path} holds a {type(values).__name__}; wanted a JSON object")
    return values


def _choice(name: str, value: object, supported: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in supported:
        names = ", ".join(map(repr, supported))
        raise InputError(f"{name}: found {_shown(value)}; supported: {names}")
    return value


def _member(name: str, value: object, kind: type[_Member]) -> _Member:
    if not isinstance(value, kind):
        names = ", ".join(str(member) for member in kind)
        raise InputError(f"{name}: found {_shown(value)}; supported: {names}")
    return value


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise InputError(f"{name}: found {_shown(value)}; wanted a number")
    try:
        return float(value)
    except OverflowError as error:
        raise InputError(
            f"{name}: found {_shown(value)}; wanted a number that float64 holds"
        ) from error


def _three_numbers(name: str, values: Any) -> tuple[float, float, float]:
    try:
        first, second, third = values
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: found {_shown(values)}; wanted three numbers") from error
    return _number(name, first), _number(name, second), _number(name, third)


def _quant(value: Any) -> tuple[float, int] | None:
    if value is None:
        return None
    try:
        scale, zero_point = value
    except (TypeError, ValueError) as error:
        raise InputError(
            f"quant: found {_shown(value)}; wanted (scale, zero_point) or None"
        ) from error
    if isinstance(zero_point, bool) or not isinstance(zero_point, int | np.integer):
        raise InputError(
            f"quant: found a zero point of {_shown(zero_point)}; wanted a whole number"
        )
    if not -128 <= zero_point <= 255:
        raise InputError(
            f"quant: found a zero point of {_shown(int(zero_point))}; wanted one within 0..255 for "
            "dtype uint8, -128..127 for dtype int8"
        )
    return _number("quant: scale", scale), int(zero_point)


def _level(name: str, value: Any) -> int:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or not 0 <= value <= 255:
        raise InputError(f"{name}: found {_shown(value)}; wanted a gray level within 0..255")
    return int(value)


def _threads(value: Any) -> int | None:
    if value is None:
        return None
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < 1:
        raise InputError(f"threads: found {_shown(value)}; wanted None or a number from 1 up")
    return min(int(value), _MOST_THREADS)


def _two_ints(name: str, values: Any) -> tuple[int, int]:
    try:
        height, width = values
        if isinstance(height, bool) or isinstance(width, bool):
            raise TypeError("a truth value is no number of pixels")
        pair = int(height.__index__()), int(width.__index__())
    except (AttributeError, TypeError, ValueError) as error:
        raise InputError(
            f"{name}: found {_shown(values)}; wanted (height, width) in pixels"
        ) from error
    if not all(1 <= side <= _LARGEST_SIDE for side in pair):
        raise InputError(
            f"{name}: found height {_shown(pair[0])}, width {_shown(pair[1])}; wanted both within "
            f"1..{_LARGEST_SIDE}"
        )
    return pair
