"""Where int8 loses accuracy in a small MobileNetV3, and what wins it back.

    python examples/mobilenet_v3/quantise.py [MODEL.onnx]    # trains it first if there is none

Prints a table in Markdown: each way to quantise, judged on pictures that neither training nor
calibration saw, then the layers that cost most.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stripes import SIZE, batch

import edgeinfer as ei

HERE = Path(__file__).resolve().parent
MODEL = HERE / "model.onnx"
# Training takes the seeds below.
CALIBRATION_SEED, EVALUATION_SEED = 1_000_000, 2_000_000
CALIBRATION, EVALUATION = 128, 3000
THREADS = 1
PLAIN = "MinMax, nothing repaired"
FIRST = [f"/features/features.{number}/*" for number in range(3)]
WAYS: Mapping[str, Mapping[str, Any]] = {
    PLAIN: {"method": "minmax", "repairs": ()},
    "MinMax, biases corrected": {"method": "minmax", "repairs": ("bias",)},
    "percentile, nothing repaired": {"repairs": ()},
    "percentile, repairs (the default)": {},
    "MSE, repairs": {"method": "mse"},
    "percentile, mixed, at most 0.002 lost": {"mode": "mixed", "max_drop": 0.002},
    "percentile, stem and two blocks in float": {"exclude": FIRST},
}
WORST = 5


@dataclass(frozen=True)
class Side:
    """One file on all pictures."""

    classes: NDArray[np.int64]
    median_ms: float


def prepare() -> ei.Preprocess:
    """As training saw pictures: -1 to 1."""
    return ei.Preprocess((SIZE, SIZE), scale=1 / 127.5, mean=(1, 1, 1))


def look(file: Path, tensors: Sequence[NDArray[np.float32]]) -> Side:
    """Run a file on all pictures."""
    classes, times = [], []
    with ei.Session(file, threads=THREADS, cache=False) as session:
        for tensor in tensors:
            begin = time.perf_counter()
            (scores,) = session.run(tensor).values()
            times.append(time.perf_counter() - begin)
            classes.append(int(scores[0].argmax()))
    return Side(np.array(classes), statistics.median(times) * 1e3)


def line(name: str, side: Side, exact: Side, truth: NDArray[np.int64], file: Path) -> str:
    """One row of the table."""
    right, same = (side.classes == truth).mean(), (side.classes == exact.classes).mean()
    kilobytes = file.stat().st_size / 1000
    return f"| {name} | {right:.4f} | {same:.4f} | {kilobytes:.0f} | {side.median_ms:.2f} |"


def worst_layers(report: ei.QuantizeReport) -> list[str]:
    """Those that alone cost the network's results most."""
    measured = [layer for layer in report.layers if layer.network_sqnr_db is not None]
    measured.sort(key=lambda layer: layer.network_sqnr_db or 0.0)
    return [
        f"| {layer.name} | {layer.op} | {layer.network_sqnr_db:.1f} | {layer.decision} |"
        for layer in measured[:WORST]
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", nargs="?", type=Path, default=MODEL)
    model: Path = parser.parse_args(arguments).model
    if not model.exists():
        subprocess.run([sys.executable, str(HERE / "train.py"), str(model)], check=True)
    samples = list(batch(CALIBRATION, CALIBRATION_SEED)[0])
    pictures, truth = batch(EVALUATION, EVALUATION_SEED)
    ready = prepare()
    tensors = [ready(picture).tensor.copy() for picture in pictures]
    exact = look(model, tensors)
    print("| | accuracy | agreement with float | kB | ms |")
    print("| --- | --- | --- | --- | --- |")
    print(line("float32", exact, exact, truth, model))
    worst: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "int8.onnx"
        for name, settings in WAYS.items():
            report = ei.quantize(
                model, made, samples=samples, preprocess=ready, threads=THREADS, **settings
            )
            worst = worst_layers(report) or worst
            print(line(name, look(made, tensors), exact, truth, made), flush=True)
    if worst:
        print("\n| layer | operator | dB of the network when it alone has 8 bits | |")
        print("| --- | --- | --- | --- |")
        print("\n".join(worst))
    return 0


if __name__ == "__main__":
    sys.exit(main())
