"""Weights in 8 or 4 bits, everything that is computed in float.

A weight in 8 bits is written as Cast and Mul of a constant, which every runtime computes at load:
the network then takes the time, and the memory, of the float one. A product with weights in 4 bits
is MatMulNBits, which keeps them in 4 bits while running.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper

from edgeinfer.errors import InputError, ModelError
from edgeinfer.quantize.network import Network, attribute, subgraphs
from edgeinfer.quantize.plan import Decision, matching

__all__ = ["plan_weights", "stored_weights", "write_weights"]

# Below, the scales and the two nodes more eat up what the integers save.
_FEWEST: Final = 1024
# Values with a scale in common. Of 16, 32 and 64 the runtime has kernels everywhere for the last
# two; 32 keep 1.5 dB more of normally distributed weights, for 5 bits a weight instead of 4.5.
_BLOCK: Final = 32
# Normally distributed weights keep 21 dB in blocks of 4 bits. Much less means that single values
# dominate their blocks.
_LEAST_DB: Final = 15.0
_TOO_FEW: Final = "in 8 bits: 4 are too few for the weights of a convolution"


@dataclass(frozen=True)
class _Rounded:
    """Integers, scales that broadcast to them, and what is left of the signal, in decibels."""

    values: NDArray[np.int8]
    scales: NDArray[np.float32]
    sqnr_db: float


def stored_weights(node: NodeProto) -> dict[str, tuple[int, ...]]:
    """The constants that a node multiplies by, or looks up, and the axes that have a scale each.

    Axes are counted from the end where negative.
    """
    if node.domain not in ("", "ai.onnx"):
        return {}
    names = list(node.input) + [""] * 3
    if node.op_type == "Conv" or (node.op_type == "Gemm" and attribute(node, "transB", 0)):
        return {names[1]: (0,)}
    if node.op_type in ("ConvTranspose", "Gemm"):
        return {names[1]: (1,)}
    if node.op_type == "MatMul":
        # Whichever of both is constant; each matrix of a stack has scales of its own.
        return {names[1]: (-1,), names[0]: (-2,)}
    if node.op_type in ("LSTM", "GRU", "RNN"):
        return {names[1]: (0, 1), names[2]: (0, 1)}
    if node.op_type == "Gather":
        return {names[0]: (0,)}
    return {}


def plan_weights(network: Network, exclude: Sequence[str], bits: int) -> tuple[Decision, ...]:
    """Decide about each node: "weights8", "weights4" or "float".

    Raises:
        ModelError: no weights to store in integers.
        InputError: an entry of ``exclude`` fits no node.
    """
    excluded = matching(network, exclude)
    kept = {name for i in excluded for name in stored_weights(network.nodes[i])}
    decisions = []
    for i, node in enumerate(network.nodes):
        reason = "excluded" if i in excluded else _why_float(network, node, kept)
        if reason:
            decisions.append(Decision("float", reason))
        elif bits == 8:
            decisions.append(Decision("weights8"))
        else:
            why = _why_not_in_4_bits(network, node)
            decisions.append(Decision("weights8", why) if why else Decision("weights4"))
    if all(decision.kind == "float" for decision in decisions):
        reasons = sorted({decision.reason for decision in decisions})
        raise ModelError(
            f"found no weights to store in {bits} bits, wanted constants of {_FEWEST} or more "
            f"float32 numbers; what there is: {'; '.join(reasons[:5])}"
        )
    return tuple(decisions)


def write_weights(
    network: Network, decisions: Sequence[Decision]
) -> tuple[ModelProto, tuple[Decision, ...]]:
    """The model with its weights in integers, and what became of each node in the end.

    ``network`` is left as it is. Products whose weights 4 bits would spoil get 8.

    Raises:
        InputError: weights that are not finite.

    Cost: a second for 10 million weights in 4 bits; memory: three copies of the largest.
    """
    twin = ModelProto()
    twin.CopyFrom(network.model)
    made = Network(twin)
    final = list(decisions)
    front: list[NodeProto] = []
    nodes: list[NodeProto] = []
    kept_db: dict[str, float] = {}
    for i, node in enumerate(made.nodes):
        if final[i].kind == "weights4":
            rounded = _rounded_in_blocks(_finite(network, node.input[1]), *_sides(node))
            if rounded.sqnr_db >= _LEAST_DB:
                nodes += _product(made, node, rounded)
                final[i] = Decision("weights4", f"its weights keep {rounded.sqnr_db:.1f} dB")
                continue
            final[i] = Decision(
                "weights8", f"in 8 bits: in 4 its weights would keep {rounded.sqnr_db:.1f} dB only"
            )
        if final[i].kind == "weights8":
            for name, axes in _chosen(network, node).items():
                if name not in kept_db:
                    whole = _rounded(_finite(network, name), axes)
                    front += _unfolded(made, name, whole)
                    kept_db[name] = whole.sqnr_db
            least = min(kept_db[name] for name in _chosen(network, node))
            text = f"its weights keep {least:.1f} dB"
            final[i] = Decision("weights8", "; ".join(filter(None, (final[i].reason, text))))
        nodes.append(node)
    made.nodes = front + nodes
    if any(decision.kind == "weights4" for decision in final):
        _use_domain(made.model, "com.microsoft")
    made.store()
    return made.model, tuple(final)


def _chosen(network: Network, node: NodeProto) -> dict[str, tuple[int, ...]]:
    """Of the node's weights those that are worth it."""
    return {
        name: axes
        for name, axes in stored_weights(node).items()
        if name in network.constants
        and network.is_float(name)
        and len(network.constants[name].dims) >= 2
        and np.prod(network.constants[name].dims) >= _FEWEST
    }


def _why_float(network: Network, node: NodeProto, kept: set[str]) -> str:
    weights = stored_weights(node)
    if any(subgraphs(node)):
        return f"{node.op_type} holds graphs, which are left as they are"
    if not weights:
        return f"{node.op_type} has no weights"
    constants = [name for name in weights if name in network.constants]
    if not constants:
        return "its weights are not constant"
    if not any(map(network.is_float, constants)):
        return "not float32"
    chosen = _chosen(network, node)
    if not chosen:
        return f"fewer than {_FEWEST} weights"
    return "its weights are those of an excluded node" if kept.intersection(chosen) else ""


def _why_not_in_4_bits(network: Network, node: NodeProto) -> str:
    """Why a node with weights gets 8 bits all the same; "" if it can have 4."""
    if node.op_type in ("Conv", "ConvTranspose"):
        return _TOO_FEW
    if node.op_type not in ("MatMul", "Gemm"):
        return f"in 8 bits: the runtime has no kernel for {node.op_type} with 4"
    weights, shape = network.constants.get(node.input[1]), network.shape(node.input[0])
    if weights is None or len(weights.dims) != 2 or shape is None or len(shape) < 2:
        return "in 8 bits: no product with one matrix of weights on the right"
    if node.op_type == "Gemm" and (
        attribute(node, "alpha", 1.0) != 1
        or attribute(node, "beta", 1.0) != 1
        or attribute(node, "transA", 0)
    ):
        return "in 8 bits: alpha, beta or transA"
    return ""


def _finite(network: Network, name: str) -> NDArray[np.float32]:
    values = network.constant(name)
    assert values is not None
    if not np.isfinite(values).all():
        raise InputError(f"weights {name!r}: found NaN or infinity, wanted finite numbers")
    return values


def _rounded(values: NDArray[np.float32], axes: tuple[int, ...]) -> _Rounded:
    """Symmetric integers, a scale for each place along ``axes``, and for each matrix of a stack."""
    own = {axis % values.ndim for axis in axes}
    if axes[0] < 0:
        own |= set(range(values.ndim - 2))
    rest = tuple(axis for axis in range(values.ndim) if axis not in own)
    largest = np.abs(values).max(axis=rest, keepdims=True)
    scales = _usable(largest / np.float32(127))
    integers = np.clip(np.rint(values / scales), -127, 127).astype(np.int8)
    return _Rounded(integers, scales, _kept_db(values, integers * scales))


def _unfolded(network: Network, name: str, rounded: _Rounded) -> list[NodeProto]:
    """The nodes that give the weights back under their old name."""
    integers = network.add_constant(f"{name}_weights8", rounded.values)
    scales = network.add_constant(f"{name}_scale", rounded.scales)
    cast = network.free_name(f"{name}_cast")
    del network.constants[name]
    to = int(onnx.TensorProto.FLOAT)
    return [
        helper.make_node("Cast", [integers], [cast], cast, to=to),
        helper.make_node("Mul", [cast, scales], [name], network.free_name(f"{name}_mul")),
    ]


def _sides(node: NodeProto) -> tuple[bool]:
    """Whether the weights lie with a row for each output already."""
    return (node.op_type == "Gemm" and bool(attribute(node, "transB", 0)),)


def _rounded_in_blocks(values: NDArray[np.float32], by_rows: bool) -> _Rounded:
    """Integers of 4 bits (rows, blocks, 32), each block on the scale that leaves the least error.

    The one of -8 to 7 that reaches farther may lie on either side, and the largest value may be cut
    off a little where that serves the others.
    """
    rows = values if by_rows else values.T
    padded = np.pad(rows, ((0, 0), (0, -rows.shape[1] % _BLOCK)))
    blocks = padded.reshape(len(rows), -1, _BLOCK)
    integers = np.empty(blocks.shape, np.int8)
    scales = np.empty((*blocks.shape[:2], 1), np.float32)
    step = max(1, (1 << 20) // max(padded.shape[1], 1))
    for first in range(0, len(blocks), step):
        part = slice(first, first + step)
        integers[part], scales[part] = _best_of_block(blocks[part])
    return _Rounded(integers, scales, _kept_db(blocks, integers * scales))


def _best_of_block(
    blocks: NDArray[np.float32],
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    place = np.abs(blocks).argmax(axis=-1)[..., None]
    extreme = np.take_along_axis(blocks, place, axis=-1)
    best = np.zeros(blocks.shape, np.int8)
    chosen = np.ones(extreme.shape, np.float32)
    least = np.full(extreme.shape, np.inf, np.float32)
    for divisor in (7.0, 7.5, 8.0, 8.5, 9.0, 9.5, 10.0, 11.0):
        scales = _usable(-extreme / np.float32(divisor))
        integers = np.clip(np.rint(blocks / scales), -8, 7)
        error = np.square(integers * scales - blocks).sum(axis=-1, keepdims=True)
        better = error < least
        best = np.where(better, integers, best).astype(np.int8)
        chosen = np.where(better, scales, chosen)
        least = np.where(better, error, least)
    return best, chosen


def _product(network: Network, node: NodeProto, rounded: _Rounded) -> list[NodeProto]:
    """MatMulNBits in the node's place, and the Add of a Gemm's bias."""
    rows, blocks, _ = rounded.values.shape
    nibbles = (rounded.values + 8).astype(np.uint8)
    packed = nibbles[..., 0::2] | nibbles[..., 1::2] << 4
    dims = network.constants[node.input[1]].dims
    bias = node.input[2] if len(node.input) > 2 else ""
    name = node.input[1]
    result = network.free_name(f"{node.output[0]}_product") if bias else node.output[0]
    product = helper.make_node(
        "MatMulNBits",
        [
            node.input[0],
            network.add_constant(f"{name}_weights4", packed),
            network.add_constant(f"{name}_scale", rounded.scales.reshape(rows, blocks)),
        ],
        [result],
        node.name,
        domain="com.microsoft",
        K=dims[1] if _sides(node)[0] else dims[0],
        N=rows,
        bits=4,
        block_size=_BLOCK,
        # Activations in 8 bits within the kernel, far finer than the weights: four times as fast.
        accuracy_level=4,
    )
    if not bias:
        return [product]
    add = network.free_name(f"{node.output[0]}_bias")
    return [product, helper.make_node("Add", [result, bias], [node.output[0]], add)]


def _usable(scales: NDArray[np.float32]) -> NDArray[np.float32]:
    """Where all weights are zero or next to it, any scale serves."""
    tiny = np.abs(scales) < np.finfo(np.float32).tiny
    return np.where(tiny, np.float32(1), scales).astype(np.float32)


def _kept_db(values: NDArray[Any], rounded: NDArray[Any]) -> float:
    """Decibels of the weights over what rounding changed."""
    flat = values.reshape(-1)
    error = flat - rounded.reshape(-1)
    signal, noise = float(flat @ flat), float(error @ error)
    if noise == 0:
        return float("inf")
    return float(10 * np.log10(signal / noise)) if signal else float("-inf")


def _use_domain(model: ModelProto, domain: str) -> None:
    if all(one.domain != domain for one in model.opset_import):
        model.opset_import.append(helper.make_opsetid(domain, 1))
