"""Where ONNX Runtime's library lies. The onnxruntime package carries it and is never imported."""

from __future__ import annotations

import glob
import importlib.util
import os
import re
from typing import NamedTuple

from edgeinfer import _core

__all__ = ["RuntimeInfo", "open_runtime"]

PATH_VARIABLE = "EDGEINFER_ONNXRUNTIME"


class RuntimeInfo(NamedTuple):
    """The ONNX Runtime in use."""

    path: str
    version: str


def open_runtime(path: str | os.PathLike[str] | None = None) -> RuntimeInfo:
    """Open ONNX Runtime's library, once for the process; later calls return the same.

    Args:
        path: the library file to use. None: the file that the environment variable
            ``EDGEINFER_ONNXRUNTIME`` names; else a copy that the process holds already; else the
            one in the installed onnxruntime wheel; else the system's.

    Raises:
        RunError: no library was found, or it is older than 1.20; the text lists the search.
        InputError: another library than ``path`` is open already.

    The runtime's own telemetry is switched off, unless ``ORT_DISABLE_TELEMETRY`` is set already.
    """
    wanted = os.fspath(path) if path is not None else os.environ.get(PATH_VARIABLE, "")
    return RuntimeInfo(*_core.open_runtime(wanted, _carried()))


def _carried() -> list[str]:
    # find_spec of a top-level package looks for it without running it.
    spec = importlib.util.find_spec("onnxruntime")
    folders = spec.submodule_search_locations if spec is not None else None
    found: list[str] = []
    for folder in folders or ():
        for pattern in ("libonnxruntime.so*", "libonnxruntime*.dylib"):
            # A wheel holds one file; where an old one was left behind, the newest name wins.
            paths = glob.glob(os.path.join(folder, "capi", pattern))
            found += sorted(paths, key=_version, reverse=True)
    return found


def _version(path: str) -> list[int]:
    # By number, not by text: 1.9 is older than 1.31.
    return [int(digits) for digits in re.findall(r"\d+", os.path.basename(path))]
