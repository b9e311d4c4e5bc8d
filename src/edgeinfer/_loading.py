"""From what a Session is made with to a loaded network.

Apart from the session, whose first one imports this while the runtime's library opens.
"""

from __future__ import annotations

import os
from typing import Any

from edgeinfer import _core
from edgeinfer._arguments import checked_bytes, checked_path, checked_threads
from edgeinfer._tuned import Tuned, tuned
from edgeinfer.errors import InputError
from edgeinfer.options import SessionOptions, loading_options

__all__ = ["load"]


def load(
    model: Any,
    threads: int | None,
    options: SessionOptions | None,
    cache: bool,
) -> tuple[_core.Network, SessionOptions, Tuned | None]:
    """Load a model as ``Session`` says, once the library is open; raises as that does.

    Returns:
        The network, and the settings that it was loaded with.
    """
    if not isinstance(options, SessionOptions | None):
        raise InputError(
            f"options: found {type(options).__name__}, wanted an edgeinfer.SessionOptions"
        )
    found: Tuned | None = None
    if cache and threads is None and options is None and isinstance(model, str | os.PathLike):
        found = tuned(checked_path(model))
    if found is not None:
        threads, options, cache = found.threads, found.options, found.cache
    options = options if options is not None else SessionOptions()
    loading = loading_options(options, checked_threads(threads))
    loading.cache = bool(cache)
    network: _core.Network
    if isinstance(model, bytes | bytearray | memoryview):
        network = _core.Network.from_bytes(checked_bytes(model), loading)
    elif isinstance(model, str | os.PathLike):
        network = _core.Network.from_file(checked_path(model), loading)
    else:
        raise InputError(
            f"model: found {type(model).__name__}, wanted a path or the bytes of a model file"
        )
    return network, options, found
