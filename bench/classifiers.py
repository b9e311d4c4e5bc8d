"""Two classifiers with seeded weights: MobileNetV2 and ResNet50, 1000 classes, 224x224.

Source of ResNet50: He et al. 2016 (table 1; the stride sits in the 3x3 convolution, as everywhere
today). The real architectures, so that times, sizes and the work of loading are those of the
trained files; what they answer means nothing.
"""

from collections.abc import Iterable

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from layers import Graph
from mobilenet import STAGES, backbone

SCORES = "scores"
CLASSES = 1000
SIZE = (224, 224)
LAST_CHANNELS = 1280
# Of the segmentation network's stages, the one that a classifier halves once more.
STAGE_TO_STRIDE_32 = 5
# Width and repeats of each stage of bottlenecks.
BOTTLENECKS = ((64, 3), (128, 4), (256, 6), (512, 3))
EXPANSION = 4


def mobilenet_v2(seed: int = 2) -> onnx.ModelProto:
    """3.5 million weights, 14 MB."""
    graph = Graph(np.random.default_rng(seed))
    stages = list(STAGES)
    stages[STAGE_TO_STRIDE_32] = stages[STAGE_TO_STRIDE_32]._replace(stride=2)
    features, channels = backbone(graph, stages)[-1]
    features = graph.conv(features, "last", (channels, LAST_CHANNELS))
    return _classified(graph, features, LAST_CHANNELS, "mobilenet_v2")


def resnet50(seed: int = 3) -> onnx.ModelProto:
    """25.6 million weights, 102 MB."""
    graph = Graph(np.random.default_rng(seed))
    features = graph.conv("image", "stem", (3, 64), kernel=7, stride=2, activation=False)
    features = graph.node("Relu", [features], "stem.relu")
    features = graph.node(
        "MaxPool", [features], "stem.pool", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4
    )
    channels = 64
    for stage, (width, repeats) in enumerate(BOTTLENECKS):
        for block in range(repeats):
            stride = 2 if stage > 0 and block == 0 else 1
            name = f"stage{stage}.block{block}"
            features = _bottleneck(graph, features, name, channels, width, stride)
            channels = width * EXPANSION
    return _classified(graph, features, channels, "resnet50")


def _bottleneck(
    graph: Graph, source: str, name: str, channels: int, width: int, stride: int
) -> str:
    inner = graph.conv(source, f"{name}.reduce", (channels, width), activation=False)
    inner = graph.node("Relu", [inner], f"{name}.reduce.relu")
    inner = graph.conv(
        inner, f"{name}.middle", (width, width), kernel=3, stride=stride, activation=False
    )
    inner = graph.node("Relu", [inner], f"{name}.middle.relu")
    outputs = width * EXPANSION
    # Small branches, as in inverted residuals: the chain of additions does not grow.
    inner = graph.conv(inner, f"{name}.expand", (width, outputs), gain=0.1, activation=False)
    if channels != outputs:
        source = graph.conv(
            source, f"{name}.project", (channels, outputs), stride=stride, activation=False
        )
    return graph.node("Relu", [graph.node("Add", [source, inner], f"{name}.sum")], name)


def _classified(graph: Graph, features: str, channels: int, name: str) -> onnx.ModelProto:
    pooled = graph.node("GlobalAveragePool", [features], "pool")
    flat = graph.node("Flatten", [pooled], "flat", axis=1)
    weights = graph.rng.normal(0, np.sqrt(1 / channels), (CLASSES, channels)).astype(np.float32)
    graph.node(
        "Gemm",
        [
            flat,
            graph.constant("scores.weight", weights),
            graph.constant("scores.bias", np.zeros(CLASSES, np.float32)),
        ],
        SCORES,
        transB=1,
    )
    return graph.model(name, SIZE, SCORES, (1, CLASSES))


def centre_scores(model: onnx.ModelProto, scores: Iterable[NDArray[np.float32]]) -> None:
    """Move the bias in place so that each class has mean zero over ``scores``, (1, 1000) each.

    What a picture changes then decides, and not one class always. Rounded as in
    ``networks.standardise_classifier``.
    """
    mean = np.round(np.concatenate(list(scores)).mean(0) * 64) / 64
    (bias,) = (one for one in model.graph.initializer if one.name == "scores.bias")
    bias.CopyFrom(numpy_helper.from_array(-mean.astype(np.float32), bias.name))
