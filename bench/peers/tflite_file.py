"""A float ONNX network as a TFLite file: the operators of the networks here, and none else.

LiteRT's own converters start from torch modules or TensorFlow graphs; from an ONNX file there is
none. The weights go over unchanged, channels last, with what those converters do too: ReLU6 goes
into its convolution, and a symmetric border before a stride of two becomes an operator of its own,
since TFLite's "same" puts the odd pixel behind. Operators are described at
https://ai.google.dev/edge/litert and in the schema that LiteRT's package carries.
"""

from collections.abc import Callable, Sequence
from typing import Any

import flatbuffers
import numpy as np
import onnx
from ai_edge_litert import schema_py_generated as tfl
from numpy.typing import NDArray
from onnx import numpy_helper, shape_inference

FILE_IDENTIFIER = b"TFL3"
SCHEMA_VERSION = 3


def tflite_bytes(model: onnx.ModelProto) -> bytes:
    """The same network from channels last to the same output.

    Raises:
        ValueError: an operator or an attribute that no rule below writes.
    """
    return _Writer(shape_inference.infer_shapes(model)).content()


def channels_last(shape: Sequence[int]) -> list[int]:
    if len(shape) != 4:
        return list(shape)
    batch, channels, height, width = shape
    return [batch, height, width, channels]


class _Writer:
    def __init__(self, model: onnx.ModelProto) -> None:
        graph = model.graph
        self._constants = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
        self._shapes = {
            value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim]
            for value in (*graph.value_info, *graph.input, *graph.output)
        }
        self._consumers: dict[str, list[onnx.NodeProto]] = {}
        for node in graph.node:
            for name in node.input:
                self._consumers.setdefault(name, []).append(node)
        # The first buffer is the empty one, of all tensors that are computed.
        self._buffers = [tfl.BufferT()]
        self._tensors: list[Any] = []
        self._indices: dict[str, int] = {}
        self._codes: list[int] = []
        self._operators: list[Any] = []
        self._inputs = [self._tensor(value.name) for value in graph.input]
        # Written already, as part of the operator before them.
        self._done: set[str] = set()
        for node in graph.node:
            if node.output[0] not in self._done:
                self._rule(node)(node)
        self._outputs = [self._indices[value.name] for value in graph.output]

    def content(self) -> bytes:
        graph = tfl.SubGraphT()
        graph.tensors, graph.operators = self._tensors, self._operators
        graph.inputs, graph.outputs = self._inputs, self._outputs
        model = tfl.ModelT()
        model.version = SCHEMA_VERSION
        model.buffers, model.subgraphs = self._buffers, [graph]
        model.operatorCodes = [_code(number) for number in self._codes]
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(model.Pack(builder), file_identifier=FILE_IDENTIFIER)
        return bytes(builder.Output())

    # --- operators ------------------------------------------------------------------------------

    def _rule(self, node: onnx.NodeProto) -> Callable[[onnx.NodeProto], None]:
        rules = {
            "Add": self._add,
            "Conv": self._conv,
            "Flatten": self._flatten,
            "Gemm": self._gemm,
            "GlobalAveragePool": self._mean,
            "Mul": self._mul,
            "Resize": self._resize,
            "Sigmoid": self._logistic,
        }
        if node.op_type not in rules:
            raise ValueError(f"no rule writes the operator {node.op_type} as TFLite")
        return rules[node.op_type]

    def _conv(self, node: onnx.NodeProto) -> None:
        weights = self._constants[node.input[1]]
        found = _attributes(node)
        strides, pads, groups = found.pop("strides"), found.pop("pads"), found.pop("group")
        found.pop("kernel_shape", None)  # the weights tell
        if found or len(node.input) != 3:
            raise ValueError(f"no rule writes a Conv by {found} of {len(node.input)} inputs")
        outputs, inputs_a_group = weights.shape[:2]
        if groups not in (1, outputs) or (groups > 1 and inputs_a_group > 1):
            raise ValueError(f"no rule writes a convolution of {groups} groups as TFLite")
        source = self._tensor(node.input[0])
        if any(pads):
            source = self._padded(node, source, pads)
        depthwise = groups > 1
        options = tfl.DepthwiseConv2DOptionsT() if depthwise else tfl.Conv2DOptionsT()
        options.padding = tfl.Padding.VALID
        options.strideH, options.strideW = strides
        if depthwise:
            options.depthMultiplier = 1
        name, options.fusedActivationFunction = self._activation(node.output[0])
        # (outputs, inputs, h, w): outputs in front of the kernel, of depthwise ones behind.
        axes = (1, 2, 3, 0) if depthwise else (0, 2, 3, 1)
        operator = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
        filters = self._constant(node.input[1], weights.transpose(axes))
        bias = self._constant(node.input[2], self._constants[node.input[2]])
        kind = "DepthwiseConv2DOptions" if depthwise else "Conv2DOptions"
        self._operator(operator, [source, filters, bias], name, kind, options)

    def _padded(self, node: onnx.NodeProto, source: int, pads: Sequence[int]) -> int:
        top, left, bottom, right = pads
        border = np.array([[0, 0], [top, bottom], [left, right], [0, 0]], np.int32)
        name = f"{node.output[0]}.padded"
        batch, channels, height, width = self._shapes[node.input[0]]
        self._shapes[name] = [batch, channels, height + top + bottom, width + left + right]
        sizes = self._constant(f"{name}.border", border)
        return self._operator("PAD", [source, sizes], name, "PadOptions", tfl.PadOptionsT())

    def _activation(self, name: str) -> tuple[str, int]:
        """The result behind a ReLU6 that alone reads ``name``, and TFLite's number of it."""
        readers = self._consumers.get(name, [])
        if [node.op_type for node in readers] != ["Clip"]:
            return name, tfl.ActivationFunctionType.NONE
        clip = readers[0]
        limits = tuple(float(self._constants[limit]) for limit in clip.input[1:])
        if limits != (0, 6):
            raise ValueError(f"no rule writes a Clip to {limits} as TFLite")
        self._done.add(clip.output[0])
        return clip.output[0], tfl.ActivationFunctionType.RELU6

    def _add(self, node: onnx.NodeProto) -> None:
        inputs = self._computed(node)
        self._operator("ADD", inputs, node.output[0], "AddOptions", tfl.AddOptionsT())

    def _mul(self, node: onnx.NodeProto) -> None:
        inputs = self._computed(node)
        self._operator("MUL", inputs, node.output[0], "MulOptions", tfl.MulOptionsT())

    def _computed(self, node: onnx.NodeProto) -> list[int]:
        constants = [name for name in node.input if name in self._constants]
        if constants:
            raise ValueError(f"no rule writes {node.op_type} of the constant {constants[0]}")
        return [self._tensor(name) for name in node.input]

    def _logistic(self, node: onnx.NodeProto) -> None:
        self._operator("LOGISTIC", [self._tensor(node.input[0])], node.output[0], "NONE", None)

    def _resize(self, node: onnx.NodeProto) -> None:
        found = _attributes(node)
        wanted = {"mode": b"linear", "coordinate_transformation_mode": b"half_pixel"}
        if found != wanted:
            raise ValueError(f"no rule writes a Resize by {found} as TFLite")
        height, width = self._shapes[node.output[0]][2:]
        size = self._constant(f"{node.output[0]}.size", np.array([height, width], np.int32))
        options = tfl.ResizeBilinearOptionsT()
        options.halfPixelCenters = True
        inputs = [self._tensor(node.input[0]), size]
        self._operator("RESIZE_BILINEAR", inputs, node.output[0], "ResizeBilinearOptions", options)

    def _mean(self, node: onnx.NodeProto) -> None:
        options = tfl.ReducerOptionsT()
        options.keepDims = True
        axes = self._constant(f"{node.output[0]}.axes", np.array([1, 2], np.int32))
        inputs = [self._tensor(node.input[0]), axes]
        self._operator("MEAN", inputs, node.output[0], "ReducerOptions", options)

    def _flatten(self, node: onnx.NodeProto) -> None:
        source = self._shapes[node.input[0]]
        if source[2:] != [1, 1]:
            raise ValueError(f"no rule flattens {source} as TFLite: channels would change places")
        shape = np.array(self._shapes[node.output[0]], np.int32)
        options = tfl.ReshapeOptionsT()
        options.newShape = shape.tolist()
        wanted = self._constant(f"{node.output[0]}.shape", shape)
        inputs = [self._tensor(node.input[0]), wanted]
        self._operator("RESHAPE", inputs, node.output[0], "ReshapeOptions", options)

    def _gemm(self, node: onnx.NodeProto) -> None:
        if _attributes(node) != {"transB": 1}:
            raise ValueError("no rule writes a Gemm other than x times transposed w as TFLite")
        weights, bias = (self._constant(name, self._constants[name]) for name in node.input[1:])
        inputs = [self._tensor(node.input[0]), weights, bias]
        options = tfl.FullyConnectedOptionsT()
        name = node.output[0]
        self._operator("FULLY_CONNECTED", inputs, name, "FullyConnectedOptions", options)

    # --- the file's tables ----------------------------------------------------------------------

    def _operator(
        self, name: str, inputs: list[int], output: str, kind: str, options: object
    ) -> int:
        number = getattr(tfl.BuiltinOperator, name)
        if number not in self._codes:
            self._codes.append(number)
        operator = tfl.OperatorT()
        operator.opcodeIndex = self._codes.index(number)
        target = self._tensor(output)
        operator.inputs, operator.outputs = inputs, [target]
        operator.builtinOptionsType = getattr(tfl.BuiltinOptions, kind)
        operator.builtinOptions = options
        self._operators.append(operator)
        return target

    def _tensor(self, name: str) -> int:
        if name not in self._indices:
            self._add_tensor(name, channels_last(self._shapes[name]), tfl.TensorType.FLOAT32, 0)
        return self._indices[name]

    def _constant(self, name: str, value: NDArray[Any]) -> int:
        if name not in self._indices:
            buffer = tfl.BufferT()
            buffer.data = np.ascontiguousarray(value).reshape(-1).view(np.uint8)
            self._buffers.append(buffer)
            types = {"float32": tfl.TensorType.FLOAT32, "int32": tfl.TensorType.INT32}
            self._add_tensor(
                name, list(value.shape), types[value.dtype.name], len(self._buffers) - 1
            )
        return self._indices[name]

    def _add_tensor(self, name: str, shape: list[int], kind: int, buffer: int) -> None:
        tensor = tfl.TensorT()
        tensor.name, tensor.shape = name, shape
        tensor.type, tensor.buffer = kind, buffer
        self._indices[name] = len(self._tensors)
        self._tensors.append(tensor)


def _code(number: int) -> Any:
    code = tfl.OperatorCodeT()
    # Older readers look at the first field, which is a byte; all of ours fit into it.
    code.deprecatedBuiltinCode = code.builtinCode = number
    return code


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    return {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
