"""Float networks to quantise, and what integers make of one of them, in plain NumPy.

The arithmetic is written out from value = (integer - zero point) * scale, in integers and float64;
it knows nothing of files, graphs or kernels.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

Floats = NDArray[np.float64]


@dataclass
class FloatNetwork:
    """Nodes in order of creation; each method returns the name of its result."""

    shape: tuple[int, ...] = (1, 4, 8, 8)
    seed: int = 0
    nodes: list[NodeProto] = field(default_factory=list)
    held: dict[str, NDArray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)

    def constant(self, value: object, dtype: type = np.float32) -> str:
        name = f"k{len(self.held)}"
        self.held[name] = np.asarray(value, dtype)
        return name

    def node(self, op: str, inputs: Sequence[str], **attributes: object) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], f"n.{name}", **attributes))
        return name

    def conv(self, source: str, outputs: int, inputs: int, kernel: int = 1, group: int = 1) -> str:
        shape = (outputs, inputs // group, kernel, kernel)
        weight = self.rng.normal(0, (inputs // group * kernel**2) ** -0.5, shape)
        # Channels of very different size: one scale for all of them would show.
        weight *= 2.0 ** self.rng.integers(-5, 2, (outputs, 1, 1, 1))
        bias = self.rng.normal(0, 0.3, outputs)
        pads = [kernel // 2] * 4
        names = [source, self.constant(weight), self.constant(bias)]
        return self.node("Conv", names, kernel_shape=[kernel] * 2, pads=pads, group=group)

    def model(self, *outputs: str, opset: int = 13) -> onnx.ModelProto:
        graph = helper.make_graph(
            self.nodes,
            "float",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(self.shape))],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
            [numpy_helper.from_array(value, name) for name, value in self.held.items()],
        )
        opsets = [helper.make_opsetid("", opset)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
        # Inference knows most shapes of outputs, and none is needed.
        return onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)

    def sample(self, number: int = 0) -> NDArray[np.float32]:
        return np.random.default_rng(100 + number).normal(0, 1, self.shape).astype(np.float32)


@dataclass(frozen=True)
class Grid:
    scale: float
    zero_point: int
    lowest: int
    highest: int

    def round(self, values: Floats) -> NDArray[np.int64]:
        integers = np.rint(values / self.scale) + self.zero_point
        return np.clip(integers, self.lowest, self.highest).astype(np.int64)

    def value(self, integers: NDArray[np.int64]) -> Floats:
        return (integers - self.zero_point) * self.scale


def grid(low: float, high: float, signed: bool) -> Grid:
    """The grid of 8 bits from low to high, with zero on it."""
    lowest, highest = (-128, 127) if signed else (0, 255)
    scale = float(np.float32((max(high, 0) - min(low, 0)) / 255))
    zero_point = round(lowest - min(low, 0) / scale)
    return Grid(scale, min(max(zero_point, lowest), highest), lowest, highest)


def symmetric(weights: Floats, bits: int) -> tuple[NDArray[np.int64], Floats]:
    """Integers and scales, one for each entry of axis 0."""
    flat = np.abs(weights).reshape(len(weights), -1)
    scales = (flat.max(axis=1) / (2 ** (bits - 1) - 1)).astype(np.float32).astype(np.float64)
    shaped = scales.reshape(-1, *[1] * (weights.ndim - 1))
    return np.rint(weights / shaped).astype(np.int64), scales


def convolve(
    integers: NDArray[np.int64], zero_point: int, weights: NDArray[np.int64], group: int = 1
) -> NDArray[np.int64]:
    """Sums of a convolution of stride 1 over a plane padded with zeros, (C, H, W) to (O, H, W)."""
    outputs, inputs, kernel, _ = weights.shape
    values = np.pad(integers - zero_point, ((0, 0), *[(kernel // 2,) * 2] * 2))
    height, width = integers.shape[1:]
    sums = np.zeros((outputs, height, width), np.int64)
    for o in range(outputs):
        first = o // (outputs // group) * inputs
        for i in range(inputs):
            for dy in range(kernel):
                for dx in range(kernel):
                    window = values[first + i, dy : dy + height, dx : dx + width]
                    sums[o] += weights[o, i, dy, dx] * window
    return sums


def rounded_sums(
    sums: NDArray[np.int64], bias: Floats, source: Grid, scales: Floats, result: Grid
) -> NDArray[np.int64]:
    """Sums of products with the bias in their own units, on the grid of the result."""
    units = np.asarray(source.scale * scales, np.float32).astype(np.float64)
    shaped = (-1, *[1] * (sums.ndim - 1))
    whole = sums + np.rint(bias / units).astype(np.int64).reshape(shaped)
    return result.round(whole * units.reshape(shaped))
