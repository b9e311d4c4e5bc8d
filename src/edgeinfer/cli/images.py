"""From the paths of a command line to the images they stand for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeinfer._image_files import IMAGE_SUFFIXES, files_below
from edgeinfer.cli.pictures import is_written_here
from edgeinfer.errors import InputError

__all__ = ["Found", "Item", "find"]


@dataclass(frozen=True)
class Item:
    """An image file, and its place below the folder it was found in (its name, if it was named)."""

    path: Path
    place: Path


@dataclass(frozen=True)
class Found:
    """Images in the order to run them, and the number of files in folders that are no images."""

    images: tuple[Item, ...]
    skipped: int


def find(sources: Sequence[Path], *, recursive: bool, apart: Path | None = None) -> Found:
    """Look into folders; take files as they are.

    Args:
        sources: files and folders. Files are kept whatever their suffix, so that a wrong one is
            reported; folders give the files with an image suffix, sorted by path.
        recursive: look into folders inside folders.
        apart: a folder not to look into, as it holds earlier results.
    Raises:
        InputError: nothing found, or a folder that cannot be read.
    """
    images: dict[Path, Item] = {}
    skipped = 0
    for source in sources:
        if not source.is_dir():
            images.setdefault(source, Item(source, Path(source.name)))
            continue
        for path in files_below(source, recursive=recursive, apart=apart):
            if path.suffix.lower() in IMAGE_SUFFIXES and not is_written_here(path):
                images.setdefault(path, Item(path, path.relative_to(source)))
            else:
                skipped += 1
    if not images:
        places = ", ".join(str(source) for source in sources)
        deeper = "" if recursive else "; --recursive looks into folders inside"
        raise InputError(
            f"{places}: no image found among {skipped} files (JPEG, PNG, WebP and BMP are){deeper}"
        )
    return Found(tuple(images.values()), skipped)
