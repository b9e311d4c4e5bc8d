"""The samples that a command runs a float model on, and how they become its input."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgeinfer._image_files import IMAGE_SUFFIXES
from edgeinfer.cli import recipe
from edgeinfer.cli.images import find

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgeinfer.inspection import ModelFacts
    from edgeinfer.preprocess import Preprocess
    from edgeinfer.specs import QuantizedInput, TensorSpec

__all__ = ["METHODS", "add_arguments", "chosen_preprocess", "chosen_samples"]

# From what was seen to ranges, as edgeinfer.calibrate names them; importing it would load NumPy.
METHODS = ("minmax", "moving_average", "percentile", "entropy", "mse")


def add_arguments(parser: argparse.ArgumentParser, *, nargs: str) -> None:
    """The model and its samples."""
    parser.add_argument("model", metavar="MODEL", type=Path, help="an .onnx file of float32")
    parser.add_argument(
        "samples",
        metavar="SAMPLES",
        type=Path,
        nargs=nargs,
        help="a folder of images (folders inside included), a text file with one path a line, or "
        "image files",
    )


def chosen_samples(given: list[Path]) -> Path | list[Path]:
    """A folder or a text file as it is, else the images that are meant."""
    if len(given) == 1 and given[0].suffix.lower() not in IMAGE_SUFFIXES:
        return given[0]
    return [item.path for item in find(given, recursive=True).images]


@dataclass(frozen=True)
class _Declared:
    """The inputs that a file declares, as a session would tell them."""

    inputs: tuple[TensorSpec, ...]
    quantized_inputs: Mapping[str, QuantizedInput]


def chosen_preprocess(options: argparse.Namespace, facts: ModelFacts) -> Preprocess:
    """What recipe or flags say, as far as the file leaves it open."""
    from edgeinfer.specs import QuantizedInput, TensorSpec

    declared = _Declared(
        tuple(
            TensorSpec(one.name, one.dtype, tuple(axis or "?" for axis in one.shape or ()))
            for one in facts.inputs
        ),
        {
            one.name: QuantizedInput(one.dtype, one.scale, one.zero_point)
            for one in facts.heads
            if not one.quantizes
        },
    )
    wanted = recipe.image_input(declared)
    preprocess = recipe.build(options, wanted)
    recipe.check_fits(preprocess, wanted)
    return preprocess
