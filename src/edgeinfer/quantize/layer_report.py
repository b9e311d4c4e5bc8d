"""What is told of each layer, gathered from the plan, the grids and the shapes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from onnx import NodeProto

from edgeinfer.calibrate import Ranges
from edgeinfer.quantize.evidence import seen
from edgeinfer.quantize.grid import Grid
from edgeinfer.quantize.network import Network, attribute, label
from edgeinfer.quantize.plan import Decision, Plan, is_weighted
from edgeinfer.quantize.report import LayerReport
from edgeinfer.quantize.targets import Target

__all__ = ["describe_layers", "multiply_adds"]

_WIDE: Final = "its result has 16 bits, for which the runtime has no kernel: it computes in float"


def describe_layers(
    network: Network,
    decisions: Sequence[Decision],
    target: Target,
    plan: Plan | None = None,
    grids: dict[str, Grid] | None = None,
    ranges: Ranges | None = None,
) -> tuple[LayerReport, ...]:
    """One report for each node, in order of execution.

    Args:
        plan, grids: of fixed ranges; without them no range is told.
        ranges: of calibration; without them nothing is told of the values seen.
    """
    # What a merged activation makes is the result of the node before it.
    results = {
        node.input[0]: node.output[0]
        for node, decision in zip(network.nodes, decisions, strict=True)
        if decision.kind == "merged"
    }
    reports = []
    for node, decision in zip(network.nodes, decisions, strict=True):
        weights = network.constants.get(node.input[1]) if is_weighted(node) else None
        result = results.get(node.output[0], node.output[0])
        grid = None
        if plan is not None and grids is not None:
            grid = grids.get(plan.owner.get(result, ""))
        kind = target.widened() if grid is not None and grid.wide else target
        low = None if grid is None else (kind.lowest - grid.zero_point) * grid.scale
        high = None if grid is None else (kind.highest - grid.zero_point) * grid.scale
        merged = decision.kind == "merged"
        reports.append(
            LayerReport(
                name=label(node),
                op=node.op_type,
                decision="int16" if kind is not target and not merged else decision.kind,
                reason=_WIDE if kind is not target and not merged else decision.reason,
                weights=None if weights is None else tuple(weights.dims),
                low=low,
                high=high,
                shape=network.shape(node.output[0]),
                macs=multiply_adds(network, node),
                into=label(network.nodes[network.maker[node.input[0]]]) if merged else "",
                **seen(ranges, result, low, high),
            )
        )
    return tuple(reports)


def multiply_adds(network: Network, node: NodeProto) -> int | None:
    """How many products a run of the node sums up; None without weights or a known shape."""
    if not is_weighted(node):
        return None
    weights, result = network.shape(node.input[1]), network.shape(node.output[0])
    if weights is None or result is None or None in weights:
        return None
    # A batch whose size is not fixed counts once.
    values = math.prod(size or 1 for size in result)
    sizes = [size or 1 for size in weights]
    if node.op_type == "Conv":
        return values * math.prod(sizes[1:])
    transposed = node.op_type == "Gemm" and attribute(node, "transB", 0)
    return values * sizes[-1 if transposed else -2 if len(sizes) > 1 else 0]
