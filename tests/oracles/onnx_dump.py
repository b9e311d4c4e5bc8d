"""What the onnx package sees in a model, as dicts and lists in the layout of `_core.dump_model`."""

from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

INTS = (np.int64, np.int32, np.int16, np.int8, np.uint8, np.bool_)
KINDS = {
    "tensor_type": 1,
    "sequence_type": 2,
    "map_type": 3,
    "optional_type": 4,
    "sparse_tensor_type": 5,
}


def tensor(proto: onnx.TensorProto) -> dict[str, Any]:
    external = proto.data_location == onnx.TensorProto.EXTERNAL
    ints = floats = None
    if not external and 0 < proto.data_type < 17 and proto.data_type != onnx.TensorProto.STRING:
        values = numpy_helper.to_array(proto)
        if values.dtype in INTS:
            ints = values.ravel().astype(np.int64).tolist()
        if values.dtype == np.float32:
            floats = values.ravel().tolist()
    return {
        "name": proto.name.encode(),
        "type": proto.data_type,
        "dims": list(proto.dims),
        "external": external,
        "raw": proto.raw_data if proto.HasField("raw_data") else None,
        "stored": [(one.key.encode(), one.value.encode()) for one in proto.external_data],
        "mismatch": "",
        "ints": ints,
        "floats": floats,
    }


def value(proto: onnx.ValueInfoProto) -> dict[str, Any]:
    kind = proto.type.WhichOneof("value")
    shape = None
    elements = 0
    if kind in ("tensor_type", "sparse_tensor_type"):
        typed = getattr(proto.type, kind)
        elements = typed.elem_type
        if typed.HasField("shape"):
            shape = [
                one.dim_value if one.HasField("dim_value") else one.dim_param.encode()
                for one in typed.shape.dim
            ]
    return {
        "name": proto.name.encode(),
        "kind": KINDS.get(kind, 0),
        "type": elements,
        "shape": shape,
    }


def attribute(proto: onnx.AttributeProto) -> dict[str, Any]:
    tensors = [proto.t] if proto.HasField("t") else []
    graphs = [proto.g] if proto.HasField("g") else []
    return {
        "name": proto.name.encode(),
        "type": proto.type,
        "reference": proto.ref_attr_name.encode(),
        "f": proto.f,
        "i": proto.i,
        "s": proto.s,
        "ints": list(proto.ints),
        "floats": list(proto.floats),
        "strings": list(proto.strings),
        "tensors": [tensor(one) for one in [*tensors, *proto.tensors]],
        "graphs": [graph(one) for one in [*graphs, *proto.graphs]],
    }


def node(proto: onnx.NodeProto) -> dict[str, Any]:
    return {
        "op_type": proto.op_type.encode(),
        "domain": proto.domain.encode(),
        "overload": proto.overload.encode(),
        "name": proto.name.encode(),
        "inputs": [one.encode() for one in proto.input],
        "outputs": [one.encode() for one in proto.output],
        "attributes": [attribute(one) for one in proto.attribute],
    }


def graph(proto: onnx.GraphProto) -> dict[str, Any]:
    return {
        "name": proto.name.encode(),
        "nodes": [node(one) for one in proto.node],
        "initializers": [tensor(one) for one in proto.initializer],
        "sparse_initializers": [
            {
                "values": tensor(one.values),
                "indices": tensor(one.indices),
                "dims": list(one.dims),
            }
            for one in proto.sparse_initializer
        ],
        "inputs": [value(one) for one in proto.input],
        "outputs": [value(one) for one in proto.output],
        "value_infos": [value(one) for one in proto.value_info],
    }


def model(proto: onnx.ModelProto) -> dict[str, Any]:
    return {
        "ir_version": proto.ir_version,
        "producer_name": proto.producer_name.encode(),
        "producer_version": proto.producer_version.encode(),
        "domain": proto.domain.encode(),
        "model_version": proto.model_version,
        "doc": proto.doc_string.encode(),
        "opsets": [(one.domain.encode(), one.version) for one in proto.opset_import],
        "metadata": [(one.key.encode(), one.value.encode()) for one in proto.metadata_props],
        "functions": [
            {
                "name": one.name.encode(),
                "domain": one.domain.encode(),
                "overload": one.overload.encode(),
                "inputs": [name.encode() for name in one.input],
                "outputs": [name.encode() for name in one.output],
                "opsets": [(o.domain.encode(), o.version) for o in one.opset_import],
                "nodes": [node(inner) for inner in one.node],
            }
            for one in proto.functions
        ],
        "graph": graph(proto.graph),
    }
