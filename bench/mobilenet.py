"""The MobileNetV2 backbone that the segmentation network and the classifier share.

Source: Sandler et al. 2018, table 2.
"""

from collections.abc import Sequence
from typing import NamedTuple

from layers import INPUT, Graph

STEM_CHANNELS = 32


class Stage(NamedTuple):
    """A run of inverted residuals; ``stride`` is the first one's."""

    expand: int
    outputs: int
    repeats: int
    stride: int


# The two last stages stay at stride 16, as in segmentation backbones.
STAGES = (
    Stage(1, 16, 1, 1),
    Stage(6, 24, 2, 2),
    Stage(6, 32, 3, 2),
    Stage(6, 64, 4, 2),
    Stage(6, 96, 3, 1),
    Stage(6, 160, 3, 1),
    Stage(6, 320, 1, 1),
)


def backbone(graph: Graph, stages: Sequence[Stage]) -> list[tuple[str, int]]:
    """Stem and ``stages`` behind the image; the result of each stage and its channels."""
    graph.limits_of_relu6()
    features = graph.conv(INPUT, "stem", (3, STEM_CHANNELS), kernel=3, stride=2)
    channels = STEM_CHANNELS
    results = []
    for number, stage in enumerate(stages):
        for block in range(stage.repeats):
            features = graph.inverted_residual(
                features,
                f"stage{number}.block{block}",
                (channels, stage.outputs),
                expand=stage.expand,
                stride=stage.stride if block == 0 else 1,
            )
            channels = stage.outputs
        results.append((features, channels))
    return results
