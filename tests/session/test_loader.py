"""Which ONNX Runtime is opened, and what is said when none fits. Each case is a fresh process."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import onnxruntime
import pytest

from edgeinfer import _library
from session.networks import doubler, endless

RUN_ONCE = f"""
import numpy as np
session = ei.Session(bytes.fromhex({doubler().hex()!r}))
assert session.run(np.ones((2, 3), np.float32))["y"].sum() == 12
"""


def carried() -> Path:
    """The library in the installed wheel."""
    folder = Path(onnxruntime.__file__).parent / "capi"
    return max(folder.glob("libonnxruntime.so*"))


def python(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k != "EDGEINFER_ONNXRUNTIME"}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", f"import sys\nimport edgeinfer as ei\n{code}"],
        env={**environment, **variables},
        capture_output=True,
        text=True,
        timeout=120,
    )


def refusal(path: Path | str, *, through_argument: bool = False) -> dict[str, str]:
    """What Session says when it is told to use this library."""
    how = f"ei.open_runtime({str(path)!r})" if through_argument else "ei.Session(b'')"
    done = python(
        "import json\n"
        f"try:\n    {how}\n"
        "except ei.EdgeInferError as error:\n"
        "    print(json.dumps({'type': type(error).__name__, 'text': str(error)}))",
        EDGEINFER_ONNXRUNTIME="" if through_argument else str(path),
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return dict(json.loads(done.stdout))


def library(folder: Path, source: str) -> Path:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("a C compiler is not installed")
    path = folder / "libonnxruntime.so.1"
    (folder / "source.c").write_text(source, encoding="utf-8")
    command = [compiler, "-shared", "-fPIC", str(folder / "source.c"), "-o", str(path)]
    subprocess.run(command, check=True)
    return path


def old_library(folder: Path) -> Path:
    return library(
        folder,
        """
        #include <stddef.h>
        #include <stdlib.h>
        struct Base { const void *(*get)(unsigned); const char *(*version)(void); };
        static const void *get(unsigned wanted) { abort(); }
        static const char *version(void) { return "1.17.0"; }
        static const struct Base base = {get, version};
        const struct Base *OrtGetApiBase(void) { return &base; }
        """,
    )


@pytest.mark.parametrize("through_argument", [False, True])
def test_a_missing_library_is_a_run_error_that_lists_the_search(through_argument: bool) -> None:
    error = refusal("/nonexistent/libonnxruntime.so", through_argument=through_argument)
    assert error["type"] == "RunError"
    assert "/nonexistent/libonnxruntime.so" in error["text"]
    assert "pip install" in error["text"]
    assert "EDGEINFER_ONNXRUNTIME" in error["text"]
    # The user's word is final: nothing else was tried.
    assert error["text"].count("\n") == 1


def test_a_file_that_is_no_library_is_a_run_error(tmp_path: Path) -> None:
    path = tmp_path / "libonnxruntime.so"
    path.write_bytes(b"not a library" * 100)
    error = refusal(path)
    assert error["type"] == "RunError"
    assert str(path) in error["text"]


def test_a_library_of_something_else_is_a_run_error(tmp_path: Path) -> None:
    path = library(tmp_path, "int nothing(void) { return 0; }")
    error = refusal(path)
    assert error["type"] == "RunError"
    assert f"{path}: has no OrtGetApiBase" in error["text"]


def test_a_library_without_a_base_is_a_run_error(tmp_path: Path) -> None:
    path = library(tmp_path, "const void *OrtGetApiBase(void) { return 0; }")
    assert refusal(path)["type"] == "RunError"


def test_an_old_runtime_is_a_run_error_with_version_and_remedy(tmp_path: Path) -> None:
    path = old_library(tmp_path)
    error = refusal(path)
    assert error["type"] == "RunError"
    for part in (str(path), "1.17.0", "1.20", "pip install --upgrade onnxruntime"):
        assert part in error["text"]


def test_an_old_runtime_in_the_process_is_passed_over(tmp_path: Path) -> None:
    path = old_library(tmp_path)
    done = python(
        f"import ctypes; ctypes.CDLL({str(path)!r})\n{RUN_ONCE}\nprint(ei.open_runtime().path)"
    )
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()) == carried()


def test_a_copy_in_the_process_is_used(tmp_path: Path) -> None:
    own = tmp_path / "libonnxruntime.so.9"
    shutil.copy(carried(), own)
    done = python(
        f"import ctypes; ctypes.CDLL({str(own)!r})\n{RUN_ONCE}\nprint(ei.open_runtime().path)"
    )
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()) == own


def test_another_path_after_opening_is_an_input_error(tmp_path: Path) -> None:
    link = tmp_path / "same"
    link.symlink_to(carried())
    done = python(
        f"first = ei.open_runtime()\n"
        f"assert ei.open_runtime({str(link)!r}) == first  # the same file by another name\n"
        "try:\n    ei.open_runtime('/elsewhere/libonnxruntime.so')\n"
        "except ei.InputError as error:\n    print(error)"
    )
    assert done.returncode == 0, done.stderr
    assert str(carried()) in done.stdout
    assert "/elsewhere/libonnxruntime.so" in done.stdout


def test_the_variable_chooses_the_library(tmp_path: Path) -> None:
    own = tmp_path / "runtime.so"
    shutil.copy(carried(), own)
    done = python(f"{RUN_ONCE}\nprint(ei.open_runtime().path)", EDGEINFER_ONNXRUNTIME=str(own))
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()) == own


def test_the_newest_of_several_carried_libraries_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "onnxruntime" / "capi"
    folder.mkdir(parents=True)
    (tmp_path / "onnxruntime" / "__init__.py").write_text("raise ImportError('imported')")
    for name in ("1.9.0", "1.31.1", "1.20.10", "1.20.9"):
        (folder / f"libonnxruntime.so.{name}").touch()
    monkeypatch.delitem(sys.modules, "onnxruntime", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    found = [Path(p).name.removeprefix("libonnxruntime.so.") for p in _library.carried()]
    assert found == ["1.31.1", "1.20.10", "1.20.9", "1.9.0"]


def test_a_finder_of_the_old_kind_does_not_end_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "onnxruntime", raising=False)
    monkeypatch.setattr(sys, "meta_path", [object(), *sys.meta_path])  # without find_spec
    assert carried() in map(Path, _library.carried())


def test_a_package_whose_folder_cannot_be_listed_carries_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "onnxruntime" / "capi").mkdir(parents=True)
    (tmp_path / "onnxruntime" / "__init__.py").touch()
    monkeypatch.delitem(sys.modules, "onnxruntime", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))

    def listdir(path: str) -> list[str]:
        raise PermissionError(path)

    monkeypatch.setattr(_library.os, "listdir", listdir)
    assert _library.carried() == []


def test_the_onnxruntime_package_is_never_imported() -> None:
    done = python(f"{RUN_ONCE}\nprint([m for m in sys.modules if m.startswith('onnx')])")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_nothing_is_written_to_the_users_folders(tmp_path: Path) -> None:
    places = {name: str(tmp_path / name.lower()) for name in ("HOME", "XDG_CACHE_HOME")}
    for place in places.values():
        Path(place).mkdir()
    # The runtime's telemetry stays silent under CI by itself; the test must not rely on that.
    silencers = ("CI", "GITHUB_ACTIONS", "TF_BUILD", "ORT_DISABLE_TELEMETRY", "DO_NOT_TRACK")
    unset = f"import os\nfor k in {silencers!r}: os.environ.pop(k, None)\n"
    done = python(f"{unset}{RUN_ONCE}\nsession.close()", **places)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert [str(p) for place in places.values() for p in Path(place).rglob("*")] == []


def test_the_interpreter_ends_cleanly_after_a_timeout() -> None:
    done = python(
        "import numpy as np\n"
        f"session = ei.Session(bytes.fromhex({endless().hex()!r}), threads=1)\n"
        "x = np.ones(4, np.float32)\n"
        "try:\n    session.run(x, timeout_s=0.05)\n"
        "except ei.RunError as error:\n    print(error.reason)\n"
    )
    assert (done.returncode, done.stderr, done.stdout.strip()) == (0, "", "timeout")


@pytest.mark.parametrize("model", [doubler((4,)), endless()], ids=["short runs", "endless run"])
@pytest.mark.parametrize("way", ["session.run(x)", "binding.run()"])
def test_the_interpreter_ends_cleanly_while_daemon_threads_run(model: bytes, way: str) -> None:
    done = python(
        "import numpy as np, threading, time\n"
        f"session = ei.Session(bytes.fromhex({model.hex()!r}), threads=1)\n"
        "binding, x = session.bind(), np.ones(4, np.float32)\n"
        "running = threading.Event()\n"
        "def work():\n"
        "    running.set()\n"
        f"    while True:\n        {way}\n"
        "for _ in range(3):\n    threading.Thread(target=work, daemon=True).start()\n"
        "running.wait()\n"
        "print('end')"
    )
    assert (done.returncode, done.stderr, done.stdout.strip()) == (0, "", "end")


@pytest.mark.parametrize("way", ["prepare(frame)", "ei.segment(logits, size=(512, 512))"])
def test_the_interpreter_ends_cleanly_while_daemon_threads_compute(way: str) -> None:
    done = python(
        "import numpy as np, threading\n"
        "prepare, frame = ei.Preprocess((320, 320)), np.zeros((1080, 1920, 3), np.uint8)\n"
        "logits = np.zeros((21, 32, 32), np.float32)\n"
        "running = threading.Event()\n"
        "def work():\n"
        f"    while True:\n        {way}\n        running.set()\n"
        "threading.Thread(target=work, daemon=True).start()\n"
        "running.wait()\n"
        "print('end')"
    )
    assert (done.returncode, done.stderr, done.stdout.strip()) == (0, "", "end")
