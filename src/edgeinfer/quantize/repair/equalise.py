"""Cross-layer equalisation: channels of a tensor scaled so that all of them use its grid.

A channel that never comes near the ends of the grid is made larger by the layer before, and its
weights in the layers behind smaller: in float the network computes the same.

Source: Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction, 2019;
with ranges of channels that calibration saw.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto

from edgeinfer.quantize.candidate import Material
from edgeinfer.quantize.network import Network, attribute

__all__ = ["equalise", "factors_of", "scale_channels"]

# More would bet on samples that calibration did not see.
_LARGEST: Final = 16.0
# A channel may grow by so much beyond what was seen before it is cut off.
_ROOM: Final = 2.0
_LEAST: Final = 1.01


def equalise(material: Material) -> Material | None:
    """Scale the channels between each convolution and those that alone read it; None without any.

    Only upwards and within the range of the tensor, so that the range stays as calibration found
    it. Behind a Clip a channel is cut off where its scaled values leave the range, which none that
    was seen did.
    """
    twin = ModelProto()
    twin.CopyFrom(material.network.model)
    network = Network(twin)
    means: dict[str, NDArray[np.float64]] = {}
    observed = {tensor.name for tensor in material.ranges.tensors}
    for place, node in enumerate(network.nodes):
        found = _pair(material, network, place)
        if found is None or found[0] not in observed or found[0] in material.spans:
            continue
        tensor, readers = found
        low, high = material.ranges.range(tensor)
        statistics = material.ranges.statistics(tensor)
        reach = np.maximum(
            _used(statistics.channel_low(), low), _used(statistics.channel_high(), high)
        )
        weights = [_weights(network, one) for one in readers]
        outputs = network.constants[node.input[1]].dims[0]
        if len(reach) != outputs or any(value is None for value in weights):
            continue
        factors = factors_of(reach, _shares(readers, weights, outputs))
        if factors.max() < _LEAST:
            continue
        scale_channels(network, node, readers, factors)
        means[tensor] = factors
    if not means:
        return None
    network.store()
    return replace(material, network=network, factors={**material.factors, **means})


def factors_of(
    reach: NDArray[np.float64], shares: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """How much larger to make each channel, 1 or more.

    Args:
        reach: how far each channel's values go, as a share of the tensor's range.
        shares: how large its weights behind are, as a share of the largest; None where each channel
            has a scale of its own there, so that smaller weights cost nothing.
    """
    room = 1 / np.maximum(reach * _ROOM, 1 / _LARGEST)
    # Equal shares of both grids; never beyond the tensor's.
    wanted = room if shares is None else np.sqrt(shares * room)
    factors: NDArray[np.float64] = np.clip(np.minimum(wanted, room), 1.0, _LARGEST)
    # What float32 holds exactly rounds nothing.
    return np.asarray(np.exp2(np.floor(np.log2(factors) * 4) / 4).astype(np.float32), np.float64)


def scale_channels(
    network: Network, node: NodeProto, readers: Sequence[NodeProto], factors: NDArray[np.float64]
) -> None:
    """Multiply the results of a convolution, and divide in those that read them."""
    column = factors.reshape(-1, 1, 1, 1)
    _scale(network, node, 1, column)
    if len(node.input) > 2 and node.input[2]:
        _scale(network, node, 2, factors)
    for reader in readers:
        if _is_depthwise(network, reader):
            _scale(network, reader, 1, 1 / column)
        else:
            _scale(network, reader, 1, 1 / factors.reshape(1, -1, 1, 1))


def _scale(network: Network, node: NodeProto, slot: int, by: NDArray[np.float64]) -> None:
    name = node.input[slot]
    value = network.constant(name)
    assert value is not None
    node.input[slot] = network.add_constant(f"{name}.scaled", (value * by).astype(np.float32))


def _pair(
    material: Material, network: Network, place: int
) -> tuple[str, tuple[NodeProto, ...]] | None:
    """The tensor that a convolution makes, and the convolutions that alone read it."""
    node, plan = network.nodes[place], material.plan
    if node.op_type != "Conv" or plan.decisions[place].kind != "int8":
        return None
    if _weights(network, node) is None or (len(node.input) > 2 and not _is_constant(network, node)):
        return None
    tensor = node.output[0]
    merged = network.only_reader(tensor)
    if merged is not None and plan.decisions[merged].kind == "merged":
        tensor = network.nodes[merged].output[0]
        # Scaled, it has to be cut off where it was: only zero stays where it is.
        if plan.bounds.get(tensor, (0.0, 0.0))[0] not in (0.0, float("-inf")):
            return None
    places = network.readers.get(tensor, [])
    if not places or tensor in network.outputs or tensor in network.captured:
        return None
    for one in places:
        reader = network.nodes[one]
        whole = attribute(reader, "group", 1) == 1 or _is_depthwise(network, reader)
        if reader.op_type != "Conv" or plan.decisions[one].kind != "int8" or not whole:
            return None
    if plan.owner.get(tensor) != tensor:
        return None
    return tensor, tuple(network.nodes[one] for one in places)


def _is_constant(network: Network, node: NodeProto) -> bool:
    return not node.input[2] or node.input[2] in network.constants


def _weights(network: Network, node: NodeProto) -> NDArray[np.float32] | None:
    value = network.constant(node.input[1])
    return value if value is not None and value.ndim == 4 else None


def _is_depthwise(network: Network, node: NodeProto) -> bool:
    dims = network.constants[node.input[1]].dims
    return len(dims) == 4 and dims[1] == 1 and attribute(node, "group", 1) == dims[0]


def _used(seen: NDArray[np.float64], end: float) -> NDArray[np.float64]:
    return np.abs(seen) / abs(end) if end else np.zeros(len(seen))


def _shares(
    readers: Sequence[NodeProto], weights: Sequence[NDArray[np.float32] | None], channels: int
) -> NDArray[np.float64] | None:
    shares = None
    for node, value in zip(readers, weights, strict=True):
        if value is None or (value.shape[1] == 1 and attribute(node, "group", 1) == channels > 1):
            continue
        size = np.abs(value).max(axis=(0, 2, 3)).astype(np.float64)
        one = size / max(float(size.max()), 1e-30)
        shares = one if shares is None else np.maximum(shares, one)
    return shares
