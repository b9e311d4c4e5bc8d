"""What ``run`` does with a model's output, by task: words for a table, facts for JSON."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

from edgeinfer.cli.table import printable
from edgeinfer.errors import InputError

if TYPE_CHECKING:
    from edgeinfer.binding import Binding
    from edgeinfer.placement import Placement
    from edgeinfer.result import Mask
    from edgeinfer.session import Session

__all__ = [
    "Classify",
    "Outcome",
    "Segment",
    "Task",
    "TaskName",
    "Tensors",
    "check_labels",
    "recognise",
]

TaskName = Literal["classify", "segment", "tensors"]


@dataclass(frozen=True)
class Outcome:
    """One image's result. ``facts`` holds JSON values only; ``mask`` is for pictures."""

    summary: str
    facts: dict[str, Any]
    times_ms: dict[str, float]
    mask: Mask | None = None
    details: tuple[str, ...] = ()


class Task(Protocol):
    """Runs a binding whose input is filled and reads its outputs."""

    name: TaskName
    stages: tuple[str, ...]

    def __call__(self, binding: Binding, placement: Placement) -> Outcome:
        """Outcome for a frame that lies in the input as placement says."""


def recognise(session: Session) -> TaskName:
    """The task that the model's outputs speak of.

    A segmentation tail, or one output (1, C, height, width) of floats, C above 1: segment.
    One output (1, N) of floats: classify. Anything else: tensors.
    """
    if session.describe()["tail"]["cut"]:
        return "segment"
    if len(session.outputs) != 1:
        return "tensors"
    output = session.outputs[0]
    shape, is_float = tuple(output.shape), str(output.dtype).startswith("float")
    one = [extent == 1 or isinstance(extent, str) for extent in shape]
    if is_float and len(shape) == 4 and one[0] and shape[1] != 1 and not (one[2] and shape[2] == 1):
        return "segment"
    if is_float and len(shape) == 2 and one[0] and shape[1] != 1:
        return "classify"
    return "tensors"


def check_labels(labels: Sequence[str], session: Session) -> None:
    """Refuse a list of names that cannot belong to the model's classes."""
    shape = session.outputs[0].shape if len(session.outputs) == 1 else ()
    classes = shape[1] if len(shape) in (2, 4) and shape[1] != 1 else None
    if labels and isinstance(classes, int) and len(labels) != classes:
        raise InputError(
            f"--labels: the file has {len(labels)} names, the model has {classes} classes; "
            "one name a line, in the order of the model's classes"
        )


# A letterboxed line would be all padding at its own scale; the mask is made at the model's then.
_MOST_PADDING: Final = 4


class Segment:
    """A class for each pixel.

    Args:
        labels: class names; empty: classes are printed as numbers.
        top: how many classes the table shows, by area.
        at_frame: mask of the frame's size rather than of the model's.
    """

    name: TaskName = "segment"
    stages: tuple[str, ...] = ("run", "tail")

    def __init__(self, labels: Sequence[str], *, top: int, at_frame: bool) -> None:
        self._labels, self._top, self._at_frame = labels, top, at_frame

    def __call__(self, binding: Binding, placement: Placement) -> Outcome:
        """Run, upsample and take the best class of each pixel."""
        mask = replace(self._mask(binding, placement), labels=self._labels or None)
        times = binding.last_times
        facts = mask.to_dict()
        classes = facts["classes"]
        return Outcome(
            ", ".join(
                f"{_name(entry)} {_percent(entry['share'])}" for entry in classes[: self._top]
            ),
            {"mask": {"height": facts["height"], "width": facts["width"]}, "classes": classes},
            {"run": times.run_ms, "tail": times.tail_ms},
            mask,
        )

    def _mask(self, binding: Binding, placement: Placement) -> Mask:
        if not self._at_frame:
            return binding.segment()
        if placement.covers:
            return binding.segment(size=placement.frame_size)
        # The whole input at the frame's scale, of which the frame is a part.
        height, width = (
            max(round(side / scale), 1)
            for side, scale in zip(
                placement.model_size, (placement.scale_y, placement.scale_x), strict=True
            )
        )
        if height * width > _MOST_PADDING * math.prod(placement.frame_size):
            height, width = placement.model_size
        return placement.mask_to_frame(binding.segment(size=(height, width)))


class Classify:
    """The best classes of one image.

    Args:
        labels: class names; empty: classes are printed as numbers.
        top: how many classes.
        softmax: turn the model's output into probabilities first.
    """

    name: TaskName = "classify"
    stages: tuple[str, ...] = ("run", "tail")

    def __init__(self, labels: Sequence[str], *, top: int, softmax: bool) -> None:
        self._labels, self._top, self._softmax = labels, top, softmax

    def __call__(self, binding: Binding, placement: Placement) -> Outcome:
        """Run and rank."""
        from edgeinfer.postprocess.classification import classify

        begin = time.perf_counter()
        binding.run()
        middle = time.perf_counter()
        (scores,) = binding.outputs.values()
        best = classify(
            scores,
            k=min(self._top, scores.size),
            softmax=self._softmax,
            labels=self._labels or None,
        )
        end = time.perf_counter()
        facts = best.to_dict()
        return Outcome(
            "; ".join(f"{_name(entry)} {_score(entry['score'])}" for entry in facts["classes"]),
            facts,
            {"run": (middle - begin) * 1e3, "tail": (end - middle) * 1e3},
        )


class Tensors:
    """The outputs themselves, in numbers."""

    name: TaskName = "tensors"
    stages: tuple[str, ...] = ("run",)

    def __call__(self, binding: Binding, placement: Placement) -> Outcome:
        """Run and sum up each output."""
        begin = time.perf_counter()
        binding.run()
        end = time.perf_counter()
        facts = [_sum_up(name, array) for name, array in binding.outputs.items()]
        lines = [
            f"{printable(fact['name'])} ({'x'.join(map(str, fact['shape']))}) {fact['dtype']}: "
            f"min {_number(fact['min'])}, mean {_number(fact['mean'])}, max {_number(fact['max'])}"
            + (f", {fact['not_finite']} not finite" if fact["not_finite"] else "")
            for fact in facts
        ]
        return Outcome(
            lines[0] if lines else "no outputs",
            {"outputs": facts},
            {"run": (end - begin) * 1e3},
            details=tuple(lines[1:]),
        )


def _sum_up(name: str, array: Any) -> dict[str, Any]:
    import numpy as np

    numeric = array.dtype.kind in "biuf" or array.dtype.kind == "V"
    values = array.astype(np.float64) if numeric else np.empty(0)
    finite = values[np.isfinite(values)]
    some = finite.size > 0
    return {
        "name": name,
        "shape": list(array.shape),
        "dtype": str(array.dtype),
        "min": float(finite.min()) if some else None,
        "mean": float(finite.mean()) if some else None,
        "max": float(finite.max()) if some else None,
        "not_finite": int(values.size - finite.size),
    }


def _name(entry: dict[str, Any]) -> str:
    return printable(entry["label"] or f"class {entry['index']}")


def _percent(share: float) -> str:
    # A small defect is what some models are for: it must not read 0.0 %.
    return f"{share * 100:.1f} %" if share >= 0.001 else f"{share * 100:.1g} %"


def _score(score: float | None) -> str:
    return "not a number" if score is None else f"{score:.3f}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
