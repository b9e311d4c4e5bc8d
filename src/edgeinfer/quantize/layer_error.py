"""What each layer costs in exactness: the network run with that layer alone in integers."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from edgeinfer.quantize.grid import Grid
from edgeinfer.quantize.judge import sqnr_db
from edgeinfer.quantize.network import Network
from edgeinfer.quantize.plan import Plan
from edgeinfer.quantize.static import write_static
from edgeinfer.quantize.steps import Step, Steps, open_alone
from edgeinfer.quantize.subset import heads, only
from edgeinfer.quantize.targets import Target
from edgeinfer.session import Session

__all__ = ["LayerError", "layer_errors", "results_of"]

Inputs = Mapping[str, NDArray[Any]]

_SCORES: Final = frozenset(("Softmax", "LogSoftmax", "Sigmoid"))
_MOVES: Final = frozenset(("Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"))


@dataclass(frozen=True)
class LayerError:
    """Signal over error in decibels, with one layer in integers.

    Attributes:
        own_db: of what the layer makes.
        network_db: of what the network gives, the worst of its outputs; of what a final Softmax or
            Sigmoid reads, since behind it the error is that of the few pictures it is unsure of.
    """

    own_db: float
    network_db: float


def layer_errors(
    network: Network,
    plan: Plan,
    grids: dict[str, Grid],
    target: Target,
    samples: Sequence[Inputs],
    *,
    mean_of: Callable[[str], NDArray[np.float64] | None] | None = None,
    threads: int | None = None,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> dict[int, LayerError]:
    """By place, of each layer that ``plan`` has in integers, with what merged into it.

    Args:
        grids, mean_of: as ``write_static`` takes them.
        samples: to run on. The order of layers on 12 of them and on 12 others: rank correlation
            0.80 for SqueezeNet, 0.95 for MobileNetV2; on 4 and 4 others 0.46 to 0.87, 0.88 to 0.96.

    Cost: one session a layer, and of each sample half a float run a layer. Memory: two copies of
    the weights, and all tensors of one sample.
    """
    wanted = set(heads(network, plan).values())
    own: dict[int, _Powers] = {}
    whole: dict[int, dict[str, _Powers]] = {}
    # Layers are too small to share out: each runs in one thread, and several of them at once.
    with (
        ThreadPoolExecutor(threads or len(os.sched_getaffinity(0))) as pool,
        Steps(network, plan, results_of(network)) as steps,
    ):
        layers = [(i, step) for i, step in enumerate(steps.steps) if step.places[0] in wanted]

        def session(layer: tuple[int, Step]) -> Session:
            return open_alone(_in_integers(network, plan, layer[1], grids, target, mean_of))

        rounded = list(pool.map(session, layers))
        for number, inputs in enumerate(samples):
            known = steps.run(inputs)

            def compare(
                layer: tuple[int, Step],
                session: Session,
                known: Mapping[str, NDArray[Any]] = known,
            ) -> tuple[_Powers, dict[str, _Powers]]:
                i, step = layer
                made = session.run({name: known[name] for name in step.reads})
                results = steps.rerun(known, i, made)
                mine = _Powers()
                for name, have in made.items():
                    mine += _powers(known[name], have)
                return mine, {name: _powers(known[name], have) for name, have in results.items()}

            for done, found in enumerate(pool.map(compare, layers, rounded)):
                progress(number * len(layers) + done, len(layers) * len(samples))
                place = layers[done][1].places[0]
                own[place] = own.get(place, _Powers()) + found[0]
                outputs = whole.setdefault(place, {})
                for name, powers in found[1].items():
                    outputs[name] = outputs.get(name, _Powers()) + powers
        for one in rounded:
            one.close()
    return {
        place: LayerError(mine.sqnr_db, min(one.sqnr_db for one in whole[place].values()))
        for place, mine in own.items()
    }


def results_of(network: Network) -> tuple[str, ...]:
    """The outputs, or what a Softmax or Sigmoid at the end reads to make them."""
    found = []
    for output in network.outputs:
        name = output
        while (maker := network.maker.get(name)) is not None:
            node = network.nodes[maker]
            name = node.input[0] if node.input else ""
            if node.op_type in _SCORES:
                output = name
                break
            if node.op_type not in _MOVES:
                break
        found.append(output)
    return tuple(dict.fromkeys(found))


@dataclass(frozen=True)
class _Powers:
    """Sums of squares, of the exact values and of what is missing to them."""

    signal: float = 0.0
    error: float = 0.0

    def __add__(self, other: _Powers) -> _Powers:
        return _Powers(self.signal + other.signal, self.error + other.error)

    @property
    def sqnr_db(self) -> float:
        return sqnr_db(self.signal, self.error)


def _powers(want: NDArray[Any], have: NDArray[Any]) -> _Powers:
    # In float32: the products of a million values are off by 1e-5, which is nothing in decibels.
    exact = np.asarray(want, np.float32).reshape(-1)
    error = np.asarray(have, np.float32).reshape(-1) - exact
    return _Powers(float(exact @ exact), float(error @ error))


def _in_integers(
    network: Network,
    plan: Plan,
    step: Step,
    grids: dict[str, Grid],
    target: Target,
    mean_of: Callable[[str], NDArray[np.float64] | None] | None,
) -> ModelProto:
    """The step as ``plan`` has it."""
    alone = only(network, plan, step.places[0])
    part = Plan(tuple(alone.decisions[place] for place in step.places), alone.owner, alone.bounds)
    return write_static(Network(step.model), part, grids, target, mean_of)
