"""Real networks quantised here, on real pictures that calibration did not see."""

import csv
from pathlib import Path
from typing import Any

import numpy as np

import edgeinfer
from edgeinfer import Preprocess, QuantizeReport


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def quantise(
    shared: Path, model: Path, preprocess: Preprocess, out: Path, count: int
) -> QuantizeReport:
    folder = shared / "labelled" / "caltech101_imagenet38"
    calib = [folder / row["path"] for row in rows(folder / "labels.csv") if row["split"] == "calib"]
    return edgeinfer.quantize(model, out, samples=calib[:count], preprocess=preprocess)


def scores(model: Path, preprocess: Preprocess, pictures: list[Path]) -> Any:
    with edgeinfer.Session(model, cache=False) as session:
        return np.stack(
            [
                next(iter(session.run(preprocess(edgeinfer.decode(one)).tensor).values()))[0]
                for one in pictures
            ]
        )


def test_mobilenet_names_what_the_float_network_names(shared_data: Path, tmp_path: Path) -> None:
    model = shared_data / "models" / "mobilenet_v2_1.0_224.onnx"
    preprocess = Preprocess((224, 224), scale=1 / 127.5, mean=(1, 1, 1))
    report = quantise(shared_data, model, preprocess, tmp_path / "int8.onnx", 128)
    assert report.size_ratio <= 0.28
    folder = shared_data / "labelled" / "caltech101_imagenet38"
    labels = [row for row in rows(folder / "labels.csv") if row["split"] == "eval"]
    pictures = [folder / row["path"] for row in labels]
    exact = scores(model, preprocess, pictures).argmax(axis=1)
    rounded = scores(tmp_path / "int8.onnx", preprocess, pictures).argmax(axis=1)
    right = [
        [int(one) - 1 in map(int, row["imagenet_indices"].split(";")) for one in pair]
        for row, pair in zip(labels, zip(exact, rounded, strict=True), strict=True)
    ]
    before, after = np.mean(right, axis=0)
    assert after >= before - 0.005
    assert (exact == rounded).mean() >= 0.94


def test_persons_are_seen_as_before(shared_data: Path, tmp_path: Path) -> None:
    model = shared_data / "models" / "vww_mobilenet_v1_0.25_96.onnx"
    preprocess = Preprocess((96, 96))
    quantise(shared_data, model, preprocess, tmp_path / "int8.onnx", 128)
    folder = shared_data / "labelled" / "person_presence"
    labels = rows(folder / "labels.csv")
    truth = np.array([row["person"] == "1" for row in labels])
    pictures = [folder / row["path"] for row in labels]
    seen = scores(model, preprocess, pictures)[:, 1] > 0.5
    found = scores(tmp_path / "int8.onnx", preprocess, pictures)[:, 1] > 0.5
    assert (found == truth).mean() >= (seen == truth).mean() - 0.01
