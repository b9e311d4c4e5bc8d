"""What quantising did: to the file, to each layer, to the results."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, NamedTuple

__all__ = [
    "ClassShare",
    "LayerHistogram",
    "LayerReport",
    "MaskPictures",
    "OutputReport",
    "QuantizeReport",
    "RepairReport",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerHistogram:
    """How often which values were seen.

    Attributes:
        counts: of each bin, at most 128.
        first_edge: where the first bin begins.
        width: of each bin.
        zeros: exact ones, which are in no bin.
    """

    counts: tuple[int, ...]
    first_edge: float
    width: float
    zeros: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerReport:
    """What became of one node of the float network. What was not looked at is None.

    Attributes:
        name: of the node, or what it makes.
        op: its operator.
        decision: "int8"; "int16": its result has 16 bits; "merged": expressed by the integers of
            the node ``into``; "float"; or how its weights alone are stored.
        reason: why it stays in float, else a remark or "".
        weights: shape of the weights, None without any.
        low, high: what the integers of its result span; None where the result stays in float.
        shape: of its result; None for an axis that is not fixed.
        clipped: share of the values seen that lie outside of ``low`` to ``high``, 0 to 1.
        histogram: of the values seen.
        macs: multiply-adds of one run.
        sqnr_db: signal over error of its own result when it alone is in integers, decibels;
            infinite where nothing changes.
        network_sqnr_db: the same of the network's results, the worst of them, before a Softmax or
            Sigmoid at the end.
        float_ms, int8_ms: milliseconds of one run, as ``QuantizeReport.timing`` says.
        into: of a merged layer, the name of the one whose integers express it.
    """

    name: str
    op: str
    decision: str
    reason: str = ""
    weights: tuple[int, ...] | None = None
    low: float | None = None
    high: float | None = None
    shape: tuple[int | None, ...] | None = None
    clipped: float | None = None
    histogram: LayerHistogram | None = None
    macs: int | None = None
    sqnr_db: float | None = None
    network_sqnr_db: float | None = None
    float_ms: float | None = None
    int8_ms: float | None = None
    into: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputReport:
    """One output of the network on the judged samples, against the float network's.

    Attributes:
        name: of the output.
        sqnr_db: signal over error, decibels; infinite where they are equal.
        agreement: share of places (pictures, or pixels) where the same class is largest; of boxes,
            the mean overlap of the objects; None where the output looks like neither.
    """

    name: str
    sqnr_db: float
    agreement: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairReport:
    """One repair of accuracy, and what it bought on calibration samples.

    Attributes:
        name: of the repair, as the argument ``repairs`` takes it.
        applied: whether the file has it.
        before, after: without and with it, larger is better; None where it was not tried.
        unit: of both: "dB", "agreement", or what ``evaluate`` gives: "score".
        seconds: that finding out took.
        note: in a sentence, what it did or why it was left out.
    """

    name: str
    applied: bool
    before: float | None = None
    after: float | None = None
    unit: str = "dB"
    seconds: float = 0.0
    note: str = ""


class ClassShare(NamedTuple):
    """Of one class: its number, its colour as "#rrggbb", and its share of pixels in both masks."""

    number: int
    colour: str
    before: float
    after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskPictures:
    """What a segmentation network sees in one picture, before and after.

    Attributes:
        name: of the sample.
        width, height: of each picture.
        frame: what the network was given, a JPEG file.
        float_mask, int8_mask: PNG files, coloured by class, the background see-through.
        difference: a PNG file, see-through where both masks have the same class.
        agreement: share of pixels with the same class.
        classes: those seen, by number.
    """

    name: str
    width: int
    height: int
    frame: bytes
    float_mask: bytes
    int8_mask: bytes
    difference: bytes
    agreement: float
    classes: tuple[ClassShare, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantizeReport:
    """The outcome of ``edgeinfer.quantize``. What was not measured is None.

    Attributes:
        mode: "static", "dynamic" or another that ``edgeinfer.quantize`` takes.
        target: name of the target.
        activations: "int8" or "uint8".
        weight_bits: 8 or 7.
        method, parameter: of calibration; None without one.
        samples: how many were calibrated with.
        float_bytes, int8_bytes: sizes of the files.
        prepared: what was folded before, and how often.
        layers: in order of execution.
        judged: how many samples the outputs were compared on.
        outputs: of the network; empty where nothing was judged.
        seconds: of each step.
        notes: what the caller should know, in sentences.
        repairs: of accuracy, in the order they were tried.
        float_ms, int8_ms: median milliseconds of a run of each file on this CPU.
        timing: where the times of layers come from, such as "measured on this CPU" or
            "no timing known"; "" where none were wanted.
        float_score, score: what ``evaluate`` gave for the float and for the new network.
        max_drop: how much worse the caller allowed it to be.
        drop: how much worse it is, of the score or else of the agreement with float.
        advice: a sentence where integers do not help this model on this target, else "".
        pictures: masks before and after, of a segmentation network.
    """

    mode: str
    target: str
    activations: str
    weight_bits: int
    method: str | None
    parameter: float | None
    samples: int
    float_bytes: int
    int8_bytes: int
    prepared: dict[str, int]
    layers: tuple[LayerReport, ...]
    judged: int
    outputs: tuple[OutputReport, ...]
    seconds: dict[str, float]
    notes: tuple[str, ...] = ()
    repairs: tuple[RepairReport, ...] = ()
    float_ms: float | None = None
    int8_ms: float | None = None
    timing: str = ""
    float_score: float | None = None
    score: float | None = None
    max_drop: float | None = None
    drop: float | None = None
    advice: str = ""
    pictures: tuple[MaskPictures, ...] = ()

    @property
    def size_ratio(self) -> float:
        """Size of the new file as a share of the old one's."""
        return self.int8_bytes / self.float_bytes

    @property
    def speedup(self) -> float | None:
        """How many times as fast the new file runs on this CPU."""
        return self.float_ms / self.int8_ms if self.float_ms and self.int8_ms else None

    def count(self, decision: str) -> int:
        """How many layers have that decision."""
        return sum(layer.decision == decision for layer in self.layers)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as ``edgeinfer quantize --json`` prints them; all of them valid JSON.

        Infinite decibels are None there, and ``equal`` tells them from decibels that nobody
        measured. Histograms and pictures are left out.
        """
        return {
            **_plain(self),
            "size_ratio": self.size_ratio,
            "speedup": _plain(self.speedup),
        }

    def save_html(
        self,
        path: str | os.PathLike[str],
        *,
        title: str = "",
        labels: Sequence[str] = (),
    ) -> None:
        """Write one page for a browser, which loads nothing from elsewhere.

        Args:
            path: of the new file; an old one is replaced in one step, at the end.
            title: of the page, such as the model's name.
            labels: names of the classes, for the masks of a segmentation network.

        Raises:
            OSError: the file cannot be written; an old one is as it was.

        Cost: some 20 ms, and 3 kB a layer; masks add about 150 kB.
        """
        from edgeinfer.quantize.page import page
        from edgeinfer.quantize.writing import write_model

        write_model(Path(path), page(self, title, labels).encode())


# Beside numbers that JSON has no word for where they are infinite.
_DECIBELS = "sqnr_db"
_NOT_IN_JSON = frozenset(("histogram", "pictures"))


def _plain(value: Any) -> Any:
    """Dicts, lists, texts, and numbers of Python's own that are finite."""
    if is_dataclass(value):
        facts = {one.name: getattr(value, one.name) for one in fields(value)}
        plain = {name: _plain(one) for name, one in facts.items() if name not in _NOT_IN_JSON}
        if _DECIBELS in facts:
            measured = facts[_DECIBELS]
            plain["equal"] = None if measured is None else measured == math.inf
        return plain
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if value is None or isinstance(value, bool | str):
        return value
    # NumPy's numbers know their own counterpart.
    number = value.item() if hasattr(value, "item") else value
    return None if isinstance(number, float) and not math.isfinite(number) else number
