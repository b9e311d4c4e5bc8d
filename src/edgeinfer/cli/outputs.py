"""Where a command writes: asked before minutes of work, rather than behind them."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path

from edgeinfer.errors import InputError

__all__ = ["check_place"]


def check_place(flag: str, path: Path | None, needed: Iterable[Path | None]) -> None:
    """Refuse a place that cannot be written to, or that holds what the command needs or writes.

    Args:
        flag: that named it, for the message.
        path: None: nothing is written.
        needed: files that the new one must not take the place of.

    Raises:
        InputError: a folder, no such folder, or one of those files.
        OSError: nobody may write there.
    """
    if path is None:
        return
    if path.is_dir():
        raise InputError(f"{flag}: found a folder {path}, wanted the name of a file")
    if not path.parent.is_dir():
        raise InputError(
            f"{flag}: found no folder {path.parent}, wanted one to write {path.name} to"
        )
    for other in needed:
        if other is not None and _same(path, other):
            raise InputError(
                f"{flag}: found {path}, which this command reads or writes besides, wanted another "
                "name: that file would be lost"
            )
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path.parent))


def _same(one: Path, other: Path) -> bool:
    """By whatever name, and before either is there."""
    return one.resolve() == other.resolve() or (
        one.exists() and other.exists() and one.samefile(other)
    )
