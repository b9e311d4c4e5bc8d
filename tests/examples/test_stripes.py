"""The task of the MobileNetV3 example can be solved, and no seed gives another picture."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest


@pytest.fixture(scope="module")
def stripes(project: Path) -> ModuleType:
    path = project / "examples" / "mobilenet_v3" / "stripes.py"
    spec = importlib.util.spec_from_file_location("stripes", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_seed_gives_the_same_pictures_always(stripes: ModuleType) -> None:
    pictures, classes = stripes.batch(16, 3)
    again, same = stripes.batch(16, 3)
    others, _ = stripes.batch(16, 4)
    np.testing.assert_array_equal(pictures, again)
    np.testing.assert_array_equal(classes, same)
    assert (pictures != others).any()
    assert pictures.shape == (16, stripes.SIZE, stripes.SIZE, 3)
    assert pictures.dtype == np.uint8


def test_the_strongest_wave_of_a_picture_tells_its_class(stripes: ModuleType) -> None:
    """A detector without any training: it finds the peak of the spectrum."""
    pictures, classes = stripes.batch(150, 11)
    grey = pictures.mean(axis=3)
    window = np.hanning(stripes.SIZE)
    lit = (grey - grey.mean(axis=(1, 2), keepdims=True)) * window[:, None] * window
    padded = 4 * stripes.SIZE
    spectrum = np.abs(np.fft.fft2(lit.astype(np.float32), (padded, padded)))
    cycles = np.fft.fftfreq(padded)
    fy, fx = np.meshgrid(cycles, cycles, indexing="ij")
    wavelength = 1 / np.maximum(np.hypot(fx, fy), 1e-9)
    spectrum[:, (wavelength < 4) | (wavelength > 10)] = 0
    peak = spectrum.reshape(len(pictures), -1).argmax(axis=1)
    angle = np.arctan2(fy.ravel()[peak], fx.ravel()[peak])
    direction = np.rint(angle / np.pi * stripes.DIRECTIONS).astype(int) % stripes.DIRECTIONS
    longer = wavelength.ravel()[peak] > np.sqrt(np.prod(stripes.WAVELENGTHS))
    found = direction + stripes.DIRECTIONS * longer
    assert (found == classes).mean() > 0.8
    assert np.unique(classes).size == stripes.CLASSES
