"""Are two masks the same answer? Asked before anything is timed.

Masks are compared through the logits of one side: where its best class leads, the other side has
no excuse. Where two classes share first place the winner is an accident of order, and an int8 file
makes many such places, since it rounds the upsampled logits to its quantisation step before the
argmax.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Agreement:
    """Shares of all pixels: equal class, first place shared, different although one class leads."""

    equal: float
    shared: float
    wrong: float


@dataclass(frozen=True)
class Bound:
    """What may differ. Leads up to ``lead`` count as a shared first place."""

    lead: float
    wrong: float


# The recipe folds (x/255 - mean)/std into one product and sum, 5e-7 apart at the input. Through the
# network that was at most 6e-6 on a logit of unit variance; a lead can lose that twice.
FLOAT = Bound(lead=2e-5, wrong=0.0)
# The same 5e-7 now and then crosses a rounding step at the quantised input and moves a few logits
# by a step: 4e-6 of the pixels at most.
INT8 = Bound(lead=0.0, wrong=1e-4)


def agreement(
    mask: NDArray[np.uint8] | NDArray[np.uint16], logits: NDArray[np.float32], lead: float
) -> Agreement:
    """Compare ``mask`` (height, width) with the argmax of ``logits`` (1, classes, h, w)."""
    second, first = np.partition(logits[0], (-2, -1), axis=0)[-2:]
    equal = mask == np.argmax(logits[0], axis=0)
    shared = first - second <= lead
    return Agreement(
        equal=float(equal.mean()),
        shared=float(shared.mean()),
        wrong=float((~equal & ~shared).mean()),
    )


def require(found: Agreement, bound: Bound, what: str) -> None:
    """Raise AssertionError with the figures if more pixels differ than ``bound`` allows."""
    if found.wrong > bound.wrong:
        raise AssertionError(
            f"{what}: {found.wrong:.2e} of the pixels have another class although one class leads "
            f"by more than {bound.lead}; allowed {bound.wrong:.0e}. Timing it would mean nothing."
        )
