"""Row: a run of static int8 files beside their float files, in turn, 2 threads."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import edgeinfer as ei
from classifiers import SIZE
from frames import natural_frame
from int8 import files
from int8.children import THREADS
from int8.networks import NETWORKS, frame_of
from layers import INPUT
from peers import common_preprocess
from quantise_networks import resnet50_file
from rows import Figure, Outcome
from timing import Summary, Timings, alternate

ROUNDS = 60
FRAMES = 8
WANTED = {"mobilenet_v2": 2.0, "resnet50": 3.0}
# Random weights answer nothing, so what is required is only that the files compute the same thing.
NEAR = 0.35
Tensor = NDArray[np.float32]


def measure() -> Outcome:
    """MobileNetV2 trained, ResNet50 with random weights; single frames."""
    figures, checked = [], []
    sides: dict[str, Summary] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, (file, made, tensors) in _networks(Path(folder)).items():
            timings, away = _in_turn(file, made, tensors)
            checked.append(f"{name} {away:.2f}")
            figures.append(
                Figure(f"float / int8, {name}", timings.ratio("float", "int8"), WANTED[name])
            )
            sides |= {f"{name}, {side}": timings.summary(side) for side in ("float", "int8")}
    return Outcome(
        checked=f"scores apart, of their deviation (bound {NEAR}): {', '.join(checked)}",
        figures=tuple(figures),
        sides=sides,
        notes=(
            f"{THREADS} threads, one frame at a time; no tail, no preprocessing",
            "no peers: edgeinfer runs both files, and random weights would say nothing of theirs",
        ),
    )


def _networks(folder: Path) -> dict[str, tuple[Path, Path, list[Tensor]]]:
    mobilenet = NETWORKS["mobilenet_v2"]
    prepare = mobilenet.preprocess()
    files.make(mobilenet, folder / "mobilenet_v2.onnx")
    photographs = [
        prepare(frame_of(case.picture)).tensor.copy() for case in mobilenet.cases()[:FRAMES]
    ]
    resnet = resnet50_file()
    ei.quantize(
        resnet,
        folder / "resnet50.onnx",
        samples=[{INPUT: frame} for frame in _drawn(range(1000, 1032))],
        threads=THREADS,
    )
    return {
        "mobilenet_v2": (mobilenet.file, folder / "mobilenet_v2.onnx", photographs),
        "resnet50": (resnet, folder / "resnet50.onnx", _drawn(range(FRAMES))),
    }


def _drawn(seeds: Iterable[int]) -> list[Tensor]:
    return [common_preprocess(natural_frame(seed), SIZE) for seed in seeds]


def _in_turn(file: Path, made: Path, tensors: list[Tensor]) -> tuple[Timings, float]:
    with (
        ei.Session(file, threads=THREADS, cache=False) as exact,
        ei.Session(made, threads=THREADS, cache=False) as rounded,
    ):

        def scores(session: ei.Session, number: int) -> Tensor:
            (one,) = session.run(tensors[number % len(tensors)]).values()
            return one

        away = max(
            float(
                (scores(exact, number) - scores(rounded, number)).std()
                / scores(exact, number).std()
            )
            for number in range(len(tensors))
        )
        if away > NEAR:
            raise AssertionError(f"{made.name}: scores are {away:.2f} deviations from float's")
        timings = alternate(
            {
                "float": lambda number: scores(exact, number),
                "int8": lambda number: scores(rounded, number),
            },
            rounds=ROUNDS,
        )
    return timings, away
