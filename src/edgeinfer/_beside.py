"""Put a file in place in one step: written beside, on the disk, renamed."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from edgeinfer.errors import BusyError

__all__ = ["written_beside"]


@contextlib.contextmanager
def written_beside(path: Path) -> Iterator[int]:
    """A new, empty file, open for writing, that takes the place of ``path`` at the end.

    What is written beside always has the same name, so that however often the power fails, one is
    left at most, and the next to write takes it up.

    Raises:
        OSError: a full disk, no such folder; the old file is as it was.
        BusyError: another process writes the same file.
    """
    part = path.with_name(f".{path.name}.part")
    file = _locked(part, path)
    try:
        try:
            os.ftruncate(file, 0)
            yield file
            os.fsync(file)
            os.replace(part, path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        # The name survives a power cut only once its folder is on the disk too.
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        os.close(file)


def _locked(part: Path, path: Path) -> int:
    while True:
        file = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Until it was locked, another process may have renamed or removed it.
            if os.path.samestat(os.fstat(file), os.stat(part)):
                return file
        except BlockingIOError as error:
            os.close(file)
            raise BusyError(
                f"{path}: another process writes this file now; give each its own"
            ) from error
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(file)
            raise
        os.close(file)
