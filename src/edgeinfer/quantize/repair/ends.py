"""The first or the last layer in float, where that is a small part of the work and of the file."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from edgeinfer.quantize.candidate import Material
from edgeinfer.quantize.layer_report import multiply_adds
from edgeinfer.quantize.plan import is_weighted
from edgeinfer.quantize.subset import leave_in_float

__all__ = ["first_in_float", "last_in_float", "share_of_work"]

# A weight in float takes four bytes instead of one.
_MOST_WEIGHTS: Final = 0.02


def first_in_float(material: Material) -> Material | None:
    """Leave the first layer with weights in float; None where it holds too many of them."""
    return _left(material, 0, "the first layer, where float wins back accuracy")


def last_in_float(material: Material) -> Material | None:
    """Leave the last one in float; None as above."""
    return _left(material, -1, "the last layer, where float wins back accuracy")


def share_of_work(material: Material, before: Material) -> float:
    """Share of all multiply-adds that is in float here and was in integers before."""
    nodes = material.network.nodes
    work = [multiply_adds(material.network, node) or 0 for node in nodes]
    moved = sum(
        one
        for one, now, then in zip(work, material.plan.decisions, before.plan.decisions, strict=True)
        if now.kind == "float" and then.kind != "float"
    )
    return moved / max(sum(work), 1)


def _left(material: Material, which: int, reason: str) -> Material | None:
    network = material.network
    places = [
        i
        for i, (node, decision) in enumerate(
            zip(network.nodes, material.plan.decisions, strict=True)
        )
        if decision.kind == "int8" and is_weighted(node)
    ]
    # One layer alone is the whole network.
    if len(places) < 3:
        return None
    sizes = {i: int(np.prod(network.constants[network.nodes[i].input[1]].dims)) for i in places}
    place = places[which]
    if sizes[place] > _MOST_WEIGHTS * sum(sizes.values()):
        return None
    return replace(material, plan=leave_in_float(network, material.plan, {place: reason}))
