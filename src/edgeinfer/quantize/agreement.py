"""How far two networks say the same: of classes, of masks, of boxes, else of the values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Agreement", "Answer", "overlaps", "read_answer"]

Results = Mapping[str, NDArray[Any]]

_SCORE: Final = 0.5
_SAME_OBJECT: Final = 0.5


@dataclass(frozen=True)
class _Objects:
    """Boxes of one picture, best first: (n, 4) corners, and the class of each."""

    boxes: NDArray[np.float64]
    classes: NDArray[np.int64]


@dataclass(frozen=True)
class Answer:
    """What one run of a network says, and no more of it than is compared.

    Attributes:
        classes: by output, the class at each place.
        objects: by output of boxes, those of each picture.
        values: by output that is neither.
    """

    classes: Mapping[str, NDArray[Any]]
    objects: Mapping[str, tuple[_Objects, ...]]
    values: Mapping[str, NDArray[Any]]


def read_answer(results: Results) -> Answer:
    """Find out what kind of results these are.

    Boxes: an output of N x 4 beside one of N x C with scores between 0 and 1; where those of a row
    add up to 1, class 0 is the background. Classes: integers, or the largest along axis 1 of
    outputs with 2 or 4 axes. All else is values.
    """
    classes: dict[str, NDArray[Any]] = {}
    values: dict[str, NDArray[Any]] = {}
    objects = {
        name: _read_objects(results[name], results[scores])
        for name, scores in _detectors(results).items()
    }
    used = {*objects, *_detectors(results).values()}
    for name, result in results.items():
        if name in used:
            continue
        if not np.issubdtype(result.dtype, np.floating):
            classes[name] = result
        elif result.ndim in (2, 4) and result.shape[1] > 1 and result.size:
            kind = np.uint8 if result.shape[1] <= 256 else np.int32
            classes[name] = result.argmax(axis=1).astype(kind)
        else:
            values[name] = result
    return Answer(classes, objects, values)


class Agreement:
    """Sums over samples. Of each output between 0 and 1, where 1 is the same."""

    def __init__(self) -> None:
        self._sums: dict[str, list[float]] = {}
        self._powers: dict[str, list[float]] = {}
        self.objects = 0

    def add(self, wanted: Answer, found: Answer) -> None:
        """One more sample, as the float network and as the other one answers it."""
        for name, want in wanted.classes.items():
            same = want == found.classes.get(name)
            self._count(self._sums, name, float(np.sum(same)), float(want.size))
        for name, pictures in wanted.objects.items():
            others = found.objects.get(name, ())
            for mine, theirs in zip(pictures, others, strict=False):
                self.objects += len(mine.boxes)
                self._count(self._sums, name, *_matched(mine, theirs))
        for name, want in wanted.values.items():
            exact = want.astype(np.float64)
            error = float(np.square(found.values[name] - exact).sum())
            self._count(self._powers, name, error, float(np.square(exact).sum()))

    @staticmethod
    def _count(sums: dict[str, list[float]], name: str, part: float, whole: float) -> None:
        have = sums.setdefault(name, [0.0, 0.0])
        have[0] += part
        have[1] += whole

    def shares(self) -> dict[str, float]:
        """By output of classes or objects, 0 to 1.

        Classes: the share of places. Objects: their mean overlap, 0 for one that only one network
        sees.
        """
        return {name: part / whole if whole else 1.0 for name, (part, whole) in self._sums.items()}

    def outputs(self) -> dict[str, float]:
        """By output, 0 to 1; of values that are neither, 1 less the root of error over signal."""
        found = self.shares()
        for name, (error, power) in self._powers.items():
            found[name] = 1.0 - float(np.sqrt(error / power)) if power else float(error == 0)
        return {name: max(one, 0.0) for name, one in found.items()}

    @property
    def worst(self) -> float:
        """Of the output that agrees least."""
        return min(self.outputs().values(), default=1.0)


def overlaps(box: NDArray[Any], boxes: NDArray[Any]) -> NDArray[np.float64]:
    """Intersection over union of one box, as corners, with each of (n, 4)."""
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    common = np.prod(np.maximum(high - low, 0), axis=1)
    sizes = np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), axis=1)
    union = float(np.prod(np.maximum(box[2:] - box[:2], 0))) + sizes - common
    return np.asarray(np.divide(common, union, out=np.zeros(len(boxes)), where=union > 0))


def _detectors(results: Results) -> dict[str, str]:
    """Outputs of boxes, and of the scores that belong to each."""
    found = {}
    for name, boxes in results.items():
        if boxes.ndim != 3 or boxes.shape[2] != 4 or not np.issubdtype(boxes.dtype, np.floating):
            continue
        fitting = [
            other
            for other, scores in results.items()
            if other != name and scores.ndim == 3 and scores.shape[:2] == boxes.shape[:2]
            # Scores that are none yet, as before a Sigmoid, would need to know what makes them so.
            if scores.size and scores.min() >= -1e-3 and scores.max() <= 1 + 1e-3
        ]
        if len(fitting) == 1:
            found[name] = fitting[0]
    return found


def _read_objects(boxes: NDArray[Any], scores: NDArray[Any]) -> tuple[_Objects, ...]:
    # Softmax over classes has one for "nothing", and that comes first.
    first = int(scores.shape[2] > 1 and np.allclose(scores.sum(axis=2), 1, atol=0.02))
    return tuple(
        _kept(mine.astype(np.float64), ours[:, first:])
        for mine, ours in zip(boxes, scores, strict=True)
    )


def _kept(boxes: NDArray[np.float64], scores: NDArray[Any]) -> _Objects:
    """Objects above the score; of several boxes of one object the best."""
    best = scores.max(axis=1)
    order = np.argsort(-best, kind="stable")
    order = order[best[order] > _SCORE]
    boxes, classes = boxes[order], scores[order].argmax(axis=1)
    if len(boxes) and (boxes[:, 2:] < boxes[:, :2]).any():
        # Not two corners, so middle and size.
        half = boxes[:, 2:] / 2
        boxes = np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)
    left = np.ones(len(boxes), bool)
    for i in range(len(boxes)):
        if left[i]:
            same = overlaps(boxes[i], boxes) >= _SAME_OBJECT
            left &= ~(same & (classes == classes[i]) & (np.arange(len(boxes)) > i))
    return _Objects(boxes[left], classes[left])


def _matched(mine: _Objects, theirs: _Objects) -> tuple[float, float]:
    """Sum of the overlaps of objects seen by both, and number of objects that any of both sees."""
    free = np.ones(len(theirs.boxes), bool)
    total, pairs = 0.0, 0
    for box, kind in zip(mine.boxes, mine.classes, strict=True):
        fits = np.where(free & (theirs.classes == kind), overlaps(box, theirs.boxes), 0.0)
        if len(fits) and fits.max() > 0:
            at = int(fits.argmax())
            free[at] = False
            total, pairs = total + float(fits[at]), pairs + 1
    return total, float(len(mine.boxes) + len(theirs.boxes) - pairs)
