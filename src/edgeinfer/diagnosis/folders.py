"""Findings about folders that edgeinfer writes to: there, writable, with room."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from edgeinfer.diagnosis.findings import Finding

__all__ = ["cache_folder_finding", "folder_finding", "temporary_folder_finding"]

_MIB: Final = 1 << 20


def folder_finding(
    name: str,
    folder: Path,
    *,
    room: int,
    use: str,
    remedy: str,
    free: Callable[[Path], int] | None = None,
) -> Finding:
    """Whether a file can be written below ``folder``, which need not exist yet.

    Args:
        name: of the finding.
        folder: to look at; the deepest part of it that exists is written to, and left as it was.
        room: bytes wanted.
        use: what the folder is for; ends the sentence about what is wanted.
        remedy: what to do.
        free: bytes that a file system has left; tests give their own.
    """
    existing = folder
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    try:
        with tempfile.TemporaryFile(dir=existing) as file:
            file.write(b"\0" * 4096)
            file.flush()
        left = (free or _free)(existing)
    except OSError as error:
        return Finding(
            name,
            "warning",
            f"{folder}: cannot be written to: {error.strerror or error}",
            f"a folder to write to, {use}",
            remedy,
        )
    found = f"{folder}, {left / _MIB:.0f} MiB free"
    if left < room:
        return Finding(name, "warning", found, f"{room / _MIB:.0f} MiB, {use}", remedy)
    return Finding(name, "ok", found)


def cache_folder_finding() -> Finding:
    """The folder that keeps optimised models and tuned settings between processes."""
    name, use = "cache folder", "where sessions keep optimised models"
    remedy = "name another folder in EDGEINFER_CACHE, or make room there"
    try:
        from edgeinfer import _core
    except ImportError:
        return Finding(name, "note", "not looked for, as the core does not load", "", "see core")
    path, why_not = _core.cache_folder()
    if why_not:
        by_choice = os.environ.get("EDGEINFER_CACHE") == ""
        return Finding(name, "note" if by_choice else "warning", why_not, f"a folder {use}", remedy)
    return folder_finding(name, Path(path), room=64 * _MIB, use=use, remedy=remedy)


def temporary_folder_finding() -> Finding:
    """The folder for temporary files, which the system chooses."""
    try:
        folder = Path(tempfile.gettempdir())
    except OSError as error:
        return Finding(
            "temp folder",
            "warning",
            str(error.strerror or error),
            "a folder for temporary files that can be written to",
            "set TMPDIR to one",
        )
    return folder_finding(
        "temp folder",
        folder,
        room=64 * _MIB,
        use="as installing packages and measuring need one",
        remedy="free some space there, or set TMPDIR to a folder with more",
    )


def _free(folder: Path) -> int:
    # For everybody but root: what is reserved for root is no room.
    facts = os.statvfs(folder)
    return facts.f_bavail * facts.f_frsize
