"""Write a calibrated network in integers, some layers left in float.

QuantizeLinear and DequantizeLinear stand around what computes in integers.

The runtime turns each group of DequantizeLinear, node, QuantizeLinear into one integer kernel.
A tensor keeps its name where it is read: there it is the dequantised one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper

from edgeinfer.errors import InputError
from edgeinfer.quantize.grid import Grid, Search, Weights, quantize_bias, quantize_weights
from edgeinfer.quantize.kept_float import keep_in_float
from edgeinfer.quantize.network import Network, attribute
from edgeinfer.quantize.plan import Plan, is_weighted, value_inputs
from edgeinfer.quantize.repair.bias import mean_shift
from edgeinfer.quantize.targets import Target

__all__ = ["write_static"]

# A node takes as many bytes as the scales of so many channels.
_LEAST_PRODUCT: Final = 8

# ONNX itself has 16 bits only from opset 21 on.
_WIDE: Final = "com.microsoft"


def write_static(
    network: Network,
    plan: Plan,
    grids: dict[str, Grid],
    target: Target,
    mean_of: Callable[[str], NDArray[np.float64] | None] | None = None,
    search: Search | None = None,
) -> ModelProto:
    """The model in integers; ``network`` is left as it is.

    Args:
        mean_of: mean of each channel of a tensor, None where it is not known. The weights' rounding
            moves the mean of a result; given the mean of what they multiply, biases undo that.
        search: looks for the scales of weights; None: the smallest that clip nothing.
    """
    return _Writer(network, plan, grids, target, mean_of or (lambda _: None), search).write()


class _Writer:
    def __init__(
        self,
        network: Network,
        plan: Plan,
        grids: dict[str, Grid],
        target: Target,
        mean_of: Callable[[str], NDArray[np.float64] | None],
        search: Search | None,
    ) -> None:
        twin = ModelProto()
        twin.CopyFrom(network.model)
        self._network = Network(twin)
        self._plan = plan
        self._grids = grids
        self._target = target
        self._mean_of = mean_of
        self._search = search
        self._nodes: list[NodeProto] = []
        self._grid_names: dict[str, list[str]] = {}
        self._dequantized: dict[str, str] = {}
        self._weights: dict[tuple[str, ...], tuple[str, str]] = {}

    def write(self) -> ModelProto:
        network, owner = self._network, self._plan.owner
        # What a merged activation makes is made by the node before it.
        renamed = {
            node.input[0]: node.output[0]
            for node, decision in zip(network.nodes, self._plan.decisions, strict=True)
            if decision.kind == "merged"
        }
        for name in network.inputs:
            if name in owner:
                self._round(name, name, f"{name}_dequantized")
        for node, decision in zip(network.nodes, self._plan.decisions, strict=True):
            if decision.kind == "merged":
                continue
            for i, name in enumerate(node.output):
                node.output[i] = renamed.get(name, name)
            if decision.kind == "int8":
                self._read_integers(node)
            made = [name for name in node.output if name in owner]
            raw = {}
            if decision.kind == "int8":
                raw = {name: network.free_name(f"{name}_float") for name in made}
                for i, name in enumerate(node.output):
                    node.output[i] = raw.get(name, name)
            self._nodes.append(node)
            for name in made:
                if decision.kind == "int8":
                    self._round(name, raw[name], name)
                else:
                    self._round(name, name, f"{name}_dequantized")
        network.nodes = self._nodes
        domains = {one.domain for one in network.model.opset_import}
        if _WIDE not in domains and any(node.domain == _WIDE for node in network.nodes):
            network.model.opset_import.append(helper.make_opsetid(_WIDE, 1))
        _forget_shapes(network, renamed)
        network.store()
        keep_in_float(network)
        return network.model

    def _read_integers(self, node: NodeProto) -> None:
        values = value_inputs(self._network, node)
        if is_weighted(node):
            self._quantize_weights(node)
        for i, name in enumerate(node.input):
            if name in values:
                if name in self._network.constants and name not in self._dequantized:
                    self._store_constant(name)
                node.input[i] = self._dequantized[name]

    def _round(self, tensor: str, source: str, result: str) -> None:
        """Append QuantizeLinear and DequantizeLinear."""
        result = result if result == tensor else self._network.free_name(result)
        integers = self._network.free_name(f"{tensor}_quantized")
        grid = self._grid(tensor)
        domain = _WIDE if self._grids[self._plan.owner[tensor]].wide else None
        self._nodes += [
            helper.make_node(
                "QuantizeLinear",
                [source, *grid],
                [integers],
                f"{tensor}_quantize",
                domain=domain,
            ),
            helper.make_node(
                "DequantizeLinear",
                [integers, *grid],
                [result],
                f"{tensor}_dequantize",
                domain=domain,
            ),
        ]
        self._dequantized[tensor] = result

    def _integers(self, owner: str) -> Target:
        """The types of a tensor's integers."""
        return self._target.widened() if self._grids[owner].wide else self._target

    def _grid(self, tensor: str) -> list[str]:
        """Names of the constants that hold the tensor's scale and zero point."""
        owner = self._plan.owner[tensor]
        if owner not in self._grid_names:
            grid = self._grids[owner]
            zero_point = np.array(grid.zero_point, self._integers(owner).dtype)
            self._grid_names[owner] = [
                self._network.add_constant(f"{owner}_scale", np.array(grid.scale, np.float32)),
                self._network.add_constant(f"{owner}_zero_point", zero_point),
            ]
        return self._grid_names[owner]

    def _store_constant(self, name: str) -> None:
        value = self._network.constant(name)
        assert value is not None
        grid = self._grids[self._plan.owner[name]]
        kind = self._integers(self._plan.owner[name])
        integers = np.rint(value / np.float32(grid.scale)) + grid.zero_point
        integers = np.clip(integers, kind.lowest, kind.highest).astype(kind.dtype)
        stored = self._network.add_constant(f"{name}_quantized", integers)
        result = self._network.free_name(f"{name}_dequantized")
        self._nodes.append(
            helper.make_node(
                "DequantizeLinear",
                [stored, *self._grid(name)],
                [result],
                domain=_WIDE if self._grids[self._plan.owner[name]].wide else None,
            )
        )
        self._dequantized[name] = result

    def _quantize_weights(self, node: NodeProto) -> None:
        name, source = node.input[1], node.input[0]
        bias_name = node.input[2] if len(node.input) > 2 else ""
        owner = self._plan.owner[source]
        key = (name, bias_name, owner, str(_channel_axis(node)))
        if key not in self._weights:
            self._weights[key] = self._store_weights(node, name, bias_name, source)
        stored = self._weights[key]
        node.input[1] = stored[0]
        if stored[1]:
            del node.input[2:]
            node.input.append(stored[1])

    def _store_weights(
        self, node: NodeProto, name: str, bias_name: str, source: str
    ) -> tuple[str, str]:
        """Names of the dequantised weights and bias, "" without one."""
        network = self._network
        input_scale = self._grids[self._plan.owner[source]].scale
        values = network.constant(name)
        bias = network.constant(bias_name) if bias_name else None
        assert values is not None
        if not np.isfinite(values).all() or (bias is not None and not np.isfinite(bias).all()):
            raise InputError(f"weights {name!r}: found NaN or infinity, wanted finite numbers")
        axis = _channel_axis(node)
        made = quantize_weights(values, axis, self._target, input_scale, bias, self._search)
        moved = self._moved_mean(node, source, values, made)
        if moved is not None:
            bias = (moved if bias is None else bias + moved).astype(np.float32)
        weights = [
            network.add_constant(f"{name}_quantized", made.values),
            network.add_constant(f"{name}_scale", made.scales),
        ]
        if node.op_type != "Conv":
            # Zeros, without which the runtime leaves a Gemm in float.
            zeros = np.zeros(len(made.scales), np.int8)
            weights.append(network.add_constant(f"{name}_zero_point", zeros))
        result = self._dequantize(name, weights, axis)
        if bias is None:
            return result, ""
        integers, scales = quantize_bias(bias, input_scale, made.scales)
        factors = [self._grid(source)[0], weights[1]]
        name = bias_name or f"{node.output[0]}_bias"
        stored = network.add_constant(f"{name}_quantized", integers)
        return result, self._dequantize(name, [stored, self._product(name, scales, factors)], 0)

    def _product(self, name: str, scales: NDArray[np.float32], factors: list[str]) -> str:
        """The name of what is equal to ``scales``: computed by the runtime when it loads the file,
        where that takes fewer bytes."""
        if len(scales) < _LEAST_PRODUCT:
            return self._network.add_constant(f"{name}_scale", scales)
        result = self._network.free_name(f"{name}_scale")
        self._nodes.append(helper.make_node("Mul", factors, [result]))
        return result

    def _moved_mean(
        self, node: NodeProto, source: str, values: NDArray[np.float32], made: Weights
    ) -> NDArray[np.float64] | None:
        """By how much the float result's mean lies above the rounded one's, for each channel."""
        mean = self._mean_of(source)
        if mean is None or node.op_type == "MatMul":
            return None
        return mean_shift(values, made, mean, attribute(node, "group", 1))

    def _dequantize(self, name: str, inputs: list[str], axis: int) -> str:
        result = self._network.free_name(f"{name}_dequantized")
        self._nodes.append(
            helper.make_node("DequantizeLinear", inputs, [result], result, axis=axis)
        )
        return result


def _channel_axis(node: NodeProto) -> int:
    if node.op_type == "Conv" or (node.op_type == "Gemm" and attribute(node, "transB", 0)):
        return 0
    return 1


def _forget_shapes(network: Network, names: dict[str, str]) -> None:
    """Drop what was noted about tensors that are gone."""
    kept = [value for value in network.model.graph.value_info if value.name not in names]
    copies = [type(value)() for value in kept]
    for copy, value in zip(copies, kept, strict=True):
        copy.CopyFrom(value)
    del network.model.graph.value_info[:]
    network.model.graph.value_info.extend(copies)
