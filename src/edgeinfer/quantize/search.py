"""Which layers to leave in float, so that a network is as exact as wanted and loses little time."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

__all__ = ["Choice", "choose_layers", "fastest"]

Layers = frozenset[int]

# Layers whose time next to nothing is, for which an error is bought at any price.
_LEAST_LOSS: Final = 1e-6
# Less than this share of the network's time may be an accident of measuring.
_CLEAR: Final = 0.02


@dataclass(frozen=True)
class Choice:
    """Layers in float, and how much worse the network is with the others in integers.

    Attributes:
        in_float: their places.
        drop: as ``drop_of`` told it.
        tried: how many candidates were looked at.
        holds: whether ``drop`` is at most what was allowed. If not, this is the best found.
    """

    in_float: Layers
    drop: float
    tried: int
    holds: bool


def fastest(layers: Collection[int], cost_of: Callable[[Layers], float]) -> Layers:
    """The layers that are better left in float for the time alone.

    Begins with all in integers and moves one layer at a time for as long as that wins 2 % or more.

    Args:
        layers: places of those that could be in integers.
        cost_of: time of the network with these layers in float.

    Cost: at most four calls of ``cost_of`` a layer.
    """
    found: Layers = frozenset()
    best = cost_of(found)
    whole = cost_of(frozenset(layers))
    if whole < best * (1 - _CLEAR):
        # Neighbours in float save the roundings between them, which no single layer would show.
        found, best = frozenset(layers), whole
    for _ in range(2):
        before = best
        for layer in sorted(layers):
            other = found ^ {layer}
            cost = cost_of(other)
            if cost < best * (1 - _CLEAR):
                found, best = other, cost
        if best == before:
            break
    return found


def choose_layers(
    layers: Collection[int],
    *,
    error: Mapping[int, float],
    cost_of: Callable[[Layers], float],
    drop_of: Callable[[Layers], float],
    max_drop: float,
    begin: Layers = frozenset(),
    most: int = 40,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Choice:
    """Leave as little time's worth of layers in float as keeps the drop within ``max_drop``.

    Layers are ranked by the error that each takes away for the time it costs, and by the error
    alone. Of both rankings the least number of the first ones that holds is looked for by halving;
    from the cheaper set, layers are taken back one by one while it still holds, those first that
    give back most time for their error. Each set is judged as a real candidate, and the one that
    is returned was.

    Where errors add up and a smaller error never is a larger drop, the time lost is above that of
    the best set by at most the time of one layer. At least one layer stays in integers.

    Args:
        layers: places of those that may be moved.
        error: of each, what it adds to the results' error when it is in integers.
        cost_of: time of the network with these layers in float.
        drop_of: runs a candidate; larger is worse.
        begin: layers that are in float in any case.
        most: candidates to look at, at most.
        progress: called with (candidates behind us, candidates expected).
    """
    known: dict[Layers, float] = {}
    free = sorted(set(layers) - begin)
    base = cost_of(begin)
    loss = {one: max(cost_of(begin | {one}) - base, _LEAST_LOSS) for one in free}
    rankings = (
        sorted(free, key=lambda one: (-error.get(one, 0.0) / loss[one], one)),
        sorted(free, key=lambda one: (-error.get(one, 0.0), one)),
    )

    def drop(chosen: Layers) -> float:
        if chosen not in known:
            progress(len(known), _expected(len(known), len(free), most))
            known[chosen] = drop_of(chosen)
        return known[chosen]

    def choice(chosen: Layers) -> Choice:
        return Choice(chosen, known[chosen], len(known), known[chosen] <= max_drop)

    def least(ranked: list[int]) -> Layers | None:
        # The last layer stays, or nothing would be left in integers.
        low, high = 0, max(len(ranked) - 1, 0)
        if drop(begin | frozenset(ranked[:high])) > max_drop:
            return None
        while high - low > 1:
            middle = (low + high) // 2
            if drop(begin | frozenset(ranked[:middle])) <= max_drop:
                high = middle
            else:
                low = middle
        return begin | frozenset(ranked[:high])

    if drop(begin) <= max_drop:
        return choice(begin)
    holding = [found for found in map(least, rankings) if found is not None]
    if not holding:
        return choice(min(known, key=lambda chosen: (known[chosen], len(chosen))))
    chosen = min(holding, key=cost_of)
    # Most time for the error that comes back with it.
    for one in sorted(chosen - begin, key=lambda one: (error.get(one, 0.0) / loss[one], one)):
        if len(known) >= most:
            break
        if drop(chosen - {one}) <= max_drop:
            chosen -= {one}
    return choice(chosen)


def _expected(done: int, layers: int, most: int) -> int:
    halvings = 3 + 2 * math.ceil(math.log2(max(layers, 2)))
    return max(min(most, halvings + layers // 2), done + 1)
