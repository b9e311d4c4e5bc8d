"""A network and a folder of pictures, written once."""

from pathlib import Path

import pytest

import edgeinfer as ei

from .driven import arrays, network, photo_folder


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file."""
    path = tmp_path_factory.mktemp("model") / "net.onnx"
    path.write_bytes(network())
    return path


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 40 pictures."""
    return photo_folder(tmp_path_factory.mktemp("samples") / "photos")


@pytest.fixture(scope="module")
def whole() -> ei.Ranges:
    """What 40 samples gave."""
    return ei.calibrate(network(), arrays(40))


@pytest.fixture(scope="module")
def file(whole: ei.Ranges, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same in a file."""
    path = tmp_path_factory.mktemp("ranges") / "net.ranges"
    whole.save(path)
    return path
