"""Which nodes compute in integers, which merge into another, and which stay in float and why."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final, Literal

import numpy as np
from onnx import NodeProto

from edgeinfer.errors import InputError
from edgeinfer.quantize.network import Network, attribute, label

__all__ = ["Decision", "Plan", "is_weighted", "make_plan", "matching", "value_inputs"]

# The runtime has integer kernels for these; each group is told by where the scales come from.
# Constant weights, with a scale for each channel:
_WEIGHTED: Final = frozenset(("Conv", "Gemm", "MatMul"))
# Results of a size of their own:
_OWN_GRID: Final = frozenset(
    ("Add", "Mul", "Concat", "AveragePool", "GlobalAveragePool", "LeakyRelu", "Sigmoid")
)
# Results that hold the values of the input, so its scale serves both:
_SAME_GRID: Final = frozenset(
    (
        *("MaxPool", "Resize", "Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze"),
        *("Slice", "Gather", "Split"),
    )
)
# Those that only cut off what the integers of the tensor before need not hold either:
_MERGED: Final = frozenset(("Relu", "Clip"))
_SEVERAL_VALUES: Final = frozenset(("Add", "Mul", "Concat"))


@dataclass(frozen=True)
class Decision:
    """What becomes of one node: "int8", "merged" into the node before it, or "float".

    "weights8" and "weights4": computed in float with weights stored in so many bits.
    """

    kind: Literal["int8", "merged", "float", "weights8", "weights4"]
    reason: str = ""


@dataclass(frozen=True)
class Plan:
    """What becomes of the nodes, and which tensors become integers.

    Attributes:
        decisions: by place in ``network.nodes``.
        owner: each integer tensor, and the tensor whose scale it has: itself for most. What merged
            nodes read is not among them.
        bounds: what a merged activation leaves of a tensor's values, by its output.
    """

    decisions: tuple[Decision, ...]
    owner: dict[str, str]
    bounds: dict[str, tuple[float, float]]

    def measured(self, network: Network) -> tuple[str, ...]:
        """Tensors whose range calibration has to find."""
        return tuple(n for n in dict.fromkeys(self.owner.values()) if n not in network.constants)

    def ends(self, network: Network) -> frozenset[str]:
        """Tensors at which integers begin, or end with no weighted layer behind.

        Nothing should be cut off there: the largest scores are the answer, and a picture's values
        are bounded as they are.
        """
        read: set[str] = set()
        weighed: set[str] = set()
        for node, decision in zip(reversed(network.nodes), reversed(self.decisions), strict=True):
            if decision.kind != "float":
                read.update(value_inputs(network, node))
            if is_weighted(node) or weighed.intersection(node.output):
                weighed.update(node.input)
        last = {owner for name, owner in self.owner.items() if name not in read | weighed}
        return frozenset(last | set(network.inputs))


def make_plan(
    network: Network, exclude: Sequence[str] = (), in_float: Mapping[int, str] | None = None
) -> Plan:
    """Decide about each node.

    Weighted nodes are what pays. Others follow where they stand between such: behind the last one
    they are left in float, where the runtime needs no further step and nothing is lost.

    Args:
        network: prepared.
        exclude: names, results or operators of nodes to leave in float; ``*`` and ``?`` stand for
            any letters.
        in_float: places of more such nodes, each with the reason.

    Raises:
        InputError: an entry of ``exclude`` fits no node.
    """
    left = dict.fromkeys(matching(network, exclude), "excluded") | dict(in_float or {})
    reasons = [left.get(i) or _why_float(network, node) for i, node in enumerate(network.nodes)]
    integer = _forward(network, reasons)
    needed = _backward(network, reasons, integer)
    merged = _merged(network, reasons, integer, needed)
    decisions = []
    for i, node in enumerate(network.nodes):
        if i in merged:
            decisions.append(Decision("merged"))
        elif reasons[i]:
            decisions.append(Decision("float", reasons[i]))
        elif node.op_type in _MERGED:
            decisions.append(Decision("float", "not behind a node that could take it in"))
        elif is_weighted(node) or needed.intersection(node.output):
            if integer.issuperset(node.output):
                decisions.append(Decision("int8", _remark(node)))
            else:
                decisions.append(Decision("float", "its inputs are computed in float"))
        else:
            decisions.append(Decision("float", "no weighted layer follows"))
    return _with_tensors(network, tuple(decisions), needed, merged)


def is_weighted(node: NodeProto) -> bool:
    """Whether the node multiplies by weights."""
    return node.op_type in _WEIGHTED


def value_inputs(network: Network, node: NodeProto) -> list[str]:
    """Inputs that hold values, rather than weights, sizes or places."""
    names = node.input if node.op_type in _SEVERAL_VALUES else node.input[:1]
    return [name for name in names if name]


def matching(network: Network, exclude: Sequence[str], argument: str = "exclude") -> set[int]:
    """Places of the nodes that ``exclude`` means.

    Raises:
        InputError: an entry fits none.
    """
    if isinstance(exclude, str):
        raise InputError(f"{argument}: found the text {exclude!r}, wanted a list of names")
    names = [(label(node), *node.output, node.op_type) for node in network.nodes]
    found: set[int] = set()
    for pattern in exclude:
        fits = {
            i for i, ours in enumerate(names) if any(fnmatchcase(name, pattern) for name in ours)
        }
        if not fits:
            near = difflib.get_close_matches(pattern, {name for ours in names for name in ours})
            hint = f"; near to it: {', '.join(near)}" if near else ""
            raise InputError(
                f"{argument}: found {pattern!r}, which fits no node of the model{hint}"
            )
        found |= fits
    return found


def _why_float(network: Network, node: NodeProto) -> str:
    """Why the node could not be computed in integers wherever it stood; "" if it could."""
    op = node.op_type
    if node.domain not in ("", "ai.onnx") or op not in _WEIGHTED | _OWN_GRID | _SAME_GRID | _MERGED:
        return f"no integer kernel for {op}"
    if not all(map(network.is_float, (*value_inputs(network, node), *node.output[:1]))):
        return "not float32"
    if op in _WEIGHTED:
        return _why_not_weighted(network, node)
    if op == "Clip":
        low, high = _clip_bounds(network, node)
        return "" if low <= 0 <= high else f"cuts off at {low:g} and {high:g}, zero is not between"
    if op == "MaxPool" and len(node.output) > 1:
        return "its indices are wanted"
    if op == "Resize" and attribute(node, "mode", b"nearest") == b"cubic":
        return "cubic resizing goes beyond the values it reads"
    return ""


def _why_not_weighted(network: Network, node: NodeProto) -> str:
    weight = network.constants.get(node.input[1])
    if weight is None:
        return "its weights are not constant"
    if len(node.input) > 2 and node.input[2] and node.input[2] not in network.constants:
        return "its bias is not constant"
    if node.op_type == "MatMul" and len(weight.dims) != 2:
        return f"weights with {len(weight.dims)} axes, the runtime's kernel takes 2"
    if node.op_type == "Gemm":
        plain = attribute(node, "alpha", 1.0) == 1 and attribute(node, "beta", 1.0) == 1
        if not plain or attribute(node, "transA", 0):
            return "alpha, beta or transA"
        bias = network.constants.get(node.input[2]) if len(node.input) > 2 else None
        if bias is not None and list(bias.dims) != [_outputs(node, weight.dims)]:
            return "its bias is not one value for each output"
    return ""


def _remark(node: NodeProto) -> str:
    if node.op_type == "Resize" and attribute(node, "mode", b"nearest") == b"linear":
        return "between integers, but the runtime interpolates in float"
    return ""


def _outputs(node: NodeProto, dims: Sequence[int]) -> int:
    return dims[0] if node.op_type == "Conv" or attribute(node, "transB", 0) else dims[1]


def _clip_bounds(network: Network, node: NodeProto) -> tuple[float, float]:
    if node.op_type == "Relu":
        return 0.0, float("inf")
    bounds = [float("-inf"), float("inf")]
    for i, name in enumerate(node.input[1:3]):
        value = network.constant(name) if name else np.float32(bounds[i])
        # An unknown bound fits nowhere.
        bounds[i] = float("nan") if value is None or value.size != 1 else float(value.item())
    return bounds[0], bounds[1]


def _forward(network: Network, reasons: list[str]) -> set[str]:
    """Tensors that are or could be integers, looking from the inputs."""
    integer = set(network.inputs)
    for node, reason in zip(network.nodes, reasons, strict=True):
        if reason:
            continue
        values = value_inputs(network, node)
        # An image's own scaling stays exact in float.
        usable = integer if node.op_type in _SAME_GRID else integer - set(network.inputs)
        if is_weighted(node) or (
            any(name in usable for name in values)
            and all(name in usable or name in network.constants for name in values)
        ):
            integer.update(name for name in node.output if name)
    return integer


def _backward(network: Network, reasons: list[str], integer: set[str]) -> set[str]:
    """Tensors that a weighted node reads as integers, through others or at once."""
    needed: set[str] = set()
    for node, reason in zip(reversed(network.nodes), reversed(reasons), strict=True):
        if reason:
            continue
        if is_weighted(node):
            needed.add(node.input[0])
        elif needed.intersection(node.output) and integer.issuperset(node.output):
            needed.update(value_inputs(network, node))
    return needed


def _merged(network: Network, reasons: list[str], integer: set[str], needed: set[str]) -> set[int]:
    """Activations that the integers of the node before them express."""
    merged = set()
    for i, node in enumerate(network.nodes):
        if node.op_type not in _MERGED or reasons[i]:
            continue
        source = node.input[0]
        maker = network.maker.get(source)
        if maker is None or reasons[maker] or network.only_reader(source) is None:
            continue
        before = network.nodes[maker]
        # A convolution's result has to be integers in any case, a product's need not.
        wanted = node.output[0] in needed or before.op_type == "Conv"
        takes = is_weighted(before) or (before.op_type in _OWN_GRID and source in integer)
        if takes and wanted:
            merged.add(i)
    return merged


def _with_tensors(
    network: Network, decisions: tuple[Decision, ...], needed: set[str], merged: set[int]
) -> Plan:
    owner: dict[str, str] = {}
    bounds: dict[str, tuple[float, float]] = {}
    for node, decision in zip(network.nodes, decisions, strict=True):
        if decision.kind == "merged":
            owner.pop(node.input[0], None)
            owner[node.output[0]] = node.output[0]
            bounds[node.output[0]] = _clip_bounds(network, node)
        elif decision.kind == "int8":
            values = value_inputs(network, node)
            for name in values:
                owner.setdefault(name, name)
            if node.op_type in _SAME_GRID:
                owner.update({name: owner[values[0]] for name in node.output if name})
            elif node.op_type not in ("Gemm", "MatMul") or node.output[0] in needed:
                owner[node.output[0]] = node.output[0]
            if node.op_type == "Concat":
                _share_grid(network, node, owner, bounds)
    return Plan(decisions, owner, bounds)


def _share_grid(
    network: Network, node: NodeProto, owner: dict[str, str], bounds: dict[str, tuple[float, float]]
) -> None:
    """Let what a Concat reads be rounded as its result is: once instead of twice.

    Not where one part is cut off by a merged activation and another is not: the common grid could
    not express that.
    """
    names, result = value_inputs(network, node), node.output[0]
    if len({bounds.get(name) for name in names}) != 1:
        return
    own = [owner[name] == name and network.only_reader(name) is not None for name in names]
    made = [name in network.maker for name in names]
    if all(own) and all(made):
        owner.update(dict.fromkeys(names, result))
        if names[0] in bounds:
            bounds[result] = bounds[names[0]]
