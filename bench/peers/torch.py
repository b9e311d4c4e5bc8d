"""torch: ``interpolate`` on bytes, then one multiply-add over the planes."""

import numpy as np
import torch

from peers.arrays import MEAN, STD, Frame, Tensor


class TorchRecipe:
    """(height, width, 3) uint8 RGB to (1, 3, *size) float32; ``antialias`` as torchvision's."""

    def __init__(self, size: tuple[int, int], *, antialias: bool) -> None:
        torch.set_num_threads(1)
        self._size = size
        self._antialias = antialias
        mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
        self._scale, self._bias = 1 / (255 * std), -mean / std

    def __call__(self, frame: Frame) -> Tensor:
        planes = torch.from_numpy(frame).permute(2, 0, 1)[None]
        resized = torch.nn.functional.interpolate(
            planes, self._size, mode="bilinear", antialias=self._antialias, align_corners=False
        )
        tensor: Tensor = np.asarray(torch.addcmul(self._bias, resized.float(), self._scale))
        return tensor
