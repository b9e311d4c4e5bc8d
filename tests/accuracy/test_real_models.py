"""Real networks on real pictures, through the command line, against published accuracies.

The wanted figures are those measured with onnxruntime's own Python API on the same pictures; see
the README of the shared test data.
"""

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

# (x - 127.5) / 127.5, as both networks were trained.
SIGNED = ["--scale", "1/127.5", "--mean", "1", "1", "1"]


def run(model: Path, images: list[Path], *flags: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "edgeinfer", "run", str(model), *map(str, images)),
            *(*SIGNED, "--json", "--quiet", *flags),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    facts: list[dict[str, Any]] = json.loads(done.stdout)["images"]
    assert len(facts) == len(images)
    return facts


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def largest_object(facts: dict[str, Any]) -> int:
    """The class with most pixels, background (0) left out."""
    objects = [entry for entry in facts["classes"] if entry["index"] != 0]
    return max(objects, key=lambda entry: entry["pixels"])["index"] if objects else 0


@pytest.mark.parametrize(
    "flags",
    [[], ["--no-fuse-tail"], ["--mask-size", "model"], ["--mask-size", "model", "--no-fuse-tail"]],
)
def test_deeplab_names_the_object_of_voc_weak(shared_data: Path, flags: list[str]) -> None:
    folder = shared_data / "segmentation" / "voc_weak"
    labels = rows(folder / "labels.csv")
    assert len(labels) == 120
    model = shared_data / "models" / "deeplabv3_mnv2_dm05_pascal_513.onnx"
    facts = run(model, [folder / row["path"] for row in labels], *flags)
    right = [
        largest_object(fact) == int(row["voc_index"])
        for fact, row in zip(facts, labels, strict=True)
    ]
    assert sum(right) / len(right) == pytest.approx(0.767, abs=0.01)


def test_mobilenet_names_the_evaluation_pictures(shared_data: Path) -> None:
    folder = shared_data / "labelled" / "caltech101_imagenet38"
    labels = [row for row in rows(folder / "labels.csv") if row["split"] == "eval"]
    assert len(labels) == 456
    model = shared_data / "models" / "mobilenet_v2_1.0_224.onnx"
    facts = run(model, [folder / row["path"] for row in labels], "--top", "1")
    right = [
        # The network's class 0 is "background", which ImageNet does not have.
        fact["classes"][0]["index"] - 1 in map(int, row["imagenet_indices"].split(";"))
        for fact, row in zip(facts, labels, strict=True)
    ]
    assert sum(right) / len(right) == pytest.approx(0.686, abs=0.005)
