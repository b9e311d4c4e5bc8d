"""How many pictures to calibrate with, and by which method: accuracy, agreement and time.

    python bench/sweep.py [NETWORK ...]     # mobilenet_v2, squeezenet; a minute each

Prints a table in Markdown for each network. Everything is made by ``edgeinfer.quantize`` with its
defaults but for the method, and judged on pictures that no calibration sees.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import edgeinfer as ei
from edgeinfer.machine import read_machine
from edgeinfer.quantize.targets import choose_target
from int8.children import THREADS
from int8.networks import NETWORKS, Network, calibration_pictures, frame_of
from int8.tasks import Answer, Classes

COUNTS = (8, 32, 128)
METHODS = ("minmax", "percentile", "entropy", "mse")
SWEPT = ("mobilenet_v2", "squeezenet")
Tensors = Sequence[NDArray[np.float32]]


def answers(file: Path, task: Classes, tensors: Tensors) -> list[Answer]:
    with ei.Session(file, threads=THREADS, cache=False) as session:
        return [task.answer(session, tensor) for tensor in tensors]


def sweep(network: Network) -> None:
    """Print one line for each number of pictures and method, as they come."""
    task = network.task
    assert isinstance(task, Classes)
    prepare, cases = network.preprocess(), network.cases()
    tensors = [prepare(frame_of(case.picture)).tensor.copy() for case in cases]
    truths = [case.truth for case in cases]
    exact = answers(network.file, task, tensors)
    print(f"\n{network.name}: float top-1 {task.right(truths, exact).mean():.4f}\n")
    print("| pictures | method | top-1 | agreement with float | quantising, s |")
    print("| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "int8.onnx"
        for count in COUNTS:
            for method in METHODS:
                begin = time.perf_counter()
                with warnings.catch_warnings():
                    # That eight pictures are few is what is to be seen.
                    warnings.simplefilter("ignore", ei.CalibrationWarning)
                    ei.quantize(
                        network.file,
                        made,
                        samples=calibration_pictures(count),
                        preprocess=prepare,
                        method=method,
                        threads=THREADS,
                    )
                took = time.perf_counter() - begin
                found = answers(made, task, tensors)
                same = np.mean([int(a) == int(b) for a, b in zip(exact, found, strict=True)])
                top = task.right(truths, found).mean()
                line = f"| {count} | {method} | {top:.4f} | {same:.4f} | {took:.1f} |"
                print(line, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NETWORK", help=", ".join(SWEPT))
    names = parser.parse_args(arguments).names or SWEPT
    unknown = set(names) - set(SWEPT)
    if unknown:
        parser.error(f"found {', '.join(sorted(unknown))}; there are {', '.join(SWEPT)}")
    machine = read_machine()
    print(
        f"{machine.cpu}, {machine.cores} cores; {THREADS} threads, batch 1, target "
        f"{choose_target(None).name}; calibrated on so many of the 152 pictures of the split "
        "`calib` of caltech101_imagenet38, evenly over its 38 categories, judged on the 456 of "
        "`eval`"
    )
    for name in names:
        sweep(NETWORKS[name])
    return 0


if __name__ == "__main__":
    sys.exit(main())
