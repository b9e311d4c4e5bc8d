"""The ONNX Runtime in use."""

from __future__ import annotations

import os
from typing import NamedTuple

from edgeinfer._library import open_library

__all__ = ["RuntimeInfo", "open_runtime"]


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
    return RuntimeInfo(*open_library(path))
