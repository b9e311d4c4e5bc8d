"""A cache folder of the test's own, and a model that is large enough to be kept."""

from pathlib import Path

import pytest

from session.networks import convolution

LARGE = convolution(channels=1024)


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that EDGEINFER_CACHE names."""
    folder = tmp_path / "kept"
    monkeypatch.setenv("EDGEINFER_CACHE", str(folder))
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model file of 110 KB."""
    path = tmp_path / "model.onnx"
    path.write_bytes(LARGE)
    return path
