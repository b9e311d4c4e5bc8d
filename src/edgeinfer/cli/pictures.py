"""Picture files of masks: an overlay for the eye, a class map for programs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["is_written_here", "plan_stems", "write_beside", "write_class_map", "write_overlay"]

_OVERLAY: Final = ".overlay"
_CLASS_MAP: Final = ".classes"
_JPEG_QUALITY: Final = 90


def is_written_here(path: Path) -> bool:
    """Whether the name is one that this module gives, so a second run does not take it as input."""
    return Path(path.stem).suffix in (_OVERLAY, _CLASS_MAP)


def plan_stems(places: Iterable[Path]) -> list[Path]:
    """A path without suffix for each image, no two alike: a.jpg and a.png give a and a-2."""
    taken: set[Path] = set()
    stems = []
    for place in places:
        stem, number = place.with_suffix(""), 1
        while stem in taken:
            number += 1
            stem = place.with_name(f"{place.stem}-{number}")
        taken.add(stem)
        stems.append(stem)
    return stems


def write_overlay(stem: Path, picture: NDArray[np.uint8], *, lossy: bool) -> Path:
    """Write (H, W, 3) RGB as ``STEM.overlay.jpg`` or, if not ``lossy``, ``STEM.overlay.png``."""
    path = stem.with_name(f"{stem.name}{_OVERLAY}{'.jpg' if lossy else '.png'}")
    if lossy:
        _save(path, picture, "JPEG", quality=_JPEG_QUALITY)
    else:
        _save(path, picture, "PNG", compress_level=3)
    return path


def write_class_map(stem: Path, classes: NDArray[Any]) -> Path:
    """Write (H, W) class indices as ``STEM.classes.png``: grey, 8 bit, or 16 bit for uint16.

    Grey rather than palette: every library reads a grey value as the index, while OpenCV turns a
    palette into colours.
    """
    path = stem.with_name(f"{stem.name}{_CLASS_MAP}.png")
    _save(path, classes, "PNG")
    return path


def _save(path: Path, pixels: NDArray[Any], kind: str, **settings: int) -> None:
    from PIL import Image

    image = Image.fromarray(pixels)
    write_beside(path, lambda file: image.save(file, kind, **settings))


def write_beside(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Give ``path`` its content in one step, so that nobody ever sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("xb") as file:
            write(file)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
