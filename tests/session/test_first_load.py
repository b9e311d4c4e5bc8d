"""The first load of a process: NumPy is imported, and the library opened, in two threads."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from session.networks import doubler

LOAD = f"session = ei.Session(bytes.fromhex({doubler().hex()!r}), threads=1)\n"
RUN = """
import numpy as np
assert session.run(np.ones((2, 3), np.float32))["y"].sum() == 12
"""


def python(code: str, *, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter, which finds modules in a folder first."""
    path = os.pathsep.join(filter(None, (str(folder or ""), os.environ.get("PYTHONPATH"))))
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", f"import edgeinfer as ei\n{code}"],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def broken_numpy(tmp_path: Path) -> Path:
    """A folder with a NumPy that cannot be imported."""
    (tmp_path / "numpy").mkdir()
    (tmp_path / "numpy" / "__init__.py").write_text("raise ImportError('of another CPU')")
    return tmp_path


def test_a_load_imports_numpy() -> None:
    done = python(f"import sys\n{LOAD}assert 'numpy' in sys.modules{RUN}")
    assert done.returncode == 0, done.stderr


def test_a_numpy_that_fails_is_told_and_the_load_ends(broken_numpy: Path) -> None:
    done = python(
        f"try:\n    {LOAD}except ImportError as error:\n    print(error)", folder=broken_numpy
    )
    assert (done.returncode, done.stdout) == (0, "of another CPU\n"), done.stderr


def test_of_a_bad_model_and_a_bad_numpy_the_model_is_told(broken_numpy: Path) -> None:
    done = python("ei.Session(b'no model', threads=1)", folder=broken_numpy)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("edgeinfer.errors.ModelError")


def test_a_refused_model_leaves_a_process_that_loads_another() -> None:
    code = f"try:\n    ei.Session(b'no model')\nexcept ei.ModelError:\n    pass\n{LOAD}{RUN}"
    done = python(code)
    assert done.returncode == 0, done.stderr


def test_an_error_beside_the_opening_library_ends_the_process_cleanly(tmp_path: Path) -> None:
    (tmp_path / "dataclasses.py").write_text("raise RuntimeError('in the middle')")
    done = python(LOAD, folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "RuntimeError: in the middle"


@pytest.mark.skipif(sys.platform != "linux", reason="limits the address space as Linux does")
def test_a_process_that_can_start_no_thread_loads_and_runs() -> None:
    # A stack larger than the address space; with one core neither runtime nor NumPy wants threads.
    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_STACK, (2**47, resource.RLIM_INFINITY))
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

    code = (
        "import _thread, edgeinfer as ei\n"
        "try:\n    _thread.start_new_thread(print, ())\n"
        "except RuntimeError:\n    pass\n"
        f"else:\n    raise SystemExit('a thread was started')\n{LOAD}{RUN}"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        preexec_fn=limited,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
