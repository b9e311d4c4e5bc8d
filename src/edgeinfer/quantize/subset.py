"""Plans with fewer layers in integers than a given one, on the same grids."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from edgeinfer.quantize.network import Network
from edgeinfer.quantize.plan import Decision, Plan, is_weighted, value_inputs

__all__ = ["heads", "leave_in_float", "only", "rounded_values", "weighted_places"]

_FOLLOWS: Final = Decision("float", "the layer before it is in float")
_ALONE: Final = Decision("float", "no integers on both sides of it")


def heads(network: Network, plan: Plan) -> dict[int, int]:
    """The layers in integers: of each place, itself; of one that is merged, the place it is in."""
    found = {}
    for i, (node, decision) in enumerate(zip(network.nodes, plan.decisions, strict=True)):
        if decision.kind == "int8":
            found[i] = i
        elif decision.kind == "merged":
            found[i] = network.maker[node.input[0]]
    return found


def weighted_places(network: Network, plan: Plan) -> frozenset[int]:
    """Places of the layers in integers that multiply by weights."""
    return frozenset(i for i in heads(network, plan) if is_weighted(network.nodes[i]))


def leave_in_float(network: Network, plan: Plan, in_float: Mapping[int, str]) -> Plan:
    """The plan with more layers in float; what others need stays rounded as it was.

    So an addition between layers in integers stays one when a layer before it goes to float: the
    result of that layer is rounded for it.

    Args:
        in_float: places in ``network.nodes``, each with the reason. What is merged into a layer
            goes with it, and takes it along.
    """
    decisions = list(plan.decisions)
    head = heads(network, plan)
    for place, reason in in_float.items():
        if decisions[place].kind != "float":
            decisions[place] = decisions[head[place]] = Decision("float", reason)
    _settle(network, decisions)
    return _with_tensors(network, plan, decisions)


def only(network: Network, plan: Plan, place: int) -> Plan:
    """The plan with one layer in integers, and what is merged into it."""
    head = heads(network, plan)
    decisions = [
        decision if head.get(i) == place else Decision("float", "not looked at")
        for i, decision in enumerate(plan.decisions)
    ]
    return _with_tensors(network, plan, decisions)


def rounded_values(network: Network, plan: Plan) -> int:
    """How many values of a run are turned into integers or back in steps of their own.

    A tensor of unknown size counts as none, an axis that is not fixed as one.
    """
    total = 0
    for name in plan.owner:
        maker = network.maker.get(name)
        made = maker is not None and plan.decisions[maker].kind != "float"
        kinds = {plan.decisions[reader].kind for reader in network.readers.get(name, [])}
        outside = "float" in kinds or name in network.outputs or name in network.captured
        if name not in network.constants and (not made or outside):
            total += math.prod(size or 1 for size in network.shape(name) or (0,))
    return total


def _settle(network: Network, decisions: list[Decision]) -> None:
    """Leave in float what computes in integers to no use, until nothing changes."""
    again = True
    while again:
        again = False
        for i, node in enumerate(network.nodes):
            kind = decisions[i].kind
            if kind == "merged" and decisions[network.maker[node.input[0]]].kind == "float":
                decisions[i], again = _FOLLOWS, True
            elif kind == "int8" and not is_weighted(node) and not _between(network, decisions, i):
                decisions[i], again = _ALONE, True


def _between(network: Network, decisions: Sequence[Decision], place: int) -> bool:
    """Whether integers come into a layer and somebody reads those that it makes."""
    node = network.nodes[place]
    makers = [network.maker.get(name) for name in value_inputs(network, node)]
    before = any(
        decisions[maker].kind != "float" if maker is not None else name in network.inputs
        for name, maker in zip(value_inputs(network, node), makers, strict=True)
    )
    return before and _is_read(network, decisions, node.output)


def _is_read(network: Network, decisions: Sequence[Decision], names: Sequence[str]) -> bool:
    for name in names:
        for reader in network.readers.get(name, []):
            kind = decisions[reader].kind
            if kind == "int8" and name in value_inputs(network, network.nodes[reader]):
                return True
            if kind == "merged" and _is_read(network, decisions, network.nodes[reader].output):
                return True
    return False


def _with_tensors(network: Network, plan: Plan, decisions: list[Decision]) -> Plan:
    touched: set[str] = set()
    for node, decision in zip(network.nodes, decisions, strict=True):
        if decision.kind == "float":
            continue
        if decision.kind == "int8":
            touched.update(value_inputs(network, node))
        # A product's result need not be rounded where nobody reads the integers.
        if node.op_type not in ("Gemm", "MatMul") or _is_read(network, decisions, node.output):
            touched.update(node.output)
    owner = {name: own for name, own in plan.owner.items() if name in touched}
    return replace(plan, decisions=tuple(decisions), owner=owner)
