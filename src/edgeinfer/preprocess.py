"""Camera frame to model input: the values of a recipe, and the way back to frame pixels.

The arithmetic is in the compiled core; nothing here touches a pixel.
"""

import enum
import json
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgeinfer._core import PreprocessPlan
from edgeinfer.errors import InputError
from edgeinfer.frame import Frame, as_frame

_Member = TypeVar("_Member", bound=enum.Enum)

__all__ = ["Fit", "Placement", "Prepared", "Preprocess", "Resize"]


class Resize(enum.Enum):
    """Whose arithmetic to match; there is no plain "bilinear", since libraries disagree."""

    PIL_BILINEAR = "PIL_BILINEAR"
    """Pillow's BILINEAR, and torchvision's with antialias: averages when it shrinks."""
    CV2_LINEAR = "CV2_LINEAR"
    """``cv2.INTER_LINEAR``: two source pixels per axis, whatever the ratio."""


class Fit(enum.Enum):
    """How a frame of another shape meets the model's input."""

    STRETCH = "STRETCH"
    """Each axis by its own ratio; the whole frame, the whole input."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a frame lies in the model's input: ``model = frame * scale + pad``, per axis.

    Coordinates are continuous, in pixels, with pixel centres at .5: the frame's left edge is 0 and
    its right edge is its width.

    Attributes:
        scale_x, scale_y: model pixels per frame pixel.
        pad_x, pad_y: model pixels left of and above the frame.
        frame_size, model_size: (height, width), pixels.
    """

    scale_x: float
    scale_y: float
    pad_x: float
    pad_y: float
    frame_size: tuple[int, int]
    model_size: tuple[int, int]

    def to_frame(self, coordinates: ArrayLike) -> NDArray[np.float64]:
        """Model coordinates as frame coordinates.

        Args:
            coordinates: (..., 2) points xy or (..., 4) boxes xyxy, in model pixels.

        Returns:
            The same shape in float64, in frame pixels; not clipped to the frame.

        Raises:
            InputError: the last axis holds neither 2 nor 4 values.
        """
        values, scale, pad = self._arguments(coordinates)
        return (values - pad) / scale

    def to_model(self, coordinates: ArrayLike) -> NDArray[np.float64]:
        """Frame coordinates as model coordinates: the inverse of `to_frame`."""
        values, scale, pad = self._arguments(coordinates)
        return values * scale + pad

    def _arguments(
        self, coordinates: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        values = np.asarray(coordinates, np.float64)
        if values.ndim == 0 or values.shape[-1] not in (2, 4):
            raise InputError(
                f"coordinates: found shape {values.shape}; wanted (..., 2) points xy or (..., 4) "
                "boxes xyxy"
            )
        repeats = values.shape[-1] // 2
        scale = np.array((self.scale_x, self.scale_y) * repeats)
        pad = np.array((self.pad_x, self.pad_y) * repeats)
        return values, scale, pad


class Prepared(NamedTuple):
    """A frame as a model input.

    Attributes:
        tensor: (1, 3, height, width) float32.
        placement: the way back from model pixels to frame pixels.
    """

    tensor: NDArray[np.float32]
    placement: Placement


class Preprocess:
    """Fixed recipe from camera frame to model input. Build once, call per frame.

    Every tensor channel holds ``(x * scale - mean) / std``, x being the resized uint8 value,
    rounded as the named library rounds it. It is computed as ``x * a + b`` in float32, with
    ``a = scale / std`` and ``b = -mean / std`` rounded once from float64: the error is at most
    ``5 * 2**-24`` times the larger of ``255 * abs(a)`` and ``abs(b)``.

    Args:
        size: model input (height, width), pixels; each within 1..65535.
        resize: whose arithmetic to match.
        fit: how a frame of another shape meets the input.
        color: order of the tensor's channels, ``"RGB"`` or ``"BGR"``. Frames of any format are
            brought into it; a GRAY frame fills all three channels.
        scale: factor on the uint8 values, 1/255 for inputs within 0..1.
        mean, std: per channel of the tensor, in the order of ``color``, after ``scale``.
        layout: ``"NCHW"``.
        dtype: ``"float32"``.
        quant: None.
        pad: gray level around a frame that does not fill the input; no effect with ``Fit.STRETCH``.

    Raises:
        InputError: a value out of range, or one that is not supported; the text says what is.

    Source: Pillow's ``Resample.c`` and ``cv2.resize``, both 8-bit; the bytes before scaling equal
    those of Pillow 13 and of OpenCV 4.10 to 5.0 to the last bit (tests/kernels/test_resize.py).
    Pillow before 13 differs by at most 1, and only where the height loses more than twice the
    pixels the width does: 13 resizes rows first there.
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
    ) -> None:
        self._size = _two_ints("size", size)
        self._resize = _member("resize", resize, Resize)
        self._fit = _member("fit", fit, Fit)
        self._color = _choice("color", color, ("RGB", "BGR"))
        self._scale = _number("scale", scale)
        self._mean = _three_numbers("mean", mean)
        self._std = _three_numbers("std", std)
        self._layout = _choice("layout", layout, ("NCHW",))
        self._dtype = _choice("dtype", dtype, ("float32",))
        if quant is not None:
            raise InputError(
                f"quant: found {quant!r}; wanted None, since only dtype 'float32' is supported"
            )
        if not isinstance(pad, int) or not 0 <= pad <= 255:
            raise InputError(f"pad: found {pad!r}; wanted a gray level within 0..255")
        self._plan = PreprocessPlan(
            height=self._size[0],
            width=self._size[1],
            resize=self._resize.value,
            color=self._color,
            scale=self._scale,
            mean=self._mean,
            std=self._std,
        )

    @property
    def size(self) -> tuple[int, int]:
        """Model input (height, width), pixels."""
        return self._size

    @property
    def variants(self) -> str:
        """Kernel variants chosen for this CPU, as ``"operation=variant ..."``."""
        return self._plan.variants

    def __call__(
        self, frame: Frame | ArrayLike, *, out: NDArray[np.float32] | None = None
    ) -> Prepared:
        """Write ``frame`` as a tensor.

        Args:
            frame: a `Frame`, or a uint8 array: (rows, cols, 3) RGB, (rows, cols, 4) RGBA or
                (rows, cols) GRAY; any row stride, pixels contiguous; sides up to 65535.
            out: (1, 3, height, width) float32, C order; written in place. Allocated when omitted.

        Returns:
            ``Prepared(tensor, placement)``; ``placement.to_frame(boxes)`` maps model pixels to
            frame pixels.

        Raises:
            InputError: dtype, channels, strides or the shape of ``out`` differ; the text holds
                both.

        Cost: one pass over the frame, a few rows in cache; with ``out`` nothing the size of a
        frame or a tensor is allocated. The GIL is released; safe from several threads.
        """
        view = as_frame(frame)
        tensor = np.empty((1, 3, *self._size), np.float32) if out is None else out
        if not isinstance(tensor, np.ndarray):
            raise InputError(
                f"out: found {type(tensor).__name__}; wanted a float32 ndarray of shape "
                f"{(1, 3, *self._size)}"
            )
        sx, sy, px, py, fw, fh, mw, mh = self._plan.run(view.pixels, view.format.value, tensor)
        return Prepared(tensor, Placement(sx, sy, px, py, (fh, fw), (mh, mw)))

    @classmethod
    def from_recipe(cls, recipe: str | PathLike[str] | Mapping[str, Any]) -> Self:
        """Build from what `to_recipe` gives.

        Args:
            recipe: a mapping, or the path of a JSON file that holds one. ``size`` is required; what
                is left out takes the default of `Preprocess`.

        Raises:
            InputError: the file cannot be read, a key is unknown, or a value is refused.
        """
        if not isinstance(recipe, Mapping | str | PathLike):
            raise InputError(
                f"recipe: found {type(recipe).__name__}; wanted a mapping or a JSON file"
            )
        values = recipe if isinstance(recipe, Mapping) else _read_json(Path(recipe))
        unknown = sorted(set(values) - set(_RECIPE_KEYS))
        if unknown:
            raise InputError(
                f"recipe: found unknown key {', '.join(map(repr, unknown))}; wanted some of "
                f"{', '.join(_RECIPE_KEYS)}"
            )
        if "size" not in values:
            raise InputError('recipe: found no "size"; wanted [height, width] of the model input')
        settings = dict(values)
        for key, kind in (("resize", Resize), ("fit", Fit)):
            if key in settings:
                settings[key] = kind[_choice(key, settings[key], tuple(kind.__members__))]
        return cls(settings.pop("size"), **settings)

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
        }

    def __repr__(self) -> str:
        values = ", ".join(f"{key}={value!r}" for key, value in self.to_recipe().items())
        return f"Preprocess({values})"


_RECIPE_KEYS = ("size", "resize", "fit", "color", "scale", "mean", "std", "layout", "dtype")


def _read_json(path: Path) -> Mapping[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"recipe: cannot read {path}: {error}; wanted a JSON file") from error
    if not isinstance(values, dict):
        raise InputError(f"recipe: {path} holds a {type(values).__name__}; wanted a JSON object")
    return values


def _choice(name: str, value: object, supported: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in supported:
        raise InputError(f"{name}: found {value!r}; supported: {', '.join(map(repr, supported))}")
    return value


def _member(name: str, value: object, kind: type[_Member]) -> _Member:
    if not isinstance(value, kind):
        names = ", ".join(str(member) for member in kind)
        raise InputError(f"{name}: found {value!r}; supported: {names}")
    return value


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise InputError(f"{name}: found {value!r}; wanted a number")
    return float(value)


def _three_numbers(name: str, values: Any) -> tuple[float, float, float]:
    try:
        first, second, third = values
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: found {values!r}; wanted three numbers") from error
    return _number(name, first), _number(name, second), _number(name, third)


def _two_ints(name: str, values: Any) -> tuple[int, int]:
    try:
        height, width = values
        return int(height.__index__()), int(width.__index__())
    except (AttributeError, TypeError, ValueError) as error:
        raise InputError(f"{name}: found {values!r}; wanted (height, width) in pixels") from error
