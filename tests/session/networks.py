"""Small networks, built in memory, that the session tests share."""

from collections.abc import Sequence

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

FLOAT = TensorProto.FLOAT


def model_bytes(
    nodes: Sequence[NodeProto],
    inputs: Sequence[ValueInfoProto],
    outputs: Sequence[ValueInfoProto],
    weights: dict[str, NDArray] | None = None,
    opset: int = 17,
    ir: int = 8,
) -> bytes:
    initialisers = [numpy_helper.from_array(v, name) for name, v in (weights or {}).items()]
    graph = helper.make_graph(nodes, "graph", inputs, outputs, initialisers)
    imports = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=imports, ir_version=ir).SerializeToString()


def tensor(name: str, shape: Sequence[int | str], kind: int = FLOAT) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, list(shape))


def one_node(op: str, kind: int, shape: Sequence[int | str], **attributes: object) -> bytes:
    """x -> op -> y, both of the same type and shape."""
    node = helper.make_node(op, ["x"], ["y"], **attributes)
    return model_bytes([node], [tensor("x", shape, kind)], [tensor("y", shape, kind)])


def doubler(shape: Sequence[int | str] = (2, 3)) -> bytes:
    """y = x + x."""
    node = helper.make_node("Add", ["x", "x"], ["y"])
    return model_bytes([node], [tensor("x", shape)], [tensor("y", shape)])


def convolution(size: int = 32, channels: int = 4, seed: int = 0) -> bytes:
    """(1, 3, size, size) -> Conv -> Relu -> (1, channels, size, size)."""
    weights = np.random.default_rng(seed).normal(size=(channels, 3, 3, 3)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["y"]),
    ]
    return model_bytes(
        nodes,
        [tensor("x", (1, 3, size, size))],
        [tensor("y", (1, channels, size, size))],
        {"w": weights},
    )


def endless(shape: tuple[int, ...] = (4,)) -> bytes:
    """y = x after a loop that never ends by itself."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["go_on"]),
            helper.make_node("Mul", ["v", "v"], ["w"]),
        ],
        "body",
        [
            tensor("i", (), TensorProto.INT64),
            tensor("go", (), TensorProto.BOOL),
            tensor("v", shape),
        ],
        [tensor("go_on", (), TensorProto.BOOL), tensor("w", shape)],
    )
    loop = helper.make_node("Loop", ["most", "yes", "x"], ["y"], body=body)
    weights = {"most": np.array(2**62, np.int64), "yes": np.array(True)}
    return model_bytes([loop], [tensor("x", shape)], [tensor("y", shape)], weights)


def counting(iterations: int) -> bytes:
    """y = x + iterations, one loop iteration at a time: a run as long as one likes."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["go_on"]),
            helper.make_node("Add", ["v", "one"], ["w"]),
        ],
        "body",
        [
            tensor("i", (), TensorProto.INT64),
            tensor("go", (), TensorProto.BOOL),
            tensor("v", (1,)),
        ],
        [tensor("go_on", (), TensorProto.BOOL), tensor("w", (1,))],
    )
    loop = helper.make_node("Loop", ["most", "yes", "x"], ["y"], body=body)
    weights = {
        "most": np.array(iterations, np.int64),
        "yes": np.array(True),
        "one": np.ones(1, np.float32),
    }
    return model_bytes([loop], [tensor("x", (1,))], [tensor("y", (1,))], weights)


def with_resize(model: bytes, factor: int = 4, **attributes: object) -> bytes:
    """The model with a final Resize of its output y to z, `factor` times as large."""
    proto = onnx.load_from_string(model)
    shape = [n.dim_value for n in proto.graph.output[0].type.tensor_type.shape.dim]
    size = [*shape[:2], shape[2] * factor, shape[3] * factor]
    attributes = {"mode": "linear", **attributes}
    proto.graph.node.append(helper.make_node("Resize", ["y", "", "", "size"], ["z"], **attributes))
    proto.graph.initializer.append(numpy_helper.from_array(np.array(size, np.int64), "size"))
    del proto.graph.output[:]
    proto.graph.output.append(tensor("z", size))
    return proto.SerializeToString()


# Of the folder shared/data/models.
MODELS = (
    "deeplabv3_mnv2_dm05_pascal_513",
    "deeplabv3_mnv2_pascal_513",
    "mobilenet_v2_1.0_224",
    "resnet20_cifar10_32",
    "squeezenet1.0_227",
    "ultraface_rfb_320",
    "vww_mobilenet_v1_0.25_96",
)
LEVELS = onnxruntime.GraphOptimizationLevel
GRAPH_LEVELS = {
    "all": LEVELS.ORT_ENABLE_ALL,
    "extended": LEVELS.ORT_ENABLE_EXTENDED,
    "basic": LEVELS.ORT_ENABLE_BASIC,
    "off": LEVELS.ORT_DISABLE_ALL,
}


def reference(model: bytes | str, level: str = "all") -> onnxruntime.InferenceSession:
    """onnxruntime's own Python session on one thread: the oracle for run()."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    options.graph_optimization_level = GRAPH_LEVELS[level]
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
