"""``edgeinfer doctor`` as a real process: whole, crippled, and in narrow places."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

import edgeinfer

Doctor = Callable[..., subprocess.CompletedProcess[str]]


def run(
    *arguments: str, environment: Mapping[str, str] | None = None, code: str | None = None
) -> subprocess.CompletedProcess[str]:
    program = ["-c", code] if code is not None else ["-m", "edgeinfer", "doctor", *arguments]
    done = subprocess.run(
        [sys.executable, *program],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **(environment or {})},
    )
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    return done


def findings(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    document = json.loads(done.stdout)
    assert (document["schema"], document["command"]) == (1, "doctor")
    return {one["name"]: one for one in document["findings"]}


def test_this_installation_is_sound() -> None:
    done = run("--json")
    found = findings(done)
    assert done.returncode == 0, done.stdout
    assert done.stderr == ""
    assert found["core"]["found"] == f"edgeinfer {edgeinfer.__version__}"
    assert found["onnxruntime"]["state"] in ("ok", "note")
    assert found["second runtime"]["state"] == "ok"
    assert found["telemetry"]["state"] == "ok"
    expected = {
        "machine",
        "glibc",
        "cores",
        "python",
        "numpy",
        "pillow",
        "temp folder",
        "cache folder",
    }
    assert expected <= found.keys()


def test_the_text_is_the_same_findings(tmp_path: Path) -> None:
    text = run().stdout
    for name in findings(run("--json")):
        assert f" {name} " in text


def test_a_missing_library_is_found_with_the_remedy() -> None:
    done = run("--json", environment={"EDGEINFER_ONNXRUNTIME": "/nonexistent"})
    assert done.returncode == 1
    one = findings(done)["onnxruntime"]
    assert one["state"] == "failed"
    assert "/nonexistent" in one["found"]
    assert "EDGEINFER_ONNXRUNTIME" in one["remedy"]


def test_a_file_that_is_no_library_is_found(tmp_path: Path) -> None:
    fake = tmp_path / "libonnxruntime.so"
    fake.write_bytes(b"not a library")
    done = run("--json", environment={"EDGEINFER_ONNXRUNTIME": str(fake)})
    assert done.returncode == 1
    assert findings(done)["onnxruntime"]["state"] == "failed"


def test_why_this_library_is_told(tmp_path: Path) -> None:
    carried = findings(run("--json"))["onnxruntime"]["found"]
    assert "carried by the onnxruntime package" in carried
    path = edgeinfer.open_runtime().path
    named = findings(run("--json", environment={"EDGEINFER_ONNXRUNTIME": path}))["onnxruntime"]
    assert "named by EDGEINFER_ONNXRUNTIME" in named["found"]


@pytest.fixture
def without_core(tmp_path: Path) -> Path:
    """The package's Python files without the compiled module."""
    source = Path(edgeinfer.__file__).parent
    target = tmp_path / "edgeinfer"
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("_core*.so", "__pycache__"))
    return tmp_path


def test_without_the_compiled_core_it_says_so(without_core: Path) -> None:
    done = run("--json", environment={"PYTHONPATH": str(without_core)})
    assert done.returncode == 1
    found = findings(done)
    assert found["core"]["state"] == "failed"
    assert "no compiled module" in found["core"]["remedy"]
    assert found["onnxruntime"]["state"] == "failed"
    assert found["machine"]["state"] == "ok"


def test_a_core_for_another_machine_is_named(without_core: Path) -> None:
    suffix = next(Path(edgeinfer.__file__).parent.glob("_core*.so")).name.removeprefix("_core")
    (without_core / "edgeinfer" / f"_core{suffix}").write_bytes(b"\x7fELF of another machine")
    done = run("--json", environment={"PYTHONPATH": str(without_core)})
    assert done.returncode == 1
    core = findings(done)["core"]
    assert core["state"] == "failed"
    assert f"_core{suffix}" in core["remedy"]


def test_a_masked_cpu_is_a_note_and_a_wrong_mask_fails() -> None:
    masked = run("--json", environment={"EDGEINFER_CPU": "none"})
    assert findings(masked)["cpu features"]["state"] == "note"
    assert masked.returncode == 0
    wrong = run("--json", environment={"EDGEINFER_CPU": "mmx"})
    assert wrong.returncode == 1
    assert "mmx" in findings(wrong)["cpu features"]["found"]


def test_telemetry_that_somebody_left_on_is_told() -> None:
    found = findings(run("--json", environment={"ORT_DISABLE_TELEMETRY": "0"}))
    assert found["telemetry"]["state"] == "note"


def test_a_second_runtime_in_the_process_is_a_warning() -> None:
    pytest.importorskip("onnxruntime")
    done = run(
        code="import onnxruntime, edgeinfer, json\n"
        "print(json.dumps({'schema': 1, 'command': 'doctor', **edgeinfer.doctor().to_dict()}))"
    )
    assert findings(done)["second runtime"]["state"] == "warning"


def test_a_temporary_folder_that_cannot_be_written_is_a_warning(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    # Where TMPDIR does not serve, Python takes another folder: all of them are blocked here.
    done = run(
        code="import tempfile\n"
        f"tempfile.tempdir = {str(blocked)!r}\n"
        "from edgeinfer.cli import main\n"
        "raise SystemExit(main(['doctor', '--json']))"
    )
    assert done.returncode == 0
    assert findings(done)["temp folder"]["state"] == "warning"


def test_a_cache_folder_that_cannot_be_written_is_a_warning(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    done = run("--json", environment={"EDGEINFER_CACHE": str(blocked / "below")})
    assert done.returncode == 0
    assert findings(done)["cache folder"]["state"] == "warning"
    chosen = run("--json", environment={"EDGEINFER_CACHE": ""})
    assert findings(chosen)["cache folder"]["state"] == "note"


def test_a_broken_check_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    from edgeinfer import diagnosis

    def broken() -> list[diagnosis.Finding]:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr(diagnosis, "package_findings", broken)
    found = diagnosis.doctor()
    names = [one.name for one in found.findings]
    assert {"machine", "packages", "core", "onnxruntime"} <= set(names)
    assert not found.ok
    assert "on purpose" in found.having("failed")[0].found


def test_wrong_usage_is_status_2() -> None:
    assert run("--nonsense").returncode == 2
