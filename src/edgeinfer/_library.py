"""Finding and opening ONNX Runtime's library.

The onnxruntime package carries it and is never imported. This module takes no other than what the
interpreter has at its start: a first session opens the library beside its other imports.
"""

from __future__ import annotations

import os
import sys

from edgeinfer import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PATH_VARIABLE", "carried", "open_library"]

PATH_VARIABLE = "EDGEINFER_ONNXRUNTIME"


def open_library(
    path: str | os.PathLike[str] | None = None, *, meanwhile: Callable[[], object] | None = None
) -> tuple[str, str]:
    """Open the library, once for the process, and give its path and version.

    Args:
        path: see ``open_runtime``.
        meanwhile: is called while a thread of the core's opens it, some 15 ms.

    Raises:
        RunError, InputError: see ``open_runtime``. Also what ``meanwhile`` raises.
    """
    wanted = os.fspath(path) if path is not None else os.environ.get(PATH_VARIABLE, "")
    return _core.open_runtime(wanted, carried(), meanwhile)


def carried() -> list[str]:
    """Paths of the libraries in the installed onnxruntime package, the newest first."""
    found: list[str] = []
    for folder in _package_folders("onnxruntime"):
        inside = os.path.join(folder, "capi")
        try:
            libraries = [name for name in os.listdir(inside) if _is_library(name)]
        except OSError:  # missing, or not to be read: the search goes on, and tells if it fails
            continue
        # A wheel holds one file; where an old one was left behind, the newest name wins.
        found += [os.path.join(inside, name) for name in sorted(libraries, key=_version)[::-1]]
    return found


def _package_folders(name: str) -> list[str]:
    # As importlib.util.find_spec looks for a package without running it; that module takes longer
    # to import than this takes to run.
    if name in sys.modules:
        return list(getattr(sys.modules[name], "__path__", ()))
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)  # finders of Python 2's kind have none
        spec = find(name, None) if find is not None else None
        if spec is not None:
            return list(spec.submodule_search_locations or ())
    return []


def _is_library(name: str) -> bool:
    return name.startswith("libonnxruntime") and (
        name.startswith("libonnxruntime.so") or name.endswith(".dylib")
    )


def _version(name: str) -> list[int]:
    # By number, not by text: 1.9 is older than 1.31.
    digits = "".join(letter if letter.isdigit() else " " for letter in name)
    return [int(number) for number in digits.split()]
