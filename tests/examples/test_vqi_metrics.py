"""The ruler of examples/vqi: confusion counts and IoU, against sets of pixels."""

from __future__ import annotations

import importlib
import math
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "vqi"


@pytest.fixture(scope="module")
def metrics() -> ModuleType:
    sys.path.insert(0, str(EXAMPLE))
    try:
        return importlib.import_module("evaluate")
    finally:
        sys.path.remove(str(EXAMPLE))


@pytest.mark.parametrize("seed", range(5))
def test_iou_equals_that_of_pixel_sets(metrics: ModuleType, seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, found = rng.integers(0, 5, (2, 17, 23), dtype=np.uint8)
    counts = metrics.confusion(truth, found)
    assert counts.sum() == truth.size
    for label, value in enumerate(metrics.iou(counts)):
        wanted = {(r, c) for r, c in zip(*np.nonzero(truth == label), strict=True)}
        given = {(r, c) for r, c in zip(*np.nonzero(found == label), strict=True)}
        assert value == len(wanted & given) / len(wanted | given)


def test_counts_add_up_over_pictures_not_their_ious(metrics: ModuleType) -> None:
    first = metrics.confusion(np.zeros((2, 2), np.uint8), np.zeros((2, 2), np.uint8))
    second = metrics.confusion(np.zeros((1, 12), np.uint8), np.ones((1, 12), np.uint8))
    assert metrics.iou(first + second)[0] == 4 / 16


def test_a_class_nobody_saw_has_no_iou_and_stays_out_of_the_mean(metrics: ModuleType) -> None:
    same = np.array([[0, 1], [1, 0]], np.uint8)
    result = metrics.figures(metrics.confusion(same, same))
    assert math.isnan(result["iou_cable"])
    assert result["miou"] == 1.0


def test_masks_that_do_not_fit_are_refused(metrics: ModuleType) -> None:
    mask = np.zeros((4, 4), np.uint8)
    with pytest.raises(ValueError, match="shapes differ"):
        metrics.confusion(mask, mask[:2])
    with pytest.raises(ValueError, match="below 5"):
        metrics.confusion(mask, mask + 5)
