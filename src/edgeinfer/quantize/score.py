"""What the caller's own measure says of a network."""

from __future__ import annotations

import math
import os
from collections.abc import Callable

from edgeinfer.errors import InputError
from edgeinfer.session import Session

__all__ = ["Evaluate", "score_of"]

Evaluate = Callable[[Session], float]


def score_of(
    model: str | os.PathLike[str] | bytes, evaluate: Evaluate, threads: int | None
) -> float:
    """Call ``evaluate`` with a session on the model.

    Raises:
        InputError: it gives no finite number.
    """
    with Session(model, threads=threads, cache=False) as session:
        found = evaluate(session)
    try:
        score = float(found)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"evaluate: found {type(found).__name__}, wanted a number, larger for better"
        ) from error
    if not math.isfinite(score):
        raise InputError(f"evaluate: found {score}, wanted a finite number, larger for better")
    return score
