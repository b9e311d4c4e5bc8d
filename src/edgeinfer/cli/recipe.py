"""From flags, a recipe file and a model's input to the preprocessing of ``run``."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from edgeinfer.errors import InputError

if TYPE_CHECKING:
    from edgeinfer.preprocess import Preprocess
    from edgeinfer.session import Session
    from edgeinfer.specs import TensorSpec

__all__ = ["FLAGS", "ImageInput", "build", "image_input", "read_labels"]

# Destinations of the flags that a recipe file takes the place of.
FLAGS = (
    *("size", "mean", "std", "scale", "resize", "fit", "pad", "color"),
    *("layout", "dtype", "quant"),
)

# What Preprocess makes.
_DTYPES = ("float32", "uint8", "int8")


@dataclass(frozen=True)
class ImageInput:
    """The one input of a model that takes an image.

    ``size_hw`` is None, where the file leaves height or width open.
    ``quant`` is the (scale, zero point) that the file itself dequantises an integer input with.
    """

    name: str
    dtype: str
    layout: Literal["NCHW", "NHWC"]
    size_hw: tuple[int, int] | None
    quant: tuple[float, int] | None = None

    def shape(self, size_hw: tuple[int, int]) -> tuple[int, int, int, int]:
        """The whole shape for one image of this size."""
        return (1, 3, *size_hw) if self.layout == "NCHW" else (1, *size_hw, 3)


def image_input(session: Session) -> ImageInput:
    """Find out how the model wants its image.

    Raises:
        InputError: it has several inputs, or the one it has cannot be a single image.
    """
    if len(session.inputs) != 1:
        names = ", ".join(map(_describe, session.inputs)) or "none"
        raise InputError(
            f"the model has {len(session.inputs)} inputs ({names}), run feeds exactly one image; "
            "use edgeinfer.Session from Python"
        )
    spec = session.inputs[0]
    shape, dtype = tuple(spec.shape), str(spec.dtype)
    own = session.quantized_inputs.get(spec.name)
    quant = (own.scale, own.zero_point) if own is not None and own.dtype == dtype else None
    one_image = len(shape) == 4 and (shape[0] == 1 or isinstance(shape[0], str))
    if one_image and dtype in _DTYPES:
        if shape[1] == 3:
            return ImageInput(spec.name, dtype, "NCHW", _known(*shape[2:]), quant)
        if shape[3] == 3:
            return ImageInput(spec.name, dtype, "NHWC", _known(*shape[1:3]), quant)
    gray = "; run makes no grey images" if one_image and 1 in (shape[1], shape[3]) else ""
    raise InputError(
        f"input {_describe(spec)} is not one image of three channels{gray}; wanted "
        f"(1, 3, height, width) or (1, height, width, 3) of {', '.join(_DTYPES)}; fill another "
        "input from Python, with edgeinfer.Session"
    )


def _known(height: int | str, width: int | str) -> tuple[int, int] | None:
    return (height, width) if isinstance(height, int) and isinstance(width, int) else None


def _describe(spec: TensorSpec) -> str:
    shape = ", ".join(map(str, spec.shape))
    return f"{spec.name!r} ({shape}) {spec.dtype}"


def build(options: argparse.Namespace, wanted: ImageInput) -> Preprocess:
    """The preprocessing that a command line asks for.

    Raises:
        InputError: no size known, or values that the model's input or ``Preprocess`` refuses.
    """
    from edgeinfer.preprocess import Fit, Preprocess, Resize, read_recipe

    if options.recipe is not None:
        values = read_recipe(options.recipe)
        defaults = _defaults(wanted, quantised=values.get("quant") is not None)
        return Preprocess.from_recipe(values, defaults=defaults)
    size = options.size or wanted.size_hw
    if size is None:
        raise InputError(
            f"input {wanted.name!r} has no fixed height and width; say --size HEIGHT WIDTH"
        )
    given: dict[str, Any] = {
        "resize": options.resize and Resize[options.resize.upper()],
        "fit": options.fit and Fit[options.fit.upper()],
        "color": options.color and options.color.upper(),
        "scale": options.scale,
        "mean": options.mean,
        "std": options.std,
        "layout": options.layout and options.layout.upper(),
        "dtype": options.dtype,
        "quant": options.quant,
        "pad": options.pad,
    }
    settings = {name: value for name, value in given.items() if value is not None}
    defaults = _defaults(wanted, quantised=options.quant is not None)
    return Preprocess(size, **{**defaults, **settings})


def _defaults(wanted: ImageInput, *, quantised: bool) -> dict[str, Any]:
    """What the model's declared input says: its layout, type and quantisation.

    A uint8 input without any, in the file or said (``quantised``), takes the bytes as they are.
    """
    found: dict[str, Any] = {"layout": wanted.layout, "dtype": wanted.dtype}
    if wanted.quant is not None:
        found["quant"] = wanted.quant
    elif wanted.dtype == "uint8" and not quantised:
        found["scale"] = 1
    return found


def read_labels(path: Path) -> tuple[str, ...]:
    """Class names, one a line, the first for class 0."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot read the labels: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: expected labels in UTF-8: {error}") from error
    labels = tuple(line.strip() for line in text.splitlines())
    if not any(labels):
        raise InputError(f"{path}: expected one class name a line, the file is empty")
    return labels
