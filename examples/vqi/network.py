"""The light segmentation network: inverted residuals, a gated head and a fine skip for cables.

Backbone: inverted residual blocks after MobileNetV2 (Sandler et al. 2018), ReLU6 throughout as its
bounded range quantises well. Head: after LR-ASPP (Howard et al. 2019), a 1x1 branch gated by
pooled context, then two merges with finer features; the one at stride 4 keeps thin cables alive.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

SIZE_HW = (320, 320)
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


def conv(
    inputs: int,
    outputs: int,
    kernel: int = 1,
    *,
    stride: int = 1,
    groups: int = 1,
    act: bool = True,
) -> nn.Sequential:
    """Convolution, batch normalisation (folded at export) and, unless told otherwise, ReLU6."""
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    if act:
        layers.append(nn.ReLU6())
    return nn.Sequential(*layers)


class InvertedResidual(nn.Module):
    """Widen by ``expand``, filter each channel, narrow; the input is added where shapes allow."""

    def __init__(
        self, inputs: int, outputs: int, *, expand: int, kernel: int = 3, stride: int = 1
    ) -> None:
        super().__init__()
        wide = inputs * expand
        self.body = nn.Sequential(
            conv(inputs, wide),
            conv(wide, wide, kernel, stride=stride, groups=wide),
            conv(wide, outputs, act=False),
        )
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.body(x)
        return x + y if self.adds else y


def stage(inputs: int, outputs: int, depth: int, *, expand: int, kernel: int = 3) -> nn.Sequential:
    """``depth`` blocks, the first of which halves the resolution."""
    first = InvertedResidual(inputs, outputs, expand=expand, kernel=kernel, stride=2)
    rest = [
        InvertedResidual(outputs, outputs, expand=expand, kernel=kernel) for _ in range(depth - 1)
    ]
    return nn.Sequential(first, *rest)


class VqiLight(nn.Module):
    """Logits of ``classes`` for every pixel.

    Input (N, 3, 320, 320) float32, (x / 255 - MEAN) / STD, RGB. Output (N, classes, 320, 320):
    logits at stride 4, brought up by one bilinear resize with half-pixel centres.
    """

    def __init__(self, classes: int = 5) -> None:
        super().__init__()
        self.stem = conv(3, 16, 3, stride=2)
        self.fine = stage(16, 32, 3, expand=3)
        self.middle = stage(32, 40, 3, expand=4, kernel=5)
        self.coarse = nn.Sequential(
            stage(40, 72, 3, expand=4, kernel=5),
            InvertedResidual(72, 72, expand=4, kernel=5),
        )
        self.context = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(72, 96, 1), nn.Sigmoid())
        self.branch = conv(72, 96)
        self.from_middle = conv(40, 96, act=False)
        self.merge = nn.Sequential(conv(96, 96, 3, groups=96), conv(96, 48))
        self.from_fine = conv(32, 48, act=False)
        self.refine = nn.Sequential(
            conv(48, 48, 3, groups=48), conv(48, 48), conv(48, 48, 3, groups=48)
        )
        self.logits = nn.Conv2d(48, classes, 1)

    def low(self, x: Tensor) -> Tensor:
        """Logits at stride 4."""
        fine = self.fine(self.stem(x))
        middle = self.middle(fine)
        coarse = self.coarse(middle)
        y = self.branch(coarse) * self.context(coarse)
        y = self.merge(functional.relu6(_enlarge(y, 2) + self.from_middle(middle)))
        y = self.refine(functional.relu6(_enlarge(y, 2) + self.from_fine(fine)))
        logits: Tensor = self.logits(y)
        return logits

    def forward(self, x: Tensor) -> Tensor:
        return _enlarge(self.low(x), 4)


def _enlarge(x: Tensor, factor: int) -> Tensor:
    return functional.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


def parameters(model: nn.Module) -> int:
    """Number of trained values."""
    return sum(p.numel() for p in model.parameters())


def multiply_adds(model: nn.Module, size_hw: tuple[int, int] = SIZE_HW) -> int:
    """Multiply-adds of the convolutions for one picture; resizes and activations not counted."""
    total = 0

    def count(module: nn.Module, _: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        assert isinstance(module, nn.Conv2d)
        per_value = module.weight[0].numel()
        total += per_value * output[0].numel()

    hooks = [m.register_forward_hook(count) for m in model.modules() if isinstance(m, nn.Conv2d)]
    training = model.training
    model.eval()
    with torch.no_grad():
        model(torch.zeros(1, 3, *size_hw))
    model.train(training)
    for hook in hooks:
        hook.remove()
    return total
