"""Which tensors get 16 bits: the way out where one of them spoils what 8 bits can hold."""

from __future__ import annotations

from collections.abc import Sequence

from edgeinfer.errors import InputError
from edgeinfer.quantize.network import Network
from edgeinfer.quantize.plan import Plan, matching

__all__ = ["wide_tensors"]


def wide_tensors(network: Network, plan: Plan, names: Sequence[str]) -> frozenset[str]:
    """The tensors of ``plan`` that have a grid of their own and are meant by ``names``.

    Args:
        names: of nodes, results or operators; ``*`` and ``?`` stand for any letters.

    Raises:
        InputError: an entry fits no node, or only such as stay in float.
    """
    found: set[str] = set()
    if isinstance(names, str):
        raise InputError(f"wide: found the text {names!r}, wanted a list of names")
    for name in names:
        own: set[str] = set()
        for i in matching(network, (name,), "wide"):
            for result in network.nodes[i].output:
                reader = network.only_reader(result)
                if reader is not None and plan.decisions[reader].kind == "merged":
                    result = network.nodes[reader].output[0]
                if result in plan.owner:
                    own.add(plan.owner[result])
        if not own:
            raise InputError(
                f"wide: found {name!r}, whose results stay in float; wanted layers with integers"
            )
        found |= own
    return frozenset(found)
