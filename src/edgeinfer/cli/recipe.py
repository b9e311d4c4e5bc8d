"""From flags, a recipe file and a model's input to the preprocessing of ``run``."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from edgeinfer.cli import values
from edgeinfer.errors import InputError

if TYPE_CHECKING:
    from edgeinfer.preprocess import Preprocess
    from edgeinfer.specs import QuantizedInput, TensorSpec

__all__ = [
    "FLAGS",
    "Declared",
    "ImageInput",
    "add_arguments",
    "build",
    "check_fits",
    "image_input",
    "read_labels",
    "refuse_flags_beside_recipe",
]

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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say how a frame becomes the model's input."""
    image = parser.add_argument_group("from image to tensor (what the model was trained with)")
    image.add_argument(
        "--recipe",
        metavar="FILE",
        type=Path,
        help="JSON with all of the following; they are then refused",
    )
    image.add_argument(
        "--size",
        metavar="H W",
        type=values.size,
        help="model input, height and width; also HxW. Default: what the model says",
    )
    image.add_argument(
        "--mean",
        metavar="R G B",
        type=values.channels,
        help="subtracted second; default 0 0 0",
    )
    image.add_argument(
        "--std", metavar="R G B", type=values.channels, help="divided by last; default 1 1 1"
    )
    image.add_argument(
        "--scale", metavar="X", type=values.number, help="first factor; default 1/255"
    )
    image.add_argument(
        "--resize",
        choices=("pil_bilinear", "cv2_linear", "cv2_area", "nearest"),
        type=str.lower,
        help="whose arithmetic to match; default pil_bilinear (also torchvision's)",
    )
    image.add_argument(
        "--fit",
        choices=("stretch", "letterbox", "crop"),
        type=str.lower,
        help="how another aspect ratio is made to fit; default stretch. Masks and overlays are "
        "brought back to the picture; what a crop left out is no class",
    )
    image.add_argument(
        "--pad",
        metavar="GRAY",
        type=values.level,
        help="gray level around a letterboxed image, 0 to 255; default 114",
    )
    image.add_argument(
        "--color",
        choices=("rgb", "bgr"),
        type=str.lower,
        help="channel order of the model; default rgb",
    )
    image.add_argument(
        "--layout",
        choices=("nchw", "nhwc"),
        type=str.lower,
        help="order of the input's axes; default: as the model declares its input",
    )
    image.add_argument(
        "--dtype",
        choices=("float32", "uint8", "int8"),
        type=str.lower,
        help="type of the input; default: as the model declares it",
    )
    image.add_argument(
        "--quant",
        metavar="S Z",
        type=values.quant,
        help="scale and zero point of a uint8 or int8 input: it takes round(value / S) + Z. "
        "Default: those that the model dequantises it with; a uint8 input without them takes the "
        "bytes as they are, unless --scale says otherwise",
    )


def refuse_flags_beside_recipe(options: argparse.Namespace) -> None:
    """Exit with status 2 where a flag says what the recipe file says too."""
    if options.recipe is not None:
        for flag in FLAGS:
            if getattr(options, flag) is not None:
                options.usage_error(f"--{flag}: not beside --recipe, which says it already")


class Declared(Protocol):
    """What tells a model's inputs: a session, or what was read of its file."""

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """All that a caller must give."""

    @property
    def quantized_inputs(self) -> Mapping[str, QuantizedInput]:
        """How integers stand for real values, by input."""


def image_input(session: Declared) -> ImageInput:
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
        said = read_recipe(options.recipe)
        defaults = _defaults(wanted, quantised=said.get("quant") is not None)
        return Preprocess.from_recipe(said, defaults=defaults)
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


def check_fits(preprocess: Preprocess, wanted: ImageInput) -> None:
    """Refuse a preprocessing that does not make what the model's input takes."""
    if (preprocess.dtype, preprocess.shape) != (wanted.dtype, wanted.shape(preprocess.size)):
        raise InputError(
            f"layout, dtype: found {preprocess.dtype} {preprocess.shape}, but input "
            f"{wanted.name!r} takes {wanted.dtype} {wanted.shape(preprocess.size)}; leave --layout "
            "and --dtype away, or correct the recipe"
        )
    if wanted.size_hw is not None and wanted.size_hw != preprocess.size:
        raise InputError(
            f"size: found {_text(preprocess.size)} (height x width), but the model takes "
            f"{_text(wanted.size_hw)} only; correct --size or the recipe"
        )


def _text(size_hw: tuple[int, int]) -> str:
    return f"{size_hw[0]} x {size_hw[1]}"


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
