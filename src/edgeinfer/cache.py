"""What is kept between processes: optimised models, and what was found out about a model once.

See docs/cache.md for what is kept, where, and when it stops to hold.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from edgeinfer import _core
from edgeinfer._arguments import checked_bytes, checked_path
from edgeinfer._library import open_library
from edgeinfer.errors import InputError

__all__ = ["CacheFile", "clear", "files", "folder", "recall", "remember"]

Model = str | os.PathLike[str] | bytes | bytearray | memoryview
KINDS = {"model": "optimised model", "note": "note", "file": "known file"}


class CacheFile(NamedTuple):
    """One kept file: its name in the folder, what it holds, bytes, seconds since 1970 (by day)."""

    name: str
    kind: str
    bytes: int
    used_s: int


def folder() -> tuple[str, str]:
    """Tell the folder's path, and why it is not used: an empty text where it is."""
    return _core.cache_folder()


def files() -> tuple[CacheFile, ...]:
    """List what is kept, the latest used first."""
    found = [
        CacheFile(one.name, KINDS[one.name.rpartition(".")[2]], one.bytes, one.used_s)
        for one in _core.cache_files()
    ]
    return tuple(sorted(found, key=lambda one: -one.used_s))


def clear() -> int:
    """Remove everything that is kept, and tell how many files that were.

    Safe while other processes run: they keep what they have loaded, and make it again later.
    """
    return _core.cache_clear()


def remember(model: Model, name: str, values: Mapping[str, Any]) -> str:
    """Keep values under a model, until it, the runtime, this package or the CPU changes.

    Args:
        model: path of the file, or its bytes, as for ``Session``.
        name: which values these are; later ones of that name replace them.
        values: what ``json`` can write.

    Returns:
        Why they could not be kept (a full disk, no folder); an empty text: they are.

    Raises:
        InputError: ``values`` is not what ``json`` can write.
        ModelError: the model cannot be read.

    Cost: reads a model that was not seen before, about 1 ms a MB; writes and syncs one small file.
    """
    try:
        text = json.dumps(dict(values), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"remember: found values that JSON cannot hold ({error}), wanted texts, numbers, "
            "lists and mappings of them"
        ) from error
    open_library()
    return _core.cache_remember(_checked(model), name, text)


def recall(model: Model, name: str) -> dict[str, Any] | None:
    """Give what ``remember`` kept of a model under a name; None: nothing that holds still.

    Raises:
        ModelError: the model cannot be read.
    """
    open_library()
    text = _core.cache_recall(_checked(model), name)
    if text is None:
        return None
    values: dict[str, Any] = json.loads(text)
    return values


def _checked(model: Model) -> str | bytes:
    if isinstance(model, bytes | bytearray | memoryview):
        return checked_bytes(model)
    if isinstance(model, str | os.PathLike):
        return checked_path(model)
    raise InputError(
        f"model: found {type(model).__name__}, wanted a path or the bytes of a model file"
    )
