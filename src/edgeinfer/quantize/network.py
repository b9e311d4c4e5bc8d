"""A graph as rewriting sees it: who makes a tensor, who reads it, what is constant, what shape."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import onnx
from numpy.typing import NDArray
from onnx import AttributeProto, ModelProto, NodeProto, helper, numpy_helper

__all__ = ["Network", "attribute", "captured_names", "label", "subgraphs"]


class Network:
    """One model with the look-ups that rewriting needs, taken anew by ``index``.

    Nodes are named by their place in ``nodes``, which is in order of execution. Edit ``nodes`` and
    ``constants``, then call ``store``.
    """

    def __init__(self, model: ModelProto) -> None:
        self.model = model
        self.index()

    def index(self) -> None:
        """Look at the model again."""
        graph = self.model.graph
        self.nodes: list[NodeProto] = list(graph.node)
        self.constants = {tensor.name: tensor for tensor in graph.initializer}
        self.inputs = [value.name for value in graph.input if value.name not in self.constants]
        self.outputs = [value.name for value in graph.output]
        self.captured = set(_captured(self.nodes))
        self.maker = {name: i for i, node in enumerate(self.nodes) for name in node.output if name}
        self.readers: dict[str, list[int]] = {}
        for i, node in enumerate(self.nodes):
            for name in node.input:
                if name:
                    self.readers.setdefault(name, []).append(i)
        self._values = {
            value.name: value.type.tensor_type
            for value in (*graph.value_info, *graph.input, *graph.output)
            if value.type.HasField("tensor_type")
        }

        self._taken = {*self.constants, *self.maker, *self._values, *self.readers, *self.captured}

    def store(self) -> None:
        """Write ``nodes`` and the constants that they read into the model, and index it."""
        graph = self.model.graph
        # Copied first: clearing the field would empty the messages that the list refers to.
        nodes = [_copy(node) for node in self.nodes]
        read = {name for node in nodes for name in node.input} | set(_captured(nodes))
        read |= set(self.outputs)
        constants = [_copy(one) for name, one in self.constants.items() if name in read]
        del graph.node[:], graph.initializer[:]
        graph.node.extend(nodes)
        graph.initializer.extend(constants)
        self.index()

    @property
    def opset(self) -> int:
        """The version of ONNX's own operators."""
        return next((o.version for o in self.model.opset_import if o.domain in ("", "ai.onnx")), 1)

    def constant(self, name: str) -> NDArray[Any] | None:
        """The value of a constant, or None."""
        tensor = self.constants.get(name)
        return None if tensor is None else numpy_helper.to_array(tensor)

    def add_constant(self, name: str, value: NDArray[Any]) -> str:
        """Keep a value under ``name`` or, where that is taken, one like it."""
        free = self.free_name(name)
        self.constants[free] = numpy_helper.from_array(value, free)
        return free

    def free_name(self, name: str) -> str:
        """``name``, or ``name.2`` and so on where that is taken; taken from now on."""
        free, number = name, 1
        while free in self._taken:
            number += 1
            free = f"{name}.{number}"
        self._taken.add(free)
        return free

    def is_float(self, name: str) -> bool:
        """Whether the tensor is known to hold float32."""
        if name in self.constants:
            return bool(self.constants[name].data_type == onnx.TensorProto.FLOAT)
        known = self._values.get(name)
        return known is not None and bool(known.elem_type == onnx.TensorProto.FLOAT)

    def shape(self, name: str) -> tuple[int | None, ...] | None:
        """Sizes, None for an axis that is not fixed; None when the rank is unknown."""
        if name in self.constants:
            return tuple(self.constants[name].dims)
        known = self._values.get(name)
        if known is None or not known.HasField("shape"):
            return None
        return tuple(d.dim_value if d.HasField("dim_value") else None for d in known.shape.dim)

    def only_reader(self, name: str) -> int | None:
        """The one node that reads the tensor, or None where there are others, or the caller."""
        readers = self.readers.get(name, [])
        if len(readers) != 1 or name in self.outputs or name in self.captured:
            return None
        return readers[0]


def attribute(node: NodeProto, name: str, default: Any = None) -> Any:
    """The value of an attribute."""
    for one in node.attribute:
        if one.name == name:
            return helper.get_attribute_value(one)
    return default


def label(node: NodeProto) -> str:
    """What people call the node: its name, or what it makes."""
    return node.name or next((name for name in node.output if name), node.op_type)


def subgraphs(node: NodeProto) -> Iterator[onnx.GraphProto]:
    """The graphs that a node such as If or Loop holds."""
    for one in node.attribute:
        if one.type == AttributeProto.GRAPH:
            yield one.g
        elif one.type == AttributeProto.GRAPHS:
            yield from one.graphs


def captured_names(node: NodeProto) -> Iterator[str]:
    """Names that graphs within the node read; more than needed, since inner names count too."""
    return _captured([node])


def _captured(nodes: Iterable[NodeProto]) -> Iterator[str]:
    """Names that graphs within nodes read; more than needed, since inner names count too."""
    for node in nodes:
        for graph in subgraphs(node):
            for inner in graph.node:
                yield from inner.input
            yield from (value.name for value in graph.output)
            yield from _captured(graph.node)


def _copy(message: Any) -> Any:
    twin = type(message)()
    twin.CopyFrom(message)
    return twin
