"""The seeded renderer of examples/vqi: same seed, same scene, at any size."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "vqi"
SKY, GROUND, TOWER, CABLE, INSULATOR = range(5)
# Share of each class over the first ten evaluation scenes.
EVALUATION_AREAS = (0.3408, 0.53042, 0.07538, 0.04603, 0.00737)


@pytest.fixture(scope="module")
def vqi() -> ModuleType:
    # The example is a folder of scripts, not an installed package.
    sys.path.insert(0, str(EXAMPLE))
    try:
        return importlib.import_module("render")
    finally:
        sys.path.remove(str(EXAMPLE))


def sampled(mask: np.ndarray[Any, Any], side: int) -> np.ndarray[Any, Any]:
    """The mask seen at the centres of a grid of side x side cells."""
    rows, cols = (((np.arange(side) + 0.5) * extent / side).astype(int) for extent in mask.shape)
    return mask[np.ix_(rows, cols)]


@pytest.mark.parametrize("seed", [0, 3, 1_000_000])
def test_a_seed_gives_the_same_scene_again(vqi: ModuleType, seed: int) -> None:
    first = vqi.render(seed)
    vqi.render(seed + 1)
    second = vqi.render(seed)
    np.testing.assert_array_equal(first.image, second.image)
    np.testing.assert_array_equal(first.mask, second.mask)


def test_other_seeds_give_other_scenes(vqi: ModuleType) -> None:
    pictures = {vqi.render(seed, 64).image.tobytes() for seed in range(12)}
    assert len(pictures) == 12


@pytest.mark.parametrize("size", [32, 320, (240, 320), (135, 240), (400, 300)])
def test_size_is_what_was_asked_for(vqi: ModuleType, size: int | tuple[int, int]) -> None:
    height, width = (size, size) if isinstance(size, int) else size
    scene = vqi.render(5, size)
    assert scene.image.shape == (height, width, 3)
    assert scene.mask.shape == (height, width)
    assert scene.image.dtype == scene.mask.dtype == np.uint8


def test_too_small_a_size_is_refused(vqi: ModuleType) -> None:
    with pytest.raises(ValueError, match="at least 32"):
        vqi.render(0, (31, 200))


def test_masks_hold_classes_only_and_every_class_is_common(vqi: ModuleType) -> None:
    assert len(vqi.CLASSES) == len(vqi.COLORS) == 5
    seen = np.zeros(5, int)
    for seed in range(20):
        labels, counts = np.unique(vqi.render(seed).mask, return_counts=True)
        assert labels.max() < 5
        seen[labels[counts >= 20]] += 1
    assert (seen >= 12).all(), dict(zip(vqi.CLASSES, seen.tolist(), strict=True))


@pytest.mark.parametrize("size", [640, (270, 480), (1080, 1920)])
def test_geometry_is_the_same_at_every_resolution(
    vqi: ModuleType, size: int | tuple[int, int]
) -> None:
    for seed in (1, 8, 1_000_017):
        small = vqi.render(seed).mask
        large = sampled(vqi.render(seed, size).mask, 320)
        # Outlines may move by a pixel; a cable is three pixels wide, an area far larger.
        assert np.mean(small == large) > 0.965
        for label, least in ((TOWER, 0.85), (CABLE, 0.5)):
            either = np.sum((small == label) | (large == label))
            both = np.sum((small == label) & (large == label))
            assert both / either > least, (seed, label)


def test_cables_are_at_least_two_pixels_wide_in_the_mask(vqi: ModuleType) -> None:
    for seed in range(6):
        cable = vqi.render(seed).mask == CABLE
        padded = np.pad(cable, 1)
        beside = padded[:-2, 1:-1] | padded[2:, 1:-1]
        across = padded[1:-1, :-2] | padded[1:-1, 2:]
        # A pixel with no neighbour in one of the directions lies on a line one pixel wide.
        thin = cable & ~(beside & across)
        assert thin.sum() < 0.06 * cable.sum()


def test_colour_alone_finds_few_pixels_of_the_thin_classes(vqi: ModuleType) -> None:
    """Else a network on top would prove nothing."""
    cells = np.zeros((5, 16**3))
    for seed in range(20):
        scene = vqi.render(seed)
        red, green, blue = (scene.image[..., channel].astype(int) >> 4 for channel in range(3))
        joint = scene.mask.astype(int) * 16**3 + (red << 8 | green << 4 | blue)
        cells += np.bincount(joint.ravel(), minlength=5 * 16**3).reshape(5, -1)
    most = cells.max(axis=0)
    for thin in (TOWER, CABLE, INSULATOR):
        outvoted = cells[thin][cells[thin] < most].sum() / cells[thin].sum()
        assert outvoted > 0.7, (thin, outvoted)


def test_the_evaluation_scenes_are_those_of_the_training_record(vqi: ModuleType) -> None:
    """Loose sums that a change of the renderer would move: the figures then need a new run."""
    areas = np.zeros(5)
    for seed in range(1_000_000, 1_000_010):
        areas += np.bincount(vqi.render(seed).mask.ravel(), minlength=5)
    np.testing.assert_allclose(areas / areas.sum(), EVALUATION_AREAS, rtol=0.01)
