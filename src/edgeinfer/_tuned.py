"""Settings that ``edgeinfer bench --tune`` found for a model and kept beside its cache entry."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from edgeinfer import _core
from edgeinfer.errors import ModelError
from edgeinfer.options import SessionOptions

__all__ = ["NOTE", "Tuned", "tuned"]

NOTE: Final = "tuned"
_MOST_THREADS: Final = 256


class Tuned(NamedTuple):
    """What a session takes where its maker said nothing."""

    threads: int | None
    options: SessionOptions
    cache: bool
    note: dict[str, Any]


def tuned(path: str) -> Tuned | None:
    """The settings kept for a model file, this runtime, CPU and package; None: none that hold.

    Cost: one small file is looked for; JSON is imported only where there is one.
    """
    try:
        text = _core.cache_recall(path, NOTE)
    except ModelError:
        return None  # loading the file tells what is wrong with it
    if text is None:
        return None
    import json

    try:
        note = json.loads(text)
        threads, cache = note["threads"], note["cache"]
        options = SessionOptions(spin=note["spin"], fuse_tail=note["fuse_tail"])
    except (ValueError, TypeError, KeyError):
        return None  # of another version of this package
    if not isinstance(cache, bool) or not (threads is None or _is_count(threads)):
        return None
    return Tuned(threads, options, cache, note)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MOST_THREADS
