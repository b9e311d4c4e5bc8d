"""Layers with seeded weights, from which the benchmark's networks are built.

Batch norms are folded, as every exporter does.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

INPUT = "image"


@dataclass
class Graph:
    """Nodes and initialisers in order of creation; every method returns the name of its result."""

    rng: np.random.Generator
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    initializers: list[onnx.TensorProto] = field(default_factory=list)

    def constant(self, name: str, value: NDArray[np.generic]) -> str:
        self.initializers.append(numpy_helper.from_array(value, name))
        return name

    def node(self, op: str, inputs: Sequence[str], name: str, **attributes: object) -> str:
        self.nodes.append(helper.make_node(op, inputs, [name], name=f"{op}:{name}"))
        self.nodes[-1].attribute.extend(
            helper.make_attribute(key, value) for key, value in attributes.items()
        )
        return name

    def conv(
        self,
        source: str,
        name: str,
        channels: tuple[int, int],
        *,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        gain: float = 2.0,
        activation: bool = True,
    ) -> str:
        """Convolution, weights of variance gain / fan-in (He et al. 2015), ReLU6 if asked."""
        inputs, outputs = channels
        fan_in = inputs // groups * kernel * kernel
        shape = (outputs, inputs // groups, kernel, kernel)
        weights = self.rng.normal(0, np.sqrt(gain / fan_in), shape).astype(np.float32)
        # Inputs are mostly rectified, hence of positive mean: filters that sum to zero pass on what
        # varies over the picture and not that mean, which would otherwise swamp it layer by layer.
        if fan_in > 1 and groups == 1:
            weights -= weights.mean(axis=(1, 2, 3), keepdims=True)
        bias = self.rng.normal(0, 0.1, outputs).astype(np.float32)
        result = self.node(
            "Conv",
            [
                source,
                self.constant(f"{name}.weight", weights),
                self.constant(f"{name}.bias", bias),
            ],
            f"{name}.conv" if activation else name,
            kernel_shape=[kernel, kernel],
            pads=[kernel // 2] * 4,
            strides=[stride, stride],
            group=groups,
        )
        if activation:
            result = self.node("Clip", [result, "zero", "six"], name)
        return result

    def limits_of_relu6(self) -> None:
        """The two constants of every ReLU6; once, before the first convolution with one."""
        self.constant("zero", np.array(0, np.float32))
        self.constant("six", np.array(6, np.float32))

    def inverted_residual(
        self, source: str, name: str, channels: tuple[int, int], *, expand: int, stride: int
    ) -> str:
        inputs, outputs = channels
        wide = inputs * expand
        inner = source
        if expand > 1:
            inner = self.conv(inner, f"{name}.expand", (inputs, wide))
        inner = self.conv(
            inner, f"{name}.depthwise", (wide, wide), kernel=3, stride=stride, groups=wide
        )
        # Small residual branches, as in trained networks: the chain of additions does not grow, and
        # int8 rounding stays well below the signal (13 dB at the head; 3 dB with large ones).
        residual = stride == 1 and inputs == outputs
        inner = self.conv(
            inner,
            f"{name}.project",
            (wide, outputs),
            gain=0.1 if residual else 1.0,
            activation=False,
        )
        return self.node("Add", [source, inner], name) if residual else inner

    def model(
        self, name: str, size: tuple[int, int], output: str, shape: Sequence[int]
    ) -> onnx.ModelProto:
        """The network from ``image`` 1x3xHxW to ``output``; opset 17, IR 8, checked."""
        body = helper.make_graph(
            self.nodes,
            name,
            [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [1, 3, *size])],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, list(shape))],
            self.initializers,
        )
        model = helper.make_model(body, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model, full_check=True)
        return model
