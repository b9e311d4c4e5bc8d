"""A network cut into its layers, each a session, so that a run can begin anywhere."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from numpy.typing import NDArray
from onnx import ModelProto, ValueInfoProto, helper

from edgeinfer.errors import ModelError
from edgeinfer.options import SessionOptions
from edgeinfer.quantize.network import Network, captured_names
from edgeinfer.quantize.plan import Plan
from edgeinfer.quantize.subset import heads
from edgeinfer.session import Session

__all__ = ["Step", "Steps", "open_alone"]

Tensors = Mapping[str, NDArray[Any]]

# As it is: a tail that is cut off would have a session of its own, and moving integers to uint8
# would be probed each time.
_OPTIONS = SessionOptions(fuse_tail=False, to_uint8=False)


@dataclass(frozen=True)
class Step:
    """Nodes that run together.

    Attributes:
        places: in ``network.nodes``; a layer in integers comes first, behind it what merges.
        reads: tensors from outside that are no constants.
        makes: tensors that others read, or the caller.
        model: the step by itself.
    """

    places: tuple[int, ...]
    reads: tuple[str, ...]
    makes: tuple[str, ...]
    model: ModelProto


class Steps:
    """The float network in steps: one for each layer that ``plan`` has in integers.

    Safe from several threads.

    Args:
        ends: tensors that `rerun` is asked for.

    Raises:
        ModelError: a tensor between them is of unknown type.

    Cost: about 2 ms a step; memory for one copy of the weights.
    """

    def __init__(self, network: Network, plan: Plan, ends: Collection[str]) -> None:
        self._ends = tuple(ends)
        self.steps = tuple(_cut(network, plan, frozenset(ends)))
        self._sessions = [open_alone(step.model) for step in self.steps]

    def run(self, inputs: Tensors) -> dict[str, NDArray[Any]]:
        """Every tensor between steps, and the results."""
        known = dict(inputs)
        for step, session in zip(self.steps, self._sessions, strict=True):
            known.update(session.run({name: known[name] for name in step.reads}))
        return known

    def rerun(self, known: Tensors, begin: int, changed: Tensors) -> dict[str, NDArray[Any]]:
        """The ends, had the step ``begin`` made ``changed``; steps that do not see it rest."""
        new = dict(changed)
        for step, session in zip(self.steps[begin + 1 :], self._sessions[begin + 1 :], strict=True):
            if not new.keys().isdisjoint(step.reads):
                new.update(session.run({name: new.get(name, known[name]) for name in step.reads}))
        return {name: new.get(name, known[name]) for name in self._ends}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for session in self._sessions:
            session.close()


def open_alone(model: ModelProto) -> Session:
    """A session of a small model that is there for a moment; it runs in the calling thread."""
    data: bytes = model.SerializeToString()
    return Session(data, threads=1, options=_OPTIONS, cache=False)


def _cut(network: Network, plan: Plan, ends: frozenset[str]) -> Iterator[Step]:
    head = heads(network, plan)
    groups: list[list[int]] = []
    place_of: dict[int, int] = {}
    for i in range(len(network.nodes)):
        if head.get(i, i) != i:
            # What merges is the only reader of its layer: it can run as soon as that has.
            groups[place_of[head[i]]].append(i)
            continue
        if i in head or not groups or groups[-1][0] in head:
            groups.append([])
        place_of[i] = len(groups) - 1
        groups[-1].append(i)
    values = {
        value.name: value
        for graph in (network.model.graph,)
        for value in (*graph.value_info, *graph.input, *graph.output)
    }
    for places in groups:
        yield _step(network, tuple(places), values, ends)


def _step(
    network: Network,
    places: tuple[int, ...],
    values: Mapping[str, ValueInfoProto],
    ends: frozenset[str],
) -> Step:
    nodes = [network.nodes[i] for i in places]
    made = {name for node in nodes for name in node.output if name}
    names = dict.fromkeys(name for node in nodes for name in (*node.input, *captured_names(node)))
    outside = [name for name in names if name and name not in made]
    reads = [n for n in outside if n in network.maker or n in network.inputs]
    inside = set(places)
    makes = [
        name
        for name in made
        if name in ends
        or name in network.outputs
        or name in network.captured
        or not inside.issuperset(network.readers.get(name, []))
    ]
    model = ModelProto()
    model.ir_version = network.model.ir_version
    model.opset_import.extend(network.model.opset_import)
    model.functions.extend(network.model.functions)
    model.graph.CopyFrom(
        helper.make_graph(
            nodes,
            "step",
            [_typed(name, values) for name in reads],
            [values.get(name) or ValueInfoProto(name=name) for name in sorted(makes)],
            [network.constants[name] for name in outside if name in network.constants],
        )
    )
    return Step(places, tuple(reads), tuple(sorted(makes)), model)


def _typed(name: str, values: Mapping[str, ValueInfoProto]) -> ValueInfoProto:
    if name not in values:
        raise ModelError(f"tensor {name!r}: found no type of it, wanted one to cut the network at")
    return values[name]
