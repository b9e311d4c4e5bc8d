"""Write a network whose activations are rounded while running.

DynamicQuantizeLinear looks for the range of an activation; the runtime fuses it and what follows
into one operation where it has one. The arithmetic is that of onnxruntime's own quantiser.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper

from edgeinfer.errors import InputError
from edgeinfer.quantize.network import Network, attribute
from edgeinfer.quantize.plan import Decision
from edgeinfer.quantize.targets import Target

__all__ = ["write_dynamic"]


def write_dynamic(network: Network, decisions: Sequence[Decision], target: Target) -> ModelProto:
    """The model with the chosen nodes in integers; ``network`` is left as it is.

    Activations become uint8, whatever the processor: the kernels take no other.

    Raises:
        InputError: weights that are not finite.
    """
    twin = ModelProto()
    twin.CopyFrom(network.model)
    return _Writer(Network(twin), target).write(decisions)


class _Writer:
    def __init__(self, network: Network, target: Target) -> None:
        self._network = network
        self._target = target
        self._nodes: list[NodeProto] = []
        self._integers: dict[str, tuple[str, str, str]] = {}

    def write(self, decisions: Sequence[Decision]) -> ModelProto:
        writers = {
            "MatMul": self._product,
            "Gemm": self._product,
            "Conv": self._convolution,
            "LSTM": self._lstm,
            "Attention": self._attention,
        }
        network = self._network
        foreign = False
        for node, decision in zip(network.nodes, decisions, strict=True):
            if decision.kind == "int8":
                writers[node.op_type](node)
                foreign |= node.op_type == "LSTM"
            else:
                self._nodes.append(node)
        network.nodes = self._nodes
        domains = {one.domain for one in network.model.opset_import}
        if foreign and "com.microsoft" not in domains:
            network.model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
        network.store()
        return network.model

    def _product(self, node: NodeProto) -> None:
        values = self._value(node.input[1])
        if node.op_type == "Gemm" and attribute(node, "transB", 0):
            values = values.T
        # Each matrix of a stack has scales of its own.
        integers, scales = self._rounded(values, (*range(values.ndim - 2), values.ndim - 1))
        names = [self._constant(node.input[1], "integers", integers)]
        if values.ndim == 2:
            scales = scales.reshape(-1)
            names.append(self._constant(node.input[1], "zero", np.zeros(len(scales), np.int8)))
        source, scale, zero = self._round(node.input[0])
        sums = self._add("MatMulInteger", [source, names[0], zero, *names[1:]], node)
        bias = node.input[2] if len(node.input) > 2 else ""
        self._scaled(node, sums, scale, scales, bias)

    def _convolution(self, node: NodeProto) -> None:
        values = self._value(node.input[1])
        integers, scales = self._rounded(values, (0,))
        planes = (1,) * (values.ndim - 2)
        source, scale, zero = self._round(node.input[0])
        names = [source, self._constant(node.input[1], "integers", integers), zero]
        sums = self._add("ConvInteger", names, node)
        self._nodes[-1].attribute.extend(node.attribute)
        bias = node.input[2] if len(node.input) > 2 else ""
        if bias:
            shape = self._constant(bias, "shape", np.array([-1, *planes], np.int64))
            bias = self._add("Reshape", [bias, shape], node)
        self._scaled(node, sums, scale, scales.reshape(-1, *planes), bias)

    def _lstm(self, node: NodeProto) -> None:
        inputs = [*node.input, *[""] * (8 - len(node.input))]
        for place in (1, 2):
            # The kernel wants (directions, inputs, gates), each output with a scale of its own.
            values = self._value(node.input[place]).transpose(0, 2, 1)
            integers, scales = self._rounded(values, (0, 2))
            scales = scales.reshape(len(values), -1)
            inputs[place] = self._constant(node.input[place], "integers", integers)
            inputs.append(self._constant(node.input[place], "scale", scales))
            zeros = np.zeros(scales.shape, np.int8)
            inputs.append(self._constant(node.input[place], "zero", zeros))
        made = helper.make_node(
            "DynamicQuantizeLSTM", inputs, node.output, node.name, domain="com.microsoft"
        )
        made.attribute.extend(node.attribute)
        self._nodes.append(made)

    def _attention(self, node: NodeProto) -> None:
        integers, scales = self._rounded(self._value(node.input[1]), (1,))
        weights = self._constant(node.input[1], "integers", integers)
        step = self._constant(node.input[1], "scale", scales.reshape(-1))
        none = self._constant(node.input[1], "zero", np.zeros(scales.size, np.int8))
        source, scale, zero = self._round(node.input[0])
        rest = [*node.input[3:], *[""] * 2]  # mask and past, where there are any
        inputs = [source, weights, node.input[2], scale, step, rest[0], zero, none, rest[1]]
        made = helper.make_node(
            "QAttention", inputs, node.output, node.name, domain="com.microsoft"
        )
        made.attribute.extend(node.attribute)
        self._nodes.append(made)

    def _round(self, name: str) -> tuple[str, str, str]:
        """Integers, scale and zero point of an activation, made once for all that read it."""
        if name not in self._integers:
            made = [self._network.free_name(f"{name}_{end}") for end in ("uint8", "scale", "zero")]
            label = self._network.free_name(f"{name}_round")
            self._nodes.append(helper.make_node("DynamicQuantizeLinear", [name], made, label))
            self._integers[name] = (made[0], made[1], made[2])
        return self._integers[name]

    def _scaled(
        self, node: NodeProto, sums: str, scale: str, scales: NDArray[np.float32], bias: str
    ) -> None:
        """Sums of products times both scales, plus the bias, under the node's own name."""
        floats = self._add("Cast", [sums], node)
        self._nodes[-1].attribute.append(helper.make_attribute("to", int(onnx.TensorProto.FLOAT)))
        both = self._add("Mul", [scale, self._constant(node.input[1], "scale", scales)], node)
        last = self._add("Mul", [floats, both], node)
        if bias:
            self._add("Add", [last, bias], node)
        self._nodes[-1].output[0] = node.output[0]

    def _add(self, op: str, inputs: list[str], node: NodeProto) -> str:
        result = self._network.free_name(f"{node.output[0]}_{op}")
        self._nodes.append(helper.make_node(op, inputs, [result], result))
        return result

    def _constant(self, name: str, kind: str, value: NDArray[np.generic]) -> str:
        return self._network.add_constant(f"{name}_{kind}", value)

    def _value(self, name: str) -> NDArray[np.float32]:
        values = self._network.constant(name)
        assert values is not None
        if not np.isfinite(values).all():
            raise InputError(f"weights {name!r}: found NaN or infinity, wanted finite numbers")
        return values

    def _rounded(
        self, values: NDArray[np.float32], axes: tuple[int, ...]
    ) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
        """Symmetric integers, and a scale for each place along ``axes``."""
        rest = tuple(axis for axis in range(values.ndim) if axis not in axes)
        bound = np.float32(self._target.largest_weight)
        scales = np.abs(values).max(axis=rest, keepdims=True) / bound
        scales = np.where(scales < np.finfo(np.float32).tiny, np.float32(1), scales)
        integers = np.clip(np.rint(values / scales), -bound, bound).astype(np.int8)
        return integers, scales.astype(np.float32)
