"""Which integers a processor multiplies well."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from edgeinfer import _core
from edgeinfer.errors import InputError

__all__ = ["TARGETS", "Target", "choose_target"]


@dataclass(frozen=True)
class Target:
    """Types for one kind of processor.

    Attributes:
        name: as ``edgeinfer.quantize`` takes it.
        activations: "int8" or "uint8".
        weight_bits: 8, or 7 where two products are added in 16 bits and would saturate.
        why: the reason, in a sentence.
    """

    name: str
    activations: str
    weight_bits: int
    why: str

    @property
    def lowest(self) -> int:
        """The smallest integer of an activation."""
        return int(np.iinfo(self.activations).min)

    @property
    def highest(self) -> int:
        """The largest."""
        return int(np.iinfo(self.activations).max)

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """NumPy's type of activations."""
        return np.dtype(self.activations)

    def widened(self) -> Target:
        """The same with activations of 16 bits, which no kernel is fast with."""
        return replace(self, activations=self.activations.replace("8", "16"))

    @property
    def largest_weight(self) -> int:
        """Weights lie between minus this and this."""
        return (1 << self.weight_bits - 1) - 1


TARGETS: Final = {
    target.name: target
    for target in (
        Target("a72", "int8", 8, "NEON multiplies signed by signed bytes"),
        Target("a76", "int8", 8, "the dot product of NEON takes signed bytes on both sides"),
        Target("x86-64-vnni", "uint8", 8, "VNNI multiplies unsigned by signed bytes"),
        Target(
            "x86-64",
            "uint8",
            7,
            "AVX2 and SSE add two products of unsigned by signed bytes in 16 bits, which saturate "
            "unless weights stay within 7 bits",
        ),
    )
}


def choose_target(name: str | None) -> Target:
    """The target of that name; None: this CPU.

    Raises:
        InputError: no such target.
    """
    if name is None:
        name = _here()
    target = TARGETS.get(name)
    if target is None:
        raise InputError(f"target: found {name!r}, wanted None or one of {', '.join(TARGETS)}")
    return target


def _here() -> str:
    features = _core.cpu_features().split(",")
    if "neon" in features:
        return "a76" if "dot" in features else "a72"
    return "x86-64-vnni" if "vnni" in features else "x86-64"
