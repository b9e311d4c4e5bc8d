"""What quantising did: to the file, to each layer, to the results."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

__all__ = ["LayerReport", "OutputReport", "QuantizeReport"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerReport:
    """What became of one node of the float network.

    Attributes:
        name: of the node, or what it makes.
        op: its operator.
        decision: "int8"; "merged": expressed by the integers of the node before; "float".
        reason: why it stays in float, else "".
        weights: shape of the weights, None without any.
        low, high: what the integers of its result span; None where the result stays in float.
    """

    name: str
    op: str
    decision: Literal["int8", "merged", "float"]
    reason: str = ""
    weights: tuple[int, ...] | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputReport:
    """One output of the network on the judged samples, against the float network's.

    Attributes:
        name: of the output.
        sqnr_db: signal over error, decibels; infinite where they are equal.
        agreement: share of places (pictures, or pixels) where the same class is largest; None where
            the output does not look like scores of classes.
    """

    name: str
    sqnr_db: float
    agreement: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantizeReport:
    """The outcome of ``edgeinfer.quantize``.

    Attributes:
        mode: "static" or "dynamic".
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

    @property
    def size_ratio(self) -> float:
        """Size of the new file as a share of the old one's."""
        return self.int8_bytes / self.float_bytes

    def count(self, decision: str) -> int:
        """How many layers have that decision."""
        return sum(layer.decision == decision for layer in self.layers)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as ``edgeinfer quantize --json`` prints them."""
        return {**asdict(self), "size_ratio": self.size_ratio}
