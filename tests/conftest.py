"""What all tests share: where real models and pictures lie, and lines for the end of the log."""

from collections.abc import Callable
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
SHARED = PROJECT.parent / "shared"

_LINES = pytest.StashKey[dict[str, list[str]]]()


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


@pytest.fixture(scope="session")
def summary_line(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """``summary_line(section, text)``: figures that the log must show even if all tests pass."""
    sections = request.config.stash.setdefault(_LINES, {})

    def add(section: str, text: str) -> None:
        sections.setdefault(section, []).append(text)

    return add


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the lines below the tests."""
    for section, lines in terminalreporter.config.stash.get(_LINES, {}).items():
        terminalreporter.section(section)
        for line in lines:
            terminalreporter.line(line)
