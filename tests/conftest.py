"""What all tests share: where real models and pictures lie, and lines for the end of the log."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
SHARED = PROJECT.parent / "shared"

_LINES = pytest.StashKey[dict[str, list[str]]]()
_CACHE = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """Keep the tests, and the programs they start, out of the user's cache, and interruptible."""
    # A shell lets what it starts with "&" ignore interrupts, and so does what that starts.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # onnxruntime's own module, which some tests compare with, would write there too.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    config.stash[_CACHE] = os.environ["EDGEINFER_CACHE"] = tempfile.mkdtemp(prefix="edgeinfer-")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove what the tests kept."""
    shutil.rmtree(config.stash[_CACHE], ignore_errors=True)


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
def fault(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A library that makes writing fail, to be preloaded; tests/cache/fault.c says how."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("no C compiler to build the failing disk with")
    library = tmp_path_factory.mktemp("fault") / "fault.so"
    source = PROJECT / "tests" / "cache" / "fault.c"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True
    )
    return str(library)


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
