"""Small statically quantised networks, and what onnxruntime makes of every integer in them."""

from collections.abc import Sequence

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

INT8, UINT8, FLOAT = TensorProto.INT8, TensorProto.UINT8, TensorProto.FLOAT


class Chain:
    """Nodes and constants in order of creation; every method returns the name of its result."""

    def __init__(self, shape: Sequence[int | str] = (1, 4, 6, 6), seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.nodes: list[NodeProto] = []
        self.held: dict[str, NDArray] = {}
        self.inputs = [helper.make_tensor_value_info("x", FLOAT, list(shape))]
        self.integers: list[str] = []

    def constant(self, value: object, dtype: type) -> str:
        name = f"k{len(self.held)}"
        self.held[name] = np.asarray(value, dtype)
        return name

    def node(self, op: str, inputs: Sequence[str], domain: str = "", **attributes: object) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], domain=domain, **attributes))
        return name

    def quantize(self, source: str, scale: float = 0.05, zero: int = 3) -> str:
        point = [self.constant(scale, np.float32), self.constant(zero, np.int8)]
        self.integers.append(self.node("QuantizeLinear", [source, *point]))
        return self.integers[-1]

    def dequantize(self, source: str, scale: float = 0.05, zero: int = 3) -> str:
        point = [self.constant(scale, np.float32), self.constant(zero, np.int8)]
        return self.node("DequantizeLinear", [source, *point])

    def pair(self, source: str, scale: float = 0.05, zero: int = 3) -> str:
        return self.dequantize(self.quantize(source, scale, zero), scale, zero)

    def integer(self, op: str, inputs: Sequence[str], **attributes: object) -> str:
        """An operator on the integers themselves."""
        self.integers.append(self.node(op, inputs, **attributes))
        return self.integers[-1]

    def weights(self, shape: Sequence[int], per_channel: bool) -> str:
        count = shape[0] if per_channel else 1
        scale = self.rng.uniform(0.005, 0.02, count).astype(np.float32)
        values = self.rng.integers(-127, 128, shape)
        if per_channel:
            point = [self.constant(scale, np.float32), self.constant(np.zeros(count), np.int8)]
            return self.node("DequantizeLinear", [self.constant(values, np.int8), *point], axis=0)
        point = [self.constant(scale[0], np.float32), self.constant(0, np.int8)]
        return self.node("DequantizeLinear", [self.constant(values, np.int8), *point])

    def conv(self, source: str, channels: tuple[int, int], per_channel: bool = True) -> str:
        weights = self.weights((channels[1], channels[0], 3, 3), per_channel)
        return self.node("Conv", [source, weights], pads=[1, 1, 1, 1])

    def model(
        self, outputs: dict[str, int], opset: int = 17, ir: int = 8, **graph: object
    ) -> onnx.ModelProto:
        """Outputs by name, with their element types."""
        held = [numpy_helper.from_array(value, name) for name, value in self.held.items()]
        declared = [helper.make_tensor_value_info(n, kind, None) for n, kind in outputs.items()]
        made = helper.make_graph(self.nodes, "chain", self.inputs, declared, held, **graph)
        opsets = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(made, opset_imports=opsets, ir_version=ir)


def run(
    model: onnx.ModelProto, inputs: dict[str, NDArray], extra: Sequence[str] = (), off: bool = True
) -> dict[str, NDArray]:
    """Every output, and the tensors named; ``off``: each operator executed as it stands."""
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    known = {one.name for one in watched.graph.output}
    watched.graph.output.extend(
        onnx.ValueInfoProto(name=name) for name in extra if name not in known
    )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    levels = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_DISABLE_ALL if off else levels.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(
        watched.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = [one.name for one in session.get_outputs()]
    return dict(zip(names, session.run(None, inputs), strict=True))
