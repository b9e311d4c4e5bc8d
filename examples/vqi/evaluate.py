"""Segmentation metrics in NumPy, and the committed model judged on unseen renders.

python examples/vqi/evaluate.py            # 300 renders through edgeinfer, with progress
python examples/vqi/evaluate.py --json     # the figures only, as JSON
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from render import CLASSES, COLORS, Scene, render

if TYPE_CHECKING:
    import edgeinfer as ei

EVALUATION_SEEDS = range(1_000_000, 1_000_300)
# For quantising. Ranges come from scenes that training saw; what to leave in float is chosen on
# those that training only watched its progress on.
CALIBRATION_SEEDS = range(700_000, 700_100)
CHOICE_SEEDS = range(799_940, 800_000)
MODEL_DIR = Path(__file__).resolve().parent / "model"

Labels = NDArray[np.uint8] | NDArray[np.uint16]
Counts = NDArray[np.int64]


def confusion(truth: Labels, found: Labels, classes: int = len(CLASSES)) -> Counts:
    """Pixel counts (classes, classes): rows are the truth, columns what was found.

    Raises:
        ValueError: shapes differ, or a label is not below ``classes``.
    """
    if truth.shape != found.shape:
        raise ValueError(f"masks: shapes differ, {truth.shape} and {found.shape}")
    if max(int(truth.max(initial=0)), int(found.max(initial=0))) >= classes:
        raise ValueError(f"masks: labels must be below {classes}")
    pairs = truth.astype(np.int64).ravel() * classes + found.ravel()
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def iou(counts: Counts) -> NDArray[np.float64]:
    """Intersection over union of each class; NaN for a class seen in neither mask."""
    hits = np.diag(counts).astype(np.float64)
    union = counts.sum(axis=0) + counts.sum(axis=1) - np.diag(counts)
    with np.errstate(invalid="ignore"):
        ratio: NDArray[np.float64] = hits / union
    return ratio


def figures(counts: Counts) -> dict[str, float]:
    """mIoU over the classes, IoU of each, and the share of pixels that are right."""
    each = iou(counts)
    named = {f"iou_{name}": float(value) for name, value in zip(CLASSES, each, strict=True)}
    accuracy = float(np.trace(counts) / max(int(counts.sum()), 1))
    return {"miou": float(np.nanmean(each)), **named, "pixel_accuracy": accuracy}


def scenes(seeds: Iterable[int]) -> Iterable[Scene]:
    """The scenes of ``seeds``, one at a time."""
    return (render(seed) for seed in seeds)


def recipe_of(folder: Path = MODEL_DIR) -> ei.Preprocess:
    """The preprocessing that the network in ``folder`` was trained with."""
    import edgeinfer as ei

    recipe: dict[str, Any] = json.loads((folder / "recipe.json").read_text())
    return ei.Preprocess.from_recipe(recipe)


def judge(session: ei.Session, prepare: ei.Preprocess, scenes: Iterable[Scene]) -> Counts:
    """Confusion counts of a session's masks, of the network's size, over ``scenes``."""
    counts = np.zeros((len(CLASSES), len(CLASSES)), np.int64)
    for scene in scenes:
        counts += confusion(scene.mask, session.segment(prepare(scene.image).tensor).classes)
    return counts


def held_out_miou(model: Path, held_out: Iterable[Scene], folder: Path = MODEL_DIR) -> float:
    """mIoU of a model file, in floats or in integers.

    Args:
        model: an ``.onnx`` file that takes and gives what ``vqi_light.onnx`` does.
        held_out: scenes to judge it on: ``scenes(EVALUATION_SEEDS)``, or some of those.
        folder: holds the recipe of the network's input.
    """
    import edgeinfer as ei

    with ei.Session(model) as session:
        return figures(judge(session, recipe_of(folder), held_out))["miou"]


def triptych(scene: Scene, found: Labels) -> NDArray[np.uint8]:
    """The scene, its true mask and the one found, side by side: (H, 3 W, 3)."""
    colors = np.array(COLORS, np.float64)
    laid = [0.4 * scene.image + 0.6 * colors[mask] for mask in (scene.mask, found)]
    return np.concatenate([scene.image, *laid], axis=1).astype(np.uint8)


def main(argv: list[str] | None = None) -> int:
    """Judge the model with edgeinfer: preprocessing by the recipe, fused tail, argmax mask."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--model", type=Path, default=MODEL_DIR / "vqi_light.onnx")
    parser.add_argument("--count", type=int, default=len(EVALUATION_SEEDS))
    parser.add_argument("--picture", type=Path, help="write one scene and its masks, then stop")
    parser.add_argument("--seed", type=int, default=EVALUATION_SEEDS[42], help="of --picture")
    parser.add_argument("--json", action="store_true", help="print figures as JSON, no progress")
    args = parser.parse_args(argv)

    import edgeinfer as ei

    prepare = recipe_of()
    counts = np.zeros((len(CLASSES), len(CLASSES)), np.int64)
    seeds = EVALUATION_SEEDS[: args.count]
    spent = 0.0
    with ei.Session(args.model) as session:
        if args.picture:
            scene = render(args.seed)
            found = session.segment(prepare(scene.image).tensor).classes
            Image.fromarray(triptych(scene, found)).save(args.picture, quality=88)
            return 0
        for done, scene in enumerate(scenes(seeds), 1):
            began = time.perf_counter()
            found = session.segment(prepare(scene.image).tensor).classes
            spent += time.perf_counter() - began
            counts += confusion(scene.mask, found)
            if not args.json and (done % 25 == 0 or done == len(seeds)):
                now = figures(counts)
                print(
                    f"{done:4d}/{len(seeds)}  mIoU {now['miou']:.3f}  cable {now['iou_cable']:.3f}",
                    flush=True,
                )
    result = figures(counts)
    if args.json:
        print(json.dumps({"images": len(seeds), **result}))
    else:
        for name, value in result.items():
            print(f"{name:16s} {value:.4f}")
        print(f"mean time        {spent / len(seeds) * 1e3:.1f} ms for preprocess and segment")
    return 0


if __name__ == "__main__":
    sys.exit(main())
