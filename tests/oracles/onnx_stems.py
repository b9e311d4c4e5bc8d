"""Networks of one quantised convolution: uint8 by int8, as the first one of a network has it."""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from oracles.onnx_quantised import FLOAT, UINT8


def stem(
    channels: int = 3,
    outputs: int = 16,
    size: tuple[int | str, int | str] = (13, 11),
    *,
    batch: int | str = 1,
    zero: int = 114,
    out_zero: int = 131,
    per_channel: bool = True,
    bias: bool = True,
    between: str = "",
    limits: tuple[float, float] = (0, 6),
    step: float = 0.3,
    operators: bool = False,
    integer_input: bool = False,
    opset: int = 17,
    ir: int = 8,
    seed: int = 0,
    kernel: tuple[int, int] = (3, 3),
    **attributes: Any,
) -> onnx.ModelProto:
    """Input ``x``, integers ``q``, one convolution of uint8 by int8, its result ``y``."""
    rng = np.random.default_rng(seed)
    held: dict[str, NDArray] = {
        "xs": np.float32(0.02),
        "xz": np.uint8(zero),
        "w": rng.integers(-127, 128, (outputs, channels, *kernel)).astype(np.int8),
        "ys": np.float32(step),
        "yz": np.uint8(out_zero),
    }
    count = outputs if per_channel else 1
    scale = rng.uniform(0.002, 0.01, count).astype(np.float32)
    held["ws"] = scale if per_channel else scale[0]
    held["wz"] = np.zeros(count, np.int8) if per_channel else np.int8(0)
    if bias:
        held["b"] = rng.integers(-5000, 5000, outputs).astype(np.int32)
        held["bs"] = (scale * np.float32(0.02)) if per_channel else scale[0] * np.float32(0.02)
        held["bz"] = np.zeros(count, np.int32) if per_channel else np.int32(0)
    axis = {"axis": 0} if per_channel else {}
    node = helper.make_node
    nodes = [] if integer_input else [node("QuantizeLinear", ["x", "xs", "xz"], ["q"])]
    integers = "x" if integer_input else "q"
    if operators:
        inputs = [integers, "xs", "xz", "w", "ws", "wz", "ys", "yz", *(["b"] if bias else [])]
        nodes.append(node("QLinearConv", inputs, ["p"], "conv", **attributes))
    else:
        nodes += [
            node("DequantizeLinear", [integers, "xs", "xz"], ["d"]),
            node("DequantizeLinear", ["w", "ws", "wz"], ["v"], **axis),
        ]
        if bias:
            nodes.append(node("DequantizeLinear", ["b", "bs", "bz"], ["a"], **axis))
        nodes.append(node("Conv", ["d", "v", *(["a"] if bias else [])], ["c"], **attributes))
        if between:
            named = dict(zip(("low", "high"), map(np.float32, limits), strict=True))
            held |= named if between == "Clip" else {}
            nodes.append(node(between, ["c", *(named if between == "Clip" else [])], ["r"]))
        nodes.append(node("QuantizeLinear", ["r" if between else "c", "ys", "yz"], ["p"]))
    nodes.append(node("DequantizeLinear", ["p", "ys", "yz"], ["y"]))
    kind = UINT8 if integer_input else FLOAT
    given = [helper.make_tensor_value_info("x", kind, [batch, channels, *size])]
    constants = [numpy_helper.from_array(np.asarray(value), name) for name, value in held.items()]
    if ir < 4:
        given += [helper.make_tensor_value_info(t.name, t.data_type, t.dims) for t in constants]
    graph = helper.make_graph(
        nodes, "stem", given, [helper.make_tensor_value_info("y", FLOAT, [None] * 4)], constants
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir)


def picture(model: onnx.ModelProto, seed: int = 0) -> dict[str, NDArray]:
    tensor = model.graph.input[0].type.tensor_type
    sizes = {"n": 2, "h": 14, "w": 9}
    shape = [sizes.get(dim.dim_param) or dim.dim_value for dim in tensor.shape.dim]
    rng = np.random.default_rng(seed)
    if tensor.elem_type == UINT8:
        return {"x": rng.integers(0, 256, shape, dtype=np.uint8)}
    return {"x": rng.normal(0, 1.3, shape).astype(np.float32)}
