"""Put a model file in place in one step."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

__all__ = ["write_model"]


def write_model(path: Path, data: bytes) -> None:
    """Write beside and rename: the old file is intact until all of the new one is on the disk.

    Raises:
        OSError: a full disk, no such folder; the old file is as it was.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            part.unlink()
        raise
    # The name survives a power cut only once its folder is on the disk too.
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
