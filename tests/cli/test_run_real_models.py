"""``edgeinfer run`` on real networks, on endless and on malformed ones."""

import csv
import json
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from .conftest import Run

INCEPTION = ("--scale", "1/127.5", "--mean", "1")


def test_mobilenet_knows_most_of_these_photographs(edgeinfer: Run, shared_data: Path) -> None:
    folder = shared_data / "labelled/caltech101_imagenet38"
    entries = list(csv.DictReader((folder / "labels.csv").read_text().splitlines()))
    entries = [entry for entry in entries if entry["split"] == "eval"][::6]
    done = edgeinfer(
        "run",
        shared_data / "models/mobilenet_v2_1.0_224.onnx",
        *(folder / entry["path"] for entry in entries),
        "--labels",
        shared_data / "models/imagenet1001_labels.txt",
        *INCEPTION,
        "--json",
    )
    assert done.returncode == 0, done.stderr
    right = 0
    for entry, answer in zip(entries, json.loads(done.stdout)["images"], strict=True):
        wanted = {int(index) + 1 for index in entry["imagenet_indices"].split(";")}
        right += answer["classes"][0]["index"] in wanted
    # 0.686 over all 456; four standard errors below for these 76.
    assert right / len(entries) > 0.686 - 4 * 0.053


def test_deeplab_finds_what_the_photographs_show(
    edgeinfer: Run, shared_data: Path, tmp_path: Path
) -> None:
    folder = shared_data / "segmentation/voc_weak"
    entries = list(csv.DictReader((folder / "labels.csv").read_text().splitlines()))[::4]
    done = edgeinfer(
        "run",
        shared_data / "models/deeplabv3_mnv2_dm05_pascal_513.onnx",
        *(folder / entry["path"] for entry in entries),
        "--labels",
        shared_data / "models/voc21_labels.txt",
        *INCEPTION,
        "--out",
        tmp_path,
        "--json",
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["task"] == "segment"
    assert document["session"]["tail"]["cut"]
    right = 0
    for entry, answer in zip(entries, document["images"], strict=True):
        things = [found for found in answer["classes"] if found["index"]]
        right += bool(things) and things[0]["index"] == int(entry["voc_index"])
        with Image.open(answer["files"]["classes"]) as image:
            classes = np.asarray(image)
        assert classes.shape == (answer["height"], answer["width"])
        counts = np.bincount(classes.ravel(), minlength=21)
        assert {found["index"]: found["pixels"] for found in answer["classes"]} == {
            index: count for index, count in enumerate(counts) if count
        }
    assert right / len(entries) > 0.767 - 4 * 0.077


def test_a_network_that_never_ends_is_stopped(
    edgeinfer: Run, shared_data: Path, pictures: Path
) -> None:
    model = shared_data / "malformed/onnx/18_loop_forever.onnx"
    start = time.monotonic()
    done = edgeinfer("run", model, pictures / "red.png", "--timeout", "0.5")
    assert done.returncode == 1
    assert time.monotonic() - start < 30


@pytest.mark.parametrize("size", [(), ("--size", "64", "64")])
def test_no_malformed_model_gives_more_than_an_error_line(
    edgeinfer: Run, shared_data: Path, pictures: Path, size: tuple[str, ...]
) -> None:
    for model in sorted((shared_data / "malformed/onnx").glob("*.onnx"))[::4]:
        done = edgeinfer("run", model, pictures / "red.png", "--timeout", "2", *size)
        assert done.returncode in (0, 1), (model.name, done)
        if done.returncode == 1 and not done.stdout:
            assert done.stderr.splitlines()[-1].startswith("edgeinfer: error: "), model.name
