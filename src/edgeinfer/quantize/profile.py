"""Measure a network's layers on this machine, and keep that for another."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeinfer.errors import ModelError
from edgeinfer.inspection import inspect
from edgeinfer.machine import read_machine
from edgeinfer.quantize.layer_profile import write_profile
from edgeinfer.quantize.layer_time import measure_layers
from edgeinfer.quantize.network import label
from edgeinfer.quantize.plan import make_plan
from edgeinfer.quantize.prepare import Prepared, prepare
from edgeinfer.quantize.subset import heads, weighted_places
from edgeinfer.quantize.targets import choose_target
from edgeinfer.quantize.writing import checked_out

__all__ = ["LayerProfile", "Profile", "measure_profile"]


@dataclass(frozen=True)
class LayerProfile:
    """Milliseconds of one layer, with what merges into it."""

    name: str
    op: str
    float_ms: float
    int8_ms: float


@dataclass(frozen=True)
class Profile:
    """What each layer of a network takes.

    Attributes:
        cpu: name of the processor.
        target: what ``edgeinfer.quantize`` calls it.
        layers: in order of execution.
        rounding_ms: of a million values turned into integers or back between layers.
    """

    cpu: str
    target: str
    layers: tuple[LayerProfile, ...]
    rounding_ms: float

    @property
    def float_ms(self) -> float:
        """Of all layers in float."""
        return sum(layer.float_ms for layer in self.layers)

    @property
    def int8_ms(self) -> float:
        """Of all layers in integers, where they can be."""
        return sum(layer.int8_ms for layer in self.layers)

    @property
    def advice(self) -> str:
        """A sentence where integers win no time, else ""."""
        if self.int8_ms < self.float_ms:
            return ""
        return (
            "integers do not make this network faster on this machine; what they win is size. "
            "Where time matters, use the float file"
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        sums = {"float_ms": self.float_ms, "int8_ms": self.int8_ms, "advice": self.advice}
        return {**asdict(self), **sums}


def measure_profile(
    model: str | os.PathLike[str] | bytes, out: str | os.PathLike[str], threads: int | None
) -> Profile:
    """``edgeinfer.quantize.profile_layers``, which tells the arguments."""
    path = checked_out(out, None if isinstance(model, bytes) else model)
    prepared = prepare(model)
    network, target = prepared.network, choose_target(None)
    plan = make_plan(network)
    if not weighted_places(network, plan):
        raise ModelError(
            "found no layer to quantise, wanted Conv, Gemm or MatMul with constant weights"
        )
    times = measure_layers(network, plan, target, _made_up(prepared), threads=threads)
    cpu = read_machine().cpu
    write_profile(path, network, times, cpu, target.name)
    head = heads(network, plan)
    layers = tuple(
        LayerProfile(
            label(node), node.op_type, times.float_ms.get(i, 0.0), times.int8_ms.get(i, 0.0)
        )
        for i, node in enumerate(network.nodes)
        if head.get(i, i) == i
    )
    return Profile(cpu, target.name, layers, times.rounding_ms)


def _made_up(prepared: Prepared) -> dict[str, NDArray[Any]]:
    """One sample of the right shapes; an axis of batches that is not fixed is 1."""
    rng = np.random.default_rng(0)
    found = {}
    for one in inspect(prepared.model).inputs:
        sizes = one.shape or ()
        shape = [size if isinstance(size, int) else 1 for size in sizes]
        loose = [str(size) for size in sizes[1:] if not isinstance(size, int)]
        if loose:
            raise ModelError(
                f"input {one.name!r}: found the axes {', '.join(loose)} without a size, wanted "
                "fixed ones to measure; export the model with the size it will be run at"
            )
        values = rng.normal(0, 1, shape) if one.dtype == "float32" else np.zeros(shape)
        found[one.name] = values.astype(one.dtype)
    return found
