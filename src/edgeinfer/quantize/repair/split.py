"""Scales of their own for what a Concat joins: boxes and scores, or branches of different size.

What ends in a Concat behind the last layer with weights ends in float before it, whatever is
repaired; here are those in the middle, whose parts else share the grid of the whole.
"""

from __future__ import annotations

from dataclasses import replace

from edgeinfer.quantize.candidate import Material
from edgeinfer.quantize.network import attribute

__all__ = ["split_scales"]


def split_scales(material: Material) -> Material | None:
    """Give each part the range of the whole as far as its own channels reach; None without any."""
    network, plan, ranges = material.network, material.plan, material.ranges
    owner, spans = dict(plan.owner), dict(material.spans)
    observed = {tensor.name for tensor in ranges.tensors}
    for node, decision in zip(network.nodes, plan.decisions, strict=True):
        result = node.output[0] if node.output else ""
        if node.op_type != "Concat" or decision.kind != "int8" or result not in observed:
            continue
        shapes = [network.shape(name) for name in node.input]
        sizes = [shape[1] if shape is not None and len(shape) > 1 else None for shape in shapes]
        statistics = ranges.statistics(result)
        if attribute(node, "axis") != 1 or None in sizes or any(size == 0 for size in sizes):
            continue
        low, high = statistics.channel_low(), statistics.channel_high()
        if len(low) != sum(size or 0 for size in sizes):
            continue
        span, first = ranges.range(result), 0
        for name, size in zip(node.input, sizes, strict=True):
            last = first + (size or 0)
            if owner.get(name) == result and name != result:
                owner[name] = name
                spans[name] = (
                    max(span.low, min(float(low[first:last].min()), 0.0)),
                    min(span.high, max(float(high[first:last].max()), 0.0)),
                )
            first = last
    if len(spans) == len(material.spans):
        return None
    return replace(material, plan=replace(plan, owner=owner), spans=spans)
