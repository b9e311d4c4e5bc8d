"""Training scenes rendered once into memory, and the batches cut from them."""

from __future__ import annotations

import multiprocessing
import time
from dataclasses import dataclass

import numpy as np
import torch
from network import MEAN, STD
from numpy.typing import NDArray
from PIL import Image
from render import render
from torch import Tensor

SEEDS_PER_RUN = 100_000  # training seeds are run * this + index, all below the evaluation seeds


@dataclass(frozen=True)
class Scenes:
    """images (count, H, W, 3) and masks (count, H, W), both uint8."""

    images: NDArray[np.uint8]
    masks: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.images)


def _draw(seed: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    scene = render(seed)
    return scene.image, scene.mask


def render_all(seeds: range, *, processes: int, note: str) -> Scenes:
    """Render ``seeds`` in ``processes`` processes, with a progress line now and then."""
    images = np.empty((len(seeds), 320, 320, 3), np.uint8)
    masks = np.empty((len(seeds), 320, 320), np.uint8)
    began = said = time.perf_counter()
    # "spawn": a fork would copy the state of torch's threads.
    context = multiprocessing.get_context("spawn")
    with context.Pool(processes) as pool:
        for index, (image, mask) in enumerate(pool.imap(_draw, seeds, chunksize=16)):
            images[index], masks[index] = image, mask
            now = time.perf_counter()
            if now - said > 10 or index + 1 == len(seeds):
                left = (now - began) / (index + 1) * (len(seeds) - index - 1)
                print(f"{note}: {index + 1}/{len(seeds)} scenes, {left:.0f} s left", flush=True)
                said = now
    return Scenes(images, masks)


def to_input(images: NDArray[np.uint8]) -> Tensor:
    """(N, H, W, 3) uint8 to (N, 3, H, W) float32 as the recipe says, channels-last in memory."""
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float()
    mean, std = torch.tensor(MEAN).view(1, 3, 1, 1), torch.tensor(STD).view(1, 3, 1, 1)
    return ((pixels / 255 - mean) / std).contiguous(memory_format=torch.channels_last)


def batch(
    rng: np.random.Generator, scenes: Scenes, indices: NDArray[np.int64], side: int
) -> tuple[Tensor, Tensor]:
    """Augmented crops of ``side`` pixels: input (N, 3, side, side) and labels (N, side, side)."""
    images = np.empty((len(indices), side, side, 3), np.uint8)
    masks = np.empty((len(indices), side, side), np.uint8)
    for row, index in enumerate(indices.tolist()):
        image, mask = _crop(rng, scenes.images[index], scenes.masks[index], side)
        if rng.random() < 0.5:
            image, mask = image[:, ::-1], mask[:, ::-1]
        images[row], masks[row] = image, mask
    return _jitter(rng, to_input(images)), torch.from_numpy(masks).long()


def _crop(
    rng: np.random.Generator, image: NDArray[np.uint8], mask: NDArray[np.uint8], side: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    full = image.shape[0]
    if rng.random() < 0.7:
        top, left = (int(rng.integers(0, full - side + 1)) for _ in range(2))
        area = np.s_[top : top + side, left : left + side]
        return image[area], mask[area]
    # Scaled views: mostly nearer, so that the labels' line width stays close to the real one.
    taken = min(float(full), side / float(rng.uniform(0.9, 1.5)))
    left_at, top_at = (float(rng.uniform(0, full - taken)) for _ in range(2))
    box = (left_at, top_at, left_at + taken, top_at + taken)
    shape = (side, side)
    scaled = Image.fromarray(image).resize(shape, Image.Resampling.BILINEAR, box=box)
    labels = Image.fromarray(mask).resize(shape, Image.Resampling.NEAREST, box=box)
    return np.asarray(scaled), np.asarray(labels)


def _jitter(rng: np.random.Generator, inputs: Tensor) -> Tensor:
    """Gain, offset and per-channel balance of each picture, in normalised units."""
    count = len(inputs)
    gain = torch.from_numpy(rng.uniform(0.8, 1.2, (count, 1, 1, 1)).astype(np.float32))
    balance = torch.from_numpy(rng.uniform(0.93, 1.07, (count, 3, 1, 1)).astype(np.float32))
    offset = torch.from_numpy(rng.uniform(-0.25, 0.25, (count, 1, 1, 1)).astype(np.float32))
    return inputs * (gain * balance) + offset
