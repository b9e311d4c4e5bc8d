"""Small files made by hand: constants held in each way that a file can hold them."""

import ml_dtypes
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

import edgeinfer as ei
from session.networks import model_bytes, tensor

IDS, BOOL, FLOAT = TensorProto.INT64, TensorProto.BOOL, TensorProto.FLOAT
SCALE_TYPES = [np.float32, np.float16, ml_dtypes.bfloat16, np.float64]


def codes(model: bytes) -> list[str]:
    facts = ei.inspect(model)
    return sorted({one.code for one in (*facts.problems, *facts.warnings)})


def typed(name: str, values: NDArray) -> TensorProto:
    """The values in the message's typed field, not as raw bytes."""
    raw = numpy_helper.from_array(values, name)
    out = TensorProto(name=name, data_type=raw.data_type, dims=raw.dims)
    match values.dtype:
        case np.float32:
            out.float_data.extend(values.ravel())
        case np.float64:
            out.double_data.extend(values.ravel())
        case _:
            out.int32_data.extend(values.view(np.uint16).ravel().tolist())
    return out


def hold(model: onnx.ModelProto, name: str, values: NDArray, how: str) -> None:
    """Put a constant into a model in one of the ways a file can."""
    graph = model.graph
    match how:
        case "raw":
            graph.initializer.append(numpy_helper.from_array(values, name))
        case "typed":
            graph.initializer.append(typed(name, values))
        case "Constant":
            held = numpy_helper.from_array(values)
            graph.node.insert(0, helper.make_node("Constant", [], [name], value=held))
        case "value_floats":
            numbers = [float(one) for one in values.ravel()]
            graph.node.insert(0, helper.make_node("Constant", [], [name], value_floats=numbers))
        case "passed on":
            graph.initializer.append(numpy_helper.from_array(values, f"{name}.0"))
            graph.node.insert(0, helper.make_node("Identity", [f"{name}.0"], [f"{name}.1"]))
            graph.node.insert(1, helper.make_node("Cast", [f"{name}.1"], [name], to=FLOAT))


def pair(
    scale: NDArray, zero: NDArray | None, shape: tuple[int, ...] = (1, 3, 8, 8), **attributes: int
) -> bytes:
    inputs = ["x", "s"] if zero is None else ["x", "s", "z"]
    held = {"s": scale} if zero is None else {"s": scale, "z": zero}
    nodes = [
        helper.make_node("QuantizeLinear", inputs, ["q"], **attributes),
        helper.make_node("DequantizeLinear", ["q", *inputs[1:]], ["y"], **attributes),
    ]
    return model_bytes(nodes, [tensor("x", shape)], [tensor("y", shape)], held, 21, 10)


F32 = np.float32


def sizes(*values: int) -> NDArray[np.int64]:
    return np.array(values, np.int64)
