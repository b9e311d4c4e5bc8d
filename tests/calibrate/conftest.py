"""A network and a folder of pictures, written once."""

from pathlib import Path

import pytest

from .driven import network, photo_folder


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
