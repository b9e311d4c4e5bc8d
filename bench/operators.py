"""Where a network's time goes, by the runtime's own profiler: milliseconds a run by operator.

Profiling costs a little at each node, so these are shares and no times to compare; the times of the
networks are measured without it.
"""

import json
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

import edgeinfer as ei
from layers import INPUT
from peers import Tensor

RUNS = 30
US_PER_MS = 1000
_KERNEL = "_kernel_time"

Operators = Mapping[str, float]


def by_edgeinfer(model: Path, tensor: Tensor) -> Operators:
    """Of the session that edgeinfer makes of ``model`` with one thread."""
    with tempfile.TemporaryDirectory() as folder:
        options = ei.SessionOptions(profile=Path(folder, "profile"))
        with ei.Session(model, threads=1, options=options) as session:
            for _ in range(RUNS):
                session.run(tensor)
            # The second file, if there is one, is of a tail that was cut off.
            return _read(session.end_profiling()[0])


def by_onnxruntime(model: Path, tensor: Tensor) -> Operators:
    """Of onnxruntime's Python session with one thread."""
    with tempfile.TemporaryDirectory() as folder:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder, "profile"))
        session = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        for _ in range(RUNS):
            session.run(None, {INPUT: tensor})
        return _read(Path(session.end_profiling()))


def table(s8s8: Path, u8s8: Path, tensor: Tensor) -> list[str]:
    """The operators of edgeinfer on the S8S8 file beside those of onnxruntime on both, as lines."""
    return lines(
        {
            "edgeinfer, S8S8": by_edgeinfer(s8s8, tensor),
            "onnxruntime, U8S8": by_onnxruntime(u8s8, tensor),
            "onnxruntime, S8S8": by_onnxruntime(s8s8, tensor),
        }
    )


def _read(profile: Path | str) -> Operators:
    """Largest first; of each node the median over its runs."""
    return totals(json.loads(Path(profile).read_text()))


def totals(events: Iterable[Mapping[str, Any]]) -> Operators:
    """Milliseconds a run by operator, from the events that the runtime's profiler writes."""
    nodes: dict[tuple[str, str], list[float]] = defaultdict(list)
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith(_KERNEL):
            nodes[event["args"]["op_name"], event["name"]].append(event["dur"] / US_PER_MS)
    found: dict[str, float] = defaultdict(float)
    for (operator, _), times_ms in nodes.items():
        found[operator] += float(np.median(times_ms))
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))


def lines(sides: Mapping[str, Operators], least_share: float = 0.005) -> list[str]:
    """A table: operators by share of each side's time, the small ones in one line."""
    sums = {name: sum(found.values()) for name, found in sides.items()}
    shares = {
        name: {operator: took / sums[name] for operator, took in found.items()}
        for name, found in sides.items()
    }
    large = dict.fromkeys(
        operator
        for found in shares.values()
        for operator, share in found.items()
        if share >= least_share
    )
    table = ["share of the network's time by operator, from the runtime's profiler"]
    table += [_line("", list(sides))]
    for operator in large:
        found = [f"{shares[name].get(operator, 0):.1%}" for name in sides]
        table.append(_line(operator, found))
    rest = [
        f"{sum(share for operator, share in found.items() if operator not in large):.1%}"
        for found in shares.values()
    ]
    return [*table, _line("all others", rest)]


def _line(title: str, cells: Iterable[str]) -> str:
    return f"  {title:22}" + "".join(f"{cell:>22}" for cell in cells)
