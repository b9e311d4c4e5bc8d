"""Milliseconds of each layer, in float and in integers, from the runtime's own profile."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from edgeinfer.options import SessionOptions
from edgeinfer.quantize.candidate import choose_grids
from edgeinfer.quantize.network import Network
from edgeinfer.quantize.plan import Plan
from edgeinfer.quantize.static import write_static
from edgeinfer.quantize.subset import heads
from edgeinfer.quantize.targets import Target
from edgeinfer.session import Session

__all__ = ["HERE", "LayerTimes", "measure_layers"]

HERE: Final = "measured on this CPU"

_WARM_RUNS: Final = 2
_RUNS: Final = 10
_KERNEL: Final = "_kernel_time"
# What the runtime adds to a name when it fuses or moves a node stands behind.
_NUMBER: Final = re.compile(r"<(\d+)>")
_ROUNDING: Final = ("QuantizeLinear", "DequantizeLinear")
_US_PER_MS: Final = 1000.0


@dataclass(frozen=True)
class LayerTimes:
    """Where the time of a run goes.

    Attributes:
        source: in words: "measured on this CPU", "profile NAME".
        float_ms: by place, of every node; what is merged counts to the layer that it is in.
        int8_ms: the same of the network with as many layers in integers as there can be.
        rounding_ms: of a million values that are turned into integers or back by themselves.
    """

    source: str
    float_ms: Mapping[int, float]
    int8_ms: Mapping[int, float]
    rounding_ms: float = 0.0


def measure_layers(
    network: Network,
    plan: Plan,
    target: Target,
    inputs: Mapping[str, NDArray[Any]],
    *,
    threads: int | None = None,
) -> LayerTimes:
    """Run the float network and one in integers, of which only the times count.

    Args:
        inputs: one sample. Ranges are made up, since no kernel's time depends on them.

    Cost: two sessions, 12 runs of each: 0.5 s for MobileNetV2 on two cores. Memory: two copies of
    the weights.
    """
    network, plan = _numbered(network, plan)
    head = heads(network, plan)
    grids = choose_grids(network, plan, lambda _: (-1.0, 1.0), target)
    rounded = write_static(network, plan, grids, target)
    exact, _, _ = _profiled(network.model, head, inputs, threads)
    whole, rounding_ms, values = _profiled(rounded, head, inputs, threads)
    return LayerTimes(
        source=HERE,
        float_ms=exact,
        int8_ms=whole,
        rounding_ms=rounding_ms / values * 1e6 if values else 0.0,
    )


def _numbered(network: Network, plan: Plan) -> tuple[Network, Plan]:
    """A copy whose nodes and tensors are named by their place, which the profile then tells.

    The runtime names what it fuses after one of the nodes or tensors that it is made of.
    """
    model = ModelProto()
    model.CopyFrom(network.model)
    names: dict[str, str] = {}
    for i, node in enumerate(network.nodes):
        for k, name in enumerate(node.output):
            if name and name not in network.captured:
                names[name] = f"<{i}>.{k}"
    for i, node in enumerate(model.graph.node):
        node.name = f"<{i}>"
        for k, name in enumerate(node.input):
            node.input[k] = names.get(name, name)
        for k, name in enumerate(node.output):
            node.output[k] = names.get(name, name)
    for value in (*model.graph.output, *model.graph.value_info):
        value.name = names.get(value.name, value.name)
    twin = replace(
        plan,
        owner={names.get(name, name): names.get(own, own) for name, own in plan.owner.items()},
        bounds={names.get(name, name): bounds for name, bounds in plan.bounds.items()},
    )
    return Network(model), twin


def _profiled(
    model: ModelProto,
    head: Mapping[int, int],
    inputs: Mapping[str, NDArray[Any]],
    threads: int | None,
) -> tuple[dict[int, float], float, int]:
    """Milliseconds by place; those of roundings by themselves, and of how many values."""
    data: bytes = model.SerializeToString()
    with tempfile.TemporaryDirectory(prefix="edgeinfer-") as folder:
        options = SessionOptions(fuse_tail=False, profile=Path(folder, "layers"))
        with Session(data, threads=threads, options=options, cache=False) as session:
            for _ in range(_WARM_RUNS + _RUNS):
                session.run(inputs)
            (file,) = session.end_profiling()
        events = json.loads(Path(file).read_text(encoding="utf-8"))
    return _by_place(events, head)


def _by_place(
    events: Iterable[Mapping[str, Any]], head: Mapping[int, int]
) -> tuple[dict[int, float], float, int]:
    runs: dict[str, list[float]] = {}
    about: dict[str, Mapping[str, Any]] = {}
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith(_KERNEL):
            runs.setdefault(event["name"], []).append(event["dur"] / _US_PER_MS)
            about[event["name"]] = event["args"]
    found: dict[int, float] = {}
    rounding_ms, values = 0.0, 0
    for name, times in runs.items():
        # What else the machine does only ever adds to it, and would not hit all layers alike.
        took = min(times[_WARM_RUNS:])
        number = _NUMBER.search(name)
        if about[name].get("op_name") in _ROUNDING:
            rounding_ms += took
            values += _values(about[name])
        elif number is not None:
            place = int(number[1])
            place = head.get(place, place)
            found[place] = found.get(place, 0.0) + took
    return found, rounding_ms, values


def _values(facts: Mapping[str, Any]) -> int:
    """How many values a rounding made, as the runtime tells the shape of its result."""
    return sum(
        int(np.prod(shape)) for one in facts.get("output_type_shape", []) for shape in one.values()
    )
