"""What a model's inputs and outputs are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from edgeinfer import _core

__all__ = ["QuantizedInput", "TensorSpec"]


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """An input or output as the model file declares it.

    Attributes:
        name: its name in the graph.
        dtype: name of the element type, as NumPy or ml_dtypes spell it; ``"string"`` for text,
            ``"unknown"`` for an output that is no tensor.
        shape: one entry an axis: an int, or the name of a symbolic axis (``"?"`` without a name).
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...]


class QuantizedInput(NamedTuple):
    """How an input's integers stand for real values: ``(integer - zero_point) * scale``.

    ``Preprocess(size, dtype=q.dtype, quant=(q.scale, q.zero_point), ...)`` makes such integers.
    """

    dtype: str
    """Of the integers, as NumPy spells it. The runtime turns int8 into uint8 on x86, and so here:
    take the values from this mapping, not from the file."""
    scale: float
    """The float32 number that the file holds."""
    zero_point: int


def declared_spec(spec: _core.TensorSpec) -> TensorSpec:
    """The core's form of it, named."""
    return TensorSpec(spec.name, spec.dtype, tuple(spec.shape))
