"""Whatever the samples come as, the same pixels give the same statistics, and bad ones an error."""

import os
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgeinfer as ei
from edgeinfer.calibrate.ahead import ahead
from edgeinfer.errors import InputError, ModelError

from .driven import RECIPE, arrays, network, pictures, serialised, states


@pytest.fixture(scope="module")
def expected(model: Path) -> dict[str, bytes]:
    """What the arrays give, one after the other in one thread."""
    return states(ei.calibrate(model, arrays(), threads=1, workers=0))


@pytest.mark.parametrize("workers", [0, 1, 4])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_folder_gives_what_its_pixels_give(
    model: Path, photos: Path, expected: dict[str, bytes], workers: int, threads: int
) -> None:
    found = ei.calibrate(model, photos, preprocess=RECIPE, workers=workers, threads=threads)
    assert states(found) == expected
    assert found.samples == 40


def test_every_kind_of_samples_gives_the_same(
    model: Path, photos: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    files = sorted(photos.glob("*.png")) + sorted(photos.glob("more/*.png"))
    text = tmp_path / "list.txt"
    lines = [os.path.relpath(files[0], tmp_path), "", "# a comment", *map(str, files[1:])]
    text.write_text("\n".join(lines))
    frames = (
        ei.Frame(pixels[:, :, ::-1].copy(), ei.PixelFormat.BGR, width=24, height=20)
        for pixels in pictures(40)
    )
    kinds: list[tuple[Any, ei.Preprocess | None]] = [
        (text, RECIPE),
        (str(photos), RECIPE),
        (files, RECIPE),
        (iter(map(str, files)), RECIPE),
        (pictures(40), RECIPE),
        (iter(pictures(40)), RECIPE),
        (frames, RECIPE),
        (iter(arrays()), None),
        ([one["x"] for one in arrays()], None),
        (np.stack([one["x"] for one in arrays()]), None),
    ]
    for samples, preprocess in kinds:
        assert states(ei.calibrate(model, samples, preprocess=preprocess)) == expected, samples


def test_the_model_may_come_as_bytes_and_a_sample_as_a_batch() -> None:
    file = network(batch="n")
    batch = np.concatenate([one["x"] for one in arrays()])
    with pytest.warns(ei.CalibrationWarning, match="found 1 samples"):
        whole = ei.calibrate(file, [batch], method="minmax")
    apart = ei.calibrate(file, arrays(), method="minmax")
    assert [whole.range(name) for name in whole.names()] == [
        apart.range(name) for name in apart.names()
    ]


def test_an_iterator_is_read_no_further_than_there_are_workers() -> None:
    taken: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(20):
            taken.append(number)
            yield number

    for workers in (0, 1, 3):
        taken.clear()
        for made in ahead(numbers(), lambda number: number * 2, workers):
            assert len(taken) <= made // 2 + workers + 1
        assert taken == list(range(20))


def test_samples_do_not_stay_in_memory(model: Path) -> None:
    alive: list[weakref.ref[Any]] = []
    most = 0

    def made() -> Iterator[dict[str, Any]]:
        nonlocal most
        for pixels in pictures(40):
            tensor = RECIPE(pixels).tensor
            alive.append(weakref.ref(tensor))
            most = max(most, sum(one() is not None for one in alive))
            yield {"x": tensor}
            del tensor

    ei.calibrate(model, made(), workers=2)
    # One with the network, two with workers, one made, one on its way between them.
    assert most <= 5


def test_failures_come_behind_what_was_made_before() -> None:
    def source() -> Iterator[int]:
        yield from range(4)
        raise OSError("the camera is gone")

    for workers in (0, 1, 3):
        made: list[int] = []
        with pytest.raises(OSError, match="the camera is gone"):
            made += (number for number in _collecting(made, ahead(source(), abs, workers)))
        assert made == [0, 1, 2, 3]


def _collecting(into: list[int], numbers: Iterator[int]) -> Iterator[int]:
    for number in numbers:
        into.append(number)
    yield from ()


def refuses(text: str, model: Any, samples: Any, **settings: Any) -> None:
    with pytest.raises(InputError) as caught:
        ei.calibrate(model, samples, **settings)
    assert text in str(caught.value)


def test_empty_samples_are_refused(model: Path, tmp_path: Path) -> None:
    refuses("no image found among 0 files", model, tmp_path, preprocess=RECIPE)
    (tmp_path / "readme.txt").write_text("# nothing\n\n")
    refuses("no image found among 1 files", model, tmp_path, preprocess=RECIPE)
    refuses("found no path in it", model, tmp_path / "readme.txt", preprocess=RECIPE)
    refuses("found an empty list", model, [], preprocess=RECIPE)
    refuses("samples: found none", model, iter([]), preprocess=RECIPE)


def test_one_picture_is_not_taken_for_its_rows(model: Path) -> None:
    (picture,) = pictures(1)
    for one in (picture, picture[:, :, 0], picture[:, :, :1], np.asfortranarray(picture)):
        refuses("is one picture; put it in a list", model, one, preprocess=RECIPE)
    # Several of them are as good as a list.
    with pytest.warns(ei.CalibrationWarning, match="found 3 samples"):
        found = ei.calibrate(model, np.stack(pictures(3)), preprocess=RECIPE)
    with pytest.warns(ei.CalibrationWarning, match="found 3 samples"):
        assert states(found) == states(ei.calibrate(model, pictures(3), preprocess=RECIPE))


def test_a_loader_without_a_length_is_read(model: Path, expected: dict[str, bytes]) -> None:
    class Loader:
        """Has the method, as a loader over a stream does."""

        def __len__(self) -> int:
            raise TypeError("object of type 'Stream' has no len()")

        def __iter__(self) -> Iterator[dict[str, Any]]:
            return iter(arrays())

    told: list[tuple[int, int | None]] = []
    found = ei.calibrate(model, Loader(), progress=lambda *one: told.append(one))
    assert states(found) == expected
    assert told[-1] == (40, None)


def test_what_is_no_samples_is_refused(model: Path, photos: Path, tmp_path: Path) -> None:
    refuses("cannot read", model, tmp_path / "missing", preprocess=RECIPE)
    refuses("found one image", model, photos / "0000.png", preprocess=RECIPE)
    refuses("found no text in UTF-8", model, _file(tmp_path / "a.bin", b"\xff\xfe\xfa"))
    refuses("put one sample in a list", model, arrays()[0])
    refuses("put one sample in a list", model, b"bytes")
    refuses("put one sample in a list", model, 7)
    refuses("put one sample in a list", model, np.array(5.0))
    refuses("File name too long", model, "a" * 5000)
    refuses("cannot read", model, "a\0b")
    os.mkfifo(tmp_path / "pipe.txt")
    refuses("no regular file", model, tmp_path / "pipe.txt")
    refuses("no regular file", model, [tmp_path / "pipe.txt"], preprocess=RECIPE)


def _file(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_a_sample_that_does_not_fit_is_named(model: Path, photos: Path, tmp_path: Path) -> None:
    good = arrays(1)[0]
    broken = _file(tmp_path / "broken.png", (photos / "0000.png").read_bytes()[:200])
    refuses(f"{broken}: ", model, [photos / "0001.png", broken], preprocess=RECIPE)
    refuses("sample 2: ", model, [good, {"x": np.zeros((1, 3, 8, 8), np.float32)}])
    refuses("(1, 3, 8, 8)", model, [good, {"x": np.zeros((1, 3, 8, 8), np.float32)}])
    refuses("sample 1: ", model, [{"x": np.zeros((1, 3, 16, 16))}])
    refuses("float64", model, [{"x": np.zeros((1, 3, 16, 16))}])
    refuses("sample 1: ", model, [{"z": good["x"]}])
    refuses("sample 1: ", model, [{}])
    refuses("sample 1: ", model, [{"x": [1, "two"]}])
    refuses("sample 1: ", model, [None])
    refuses("sample 1: found a tuple", model, [(good["x"], 3)])
    refuses("sample 1: found a list", model, [[good["x"], 3]])
    refuses("found a picture and no preprocess", model, photos)
    small = ei.Preprocess((8, 8))
    refuses("0000.png: ", model, photos, preprocess=small)


def test_settings_are_checked_before_anything_is_read(model: Path) -> None:
    def untouched() -> Iterator[Any]:
        raise AssertionError("the samples were read")
        yield

    for settings in (
        {"method": "best"},
        {"parameter": 20.0},
        {"method": "minmax", "parameter": 1.0},
        {"bins": 3},
        {"bins": 2.5},
        {"bins": -1},
        {"bins": 10**30},
        {"parameter": 10**400},
        {"parameter": float("nan")},
        {"method": None},
        {"tensors": 5},
        {"tensors": [5]},
        {"resume": 5},
        {"resume": "a\0b"},
        {"cache": 5},
        {"workers": -1},
        {"threads": 0},
        {"tensors": "conv"},
        {"tensors": ["nothing"]},
        {"tensors": []},
        {"preprocess": "rgb"},
        {"cache": "folder"},
    ):
        with pytest.raises(InputError):
            ei.calibrate(model, untouched(), **settings)  # type: ignore[arg-type]
    with pytest.raises(ModelError):
        ei.calibrate(b"no model", untouched())
    with pytest.raises(ModelError):
        ei.calibrate("/nowhere.onnx", untouched())


def test_only_the_tensors_that_are_asked_for_are_observed(model: Path) -> None:
    found = ei.calibrate(model, arrays(), tensors=(name for name in ("conv", "y")))
    assert found.names() == ("conv", "y")
    # Without this, the range of conv is that of the Relu behind it.
    assert found.range("conv").low < 0


def broken_network() -> bytes:
    """Its third layer takes the logarithm of what may be negative."""
    import onnx.helper as helper

    nodes = [
        helper.make_node("Conv", ["x", "w"], ["conv"], name="first"),
        helper.make_node("Log", ["conv"], ["log"], name="logarithm"),
        helper.make_node("Relu", ["log"], ["y"], name="behind"),
    ]
    weights = {"w": np.ones((1, 3, 16, 16), np.float32)}
    return serialised(nodes, weights, [1, 3, 16, 16], [1, 1, 1, 1])


@pytest.mark.filterwarnings("ignore::edgeinfer.CalibrationWarning")
def test_a_layer_that_gives_nan_is_named_with_its_sample() -> None:
    good = {"x": np.ones((1, 3, 16, 16), np.float32)}
    bad = {"x": -good["x"]}
    assert ei.calibrate(broken_network(), [good]).samples == 1
    with pytest.raises(ModelError, match=r"sample 2: found NaN .*'log' \(Log 'logarithm'\)"):
        ei.calibrate(broken_network(), [good, bad])
    infinite = {"x": np.full((1, 3, 16, 16), np.inf, np.float32)}
    with pytest.raises(InputError, match=r"sample 1: found NaN .*'x' \(input\)"):
        ei.calibrate(broken_network(), [infinite])


@pytest.mark.filterwarnings("ignore::edgeinfer.CalibrationWarning")
def test_constant_tensors_have_a_range() -> None:
    zeros = {"x": np.zeros((1, 3, 16, 16), np.float32)}
    for method in ("minmax", "moving_average", "percentile", "entropy", "mse"):
        found = ei.calibrate(network(), [zeros], method=method)
        assert found.range("x") == (0, 0)
        assert found.clipped("x") == 0
