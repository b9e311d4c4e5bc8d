"""Checks of what Session and Binding are called with, before the core sees it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral, Real

from edgeinfer.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:  # neither typing nor NumPy is imported before the first load
    from typing import Any

    from numpy.typing import NDArray

# Far above any CPU we know; a slip of a digit must not start a million threads.
MOST_THREADS = 256
LONGEST_TIMEOUT_S = 1e9
LARGEST_AXIS = 2**62
MOST_TENSOR_MB = 2**40
# Pixels along one axis of a mask, as of a frame: more is a mistake, and would ask for terabytes.
LARGEST_SIDE = 65535


def checked_path(path: str | os.PathLike[str]) -> str:
    """A path that a C string can hold."""
    text = os.fsdecode(path)
    if "\0" in text:
        raise InputError(f"model: found a NUL character in {text!r}, wanted a path")
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        raise InputError(
            f"model: found {text!r}, which no file can be named, wanted a path"
        ) from None
    return text


def checked_bytes(model: bytes | bytearray | memoryview) -> bytes:
    """The bytes of a model file."""
    try:
        return bytes(model)
    except ValueError as error:  # what a released memoryview raises
        raise InputError(
            f"model: found a memoryview that cannot be read ({error}), wanted the bytes of a "
            "model file; pass it before it is released"
        ) from error


def checked_threads(threads: int | None) -> int | None:
    """None, or a sensible number of threads."""
    if threads is None or (is_whole(threads) and 1 <= threads <= MOST_THREADS):
        return None if threads is None else int(threads)
    raise InputError(
        f"threads: found {threads!r}, wanted None or a number from 1 to {MOST_THREADS}"
    )


def checked_timeout(timeout_s: float | None) -> float:
    """Seconds for the core, where 0 means no limit."""
    if timeout_s is None:
        return 0.0
    # Written so that NaN fails, and that a number beyond what a float holds is a very long time.
    is_number = isinstance(timeout_s, Real)
    if not is_number or isinstance(timeout_s, bool) or not timeout_s > 0:
        raise InputError(f"timeout_s: found {timeout_s!r}, wanted None or seconds above 0")
    return float(min(timeout_s, LONGEST_TIMEOUT_S))


def checked_max_tensor(max_tensor_mb: int) -> int:
    """A number of 2**20 bytes that a 64-bit number of bytes can hold."""
    if not is_whole(max_tensor_mb) or not 1 <= max_tensor_mb <= MOST_TENSOR_MB:
        raise InputError(
            f"max_tensor_mb: found {max_tensor_mb!r}, wanted a number from 1 to {MOST_TENSOR_MB}"
        )
    return int(max_tensor_mb)


def checked_arena(arena_mb: int | None) -> int:
    """The same of ``arena_mb``; 0: no bound."""
    if arena_mb is None:
        return 0
    if not is_whole(arena_mb) or not 1 <= arena_mb <= MOST_TENSOR_MB:
        raise InputError(
            f"arena_mb: found {arena_mb!r}, wanted None or a number from 1 to {MOST_TENSOR_MB}"
        )
    return int(arena_mb)


def checked_size(size: tuple[int, int] | None) -> tuple[int, int] | None:
    """A pair of pixels that the fused pass can make."""
    if size is None:
        return None
    pair = tuple(size) if _is_list(size) else ()
    if len(pair) != 2 or not all(is_whole(n) and 1 <= n <= LARGEST_SIDE for n in pair):
        raise InputError(
            f"size: found {size!r}, wanted (height, width) of 1 to {LARGEST_SIDE} pixels each"
        )
    return int(pair[0]), int(pair[1])


def checked_names(outputs: Sequence[str] | None) -> list[str] | None:
    """A list of names; the core looks each of them up."""
    if outputs is None:
        return None
    if isinstance(outputs, str) or not isinstance(outputs, Iterable):
        raise InputError(f"outputs: found {outputs!r}, wanted a list of names")
    return list(outputs)


def checked_out(out: Mapping[str, NDArray[Any]] | None) -> dict[str, NDArray[Any]] | None:
    """A dict; the core checks its arrays."""
    if out is None:
        return None
    if not isinstance(out, Mapping):
        raise InputError(f"out: found {type(out).__name__}, wanted {{name: array}}")
    return dict(out)


def checked_shapes(shapes: Mapping[str, Sequence[int]] | None) -> dict[str, list[int]]:
    """Lists of whole numbers; the core compares them with the model."""
    if shapes is None:
        return {}
    if not isinstance(shapes, Mapping):
        raise InputError(f"shapes: found {type(shapes).__name__}, wanted {{input name: shape}}")
    fixed: dict[str, list[int]] = {}
    for name, shape in shapes.items():
        fits = isinstance(name, str) and _is_list(shape)
        if not fits or not all(is_whole(n) and 0 <= n <= LARGEST_AXIS for n in shape):
            raise InputError(
                f"shapes: found {name!r}: {shape!r}, wanted a name and whole sizes from 0 up"
            )
        fixed[name] = [int(n) for n in shape]
    return fixed


def is_whole(n: object) -> bool:
    """Whether it is an integer of Python's or NumPy's."""
    # A bool counts as 0 or 1 in Python; as a size it is a slip.
    return isinstance(n, Integral) and not isinstance(n, bool)


def _is_list(value: object) -> bool:
    # An array is told by what every array has, since NumPy may not be imported yet.
    is_array = hasattr(type(value), "__array_interface__") and getattr(value, "ndim", 0) == 1
    return isinstance(value, tuple | list) or is_array
