"""Small networks with chosen last nodes, and the runtime's own answer to them.

The body is one convolution: image (1, 3, 16, 16) float32 -> scores (1, 5, 8, 8).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

IMAGE = (1, 3, 16, 16)
SCORES = (1, 5, 8, 8)

# One step of a tail: operator, attributes, further inputs ("" = not given).
Step = tuple[str, dict[str, Any], list[Any]]


def resize(
    size: Sequence[int] | None = (1, 5, 20, 24),
    scales: Sequence[float] | None = None,
    roi: Sequence[float] | None = None,
    **attributes: Any,
) -> Step:
    attributes = {"mode": "linear", **attributes}
    inputs = [
        "" if roi is None else np.array(roi, np.float32),
        "" if scales is None else np.array(scales, np.float32),
        "" if scales is not None else np.array(size, np.int64),
    ]
    if scales is not None:
        inputs.pop()
    return ("Resize", attributes, inputs)


def argmax(axis: int = 1, **attributes: Any) -> Step:
    return ("ArgMax", {"axis": axis, **attributes}, [])


def step(op: str, *inputs: Any, **attributes: Any) -> Step:
    return (op, attributes, list(inputs))


def quantize(scale: float = 0.05, zero: int = 3, dtype: type = np.uint8) -> Step:
    return step("QuantizeLinear", np.float32(scale), dtype(zero))


def dequantize(scale: float = 0.05, zero: int = 3, dtype: type = np.uint8) -> Step:
    return step("DequantizeLinear", np.float32(scale), dtype(zero))


def network(
    *steps: Step,
    opset: int = 17,
    ir: int = 8,
    as_nodes: bool = False,
    batch: int | str = 1,
    outputs: Sequence[str] = (),
    element: int = TensorProto.FLOAT,
) -> onnx.ModelProto:
    """The body with these steps behind it; tensors are t0 (scores), t1, ... and "out".

    Args:
        as_nodes: constants as Constant nodes instead of initialisers.
        outputs: further graph outputs, before "out".
        element: float type of image, weights and scores.
    """
    rng = np.random.default_rng(7)
    dtype = helper.tensor_dtype_to_np_dtype(element)
    weights = rng.standard_normal((5, 3, 3, 3)).astype(dtype)
    initializers = [numpy_helper.from_array(weights, "w")]
    nodes = [helper.make_node("Conv", ["image", "w"], ["t0"], pads=[1, 1, 1, 1], strides=[2, 2])]
    last = len(steps)
    for number, (op, attributes, extra) in enumerate(steps, start=1):
        names = [f"t{number - 1}"]
        for place, value in enumerate(extra):
            if isinstance(value, str):
                names.append(value)
                continue
            name = f"c{number}_{place}"
            names.append(name)
            constant = numpy_helper.from_array(np.asarray(value), name)
            if as_nodes:
                nodes.append(helper.make_node("Constant", [], [name], value=constant))
            else:
                initializers.append(constant)
        result = "out" if number == last else f"t{number}"
        nodes.append(helper.make_node(op, names, [result], name=f"n{number}", **attributes))
    image = helper.make_tensor_value_info("image", element, [batch, *IMAGE[1:]])
    graph = helper.make_graph(
        nodes,
        "small",
        [image],
        [onnx.ValueInfoProto(name=name) for name in [*outputs, "out"]],
        initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir)
    inferred = onnx.shape_inference.infer_shapes(model).graph
    known = {
        one.name: one for one in [*inferred.output, *inferred.value_info] if one.type.ByteSize()
    }
    for one in initializers:
        known[one.name] = helper.make_tensor_value_info(one.name, one.data_type, one.dims)
    for output in model.graph.output:
        output.CopyFrom(known[output.name])
    return model


def image(model: onnx.ModelProto) -> dict[str, NDArray[Any]]:
    element = model.graph.input[0].type.tensor_type.elem_type
    dtype = helper.tensor_dtype_to_np_dtype(element)
    return {"image": np.random.default_rng(3).standard_normal(IMAGE).astype(dtype)}


def run(
    model: bytes, inputs: dict[str, NDArray[Any]], *, layouts: bool = False
) -> dict[str, NDArray[Any]]:
    """All outputs of a model by name, from onnxruntime.

    Args:
        layouts: whether it may also move nodes into layouts of its own, as it does by default. A
            Resize in such a layout rounds differently in the last bit.
    """
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = (
        onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        if layouts
        else onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    )
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))
