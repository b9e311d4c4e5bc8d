"""Train the network of ``network.py`` on ``stripes.py`` and write it as ONNX.

    python examples/mobilenet_v3/train.py OUT.onnx    # two minutes of one core; needs torch, onnx

The seed is fixed: the same versions on the same kind of CPU give the same file.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from network import MobileNetV3, deterministic, folded
from numpy.typing import NDArray
from stripes import CLASSES, SIZE, batch
from torch import Tensor, nn

SEED = 5
STEPS = 1000
BATCH = 64
RATE = 6e-3
DECAY = 1e-4
OPSET = 17
# Small layers gain little by more, and two threads wait for each other on a loaded machine.
THREADS = 1


def to_input(pictures: NDArray[np.uint8]) -> Tensor:
    """(N, H, W, 3) uint8 to (N, 3, H, W), -1 to 1."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1


def train(steps: int) -> nn.Module:
    """One pass over pictures that are never seen twice."""
    deterministic(SEED, THREADS)
    model = MobileNetV3(CLASSES).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
    began = said = time.perf_counter()
    right = 0.0
    for step in range(steps):
        pictures, classes = batch(BATCH, step)
        wanted = torch.from_numpy(classes)
        scores = model(to_input(pictures).contiguous(memory_format=torch.channels_last))
        loss = nn.functional.cross_entropy(scores, wanted)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        right = 0.98 * right + 0.02 * float((scores.argmax(1) == wanted).float().mean())
        now = time.perf_counter()
        if now - said > 5 or step + 1 == steps:
            left = (now - began) / (step + 1) * (steps - step - 1)
            print(f"step {step + 1}/{steps}, right {right:.3f}, {left:.0f} s left", flush=True)
            said = now
    return model


def export(model: nn.Module, path: Path) -> None:
    """Write the network for one picture, batch normalisations folded."""
    ready = folded(model).to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    beside = path.with_suffix(".new")
    with warnings.catch_warnings():
        # The TorchScript exporter needs no further package; its successor wants onnxscript.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            ready,
            (torch.zeros(1, 3, SIZE, SIZE),),
            beside,
            dynamo=False,
            opset_version=OPSET,
            input_names=["image"],
            output_names=["scores"],
        )
    onnx.checker.check_model(onnx.load(beside), full_check=True)
    beside.replace(path)


def main(argv: list[str] | None = None) -> int:
    """Train and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, default=STEPS)
    arguments = parser.parse_args(argv)
    used = time.process_time()
    export(train(arguments.steps), arguments.out)
    print(f"{arguments.out}: {time.process_time() - used:.0f} s of processor time")
    return 0


if __name__ == "__main__":
    sys.exit(main())
