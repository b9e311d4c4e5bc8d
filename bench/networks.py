"""The benchmark's segmentation network: a MobileNetV2 backbone under an LR-ASPP head.

    image 1x3x512x512 -> backbone, strides 8 and 16 -> LR-ASPP -> logits 1x21x64x64
          -> Resize (linear, half_pixel, in the graph as exporters leave it) -> 1x21x512x512

Sources: Sandler et al. 2018 (inverted residuals; table 2 gives the stages), Howard et al. 2019
(LR-ASPP, figure 10). Batch norms are folded, as every exporter does. The two last stages stay at
stride 16, as segmentation backbones do. Residual additions and the head's gate give many tensors
several consumers, the case that decides how well an int8 file runs. Weights are seeded;
``standardise_classifier`` then makes all 21 classes compete, since an argmax that one class always
wins would be no test of a mask.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper, shape_inference
from onnx.utils import Extractor

INPUT = "image"
LOGITS = "logits"
LOW_LOGITS = "low_logits"
CLASSES = 21
SIZE = (512, 512)
LOW_SIZE = (64, 64)
HEAD_CHANNELS = 128

# Expansion, output channels, repeats, stride of the first block.
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 1),
    (6, 320, 1, 1),
)
STAGE_AT_STRIDE_8 = 2


@dataclass
class _Graph:
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


def segmentation_network(seed: int = 1) -> onnx.ModelProto:
    """The float network, opset 17, IR 8, input ``image``, output ``logits`` 1x21x512x512."""
    graph = _Graph(np.random.default_rng(seed))
    graph.constant("zero", np.array(0, np.float32))
    graph.constant("six", np.array(6, np.float32))
    features = graph.conv(INPUT, "stem", (3, 32), kernel=3, stride=2)
    channels, at_stride_8, channels_8 = 32, "", 0
    for stage, (expand, outputs, repeats, stride) in enumerate(STAGES):
        for block in range(repeats):
            features = graph.inverted_residual(
                features,
                f"stage{stage}.block{block}",
                (channels, outputs),
                expand=expand,
                stride=stride if block == 0 else 1,
            )
            channels = outputs
        if stage == STAGE_AT_STRIDE_8:
            at_stride_8, channels_8 = features, channels
    _lraspp_head(graph, at_stride_8, channels_8, features, channels)
    graph.node(
        "Resize",
        [
            LOW_LOGITS,
            "",
            "",
            graph.constant("logits.size", np.array([1, CLASSES, *SIZE], np.int64)),
        ],
        LOGITS,
        mode="linear",
        coordinate_transformation_mode="half_pixel",
    )
    return _model(graph, LOGITS, (1, CLASSES, *SIZE))


def _lraspp_head(graph: _Graph, low: str, low_channels: int, high: str, high_channels: int) -> None:
    """Gated 1x1 branch of the stride 16 features, doubled, added to a classifier at stride 8."""
    branch = graph.conv(high, "head.branch", (high_channels, HEAD_CHANNELS))
    pooled = graph.node("GlobalAveragePool", [high], "head.pool")
    gate = graph.conv(pooled, "head.scale", (high_channels, HEAD_CHANNELS), activation=False)
    gate = graph.node("Sigmoid", [gate], "head.gate")
    gated = graph.node("Mul", [branch, gate], "head.gated")
    doubled = graph.node(
        "Resize",
        [
            gated,
            "",
            "",
            graph.constant("head.size", np.array([1, HEAD_CHANNELS, *LOW_SIZE], np.int64)),
        ],
        "head.doubled",
        mode="linear",
        coordinate_transformation_mode="half_pixel",
    )
    from_low = graph.conv(low, "head.low", (low_channels, CLASSES), activation=False)
    from_high = graph.conv(doubled, "head.high", (HEAD_CHANNELS, CLASSES), activation=False)
    graph.node("Add", [from_low, from_high], LOW_LOGITS)


def _model(graph: _Graph, output: str, shape: tuple[int, ...]) -> onnx.ModelProto:
    body = helper.make_graph(
        graph.nodes,
        "mobilenetv2_lraspp",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [1, 3, *SIZE])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, list(shape))],
        graph.initializers,
    )
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


def without_upsample(model: onnx.ModelProto, output: str = LOW_LOGITS) -> onnx.ModelProto:
    """The same network up to ``output``, by default the logits before the last Resize."""
    cut: onnx.ModelProto = Extractor(shape_inference.infer_shapes(model)).extract_model(
        [INPUT], [output]
    )
    return cut


def standardise_classifier(
    model: onnx.ModelProto, mean: NDArray[np.float32], std: NDArray[np.float32]
) -> None:
    """Rescale the classifier in place so that its logits get zero mean and unit variance per class.

    ``mean`` and ``std`` hold one value per class, measured on the low resolution logits. Both are
    rounded to 1/64 first, far above the last bits in which CPUs differ, so all machines build the
    same file.
    """
    coarse_mean = np.round(mean * 64) / 64
    coarse_std = np.maximum(np.round(std * 64), 1) / 64
    for initializer in model.graph.initializer:
        if initializer.name not in _CLASSIFIER:
            continue
        value = numpy_helper.to_array(initializer)
        if initializer.name == "head.high.bias":
            value = value - coarse_mean
        per_class = coarse_std.reshape(-1, *[1] * (value.ndim - 1))
        scaled = (value / per_class).astype(np.float32)
        initializer.CopyFrom(numpy_helper.from_array(scaled, initializer.name))


_CLASSIFIER = ("head.low.weight", "head.low.bias", "head.high.weight", "head.high.bias")
