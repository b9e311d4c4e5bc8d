"""Errors about a model file name the file, which the library may know only as bytes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from edgeinfer.errors import ModelError

__all__ = ["naming"]


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Put ``path`` in front of a ModelError's text, unless it is there already."""
    try:
        yield
    except ModelError as error:
        if str(path) in str(error):
            raise
        raise ModelError(f"{path}: {error}") from error
