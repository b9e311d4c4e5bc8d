"""Image classification: scores of all classes to the best few."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from operator import index
from typing import TYPE_CHECKING, Any

from .. import _core
from ..errors import InputError
from ..result import Classes

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["classify"]


def classify(
    scores: NDArray[Any],
    *,
    k: int = 5,
    softmax: bool = False,
    labels: Sequence[str] | None = None,
) -> Classes:
    """Take the k best classes of one frame, best first.

    Equal scores are ordered by class index. NaN ranks last.

    Args:
        scores: (N,) or (1, N) of any real dtype; an ndarray, or an object with DLPack or the buffer
            protocol.
        k: how many; more than N gives all N.
        softmax: return probabilities, exp(s - max) / sum over all N classes, computed in float64
            and rounded to float32. NaN has probability 0, and infinite scores share the 1.
        labels: name of each class, N of them; handed on to the result.
    Returns:
        ``Classes``: indices int64, scores float32, both (min(k, N),).
    Raises:
        InputError: shape, dtype, k or labels do not fit; no score; every score NaN; with softmax,
            no score above minus infinity.
    Cost: one partial sort, O(N log k). GIL released.
    """
    try:
        wanted = index(k)
    except TypeError as error:
        raise InputError(f"k: found {k!r}, wanted a whole number of at least 1") from error
    # The core counts in 64 bits; more than there are classes is all of them anyway.
    wanted = max(min(wanted, sys.maxsize), -1)
    indices, values = _core.classify(scores, wanted, softmax=softmax)
    return Classes(indices, values, labels)
