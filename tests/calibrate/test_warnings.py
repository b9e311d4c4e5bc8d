"""Samples that calibrate, but hardly as they were meant to."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgeinfer as ei

from .driven import RECIPE, arrays, network, pictures


def told(model: Any, samples: Any, **settings: Any) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ei.calibrate(model, samples, **settings)
    assert all(one.category is ei.CalibrationWarning for one in caught)
    # Whoever reads the warning is shown the line that calls.
    assert all(one.filename == __file__ for one in caught)
    return [str(one.message) for one in caught]


def bluish(count: int = 40) -> list[Any]:
    frames = pictures(count)
    for frame in frames:
        frame[:, :, 0] //= 2
    return frames


def test_good_samples_raise_no_warning(model: Path) -> None:
    assert told(model, pictures(40), preprocess=RECIPE) == []
    assert told(model, arrays(40)) == []


def test_few_samples(model: Path) -> None:
    (text,) = told(model, arrays(7))
    assert "found 7 samples" in text
    assert told(model, arrays(32)) == []


def test_the_same_sample_twice(model: Path) -> None:
    samples = arrays(40)
    (text,) = told(model, [*samples, samples[11], samples[3]])
    assert "2 of 42 samples were seen before (number 41 is number 12)" in text


def test_the_same_picture_under_another_name(model: Path, photos: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.png"
    copy.write_bytes((photos / "0005.png").read_bytes())
    (text,) = told(model, [*sorted(photos.rglob("*.png")), copy], preprocess=RECIPE)
    assert "number 41 is number 6" in text


def test_bytes_that_were_not_scaled(model: Path) -> None:
    (text,) = told(model, pictures(40), preprocess=ei.Preprocess((16, 16), scale=1))
    assert "neither scaled nor centred" in text
    centred = ei.Preprocess((16, 16), scale=1, mean=(123, 117, 104))
    assert told(model, pictures(40), preprocess=centred) == []


def test_pixels_that_were_scaled_twice(model: Path) -> None:
    (text,) = told(model, pictures(40), preprocess=ei.Preprocess((16, 16), scale=1 / 255**2))
    assert "scaled twice" in text


def test_samples_of_one_colour(model: Path) -> None:
    frame = np.full((20, 24, 3), 128, np.uint8)
    texts = told(model, [frame] * 40, preprocess=RECIPE)
    assert any("all are the same" in text for text in texts)


@pytest.mark.parametrize(
    "preprocess",
    [RECIPE, ei.Preprocess((16, 16), mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))],
)
def test_red_and_blue_swapped(model: Path, preprocess: ei.Preprocess) -> None:
    (text,) = told(model, bluish(), preprocess=preprocess)
    assert "100% of the pictures have more blue than red" in text
    right = [ei.Frame(pixels, ei.PixelFormat.BGR, width=24, height=20) for pixels in bluish()]
    assert told(model, right, preprocess=preprocess) == []
    recipe = {**preprocess.to_recipe(), "color": "BGR"}
    assert told(model, right, preprocess=ei.Preprocess.from_recipe(recipe)) == []


@pytest.mark.parametrize(("scale", "mean"), [(1 / 255, 0), (1 / 127.5, 1)])
def test_red_and_blue_swapped_in_arrays(model: Path, scale: float, mean: float) -> None:
    preprocess = ei.Preprocess((16, 16), scale=scale, mean=(mean, mean, mean))
    (text,) = told(model, [{"x": preprocess(one).tensor} for one in bluish()])
    assert "more blue than red" in text


def test_real_photographs_raise_no_warning_and_swapped_ones_do(shared_data: Path) -> None:
    vww = shared_data / "models" / "vww_mobilenet_v1_0.25_96.onnx"
    files = sorted((shared_data / "labelled" / "person_presence").rglob("*.jpg"))
    assert told(vww, files[::2], preprocess=ei.Preprocess((96, 96))) == []
    (text,) = told(vww, files[::2], preprocess=ei.Preprocess((96, 96), color="BGR")) or [""]
    # The recipe says that the network takes BGR: nothing is strange about the pictures.
    assert text == ""
    swapped = [ei.decode(path).pixels[:, :, ::-1].copy() for path in files[::4]]
    found = told(vww, swapped, preprocess=ei.Preprocess((96, 96)))
    assert any("more blue than red" in text for text in found)


def test_networks_without_pictures_are_not_judged_by_colour() -> None:
    samples = [{"x": np.full((2, 3, 16, 16), one, np.float32)} for one in np.linspace(-1, 1, 40)]
    assert told(network(batch="n"), samples) == []
