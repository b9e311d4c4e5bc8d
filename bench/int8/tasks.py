"""How the results of a network are judged against the float network's, and against the truth.

A task makes one small answer of each picture, then figures of all answers. What was wanted stands
in each figure; its interval, 95 %, comes from redrawing pictures (of boxes: faces), so it tells
what other pictures of the kind might have given.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

import edgeinfer as ei
from rows import Figure
from timing import Ratio

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples" / "vqi"))

from evaluate import confusion, iou

Answer = NDArray[Any]
Answers = Sequence[Answer]
Drawn = NDArray[np.intp]
REDRAWS = 1000
AGREEMENT = "agreement with float"
FOUND_AGAIN = 0.5


class Task(Protocol):
    """What a network is for."""

    def answer(self, session: ei.Session, tensor: NDArray[np.float32]) -> Answer:
        """One picture's result, no more of it than judging needs."""

    def figures(self, truths: Sequence[Any], exact: Answers, found: Answers) -> list[Figure]:
        """Of the answers ``found``, beside those of the float network."""


def redrawn(statistic: Callable[[Drawn], float], count: int) -> Ratio:
    """The statistic of pictures 0 to ``count``, and its interval over redrawn pictures (seeded)."""
    if count < 1:
        raise ValueError("need at least one picture")
    draws = np.random.default_rng(0).integers(0, count, (REDRAWS, count))
    low, high = np.percentile([statistic(drawn) for drawn in draws], [2.5, 97.5])
    return Ratio(statistic(np.arange(count)), float(low), float(high))


def lost(what: str, exact: NDArray[Any], found: NDArray[Any], wanted: float) -> Figure:
    """How much smaller the mean of ``found`` is: less than nothing where it gained."""

    def difference(drawn: Drawn) -> float:
        return float(exact[drawn].mean() - found[drawn].mean())

    ratio = redrawn(difference, len(exact))
    return Figure(f"{what} lost of {exact.mean():.4f}", ratio, wanted, at_most=True)


def agreement(same: NDArray[Any], wanted: float | None) -> Figure:
    return Figure(AGREEMENT, redrawn(lambda drawn: float(same[drawn].mean()), len(same)), wanted)


@dataclass(frozen=True)
class Classes:
    """The class with the largest score; ``offset``: where the truth's class 0 stands in it."""

    offset: int
    loss: float
    agreement: float | None = None

    def answer(self, session: ei.Session, tensor: NDArray[np.float32]) -> Answer:
        scores = next(iter(session.run(tensor).values()))
        return np.asarray(int(scores[0].argmax()) - self.offset)

    def right(self, truths: Sequence[Any], answers: Answers) -> NDArray[np.bool_]:
        """Of each picture, whether its class is one of the true ones."""
        return np.array([int(one) in truth for one, truth in zip(answers, truths, strict=True)])

    def figures(self, truths: Sequence[Any], exact: Answers, found: Answers) -> list[Figure]:
        same = np.array([int(a) == int(b) for a, b in zip(exact, found, strict=True)])
        return [
            lost("top-1", self.right(truths, exact), self.right(truths, found), self.loss),
            agreement(same, self.agreement),
        ]


@dataclass(frozen=True)
class LargestObject:
    """The class with most pixels, background (class 0) left out."""

    loss: float
    classes: int = 21

    def answer(self, session: ei.Session, tensor: NDArray[np.float32]) -> Answer:
        return session.segment(tensor).classes

    def _largest(self, mask: Answer) -> int:
        counts = np.bincount(mask.reshape(-1), minlength=self.classes)
        counts[0] = 0
        return int(counts.argmax()) if counts.any() else 0

    def figures(self, truths: Sequence[Any], exact: Answers, found: Answers) -> list[Figure]:
        def right(masks: Answers) -> NDArray[Any]:
            pairs = zip(masks, truths, strict=True)
            return np.array([self._largest(mask) in truth for mask, truth in pairs])

        same = np.array([(a == b).mean() for a, b in zip(exact, found, strict=True)])
        return [
            lost("largest object", right(exact), right(found), self.loss),
            agreement(same, None),
        ]


@dataclass(frozen=True)
class Masks:
    """Masks beside true masks: intersection over union, mean over the classes."""

    loss: float

    def answer(self, session: ei.Session, tensor: NDArray[np.float32]) -> Answer:
        return session.segment(tensor).classes

    def figures(self, truths: Sequence[Any], exact: Answers, found: Answers) -> list[Figure]:
        def counts(masks: Answers) -> NDArray[np.int64]:
            return np.array([confusion(t, m) for t, m in zip(truths, masks, strict=True)])

        def mean_iou(counts: NDArray[np.int64], drawn: Drawn) -> float:
            return float(np.nanmean(iou(counts[drawn].sum(axis=0))))

        before, after = counts(exact), counts(found)
        whole = mean_iou(before, np.arange(len(before)))
        ratio = redrawn(lambda drawn: mean_iou(before, drawn) - mean_iou(after, drawn), len(before))
        same = np.array([(a == b).mean() for a, b in zip(exact, found, strict=True)])
        return [
            Figure(f"mIoU lost of {whole:.4f}", ratio, self.loss, at_most=True),
            agreement(same, None),
        ]


@dataclass(frozen=True)
class Boxes:
    """Objects of one class above a score; those that the float network finds are the truth."""

    overlap: float
    score: float = 0.5
    apart: float = 0.3

    def answer(self, session: ei.Session, tensor: NDArray[np.float32]) -> Answer:
        scores, boxes = session.run(tensor).values()
        return self.kept(np.concatenate([scores[0, :, 1:], boxes[0]], axis=1))

    def kept(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Of rows (score, x1, y1, x2, y2) the boxes above the score; of overlapping ones the best.

        Returns:
            (boxes, 4), best first.
        """
        boxes: list[NDArray[Any]] = []
        for row in rows[np.argsort(-rows[:, 0], kind="stable")]:
            if row[0] <= self.score:
                break
            if all(overlap(row[1:], other) < self.apart for other in boxes):
                boxes.append(row[1:])
        return np.array(boxes).reshape(-1, 4)

    def figures(self, truths: Sequence[Any], exact: Answers, found: Answers) -> list[Figure]:
        best = np.array(
            [
                max((overlap(box, other) for other in have), default=0.0)
                for want, have in zip(exact, found, strict=True)
                for box in want
            ]
        )
        gone = float((best < FOUND_AGAIN).sum())
        new = float(sum(len(have) for have in found) - sum(len(want) for want in exact) + gone)
        return [
            Figure(
                "IoU with float boxes, mean",
                redrawn(lambda drawn: float(best[drawn].mean()), len(best)),
                self.overlap,
            ),
            Figure(f"lost of {len(best)} boxes", Ratio(gone, gone, gone), 0, at_most=True),
            Figure("boxes that float does not have", Ratio(new, new, new), at_most=True),
        ]


def overlap(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Intersection over union of two boxes (x1, y1, x2, y2); 0 where both are empty."""
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    common = float(np.prod(np.maximum(high - low, 0)))
    areas = float(np.prod(np.maximum(a[2:] - a[:2], 0)) + np.prod(np.maximum(b[2:] - b[:2], 0)))
    return common / (areas - common) if areas > common else 0.0
