"""Masks before and after, as the report's page shows them."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import edgeinfer
from edgeinfer.quantize.album import Album
from edgeinfer.quantize.samples_kept import FirstSamples
from oracles.integer_network import FloatNetwork

pytestmark = pytest.mark.filterwarnings("ignore::edgeinfer.CalibrationWarning")


def scores(classes: np.ndarray, count: int) -> dict[str, np.ndarray]:
    """Results of a network that is sure of these classes."""
    return {"logits": np.moveaxis(np.eye(count, dtype=np.float32)[classes], -1, 0)[None]}


def opened(file: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(file)) as image:
        return np.asarray(image.convert("RGBA"))


def test_masks_and_their_difference_are_drawn_over_what_the_network_saw() -> None:
    frame = np.zeros((16, 24, 3), np.uint8)
    frame[:, 12:] = 200
    prepare = edgeinfer.Preprocess(
        (16, 24), color="BGR", mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4), scale=1 / 255
    )
    frame[..., 2] = 90
    inputs = {"x": prepare(frame).tensor}
    before = np.zeros((16, 24), int)
    before[4:8, 4:8] = 3
    after = before.copy()
    after[4:8, 7] = 1
    album = Album(["a.jpg"], [inputs], prepare)
    album.add(scores(before, 5), scores(after, 5))
    (drawn,) = album.pictures()
    assert (drawn.name, drawn.width, drawn.height) == ("a.jpg", 24, 16)
    # What is left of a JPEG's own losses.
    assert np.abs(opened(drawn.frame)[..., :3].astype(int) - frame).mean() < 4
    for file, classes in ((drawn.float_mask, before), (drawn.int8_mask, after)):
        assert ((opened(file)[..., 3] > 0) == (classes > 0)).all()
    assert ((opened(drawn.difference)[..., 3] > 0) == (before != after)).all()
    assert drawn.agreement == 1 - 4 / before.size
    assert [one[0] for one in drawn.classes] == [0, 1, 3]
    assert drawn.classes[2][2:] == (16 / before.size, 12 / before.size)
    colour = bytes.fromhex(drawn.classes[2][1][1:])
    assert opened(drawn.float_mask)[5, 5, :3].tobytes() == colour


def test_of_many_the_worst_a_typical_and_the_best_are_kept() -> None:
    inputs = [{"x": np.zeros((1, 3, 16, 16), np.float32)} for _ in range(7)]
    album = Album([str(i) for i in range(7)], inputs, None)
    before = np.zeros((16, 16), int)
    for wrong in (3, 0, 6, 1, 5, 2, 4):
        after = before.copy()
        after[0, :wrong] = 1
        album.add(scores(before, 2), scores(after, 2))
    assert [one.name for one in album.pictures()] == ["2", "0", "1"]


@pytest.mark.parametrize(
    "result",
    [
        np.zeros((1, 1000), np.float32),
        np.zeros((1, 1000, 1, 1), np.float32),
        np.zeros((1, 1, 64, 64), np.float32),
        np.zeros((1, 255, 4, 4), np.float32),
        np.zeros((1, 900, 64, 64), np.float32),
        np.full((1, 64, 64), 300, np.int64),
        np.zeros((0, 5, 64, 64), np.float32),
        np.zeros((), np.float32),
        np.zeros(7, np.int64),
    ],
)
def test_results_that_are_no_masks_leave_the_album_empty(result: np.ndarray) -> None:
    album = Album(["a"], [{"x": np.zeros((1, 3, 64, 64), np.float32)}], None)
    album.add({"y": result}, {"y": result})
    assert album.pictures() == ()


def test_masks_of_whole_numbers_and_large_ones_are_drawn() -> None:
    classes = np.zeros((1, 900, 1200), np.int64)
    classes[0, :450] = 2
    album = Album(["a"], [{"x": np.zeros((1, 900, 1200, 3), np.float32)}], None)
    album.add({"y": classes}, {"y": classes})
    (drawn,) = album.pictures()
    assert (drawn.width, drawn.height, drawn.agreement) == (640, 480, 1)
    assert opened(drawn.float_mask).shape[:2] == opened(drawn.frame).shape[:2] == (480, 640)


def test_quantising_tells_times_of_this_cpu_only_and_keeps_pictures(tmp_path: Path) -> None:
    net = FloatNetwork(shape=(1, 3, 16, 16))
    model = net.model(net.conv("x", 5, 3, kernel=3)).SerializeToString()
    given = [{"x": net.sample(i)} for i in range(3)]
    report = edgeinfer.quantize(model, tmp_path / "here.onnx", samples=given)
    assert report.float_ms is not None
    assert report.int8_ms is not None
    assert report.speedup == report.float_ms / report.int8_ms
    assert [one.name for one in report.pictures].count("sample 2") == 1
    shares = [one.agreement for one in report.pictures]
    assert np.mean(shares) == pytest.approx(report.outputs[0].agreement)
    other = "a72" if report.target != "a72" else "x86-64"
    report = edgeinfer.quantize(model, tmp_path / "there.onnx", samples=given, target=other)
    assert (report.float_ms, report.int8_ms, report.speedup) == (None, None, None)


def test_files_are_named_without_the_folders_they_share(tmp_path: Path) -> None:
    for name in ("cat/1.png", "cat/2.png", "dog/1.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (4, 4)).save(tmp_path / name)
    assert FirstSamples(tmp_path, 3).names() == ["cat/1.png", "cat/2.png", "dog/1.png"]
    assert FirstSamples(tmp_path / "cat", 3).names() == ["1.png", "2.png"]
    assert FirstSamples([tmp_path / "dog" / "1.png"], 3).names() == ["1.png"]
    given = [np.zeros((1, 3, 4, 4), np.float32)] * 5
    assert FirstSamples(given, 2).names() == ["sample 1", "sample 2"]
    assert FirstSamples(None, 2).names() == []


def test_a_file_for_any_processor_is_timed_on_this_one(tmp_path: Path) -> None:
    net = FloatNetwork(shape=(1, 64))
    product = net.node("MatMul", ["x", net.constant(net.rng.normal(0, 1, (64, 64)))])
    model = net.model(product).SerializeToString()
    given = [{"x": net.sample(i)} for i in range(3)]
    report = edgeinfer.quantize(model, tmp_path / "w.onnx", samples=given, mode="weights8")
    assert report.int8_ms is not None
