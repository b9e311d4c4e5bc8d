"""Hypothesis strategies for ONNX models as the onnx package builds them: any structure, no sense.

Every message the reader knows turns up, with typed and raw tensors, subgraphs and functions.
"""

import numpy as np
import onnx
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), min_size=0, max_size=12)
INT64 = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats(width=32, allow_nan=False)
RAW_TYPES = (np.float32, np.uint8, np.int8, np.uint16, np.int16, np.int32, np.int64, np.bool_)
# Element type and what the typed field of make_tensor takes for it.
TYPED = {
    TensorProto.FLOAT: FLOATS,
    TensorProto.INT64: INT64,
    TensorProto.INT32: st.integers(-(2**31), 2**31 - 1),
    TensorProto.INT8: st.integers(-128, 127),
    TensorProto.UINT8: st.integers(0, 255),
    TensorProto.BOOL: st.booleans(),
    TensorProto.DOUBLE: st.floats(allow_nan=False),
    TensorProto.UINT64: st.integers(0, 2**64 - 1),
    TensorProto.STRING: st.binary(max_size=5),
}


@st.composite
def tensors(draw: st.DrawFn) -> TensorProto:
    dims = draw(st.lists(st.integers(0, 4), max_size=3))
    count = int(np.prod(dims))
    name = draw(NAMES)
    if draw(st.booleans()):
        dtype = draw(st.sampled_from(RAW_TYPES))
        bits = draw(st.binary(min_size=count * 8, max_size=count * 8))
        values = np.frombuffer(bits, np.uint8)[:count].reshape(dims)
        return numpy_helper.from_array(values.astype(dtype), name)
    kind = draw(st.sampled_from(list(TYPED)))
    values = draw(st.lists(TYPED[kind], min_size=count, max_size=count))
    return helper.make_tensor(name, kind, dims, values)


@st.composite
def value_infos(draw: st.DrawFn) -> onnx.ValueInfoProto:
    shape = draw(
        st.none() | st.lists(st.none() | NAMES.filter(bool) | st.integers(-2, 2**40), max_size=4)
    )
    element = draw(st.integers(1, 16))
    kind = draw(st.sampled_from(["tensor", "tensor", "sequence", "map", "optional", "sparse", ""]))
    tensor = helper.make_tensor_type_proto(element, shape)
    name = draw(NAMES)
    match kind:
        case "tensor":
            return helper.make_value_info(name, tensor)
        case "sequence":
            return helper.make_value_info(name, helper.make_sequence_type_proto(tensor))
        case "map":
            return helper.make_value_info(
                name, helper.make_map_type_proto(TensorProto.INT64, tensor)
            )
        case "optional":
            return helper.make_value_info(name, helper.make_optional_type_proto(tensor))
        case "sparse":
            return helper.make_value_info(
                name, helper.make_sparse_tensor_type_proto(element, shape)
            )
    return onnx.ValueInfoProto(name=name)


@st.composite
def nodes(draw: st.DrawFn, depth: int) -> onnx.NodeProto:
    node = onnx.NodeProto(
        op_type=draw(NAMES),
        domain=draw(st.sampled_from(["", "ai.onnx", "com.microsoft", "my.own"])),
        name=draw(NAMES),
        doc_string=draw(NAMES),
        input=draw(st.lists(NAMES, max_size=4)),
        output=draw(st.lists(NAMES, max_size=3)),
    )
    kinds = [
        INT64,
        FLOATS,
        st.binary(max_size=6),
        st.lists(INT64, min_size=1, max_size=5),
        st.lists(FLOATS, min_size=1, max_size=5),
        st.lists(st.binary(max_size=4), min_size=1, max_size=3),
        tensors(),
        st.lists(tensors(), min_size=1, max_size=2),
    ]
    if depth > 0:
        kinds += [graphs(depth - 1), st.lists(graphs(depth - 1), min_size=1, max_size=2)]
    for name in draw(st.lists(NAMES.filter(bool), max_size=3, unique=True)):
        node.attribute.append(helper.make_attribute(name, draw(st.one_of(kinds))))
    if draw(st.booleans()):
        node.attribute.append(
            onnx.AttributeProto(
                name="outer", ref_attr_name=draw(NAMES), type=onnx.AttributeProto.INT
            )
        )
    return node


@st.composite
def graphs(draw: st.DrawFn, depth: int = 2) -> onnx.GraphProto:
    graph = onnx.GraphProto(name=draw(NAMES), doc_string=draw(NAMES))
    graph.node.extend(draw(st.lists(nodes(depth), max_size=3)))
    graph.initializer.extend(draw(st.lists(tensors(), max_size=2)))
    graph.input.extend(draw(st.lists(value_infos(), max_size=2)))
    graph.output.extend(draw(st.lists(value_infos(), max_size=2)))
    graph.value_info.extend(draw(st.lists(value_infos(), max_size=2)))
    if draw(st.booleans()):
        graph.sparse_initializer.append(
            onnx.SparseTensorProto(values=draw(tensors()), indices=draw(tensors()), dims=[3, 4])
        )
    return graph


@st.composite
def models(draw: st.DrawFn) -> onnx.ModelProto:
    """A model with at least one opset import; nothing in it needs to fit together."""
    model = onnx.ModelProto(
        ir_version=draw(st.integers(0, 20)),
        producer_name=draw(NAMES),
        producer_version=draw(NAMES),
        domain=draw(NAMES),
        model_version=draw(INT64),
        doc_string=draw(NAMES),
    )
    model.graph.CopyFrom(draw(graphs()))
    model.opset_import.append(helper.make_opsetid("", draw(st.integers(1, 30))))
    for key in draw(st.lists(NAMES, max_size=2)):
        model.metadata_props.append(onnx.StringStringEntryProto(key=key, value=draw(NAMES)))
    if draw(st.booleans()):
        function = onnx.FunctionProto(
            name=draw(NAMES),
            domain="my.own",
            input=draw(st.lists(NAMES, max_size=2)),
            output=draw(st.lists(NAMES, max_size=2)),
        )
        function.node.extend(draw(st.lists(nodes(1), max_size=2)))
        function.opset_import.append(helper.make_opsetid("", 17))
        model.functions.append(function)
    return model
