"""A small MobileNetV3: hard-swish, squeeze-and-excitation, depthwise filters of 3x3 and 5x5.

Source: Howard et al. 2019 (table 2, narrowed and shortened for pictures of 64x64). Hard-swish has a
small negative side that 8 bits must share with a long positive one, and each gate multiplies whole
channels: ranges differ far more between channels than in networks of ReLU6.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn


class Stage(NamedTuple):
    """One block: depthwise kernel, inner and outer channels, gate, hard-swish, stride."""

    kernel: int
    inner: int
    outer: int
    gated: bool
    swish: bool
    stride: int


STAGES = (
    Stage(3, 16, 16, True, False, 2),
    Stage(3, 56, 24, False, False, 2),
    Stage(3, 72, 24, False, False, 1),
    Stage(5, 96, 40, True, True, 2),
    Stage(5, 160, 40, True, True, 1),
    Stage(5, 120, 48, True, True, 1),
)
STEM = 16
LAST = 192
HIDDEN = 256


def conv(
    inputs: int,
    outputs: int,
    kernel: int = 1,
    *,
    stride: int = 1,
    groups: int = 1,
    act: type[nn.Module] | None = None,
) -> nn.Sequential:
    """Convolution, batch normalisation (folded at export) and an activation."""
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    if act is not None:
        layers.append(act())
    return nn.Sequential(*layers)


class Gate(nn.Module):
    """Squeeze-and-excitation: each channel times a number between 0 and 1 made of all means."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        narrow = max(8, channels // 4)
        self.made = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, narrow, 1),
            nn.ReLU(),
            nn.Conv2d(narrow, channels, 1),
            nn.Hardsigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x * self.made(x)
        return y


class Block(nn.Module):
    """Widen, filter each channel, gate, narrow; the input is added where shapes allow."""

    def __init__(self, inputs: int, stage: Stage) -> None:
        super().__init__()
        act = nn.Hardswish if stage.swish else nn.ReLU
        inner = stage.inner
        layers: list[nn.Module] = [
            conv(inputs, inner, act=act),
            conv(inner, inner, stage.kernel, stride=stage.stride, groups=inner, act=act),
        ]
        if stage.gated:
            layers.append(Gate(inner))
        layers.append(conv(inner, stage.outer))
        self.body = nn.Sequential(*layers)
        self.adds = stage.stride == 1 and inputs == stage.outer

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.body(x)
        return x + y if self.adds else y


class MobileNetV3(nn.Module):
    """Pictures (N, 3, 64, 64) to scores (N, classes)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [conv(3, STEM, 3, stride=2, act=nn.Hardswish)]
        channels = STEM
        for stage in STAGES:
            layers.append(Block(channels, stage))
            channels = stage.outer
        layers.append(conv(channels, LAST, act=nn.Hardswish))
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(LAST, HIDDEN),
            nn.Hardswish(),
            nn.Linear(HIDDEN, classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.head(self.features(x))
        return y


def folded(model: nn.Module) -> nn.Module:
    """A copy in evaluation mode whose batch normalisations are folded into the convolutions."""
    import copy

    from torch.nn.utils.fusion import fuse_conv_bn_eval

    copied = copy.deepcopy(model).eval()
    for block in copied.modules():
        if not isinstance(block, nn.Sequential) or len(block) < 2:
            continue
        first, second = block[0], block[1]
        if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
            block[0], block[1] = fuse_conv_bn_eval(first, second), nn.Identity()
    return copied


def parameters(model: nn.Module) -> int:
    """How many numbers training sets."""
    return sum(one.numel() for one in model.parameters())


def deterministic(seed: int, threads: int) -> None:
    """The same weights whenever this version of torch trains on this kind of CPU."""
    torch.manual_seed(seed)
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
