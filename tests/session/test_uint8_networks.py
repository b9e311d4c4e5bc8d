"""Networks as people quantise them, int8 throughout: moved to uint8 they give what they gave.

Quantised in the test by onnxruntime's own quantiser. With its optimisations off nothing differs by
a bit; with them, moved and unmoved results are each as far from that as roundings take them, a
distance that the session's own check bounds.
"""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)
from PIL import Image

import edgeinfer as ei
from edgeinfer import _core

pytestmark = pytest.mark.skipif(
    "vnni" not in _core.cpu_features(), reason="nothing is moved unasked without VNNI"
)

# File, size, and how a byte becomes a value: (x - mean) / std.
NETWORKS = {
    "mobilenet": ("mobilenet_v2_1.0_224.onnx", 224, 127.5, 127.5),
    "resnet": ("resnet20_cifar10_32.onnx", 32, 120.0, 60.0),
    "squeezenet": ("squeezenet1.0_227.onnx", 227, 116.0, 1.0),
    "vww": ("vww_mobilenet_v1_0.25_96.onnx", 96, 0.0, 255.0),
}
QDQ: dict[str, Any] = {"quant_format": QuantFormat.QDQ, "per_channel": True}
CASES = {
    "mobilenet": QDQ,
    "mobilenet, in operators": {**QDQ, "quant_format": QuantFormat.QOperator},
    "resnet": QDQ,
    "resnet, by tensor": {**QDQ, "per_channel": False},
    "resnet, symmetric": {**QDQ, "extra_options": {"ActivationSymmetric": True}},
    "resnet, in operators": {**QDQ, "quant_format": QuantFormat.QOperator},
    "resnet, 7 bits": {**QDQ, "reduce_range": True},
    "squeezenet": QDQ,
    "vww": QDQ,
}


def rows(shared: Path, split: str) -> list[dict[str, str]]:
    table = shared / "labelled" / "caltech101_imagenet38" / "labels.csv"
    with table.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["split"] == split]


def tensor(shared: Path, row: dict[str, str], name: str) -> NDArray[np.float32]:
    _, size, mean, std = NETWORKS[name]
    path = shared / "labelled" / "caltech101_imagenet38" / row["path"]
    with Image.open(path) as picture:
        small = picture.convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
    values = (np.asarray(small, np.float32) - np.float32(mean)) / np.float32(std)
    return np.ascontiguousarray(values.transpose(2, 0, 1)[None])


class Samples(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, name: str, tensors: list[NDArray[np.float32]]) -> None:
        self._name, self._left = name, tensors

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        return {self._name: self._left.pop()} if self._left else None


def quantised(shared: Path, folder: Path, case: str, samples: int = 4) -> tuple[str, Path]:
    """The network's short name, and its int8 file."""
    name = case.split(",")[0]
    source, made = shared / "models" / NETWORKS[name][0], folder / "int8.onnx"
    calibration = rows(shared, "calib")
    picked = [calibration[i * len(calibration) // samples] for i in range(samples)]
    given = ei.inspect(source).inputs[0].name
    quantize_static(
        source,
        made,
        Samples(given, [tensor(shared, row, name) for row in picked]),
        activation_type=QuantType.QInt8,
        weight_type=QuantType.QInt8,
        **CASES[case],
    )
    return name, made


def pair(file: Path, **options: Any) -> tuple[ei.Session, ei.Session]:
    """Moved, and as it is."""
    return (
        ei.Session(file, threads=1, options=ei.SessionOptions(**options)),
        ei.Session(file, threads=1, options=ei.SessionOptions(to_uint8=False, **options)),
    )


@pytest.mark.parametrize("case", CASES)
def test_a_moved_network_gives_what_the_file_gives(
    shared_data: Path, tmp_path: Path, case: str
) -> None:
    name, file = quantised(shared_data, tmp_path, case)
    exact = CASES[case]["quant_format"] == QuantFormat.QDQ
    moved, kept = pair(file)
    told = moved.describe()["uint8"]
    assert told["moved"] == ei.inspect(file).uint8.movable > 20
    assert told["left"] == {}
    assert "checked on a probe" in told["why"]
    literal_moved, literal = pair(file, graph="off")
    pictures = [tensor(shared_data, row, name) for row in rows(shared_data, "eval")[::120]]
    far, others, most = [], [], 0.0
    for picture in pictures:
        (wanted,) = literal.run(picture).values()
        (same,) = literal_moved.run(picture).values()
        if exact:
            assert np.array_equal(same, wanted)
        far += list((moved.run(picture)[next(iter(moved.run(picture)))] - wanted).ravel())
        others += list((kept.run(picture)[next(iter(kept.run(picture)))] - wanted).ravel())
        most = max(most, float(np.ptp(wanted)))
    # The check's own bound, over more pictures: twice the file's distance and a step.
    root_mean_square = [float(np.sqrt(np.mean(np.square(one)))) for one in (far, others)]
    assert root_mean_square[0] <= 2 * root_mean_square[1] + most / 255


def test_a_moved_classifier_is_as_often_right(
    shared_data: Path, tmp_path: Path, summary_line: Any
) -> None:
    name, file = quantised(shared_data, tmp_path, "mobilenet", samples=32)
    labels = rows(shared_data, "eval")[::2]
    moved, kept = pair(file)
    right = {"moved": 0, "kept": 0}
    changed = 0
    for row in labels:
        picture, wanted = tensor(shared_data, row, name), row["imagenet_indices"].split(";")
        answers = []
        for key, session in (("moved", moved), ("kept", kept)):
            (scores,) = session.run(picture).values()
            answers.append(int(scores.argmax()) - 1)
            right[key] += str(answers[-1]) in wanted
        changed += answers[0] != answers[1]
    shares = {key: count / len(labels) for key, count in right.items()}
    summary_line("uint8", f"top-1 of {len(labels)}: {shares}, {changed} answers differ")
    # One standard error of a share of 228 pictures is 0.03; the answers are paired.
    assert abs(shares["moved"] - shares["kept"]) <= 0.03
    assert shares["moved"] >= 0.64
