"""What a command writes never takes the place of what it reads; a wrong place costs no work."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from oracles.integer_network import FloatNetwork

from .conftest import Run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A network, 33 pictures, a list of them, and a second name of the network."""
    net = FloatNetwork(shape=(1, 3, 16, 16))
    model = net.model(net.node("Softmax", [net.conv("x", 4, 3)], axis=1))
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    os.link(tmp_path / "model.onnx", tmp_path / "again.onnx")
    (tmp_path / "photos").mkdir()
    for i in range(33):
        pixels = np.random.default_rng(i).integers(0, 256, (20, 30, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{i:02}.png")
    names = sorted(str(path) for path in (tmp_path / "photos").iterdir())
    (tmp_path / "list.txt").write_text("\n".join(names))
    return tmp_path


QUANTIZE = ("quantize", "model.onnx", "list.txt", "--out", "int8.onnx", "--html")
CALIBRATE = ("calibrate", "model.onnx", "list.txt", "--out")
PROFILE = ("profile", "model.onnx", "--out")


@pytest.mark.parametrize(
    ("command", "place"),
    [
        (QUANTIZE, "model.onnx"),
        (QUANTIZE, "again.onnx"),
        (QUANTIZE, "photos/../int8.onnx"),
        (QUANTIZE, "list.txt"),
        (CALIBRATE, "model.onnx"),
        (CALIBRATE, "list.txt"),
        (PROFILE, "model.onnx"),
        (PROFILE, "again.onnx"),
    ],
)
def test_a_file_that_is_read_is_not_written(
    edgeinfer: Run, folder: Path, command: tuple[str, ...], place: str
) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    done = edgeinfer(*command, place, cwd=folder)
    assert done.returncode == 1
    assert place in done.stderr
    assert "wanted another name" in done.stderr
    after = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert after == before


@pytest.mark.parametrize("command", [QUANTIZE, CALIBRATE, PROFILE])
@pytest.mark.parametrize(
    ("place", "said"), [("nowhere/file", "found no folder nowhere"), ("photos", "found a folder")]
)
def test_a_place_that_cannot_be_is_named_before_the_work(
    edgeinfer: Run, folder: Path, command: tuple[str, ...], place: str, said: str
) -> None:
    done = edgeinfer(*command, place, cwd=folder)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert ".part" not in done.stderr
    assert not (folder / "int8.onnx").exists()
