"""The benchmark's segmentation network: a MobileNetV2 backbone under an LR-ASPP head.

    image 1x3x512x512 -> backbone, strides 8 and 16 -> LR-ASPP -> logits 1x21x64x64
          -> Resize (linear, half_pixel, in the graph as exporters leave it) -> 1x21x512x512

Source of the head: Howard et al. 2019 (LR-ASPP, figure 10). Residual additions and the head's gate
give many tensors several consumers, the case that decides how well an int8 file runs. Weights are
seeded; ``standardise_classifier`` then makes all 21 classes compete, since an argmax that one class
always wins would be no test of a mask.
"""

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper, shape_inference
from onnx.utils import Extractor

from layers import INPUT, Graph
from mobilenet import STAGES, backbone

LOGITS = "logits"
LOW_LOGITS = "low_logits"
CLASSES = 21
SIZE = (512, 512)
LOW_SIZE = (64, 64)
HEAD_CHANNELS = 128

STAGE_AT_STRIDE_8 = 2


def segmentation_network(seed: int = 1) -> onnx.ModelProto:
    """The float network, opset 17, IR 8, input ``image``, output ``logits`` 1x21x512x512."""
    graph = Graph(np.random.default_rng(seed))
    results = backbone(graph, STAGES)
    _lraspp_head(graph, *results[STAGE_AT_STRIDE_8], *results[-1])
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
    return graph.model("mobilenetv2_lraspp", SIZE, LOGITS, (1, CLASSES, *SIZE))


def _lraspp_head(graph: Graph, low: str, low_channels: int, high: str, high_channels: int) -> None:
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
