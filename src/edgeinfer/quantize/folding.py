"""Work that need not be done at run time: constants, normalisation, averages spelt otherwise."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from edgeinfer.options import SessionOptions
from edgeinfer.quantize.network import Network, attribute, subgraphs
from edgeinfer.session import Session

__all__ = ["fold_affine", "fold_constants", "pool_means", "skip_identities"]

# What gives another result each time.
_RANDOM: Final = frozenset(
    (
        *("Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike"),
        *("RandomUniform", "RandomUniformLike"),
    )
)
# A constant that a hostile file unfolds may not take more than this.
_FOLD_MB: Final = 512


def fold_constants(network: Network) -> int:
    """Replace what depends on constants and fixed shapes only by its value; how many nodes went.

    The runtime computes the values, so they are those that it would use.
    """
    shapes = _known_shapes(network)
    known = set(network.constants) | set(shapes)
    folded = []
    for i, node in enumerate(network.nodes):
        if not any(name in network.outputs for name in node.output) and (
            all(name in shapes for name in node.output) or _is_foldable(node, known)
        ):
            folded.append(i)
            known.update(node.output)
    if not folded:
        return 0
    gone = set(folded)
    wanted = {
        name
        for i in folded
        for name in network.nodes[i].output
        if name in network.captured or any(r not in gone for r in network.readers.get(name, []))
    }
    for name in wanted & set(shapes):
        network.constants[name] = onnx.numpy_helper.from_array(shapes[name], name)
    computed = _computed(
        network,
        [i for i in folded if _is_computed(network, i, shapes)],
        shapes,
        sorted(wanted - set(shapes)),
    )
    for name, value in computed.items():
        network.constants[name] = onnx.numpy_helper.from_array(value, name)
    network.nodes = [node for i, node in enumerate(network.nodes) if i not in gone]
    network.store()
    return len(folded)


def _known_shapes(network: Network) -> dict[str, NDArray[np.int64]]:
    shapes = {}
    for node in network.nodes:
        if node.op_type == "Shape" and not node.attribute and not node.domain:
            shape = network.shape(node.input[0])
            if shape is not None and None not in shape:
                shapes[node.output[0]] = np.array(shape, np.int64)
    return shapes


def _is_foldable(node: onnx.NodeProto, known: set[str]) -> bool:
    if node.domain not in ("", "ai.onnx") or node.op_type in _RANDOM or any(subgraphs(node)):
        return False
    return all(not name or name in known for name in node.input)


def _is_computed(network: Network, i: int, shapes: dict[str, Any]) -> bool:
    return not all(name in shapes for name in network.nodes[i].output)


def _computed(
    network: Network, nodes: list[int], shapes: dict[str, NDArray[np.int64]], wanted: list[str]
) -> dict[str, NDArray[Any]]:
    if not wanted:
        return {}
    read = {name for i in nodes for name in network.nodes[i].input}
    given = [onnx.numpy_helper.from_array(shapes[name], name) for name in read if name in shapes]
    given += [one for name, one in network.constants.items() if name in read - set(shapes)]
    graph = helper.make_graph([network.nodes[i] for i in nodes], "constants", [], [], given)
    part = helper.make_model(
        graph, opset_imports=network.model.opset_import, ir_version=network.model.ir_version
    )
    inferred = onnx.shape_inference.infer_shapes(part)
    types = {value.name: value for value in inferred.graph.value_info}
    part.graph.output.extend(types.get(n, onnx.ValueInfoProto(name=n)) for n in wanted)
    options = SessionOptions(arena_mb=_FOLD_MB)
    with Session(part.SerializeToString(), threads=1, options=options, cache=False) as session:
        return session.run({})


def skip_identities(network: Network) -> int:
    """Take out Identity, and Dropout as it is at run time; how many nodes went."""
    kept: list[onnx.NodeProto] = []
    other: dict[str, str] = {}
    for node in network.nodes:
        name = node.output[0] if node.output else ""
        passes = node.op_type in ("Identity", "Dropout") and node.domain in ("", "ai.onnx")
        # A name that the caller or an inner graph reads has to stay.
        unseen = name not in network.outputs and name not in network.captured
        mask_unread = not any(out and network.readers.get(out) for out in node.output[1:])
        if passes and unseen and mask_unread and not any(o in network.outputs for o in node.output):
            training = network.constant(node.input[2]) if len(node.input) > 2 else None
            if (
                len(node.input) <= 2
                or not node.input[2]
                or (training is not None and not training.any())
            ):
                other[name] = other.get(node.input[0], node.input[0])
                continue
        kept.append(node)
    for node in kept:
        for i, name in enumerate(node.input):
            node.input[i] = other.get(name, name)
    if other:
        network.nodes = kept
        network.store()
    return len(other)


def fold_affine(network: Network) -> int:
    """Fold what only scales and shifts channels into the convolution before; how many nodes went.

    BatchNormalization, and Mul and Add of constants. In float64, rounded once.
    """
    gone: set[int] = set()
    for i, node in enumerate(network.nodes):
        if node.op_type != "Conv" or i in gone:
            continue
        while (reader := network.only_reader(node.output[0])) is not None and reader not in gone:
            follower = network.nodes[reader]
            weight = network.constant(node.input[1])
            bias = _bias(network, node)
            if weight is None or bias is None or weight.dtype != np.float32:
                break
            affine = _affine(network, follower, node.output[0], len(bias), weight.ndim)
            if affine is None:
                break
            factor, offset = affine
            scaled = weight.astype(np.float64) * factor.reshape(-1, *[1] * (weight.ndim - 1))
            shifted = bias * factor + offset
            name = node.output[0]
            node.input[1] = network.add_constant(f"{name}.weight", scaled.astype(np.float32))
            del node.input[2:]
            node.input.append(network.add_constant(f"{name}.bias", shifted.astype(np.float32)))
            node.output[0] = follower.output[0]
            gone.add(reader)
    if gone:
        network.nodes = [node for i, node in enumerate(network.nodes) if i not in gone]
        network.store()
    return len(gone)


def _bias(network: Network, node: onnx.NodeProto) -> NDArray[np.float64] | None:
    if len(node.input) > 2 and node.input[2]:
        bias = network.constant(node.input[2])
        return None if bias is None else bias.astype(np.float64)
    shape = network.shape(node.input[1])
    return None if shape is None or shape[0] is None else np.zeros(shape[0])


def _affine(
    network: Network, node: onnx.NodeProto, source: str, channels: int, rank: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """(factor, offset) of each channel, if that is all that the node does to ``source``."""
    if node.domain not in ("", "ai.onnx"):
        return None
    if node.op_type == "BatchNormalization":
        values = [network.constant(name) for name in node.input[1:5]]
        if node.input[0] != source or attribute(node, "training_mode", 0) or len(node.output) > 1:
            return None
        if any(value is None for value in values):
            return None
        gamma, beta, mean, variance = (np.asarray(v, np.float64) for v in values)
        factor = gamma / np.sqrt(variance + attribute(node, "epsilon", 1e-5))
        return factor, beta - mean * factor
    if node.op_type not in ("Mul", "Add"):
        return None
    others = [name for name in node.input if name != source]
    value = network.constant(others[0]) if len(others) == 1 else None
    per_channel = (channels, *[1] * (rank - 2))
    if value is None or value.dtype != np.float32:
        return None
    if value.size == 1 and value.ndim <= rank:
        value = np.full(channels, value.reshape(()))
    elif value.shape not in (per_channel, (1, *per_channel)):
        return None
    one = value.reshape(-1).astype(np.float64)
    return (one, np.zeros(channels)) if node.op_type == "Mul" else (np.ones(channels), one)


def pool_means(network: Network) -> int:
    """Spell ReduceMean over height and width as GlobalAveragePool, which has an int8 kernel."""
    kept, changed = [], 0
    for node in network.nodes:
        if node.op_type != "ReduceMean" or not _is_mean_of_planes(network, node):
            kept.append(node)
            continue
        changed += 1
        keeps = attribute(node, "keepdims", 1)
        pooled = node.output[0] if keeps else network.free_name(f"{node.output[0]}.pooled")
        kept.append(
            helper.make_node("GlobalAveragePool", [node.input[0]], [pooled], name=node.name)
        )
        if not keeps:
            kept.append(helper.make_node("Flatten", [pooled], [node.output[0]], axis=1))
    if changed:
        network.nodes = kept
        network.store()
    return changed


def _is_mean_of_planes(network: Network, node: onnx.NodeProto) -> bool:
    shape = network.shape(node.input[0])
    axes = attribute(node, "axes")
    if axes is None and len(node.input) > 1:
        axes = network.constant(node.input[1])
    if shape is None or len(shape) != 4 or axes is None:
        return False
    return sorted(int(axis) % 4 for axis in axes) == [2, 3] and network.is_float(node.input[0])
