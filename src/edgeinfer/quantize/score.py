"""What the caller's own measure says of a network."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import replace

from edgeinfer.errors import InputError
from edgeinfer.quantize.job import Job
from edgeinfer.quantize.report import QuantizeReport
from edgeinfer.session import Session

__all__ = ["Evaluate", "score_of", "with_scores"]

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


def with_scores(report: QuantizeReport, job: Job, evaluate: Evaluate) -> QuantizeReport:
    """The report with what ``evaluate`` says of the float file and of the written one."""
    with job.timed("evaluate"):
        float_score = score_of(job.model, evaluate, job.threads)
        score = score_of(job.out, evaluate, job.threads)
    return replace(
        report, float_score=float_score, score=score, drop=float_score - score, seconds=job.seconds
    )
