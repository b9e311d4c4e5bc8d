"""A cache folder of the test's own, and a model that is large enough to be kept."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

import edgeinfer as ei
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


@pytest.fixture(scope="session")
def right() -> str:
    """The model's answer to the frame of ``loads``, without a cache."""
    session = ei.Session(LARGE, threads=1, cache=False)
    frame = np.linspace(-1, 1, 3 * 32 * 32, dtype=np.float32).reshape(1, 3, 32, 32)
    return hashlib.sha256(session.run(frame)["y"].tobytes()).hexdigest()
