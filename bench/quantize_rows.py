"""What quantising costs real networks in accuracy, on real pictures, against the float files.

    python bench/quantize_rows.py [--method percentile] [--target x86-64-vnni] [NAME ...]

Calibrated on 128 of the calibration pictures of caltech101_imagenet38, two threads; evaluated on
pictures that calibration does not see. Each line tells the figure, what is wanted, and the time of
a run beside the float network's (medians of alternating runs). Exit status 1 if a figure is missed.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import edgeinfer as ei

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
CALIBRATION = 128
SIGNED = {"scale": 1 / 127.5, "mean": (1, 1, 1)}
Outputs = list[NDArray[Any]]


@dataclass(frozen=True)
class Picture:
    """A file, and the classes that count as right."""

    path: Path
    right: tuple[int, ...]


@dataclass(frozen=True)
class Line:
    """One figure of one network."""

    name: str
    found: float
    wanted: float

    @property
    def reached(self) -> bool:
        return self.found >= self.wanted


@dataclass(frozen=True)
class Network:
    """A file, its preprocessing, its pictures, and how its results are judged."""

    file: str
    preprocess: dict[str, Any]
    pictures: Callable[[], list[Picture]]
    reduce: Callable[[Outputs], NDArray[Any]]
    judge: Callable[[list[Picture], Outputs, Outputs], list[Line]]


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def caltech(split: str) -> list[Picture]:
    folder = SHARED / "labelled" / "caltech101_imagenet38"
    return [
        Picture(folder / row["path"], tuple(map(int, row["imagenet_indices"].split(";"))))
        for row in table(folder / "labels.csv")
        if row["split"] == split
    ]


def voc_weak() -> list[Picture]:
    folder = SHARED / "segmentation" / "voc_weak"
    rows = table(folder / "labels.csv")
    return [Picture(folder / row["path"], (int(row["voc_index"]),)) for row in rows]


def persons() -> list[Picture]:
    folder = SHARED / "labelled" / "person_presence"
    rows = table(folder / "labels.csv")
    return [Picture(folder / row["path"], (int(row["person"]),)) for row in rows]


def faces() -> list[Picture]:
    hopper = Picture(SHARED / "images" / "photos" / "grace_hopper.bmp", (1,))
    return [hopper, *(one for one in persons() if one.right == (1,))]


def share(right: Iterator[bool]) -> float:
    return float(np.mean(list(right)))


def judge_classes(
    offset: int, loss: float, agreement: float | None
) -> Callable[[list[Picture], Outputs, Outputs], list[Line]]:
    """Top-1, and the share of pictures whose first class is the float network's."""

    def judge(pictures: list[Picture], exact: Outputs, rounded: Outputs) -> list[Line]:
        def top(results: Outputs) -> float:
            pairs = zip(pictures, results, strict=True)
            return share(int(one.argmax()) - offset in picture.right for picture, one in pairs)

        lines = [Line("top-1", top(rounded), top(exact) - loss)]
        if agreement is not None:
            pairs = zip(exact, rounded, strict=True)
            same = share(int(a.argmax()) == int(b.argmax()) for a, b in pairs)
            lines.append(Line("agreement", same, agreement))
        return lines

    return judge


def judge_masks(pictures: list[Picture], exact: Outputs, rounded: Outputs) -> list[Line]:
    """The class with most pixels, background left out."""

    def named(masks: Outputs) -> float:
        def largest(mask: NDArray[Any]) -> int:
            counts = np.bincount(mask.reshape(-1), minlength=21)
            counts[0] = 0
            return int(counts.argmax()) if counts.any() else 0

        pairs = zip(pictures, masks, strict=True)
        return share(largest(mask) in picture.right for picture, mask in pairs)

    return [Line("largest object", named(rounded), named(exact) - 0.01)]


def judge_boxes(_: list[Picture], exact: Outputs, rounded: Outputs) -> list[Line]:
    """Faces of the float network above a score of 0.5: found again, and how well they overlap."""
    overlaps = []
    for want, have in zip(exact, rounded, strict=True):
        for box in kept(want):
            overlaps.append(max((overlap(box, other) for other in kept(have)), default=0.0))
    return [
        Line("faces found again", share(one >= 0.5 for one in overlaps), 1.0),
        Line("mean overlap", float(np.mean(overlaps)), 0.9),
    ]


def kept(rows: NDArray[Any], score: float = 0.5, iou: float = 0.3) -> list[NDArray[Any]]:
    """Boxes above the score, of those that overlap the best."""
    boxes: list[NDArray[Any]] = []
    for row in rows[np.argsort(-rows[:, 1])]:
        if row[1] > score and all(overlap(row[2:], other) < iou for other in boxes):
            boxes.append(row[2:])
    return boxes


def overlap(a: NDArray[Any], b: NDArray[Any]) -> float:
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    common = float(np.prod(np.maximum(high - low, 0)))
    areas = float(np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]))
    return common / (areas - common) if areas > common else 0.0


def first(outputs: Outputs) -> NDArray[Any]:
    return np.asarray(outputs[0][0])


def mask(outputs: Outputs) -> NDArray[Any]:
    return np.asarray(outputs[0][0].argmax(axis=0), np.uint8)


def scored_boxes(outputs: Outputs) -> NDArray[Any]:
    return np.concatenate([outputs[0][0], outputs[1][0]], axis=1)


NETWORKS = {
    "mobilenet_v2": Network(
        "mobilenet_v2_1.0_224.onnx",
        {"size": (224, 224), **SIGNED},
        lambda: caltech("eval"),
        first,
        judge_classes(1, 0.005, 0.94),
    ),
    "squeezenet": Network(
        "squeezenet1.0_227.onnx",
        {"size": (227, 227), "scale": 1, "mean": (123, 117, 104)},
        lambda: caltech("eval"),
        first,
        judge_classes(0, 0.005, 0.95),
    ),
    "deeplab_dm05": Network(
        "deeplabv3_mnv2_dm05_pascal_513.onnx",
        {"size": (513, 513), **SIGNED},
        voc_weak,
        mask,
        judge_masks,
    ),
    "deeplab": Network(
        "deeplabv3_mnv2_pascal_513.onnx",
        {"size": (513, 513), **SIGNED},
        voc_weak,
        mask,
        judge_masks,
    ),
    "person": Network(
        "vww_mobilenet_v1_0.25_96.onnx",
        {"size": (96, 96)},
        persons,
        first,
        judge_classes(0, 0.01, None),
    ),
    "ultraface": Network(
        "ultraface_rfb_320.onnx",
        {"size": (240, 320), "scale": 1 / 128, "mean": (127 / 128,) * 3},
        faces,
        scored_boxes,
        judge_boxes,
    ),
}


def measure(name: str, settings: dict[str, Any], out: Path) -> tuple[list[Line], str]:
    network = NETWORKS[name]
    file = SHARED / "models" / network.file
    preprocess = ei.Preprocess(**network.preprocess)
    calibration = [one.path for one in caltech("calib")]
    chosen = calibration[:: max(1, len(calibration) // CALIBRATION)][:CALIBRATION]
    begin = time.perf_counter()
    report = ei.quantize(file, out, samples=chosen, preprocess=preprocess, threads=2, **settings)
    took = time.perf_counter() - begin
    pictures = network.pictures()
    exact: Outputs = []
    rounded: Outputs = []
    times: tuple[list[float], list[float]] = ([], [])
    options = ei.SessionOptions(fuse_tail=False)
    with (
        ei.Session(file, threads=2, options=options, cache=False) as one,
        ei.Session(out, threads=2, options=options, cache=False) as two,
    ):
        for picture in pictures:
            tensor = preprocess(ei.decode(picture.path)).tensor
            for session, results, clock in zip((one, two), (exact, rounded), times, strict=True):
                start = time.perf_counter()
                outputs = list(session.run(tensor).values())
                clock.append(time.perf_counter() - start)
                results.append(network.reduce(outputs))
    lines = network.judge(pictures, exact, rounded)
    before, after = (statistics.median(clock) * 1e3 for clock in times)
    speed = f"{before:.2f} -> {after:.2f} ms ({before / after:.2f}x)"
    return lines, f"{speed}, size {report.size_ratio:.3f}, quantised in {took:.1f} s"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NETWORKS))
    parser.add_argument("--method", default="percentile")
    parser.add_argument("--parameter", type=float)
    parser.add_argument("--target")
    parser.add_argument("--exclude", action="append", default=[])
    parser.add_argument("--no-correct-bias", action="store_true")
    options = parser.parse_args(arguments)
    settings = {
        "method": options.method,
        "parameter": options.parameter,
        "target": options.target,
        "exclude": options.exclude,
        "correct_bias": not options.no_correct_bias,
    }
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        for name in options.names or NETWORKS:
            lines, remark = measure(name, settings, Path(folder) / "int8.onnx")
            for line in lines:
                missed += not line.reached
                verdict = "reached" if line.reached else "missed"
                print(f"{name}: {line.name} {line.found:.4f}, wanted {line.wanted:.4f}: {verdict}")
            print(f"{name}: {remark}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
