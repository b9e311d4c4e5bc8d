"""Put a model file in place in one step."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from edgeinfer._arguments import checked_path
from edgeinfer._beside import written_beside
from edgeinfer.errors import InputError

__all__ = ["checked_out", "write_model"]


def checked_out(
    out: str | os.PathLike[str], model: str | os.PathLike[str] | bytes | None = None
) -> Path:
    """A path that can be written to, before minutes of work rather than behind them.

    Args:
        model: path of what is read; the new file must not take its place.

    Raises:
        InputError: no such folder, a folder, or the model itself.
        OSError: nobody may write there.
    """
    path = Path(checked_path(out))
    if path.is_dir():
        raise InputError(f"out: found a folder {path}, wanted the name of a file")
    if not path.parent.is_dir():
        raise InputError(f"out: found no folder {path.parent}, wanted one to write {path.name} to")
    if isinstance(model, str | os.PathLike) and path.exists():
        source = Path(checked_path(model))
        if source.exists() and path.samefile(source):
            raise InputError(
                f"out: found {path}, the model itself, wanted another name: the float model is "
                "needed to quantise it again"
            )
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path.parent))
    return path


def write_model(path: Path, data: bytes) -> None:
    """Write beside and rename: the old file is intact until all of the new one is on the disk.

    Raises:
        OSError: a full disk, no such folder; the old file is as it was.
        BusyError: another process writes the same file.
    """
    with written_beside(path) as file:
        view = memoryview(data)
        while view:
            view = view[os.write(file, view) :]
