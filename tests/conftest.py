"""What all tests share: where the real models and pictures lie."""

from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
SHARED = PROJECT.parent / "shared"


@pytest.fixture(scope="session")
def project() -> Path:
    """The root of the source tree."""
    return PROJECT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real models, labelled images, malformed files; not part of the project."""
    data = SHARED / "data"
    if not data.is_dir():
        pytest.skip("the shared test data is not beside the project")
    return data
