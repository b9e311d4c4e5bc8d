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


def test_of_a_bad_model_and_an_interrupted_import_the_interrupt_is_told(
    broken_numpy: Path,
) -> None:
    (broken_numpy / "numpy" / "__init__.py").write_text("raise KeyboardInterrupt")
    done = python(
        "try:\n    ei.Session(b'no model', threads=1)\n"
        "except KeyboardInterrupt:\n    print('interrupted')",
        folder=broken_numpy,
    )
    assert (done.returncode, done.stdout) == (0, "interrupted\n"), done.stderr


def test_nothing_changes_the_environment_while_numpy_is_imported_beside_a_load() -> None:
    # The load reads it in another thread, and setenv moves what getenv reads.
    done = python(
        "import os, sys\n"
        "def hook(event, arguments):\n"
        "    if event not in ('os.putenv', 'os.unsetenv') or 'numpy' not in sys.modules:\n"
        "        return\n"
        "    if getattr(sys.modules['numpy'].__spec__, '_initializing', False):\n"
        "        print(event, arguments)\n"
        "sys.addaudithook(hook)\n"
        "before = dict(os.environ)\n"
        f"{LOAD}assert os.environ == before, 'something was left behind'{RUN}"
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_variables_of_numpys_that_the_owner_set_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_MAIN_FREE", "0")
    done = python(f"{LOAD}import os\nassert os.environ['OPENBLAS_MAIN_FREE'] == '0'{RUN}")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("imported", ["numpy/__init__.py", "dataclasses.py"])
def test_the_program_ends_cleanly_while_a_daemon_thread_imports(
    tmp_path: Path, imported: str
) -> None:
    # CPython before 3.14 unwinds such a thread when it asks for the lock; the core's own still
    # works on its stack then. The end lasts until it has asked.
    (tmp_path / imported).parent.mkdir(exist_ok=True)
    (tmp_path / imported).write_text(
        "import builtins, time\nbuiltins.reached.set()\nwhile True: time.sleep(0.001)"
    )
    done = python(
        "import builtins, threading, time\n"
        "builtins.reached = threading.Event()\n"
        "class Last:\n"
        "    def __del__(self, sleep=time.sleep):\n        sleep(0.2)\n"
        "last = Last()\n"
        f"def work():\n    {LOAD}"
        "threading.Thread(target=work, daemon=True).start()\n"
        "builtins.reached.wait()",
        folder=tmp_path,
    )
    assert (done.returncode, done.stderr) == (0, "")


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
