"""The networks that rows quantise: files, preprocessing, pictures, and what they are for.

All but the last lie in ``shared/data`` beside the project, with their sources. None is judged on a
picture that calibration sees.
"""

from __future__ import annotations

import csv
import hashlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import edgeinfer as ei
from int8.tasks import Boxes, Classes, LargestObject, Masks, Task

BENCH = Path(__file__).resolve().parents[1]
ROOT = BENCH.parent
SHARED = ROOT.parent / "shared" / "data"
CACHE = BENCH / ".cache"
VQI = ROOT / "examples" / "vqi"
# Of 152, evenly: four of each category lie together.
CALIBRATION = 128
SIGNED = {"scale": 1 / 127.5, "mean": (1, 1, 1)}

sys.path.insert(0, str(VQI))

# Files, or pixels (H, W, 3).
Sample = Path | NDArray[np.uint8]


def frame_of(sample: Sample) -> NDArray[np.uint8] | ei.Frame:
    """A file decoded; pixels as they are."""
    return ei.decode(sample) if isinstance(sample, Path) else sample


@dataclass(frozen=True)
class Case:
    """A picture, and what is right: the classes that count as such, or the true mask."""

    picture: Sample
    truth: Any


@dataclass(frozen=True)
class Network:
    """One file, what it wants and what it is for; pictures are only looked for when asked for."""

    name: str
    file: Path
    preprocess: Callable[[], ei.Preprocess]
    calibration: Callable[[], Sequence[Sample]]
    cases: Callable[[], Sequence[Case]]
    task: Task


def calibration_pictures(count: int = CALIBRATION) -> list[Path]:
    """So many of caltech101_imagenet38's calibration pictures, evenly taken from its categories."""
    files = [case.picture for case in _caltech("calib")]
    wanted = np.linspace(0, len(files), count, endpoint=False).astype(int)
    return [file for file in (files[index] for index in wanted) if isinstance(file, Path)]


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _labelled(folder: str, column: str, split: str | None = None) -> list[Case]:
    return [
        Case(SHARED / folder / row["path"], tuple(map(int, row[column].split(";"))))
        for row in _table(SHARED / folder / "labels.csv")
        if split is None or row["split"] == split
    ]


def _caltech(split: str) -> list[Case]:
    return _labelled("labelled/caltech101_imagenet38", "imagenet_indices", split)


def _persons() -> list[Case]:
    return _labelled("labelled/person_presence", "person")


def _faces() -> list[Case]:
    hopper = Case(SHARED / "images" / "photos" / "grace_hopper.bmp", (1,))
    return [hopper, *(case for case in _persons() if case.truth == (1,))]


def _vqi_calibration() -> list[NDArray[np.uint8]]:
    from evaluate import CALIBRATION_SEEDS

    return list(_drawn("calibration", CALIBRATION_SEEDS)[0])


def _vqi_cases() -> list[Case]:
    from evaluate import EVALUATION_SEEDS

    images, masks = _drawn("evaluation", EVALUATION_SEEDS)
    return [Case(image, mask) for image, mask in zip(images, masks, strict=True)]


def _drawn(name: str, seeds: range) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Scenes of the demo's network, drawn once (a minute for the 300 of the evaluation)."""
    from render import render

    digest = hashlib.sha256(f"{seeds}".encode())
    for source in sorted((VQI / "render").glob("*.py")):
        digest.update(source.read_bytes())
    path = CACHE / f"vqi-{name}-{digest.hexdigest()[:16]}.npz"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        scenes = [render(seed) for seed in seeds]
        beside = path.with_suffix(".new.npz")
        np.savez(
            beside,
            images=np.stack([scene.image for scene in scenes]),
            masks=np.stack([scene.mask for scene in scenes]),
        )
        beside.replace(path)
    with np.load(path) as kept:
        return kept["images"], kept["masks"]


def _vqi_preprocess() -> ei.Preprocess:
    from evaluate import recipe_of

    return recipe_of()


def _shared(
    name: str, file: str, preprocess: dict[str, Any], cases: Callable[[], list[Case]], task: Task
) -> Network:
    return Network(
        name,
        SHARED / "models" / file,
        lambda: ei.Preprocess(**preprocess),
        calibration_pictures,
        cases,
        task,
    )


_ALL = (
    _shared(
        "mobilenet_v2",
        "mobilenet_v2_1.0_224.onnx",
        {"size": (224, 224), **SIGNED},
        lambda: _caltech("eval"),
        Classes(offset=1, loss=0.005, agreement=0.94),
    ),
    _shared(
        "squeezenet",
        "squeezenet1.0_227.onnx",
        {"size": (227, 227), "scale": 1, "mean": (123, 117, 104)},
        lambda: _caltech("eval"),
        Classes(offset=0, loss=0.005, agreement=0.95),
    ),
    _shared(
        "deeplab",
        "deeplabv3_mnv2_pascal_513.onnx",
        {"size": (513, 513), **SIGNED},
        lambda: _labelled("segmentation/voc_weak", "voc_index"),
        LargestObject(loss=0.01),
    ),
    _shared(
        "deeplab_dm05",
        "deeplabv3_mnv2_dm05_pascal_513.onnx",
        {"size": (513, 513), **SIGNED},
        lambda: _labelled("segmentation/voc_weak", "voc_index"),
        LargestObject(loss=0.01),
    ),
    _shared(
        "person",
        "vww_mobilenet_v1_0.25_96.onnx",
        {"size": (96, 96)},
        _persons,
        Classes(offset=0, loss=0.01),
    ),
    _shared(
        "ultraface",
        "ultraface_rfb_320.onnx",
        {"size": (240, 320), "scale": 1 / 128, "mean": (127 / 128,) * 3},
        _faces,
        Boxes(overlap=0.9),
    ),
    Network(
        "vqi",
        VQI / "model" / "vqi_light.onnx",
        _vqi_preprocess,
        _vqi_calibration,
        _vqi_cases,
        Masks(loss=0.01),
    ),
)
NETWORKS = {network.name: network for network in _ALL}
