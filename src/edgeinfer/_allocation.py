"""Memory for results: refused with an error that says how much was wanted."""

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from edgeinfer.errors import RunError

__all__ = ["empty"]


def empty(what: str, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """A new C-ordered array, not filled.

    Args:
        what: the array's name in the error's text.

    Raises:
        RunError: the system refuses the memory.
    """
    try:
        return np.empty(shape, dtype)
    except MemoryError as error:
        kind = np.dtype(dtype)
        raise RunError(
            f"out of memory: found no room for {what}, {kind.name} of shape {shape}, "
            f"{math.prod(shape) * kind.itemsize} bytes; use a smaller size or frame"
        ) from error
