"""Image files below a folder, in an order that any file system gives."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from edgeinfer.errors import InputError

__all__ = ["IMAGE_SUFFIXES", "files_below"]

IMAGE_SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp"})


def files_below(folder: Path, *, recursive: bool, apart: Path | None = None) -> Iterator[Path]:
    """All files of a folder, sorted by path.

    Args:
        recursive: those of folders inside folders too.
        apart: a folder not to look into.
    Raises:
        InputError: a folder that cannot be read.
    """

    def refuse(error: OSError) -> None:
        raise InputError(f"{error.filename}: cannot read the folder: {error.strerror}") from error

    for place, folders, names in os.walk(folder, onerror=refuse):
        here = Path(place)
        # os.walk goes where this list says: sorted, so that any file system gives the same order.
        folders[:] = sorted(name for name in folders if recursive and not _same(here / name, apart))
        yield from (here / name for name in sorted(names))


def _same(folder: Path, other: Path | None) -> bool:
    return other is not None and other.exists() and folder.samefile(other)
