"""Spell a finished model in fewer bytes; what it computes and what nodes are called stays.

In a network of 1 MB a third of what integers could save goes into names, lists of shapes and
constants kept several times.
"""

from __future__ import annotations

import itertools
import string
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import onnx
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from edgeinfer.quantize.network import Network, attribute, label, subgraphs

__all__ = ["compact"]

# Nodes more must pay.
_LEAST_PALETTE_VALUES: Final = 1024
_LEAST_NARROW_VALUES: Final = 16
_PALETTE: Final = 256
_UNNAMED: Final = frozenset(("QuantizeLinear", "DequantizeLinear"))
_ONES: Final = frozenset(("dilations", "strides"))
# Attributes that mean nothing where they hold this.
_DEFAULTS: Final = {"group": 1, "auto_pad": b"NOTSET", "ceil_mode": 0, "storage_order": 0}
_SPATIAL: Final = frozenset(("Conv", "ConvTranspose", "MaxPool", "AveragePool"))


def compact(model: ModelProto) -> None:
    """Rewrite the model in place.

    Names of inputs, outputs and layers stay, those of tensors between become short. Equal constants
    are kept once, and floats of few distinct values as one byte each, which the runtime turns back
    into the same floats when it loads the file.
    """
    graph = model.graph
    del graph.value_info[:]
    _forget_texts(model)
    network = Network(model)
    _store_palettes(network)
    _store_narrow(network)
    _share_constants(graph)
    _leave_out_defaults(graph)
    _shorten_names(graph)


def _forget_texts(model: ModelProto) -> None:
    graph = model.graph
    model.ClearField("doc_string")
    graph.ClearField("doc_string")
    for one in (*graph.node, *graph.initializer, *graph.input, *graph.output):
        one.ClearField("doc_string")


def _store_palettes(network: Network) -> None:
    """Floats of at most 256 distinct values: a table of them, and a byte for each place.

    Anchors of detectors look so: centres and sizes of a few grids.
    """
    made = []
    for name, tensor in list(network.constants.items()):
        split = None if name in network.captured else _palette(tensor)
        if split is None or name in network.outputs:
            continue
        del network.constants[name]
        table = network.add_constant(f"{name}_values", split[0])
        places = network.add_constant(f"{name}_bytes", split[1])
        wide = network.free_name(f"{name}_places")
        made += [
            helper.make_node("Cast", [places], [wide], to=TensorProto.INT32),
            helper.make_node("Gather", [table, wide], [name]),
        ]
    if made:
        network.nodes = [*made, *network.nodes]
        network.store()


def _store_narrow(network: Network) -> None:
    """32-bit integers, as biases are, that 16 bits hold."""
    made = []
    for name, tensor in list(network.constants.items()):
        if name in network.outputs or name in network.captured or not _is_narrow(tensor):
            continue
        value = numpy_helper.to_array(tensor).astype(np.int16)
        del network.constants[name]
        stored = network.add_constant(f"{name}_narrow", value)
        made.append(helper.make_node("Cast", [stored], [name], to=TensorProto.INT32))
    if made:
        network.nodes = [*made, *network.nodes]
        network.store()


def _is_narrow(tensor: TensorProto) -> bool:
    if tensor.data_type != TensorProto.INT32 or tensor.data_location == TensorProto.EXTERNAL:
        return False
    value = numpy_helper.to_array(tensor)
    limits = np.iinfo(np.int16)
    least = value.size >= _LEAST_NARROW_VALUES
    return least and bool(value.min() >= limits.min and value.max() <= limits.max)


def _palette(tensor: TensorProto) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]] | None:
    if tensor.data_type != TensorProto.FLOAT or tensor.data_location == TensorProto.EXTERNAL:
        return None
    if int(np.prod(tensor.dims)) < _LEAST_PALETTE_VALUES:
        return None
    value = numpy_helper.to_array(tensor)
    # As integers: a negative zero stays one, and NaN equals itself.
    table, places = np.unique(value.view(np.uint32), return_inverse=True)
    if len(table) > _PALETTE:
        return None
    return table.view(np.float32), places.reshape(value.shape).astype(np.uint8)


def _share_constants(graph: GraphProto) -> None:
    """Keep one of several equal constants."""
    fixed = _fixed_names(graph)
    first: dict[tuple[Any, ...], str] = {}
    other: dict[str, str] = {}
    kept = []
    for tensor in graph.initializer:
        key = _content(tensor)
        if key is None or tensor.name in fixed:
            kept.append(tensor)
        elif key in first:
            other[tensor.name] = first[key]
        else:
            first[key] = tensor.name
            kept.append(tensor)
    if other:
        _rename(graph, other)
        _replace(graph.initializer, [_copy(tensor) for tensor in kept])


def _content(tensor: TensorProto) -> tuple[Any, ...] | None:
    if tensor.data_location == TensorProto.EXTERNAL or tensor.data_type == TensorProto.STRING:
        return None
    value = numpy_helper.to_array(tensor)
    return (tensor.data_type, value.shape, value.tobytes())


def _leave_out_defaults(graph: GraphProto) -> None:
    for node in graph.node:
        if node.domain not in ("", "ai.onnx"):
            continue
        kept = [one for one in node.attribute if not _means_nothing(node, one)]
        if len(kept) < len(node.attribute):
            _replace(node.attribute, [_copy(one) for one in kept])


def _means_nothing(node: NodeProto, one: onnx.AttributeProto) -> bool:
    if node.op_type not in _SPATIAL:
        return False
    value = helper.get_attribute_value(one)
    if one.name in _ONES:
        return all(size == 1 for size in value)
    if one.name == "pads":
        return not any(value) and attribute(node, "auto_pad", b"NOTSET") == b"NOTSET"
    return one.name in _DEFAULTS and bool(value == _DEFAULTS[one.name])


def _shorten_names(graph: GraphProto) -> None:
    """Give tensors between names of one to three letters, the most used the shortest."""
    fixed = _fixed_names(graph)
    used = Counter(name for node in graph.node for name in (*node.input, *node.output) if name)
    used.update(tensor.name for tensor in graph.initializer)
    free = (name for name in _short() if name not in fixed)
    names = {name: next(free) for name, _ in used.most_common() if name not in fixed}
    for node in graph.node:
        if node.op_type in _UNNAMED:
            node.ClearField("name")
        elif not node.name and any(name in names for name in node.output):
            node.name = label(node)
    _rename(graph, names)
    for tensor in graph.initializer:
        tensor.name = names.get(tensor.name, tensor.name)


def _short() -> Iterator[str]:
    letters = string.ascii_letters + string.digits
    for length in itertools.count(1):
        for chosen in itertools.product(letters, repeat=length):
            yield "".join(chosen)


def _rename(graph: GraphProto, names: dict[str, str]) -> None:
    for node in graph.node:
        for field in (node.input, node.output):
            for i, name in enumerate(field):
                if name in names:
                    field[i] = names[name]


def _fixed_names(graph: GraphProto) -> set[str]:
    """Names that others than the graph's own nodes know."""
    fixed = {value.name for value in (*graph.input, *graph.output)} | _inner_names(graph)
    for one in graph.quantization_annotation:
        fixed |= {one.tensor_name, *(entry.value for entry in one.quant_parameter_tensor_names)}
    return fixed | {sparse.values.name for sparse in graph.sparse_initializer}


def _inner_names(graph: GraphProto) -> set[str]:
    """All that graphs within nodes call something."""
    found: set[str] = set()
    for node in graph.node:
        for inner in subgraphs(node):
            found |= _names(inner) | _inner_names(inner)
    return found


def _names(graph: GraphProto) -> set[str]:
    found = {name for node in graph.node for name in (*node.input, *node.output)}
    return found | {one.name for one in (*graph.initializer, *graph.input, *graph.output)}


def _replace(field: Any, values: list[Any]) -> None:
    del field[:]
    field.extend(values)


def _copy(message: Any) -> Any:
    twin = type(message)()
    twin.CopyFrom(message)
    return twin
