"""What calibration is fed with: a folder, a list of files, frames or arrays, one by one."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgeinfer._image_files import IMAGE_SUFFIXES, files_below
from edgeinfer.decode import decode, image_bytes
from edgeinfer.errors import InputError
from edgeinfer.frame import Frame, as_frame
from edgeinfer.inspection import ModelFacts
from edgeinfer.preprocess import Preprocess

__all__ = ["Item", "Sample", "Samples", "open_samples", "preparing"]

_MOST_LIST_BYTES: Final = 1 << 26
# Of SHA-256, kept for each sample: enough that two different ones never share it.
_DIGEST_BYTES: Final = 16


class Item(NamedTuple):
    """One sample as it was given: a path, a frame, an array or {input: array}."""

    name: str
    value: Any


class Sample(NamedTuple):
    """One sample, ready to run.

    Attributes:
        name: for error texts.
        digest: of what was given, in hexadecimal.
        inputs: None where it was not prepared.
    """

    name: str
    digest: str
    inputs: dict[str, Any] | None


class Samples(NamedTuple):
    """Where samples come from.

    Attributes:
        items: one pass over them.
        total: how many, None where only the end will tell.
        again: whether they can be read twice; ``items`` of another call then gives the same.
    """

    items: Callable[[], Iterator[Item]]
    total: int | None
    again: bool


def open_samples(samples: Any) -> Samples:
    """Find out what kind of samples these are.

    Args:
        samples: a folder: the image files in it and in the folders inside; a text file: one path a
            line, relative to the file, empty lines and those that begin with # left out; else what
            can be iterated over: paths, frames (`Frame`, or uint8 arrays), arrays for the one
            input of the model, or {input: array}.
    Raises:
        InputError: none of these, or nothing in it.
    """
    if isinstance(samples, str | os.PathLike):
        paths = _paths(Path(samples))
        return Samples(lambda: (Item(str(path), path) for path in paths), len(paths), True)
    no_list = isinstance(samples, Mapping | bytes | bytearray | memoryview | Frame)
    if no_list or not isinstance(samples, Iterable) or getattr(samples, "ndim", 1) == 0:
        raise InputError(
            f"samples: found {type(samples).__name__}; wanted a folder, a text file of paths, or "
            "something to iterate over: paths, frames or {input: array}; put one sample in a list"
        )
    if isinstance(samples, np.ndarray) and _is_one_picture(samples):
        raise InputError(
            f"samples: found one array, uint8 {samples.shape}, which is one picture; put it in a "
            "list"
        )
    total = _length(samples)
    if total == 0:
        raise InputError("samples: found an empty list, wanted at least one sample")
    again = isinstance(samples, Sequence | np.ndarray)
    return Samples(lambda: _numbered(samples), total, again)


def _is_one_picture(array: NDArray[Any]) -> bool:
    # Iterated over, it would be taken for as many pictures as it has rows.
    plane, pixels = array.ndim == 2, array.ndim == 3 and array.shape[2] in (1, 3, 4)
    return array.dtype == np.uint8 and (plane or pixels)


def _length(samples: Iterable[Any]) -> int | None:
    try:
        return len(samples) if isinstance(samples, Sized) else None
    except TypeError:  # has the method and no length: a loader of what only comes once
        return None


def _numbered(samples: Iterable[Any]) -> Iterator[Item]:
    for number, value in enumerate(samples, 1):
        is_path = isinstance(value, str | os.PathLike)
        yield Item(os.fsdecode(value) if is_path else f"sample {number}", value)


def _paths(place: Path) -> list[Path]:
    if _is_folder(place):
        found = list(files_below(place, recursive=True))
        images = [path for path in found if path.suffix.lower() in IMAGE_SUFFIXES]
        if not images:
            raise InputError(
                f"{place}: no image found among {len(found)} files; wanted JPEG, PNG, WebP or BMP"
            )
        return images
    if place.suffix.lower() in IMAGE_SUFFIXES:
        raise InputError(
            f"{place}: found one image, wanted a folder, a text file of paths, or a list; "
            f"put it in a list: [{str(place)!r}]"
        )
    return _listed(place)


def _is_folder(place: Path) -> bool:
    try:
        return place.is_dir()
    except OSError as error:
        raise InputError(f"samples: cannot look at {place}: {error.strerror}") from error


def _listed(place: Path) -> list[Path]:
    try:
        text = image_bytes(place, max_bytes=_MOST_LIST_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{place}: found no text in UTF-8 ({error.reason} at byte {error.start}); wanted one "
            "path a line"
        ) from error
    except InputError as error:
        raise InputError(
            f"samples: {error}; wanted a folder of images, or a text file of paths"
        ) from error.__cause__
    lines = (line.strip() for line in text.splitlines())
    paths = [place.parent / line for line in lines if line and not line.startswith("#")]
    if not paths:
        raise InputError(f"{place}: found no path in it, wanted one a line")
    return paths


def preparing(facts: ModelFacts, preprocess: Preprocess | None) -> Callable[[Item, bool], Sample]:
    """Give what makes a `Sample` of an item; safe from several threads.

    The function takes an item and whether it is to be prepared, or just to be known again; it
    raises InputError, naming the sample.
    """
    names = [one.name for one in facts.inputs]

    def prepare(item: Item, wanted: bool) -> Sample:
        value = item.value
        try:
            if isinstance(value, str | os.PathLike):
                data = image_bytes(value)
                digest = _digest([b"file", data])
                return Sample(item.name, digest, _prepared(decode(data), names, preprocess, wanted))
            if isinstance(value, Mapping):
                inputs = {str(name): _array(name, one) for name, one in value.items()}
                return Sample(item.name, _digest(_parts(inputs)), inputs if wanted else None)
            if isinstance(value, tuple | list):
                raise InputError(
                    f"found a {type(value).__name__}, wanted a path, a frame, an array or {{input: "
                    "array}; of (picture, label) give the picture alone"
                )
            if preprocess is None and not isinstance(value, Frame):
                inputs = {_only(names): _array("it", value)}
                return Sample(item.name, _digest(_parts(inputs)), inputs if wanted else None)
            frame = as_frame(value)
            digest = _digest(_frame_parts(frame))
            return Sample(item.name, digest, _prepared(frame, names, preprocess, wanted))
        except InputError as error:
            text = str(error).removeprefix("image bytes: ").removeprefix(f"{item.name}: ")
            raise InputError(f"{item.name}: {text}") from error

    return prepare


def _prepared(
    frame: Frame, names: list[str], preprocess: Preprocess | None, wanted: bool
) -> dict[str, Any] | None:
    if preprocess is None:
        raise InputError(
            "found a picture and no preprocess; wanted the one of deployment: "
            "preprocess=edgeinfer.Preprocess(size, ...)"
        )
    # Checked even where the pixels are not wanted: the mistake is the same.
    name = _only(names)
    return {name: preprocess(frame).tensor} if wanted else None


def _only(names: list[str]) -> str:
    if len(names) != 1:
        raise InputError(
            f"found one array or picture, but the model has {len(names)} inputs; wanted "
            f"{{input: array}} with {', '.join(map(repr, names))}"
        )
    return names[0]


def _array(name: object, value: Any) -> Any:
    try:
        array = np.from_dlpack(value) if hasattr(value, "__dlpack__") else np.asarray(value)
    except Exception as error:  # foreign code behind __dlpack__ may raise anything
        raise InputError(
            f"{name}: found {type(value).__name__} ({error}), wanted an array"
        ) from error
    if array.dtype == object:
        raise InputError(f"{name}: found {type(value).__name__}, wanted an array of numbers")
    return array


def _parts(inputs: dict[str, Any]) -> Iterator[Any]:
    for name in sorted(inputs):
        array = inputs[name]
        yield f"array {name!r} {array.dtype} {array.shape}".encode()
        yield np.ascontiguousarray(array)


def _frame_parts(frame: Frame) -> Iterator[Any]:
    yield (
        f"frame {frame.format.name} {frame.width} {frame.height} {frame.matrix} "
        f"{frame.full_range}".encode()
    )
    for plane in frame.planes:
        yield np.ascontiguousarray(plane)


def _digest(parts: Iterable[Any]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.digest()[:_DIGEST_BYTES].hex()
