"""Candidates: one calibration, and many ways to write the network in integers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from edgeinfer.calibrate import Ranges
from edgeinfer.errors import InputError
from edgeinfer.quantize.grid import Grid, activation_grid
from edgeinfer.quantize.network import Network
from edgeinfer.quantize.plan import Plan
from edgeinfer.quantize.repair.weights import search_scales
from edgeinfer.quantize.static import write_static
from edgeinfer.quantize.subset import leave_in_float
from edgeinfer.quantize.targets import Target

__all__ = ["Candidate", "Material", "channel_means", "choose_grids", "make_candidate"]


@dataclass(frozen=True)
class Material:
    """What candidates are made of.

    Attributes:
        network: prepared, in float.
        plan: with as many layers in integers as there can be; its tensors were observed.
        ranges: what calibration saw, and the method that makes ranges of it.
        target: processor that the file is for.
        exclude: what the caller leaves in float, as ``make_plan`` takes it.
        wide: tensors with integers of 16 bits.
        spans: ranges of tensors that were not observed themselves.
        factors: by tensor, how much larger each channel is than it was when observed.
    """

    network: Network
    plan: Plan
    ranges: Ranges
    target: Target
    exclude: Sequence[str] = ()
    wide: Collection[str] = ()
    spans: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    factors: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)


@dataclass(frozen=True)
class Candidate:
    """One way to write a network in integers: the file, and what was decided for it."""

    model: ModelProto
    plan: Plan
    grids: dict[str, Grid]


def make_candidate(
    material: Material,
    *,
    repairs: Collection[str] = ("bias",),
    in_float: Mapping[int, str] | None = None,
) -> Candidate:
    """Write the network in integers, without running anything; ``material`` is left as it is.

    Args:
        repairs: those that choose numbers. "bias": biases undo what the rounding of weights does to
            the mean of each channel; "weights": scales of weights are searched for. The others have
            changed ``material``.
        in_float: places in ``network.nodes`` that are left in float besides, each with the reason.

    Cost: 0.1 s for a network of 14 MB; memory for two copies of the weights.
    """
    network, target = material.network, material.target
    plan = leave_in_float(network, material.plan, in_float) if in_float else material.plan
    grids = choose_grids(network, plan, _ranges_of(material, plan), target, material.wide)
    means = channel_means(material) if "bias" in repairs else None
    search = search_scales if "weights" in repairs else None
    return Candidate(write_static(network, plan, grids, target, means, search), plan, grids)


def _ranges_of(material: Material, plan: Plan) -> Callable[[str], tuple[float, float]]:
    whole, ends = material.ranges.with_method("minmax"), plan.ends(material.network)

    def range_of(name: str) -> tuple[float, float]:
        if name in material.spans:
            return material.spans[name]
        chosen = whole if name in ends else material.ranges
        observed = name if name in chosen else _stand_in(material, name)
        if observed not in chosen:
            raise InputError(
                f"ranges: found none of {name!r}, wanted those of every tensor that is rounded; "
                "calibrate this file without naming tensors, or leave ranges out"
            )
        return chosen.range(observed)

    return range_of


def _stand_in(material: Material, name: str) -> str:
    """The observed tensor whose range serves one that has a grid only since others are in float."""
    merged = material.network.only_reader(name)
    if name not in material.plan.owner and merged is not None:
        # What is cut off behind it may be cut off before.
        name = material.network.nodes[merged].output[0]
    owner = material.plan.owner
    name = owner.get(name, name)
    if name in material.ranges:
        return name
    # Folding named it; what only moves its values is named as in the file.
    same = (one for one, other in owner.items() if other == name and one in material.ranges)
    return next(same, name)


def channel_means(material: Material) -> Callable[[str], NDArray[np.float64] | None]:
    """What tells the mean of each channel of a tensor, None where it was not observed."""
    ranges = material.ranges
    observed = {tensor.name for tensor in ranges.tensors}

    def mean_of(name: str) -> NDArray[np.float64] | None:
        if name not in observed:
            return None
        factor = material.factors.get(name)
        mean = ranges.statistics(name).channel_mean()
        return mean if factor is None else mean * factor

    return mean_of


def choose_grids(
    network: Network,
    plan: Plan,
    range_of: Callable[[str], tuple[float, float]],
    target: Target,
    wide: Collection[str] = (),
) -> dict[str, Grid]:
    """The grid of each tensor that has one of its own.

    Args:
        wide: tensors with integers of 16 bits.
        range_of: (low, high) of a tensor that ``plan.measured`` names.
    """
    grids = {}
    for name in dict.fromkeys(plan.owner.values()):
        value = network.constant(name)
        low, high = range_of(name) if value is None else (float(value.min()), float(value.max()))
        least, most = plan.bounds.get(name, (low, high))
        low, high = max(low, least), min(high, most)
        grids[name] = activation_grid(name, low, high, target, name in wide)
    return grids
