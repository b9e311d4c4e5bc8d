"""Whatever happens to the cache, a load gives the right results and the next one finds its way."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import edgeinfer as ei
from session.networks import convolution

from .test_notes import wait_until_settled

CHANNELS = 1024
LOAD = """
import hashlib, json, os, sys
import numpy as np
import edgeinfer as ei
model = open(sys.argv[1], 'rb').read() if 'AS_BYTES' in os.environ else sys.argv[1]
session = ei.Session(model, threads=1)
frame = np.linspace(-1, 1, 3 * 32 * 32, dtype=np.float32).reshape(1, 3, 32, 32)
answer = session.run(frame)["y"]
told = session.describe()["cache"]
print(json.dumps({**told, "answer": hashlib.sha256(answer.tobytes()).hexdigest()}))
"""


def started(model: Path, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", LOAD, str(model)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def told_by(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, error = process.communicate(timeout=60)
    assert process.returncode == 0, error
    found: dict[str, Any] = json.loads(out)
    return found


def load(model: Path, **environment: str) -> dict[str, Any]:
    """What a new process tells that loads the model and runs it."""
    return told_by(started(model, **environment))


@pytest.fixture(scope="module")
def right() -> str:
    """The answer of the model of these tests, without a cache."""
    import hashlib

    session = ei.Session(convolution(channels=CHANNELS), threads=1, cache=False)
    frame = np.linspace(-1, 1, 3 * 32 * 32, dtype=np.float32).reshape(1, 3, 32, 32)
    return hashlib.sha256(session.run(frame)["y"].tobytes()).hexdigest()


@pytest.fixture(scope="module")
def fault(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A library that makes writing fail."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("no C compiler to build the failing disk with")
    library = tmp_path_factory.mktemp("fault") / "fault.so"
    source = Path(__file__).with_name("fault.c")
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True
    )
    return str(library)


def temporaries(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith("writing-")]


def assert_heals(model: Path, kept: Path, right: str) -> None:
    """The next loads make an entry and use it, and nothing is left over."""
    for state in ("miss", "hit"):
        found = load(model)
        assert (found["state"], found["answer"]) == (state, right), found
    assert temporaries(kept) == []


POINTS = [("write", 0), ("write", 1), ("write", 3), ("fsync", 0), ("renameat", 0), ("fsync", 1)]


@pytest.mark.parametrize(("call", "at"), POINTS)
def test_a_writer_killed_at_any_point_leaves_nothing_behind(
    model: Path, kept: Path, right: str, fault: str, call: str, at: int
) -> None:
    process = started(
        model, LD_PRELOAD=fault, FAULT_CALL=call, FAULT_AT=str(at), FAULT_HOW="kill",
        FAULT_IN=str(kept),
    )  # fmt: skip
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    after_rename = (call, at) == ("fsync", 1)
    assert [path.suffix for path in kept.iterdir()] == [".model" if after_rename else ""]
    if after_rename:
        found = load(model)
        assert (found["state"], found["answer"]) == ("hit", right)
    else:
        assert_heals(model, kept, right)


@pytest.mark.parametrize("how", ["full", "broken"])
@pytest.mark.parametrize(("call", "at"), POINTS[:-1])
def test_a_disk_that_fails_fails_no_load(
    model: Path, kept: Path, right: str, fault: str, call: str, at: int, how: str
) -> None:
    found = load(
        model, LD_PRELOAD=fault, FAULT_CALL=call, FAULT_AT=str(at), FAULT_HOW=how,
        FAULT_IN=str(kept),
    )  # fmt: skip
    assert found["answer"] == right
    assert found["state"] == "miss"
    if (call, at) != ("write", 0):  # there a part was written, and then the rest
        assert "not kept" in found["why"]
        assert list(kept.iterdir()) == []
        assert_heals(model, kept, right)


def test_an_entry_removed_as_soon_as_it_is_written_is_made_again(
    model: Path, kept: Path, right: str, fault: str
) -> None:
    found = load(
        model, LD_PRELOAD=fault, FAULT_CALL="fsync", FAULT_AT="1", FAULT_HOW="removed",
        FAULT_IN=str(kept),
    )  # fmt: skip
    assert (found["state"], found["answer"]) == ("miss", right), found
    assert_heals(model, kept, right)


def test_a_model_that_changes_while_it_is_loaded_is_not_kept(
    model: Path, kept: Path, right: str, fault: str
) -> None:
    wait_until_settled(model)  # the first write is then of the file's stamp, ahead of the load
    found = load(
        model, LD_PRELOAD=fault, FAULT_CALL="write", FAULT_AT="0", FAULT_HOW="touch",
        FAULT_IN=str(kept), FAULT_MODEL=str(model),
    )  # fmt: skip
    assert (found["state"], found["answer"]) == ("miss", right)
    assert "changed while it was loaded" in found["why"]
    assert list(kept.glob("*.model")) == []
    assert_heals(model, kept, right)


def mounted(folder: Path, options: str) -> None:
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True
    )
    if done.returncode != 0:
        pytest.skip("this user may not mount a small disk")


@pytest.fixture
def small_disk(kept: Path) -> Any:
    """The cache folder on a disk of 64 KB."""
    mounted(kept, "size=64k,mode=700")
    yield kept
    subprocess.run(["umount", str(kept)], check=True)


def test_a_full_disk_fails_no_load(model: Path, small_disk: Path, right: str) -> None:
    for _ in range(2):
        found = load(model)
        assert (found["state"], found["answer"]) == ("miss", right)
        assert "disk" in found["why"]
        assert temporaries(small_disk) == []


def test_a_limit_on_file_sizes_fails_no_load(model: Path, kept: Path, right: str) -> None:
    process = subprocess.run(
        [sys.executable, "-c", LOAD, str(model)],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)),
        check=True,
    )
    assert json.loads(process.stdout)["answer"] == right
    assert temporaries(kept) == []
    assert load(model)["answer"] == right


def test_two_processes_at_once_both_get_the_right_result(
    model: Path, kept: Path, right: str
) -> None:
    for _ in range(3):
        shutil.rmtree(kept, ignore_errors=True)
        for found in [told_by(one) for one in [started(model) for _ in range(4)]]:
            assert found["answer"] == right
            assert found["state"] in ("miss", "hit")
        assert load(model)["state"] == "hit"
        assert temporaries(kept) == []


def test_threads_that_load_and_clear_at_once_get_the_right_result(model: Path) -> None:
    from edgeinfer import cache

    frame = np.ones((1, 3, 32, 32), np.float32)
    wanted = ei.Session(model, threads=1, cache=False).run(frame)["y"]
    wrong: list[object] = []

    def work(action: Callable[[], object]) -> None:
        for _ in range(30):
            try:
                action()
            except Exception as error:  # noqa: BLE001
                wrong.append(error)

    def check() -> None:
        with ei.Session(model, threads=1) as session:
            assert np.array_equal(session.run(frame)["y"], wanted)

    threads = [threading.Thread(target=work, args=[one]) for one in (check, check, cache.clear)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_model_changed_in_place_with_its_time_set_back_is_another(
    model: Path, kept: Path, right: str
) -> None:
    assert load(model)["answer"] == right
    before = model.stat()
    changed = onnx.load_from_string(model.read_bytes())
    weight = onnx.numpy_helper.to_array(changed.graph.initializer[0])
    changed.graph.initializer[0].raw_data = (-weight).tobytes()
    with model.open("r+b") as file:
        file.write(changed.SerializeToString())
    os.utime(model, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = model.stat()
    assert (after.st_size, after.st_ino, after.st_mtime_ns) == (
        before.st_size, before.st_ino, before.st_mtime_ns,
    )  # fmt: skip
    found = load(model)
    assert found["state"] == "miss"
    assert found["answer"] not in (right, None)
    assert found["answer"] == load(model, EDGEINFER_CACHE="")["answer"]


def runtime_beside(folder: Path, version: bytes) -> str:
    """A copy of the installed runtime that calls itself another version."""
    path = Path(ei.open_runtime().path)
    data = path.read_bytes()
    own = ei.open_runtime().version.encode()
    assert len(own) == len(version)
    copy = folder / "libonnxruntime.so.1"
    copy.write_bytes(data.replace(b"\0" + own + b"\0", b"\0" + version + b"\0"))
    return str(copy)


def test_another_runtime_makes_an_entry_of_its_own(
    model: Path, kept: Path, right: str, tmp_path: Path
) -> None:
    assert load(model)["state"] == "miss"
    own = ei.open_runtime().version
    other = runtime_beside(tmp_path, (own[:-1] + str((int(own[-1]) + 1) % 10)).encode())
    for state in ("miss", "hit"):
        found = load(model, EDGEINFER_ONNXRUNTIME=other)
        assert (found["state"], found["answer"]) == (state, right)
    assert load(model)["state"] == "hit"


def test_other_cpu_features_make_an_entry_of_their_own(model: Path, right: str) -> None:
    for state in ("miss", "hit"):
        assert load(model)["state"] == state
    for state in ("miss", "hit"):
        found = load(model, EDGEINFER_CPU="none")
        assert (found["state"], found["answer"]) == (state, right)


def assert_skipped(found: dict[str, Any], right: str, reason: str) -> None:
    assert (found["state"], found["path"], found["answer"]) == ("skipped", None, right), found
    assert reason in found["why"]


def test_a_home_that_is_no_folder_is_skipped(model: Path, tmp_path: Path, right: str) -> None:
    (tmp_path / "file").write_text("")
    found = load(model, EDGEINFER_CACHE=str(tmp_path / "file" / "cache"))
    assert_skipped(found, right, "Not a directory")


def test_a_read_only_home_is_skipped(model: Path, tmp_path: Path, right: str) -> None:
    home = tmp_path / "home"
    mounted(home, "ro,size=64k")
    try:
        found = load(model, EDGEINFER_CACHE=str(home / "cache"))
        assert_skipped(found, right, "Read-only file system")
    finally:
        subprocess.run(["umount", str(home)], check=True)


def test_a_folder_that_became_read_only_still_serves_its_entries(
    model: Path, kept: Path, right: str
) -> None:
    mounted(kept, "size=4m,mode=700")
    try:
        assert load(model)["state"] == "miss"
        subprocess.run(["mount", "-o", "remount,ro", str(kept)], check=True)
        found = load(model)
        assert (found["state"], found["answer"]) == ("hit", right)
        other = model.with_name("other.onnx")
        other.write_bytes(convolution(channels=CHANNELS, seed=1))
        found = load(other)
        assert found["state"] == "miss"
        assert "Read-only file system" in found["why"]
    finally:
        subprocess.run(["umount", str(kept)], check=True)


@pytest.mark.parametrize("mode", [0o770, 0o702, 0o1777])
def test_a_folder_that_others_can_write_to_is_not_used(
    model: Path, kept: Path, right: str, mode: int
) -> None:
    kept.mkdir()
    kept.chmod(mode)
    assert_skipped(load(model), right, "can be written to by other users")
    assert list(kept.iterdir()) == []


def test_a_folder_of_another_user_is_not_used(model: Path, kept: Path, right: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    kept.mkdir(mode=0o700)
    os.chown(kept, 12345, 12345)
    assert_skipped(load(model), right, "belongs to another user")
    inside = load(model, EDGEINFER_CACHE=str(kept / "cache"))
    assert_skipped(inside, right, "belongs to another user")
    assert list(kept.iterdir()) == []


def test_a_link_is_not_followed(model: Path, kept: Path, tmp_path: Path, right: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    kept.symlink_to(tmp_path / "elsewhere")
    assert_skipped(load(model), right, "a link or no folder")
    kept.unlink()
    assert load(model)["state"] == "miss"
    (entry,) = kept.glob("*.model")
    target = tmp_path / "elsewhere" / "entry"
    entry.rename(target)
    entry.symlink_to(target)
    found = load(model)
    assert (found["state"], found["answer"]) == ("miss", right)
    assert not entry.is_symlink()


def test_no_folder_at_all_is_skipped(model: Path, tmp_path: Path, right: str) -> None:
    assert_skipped(load(model, EDGEINFER_CACHE=""), right, "EDGEINFER_CACHE is empty")
    assert_skipped(load(model, EDGEINFER_CACHE="here"), right, "not absolute")


def test_the_folder_is_found_by_the_usual_variables(model: Path, tmp_path: Path) -> None:
    bare = {key: value for key, value in os.environ.items() if key != "EDGEINFER_CACHE"}
    for extra, folder in (
        ({"XDG_CACHE_HOME": str(tmp_path / "xdg")}, tmp_path / "xdg" / "edgeinfer"),
        ({"XDG_CACHE_HOME": "relative", "HOME": str(tmp_path)}, tmp_path / ".cache" / "edgeinfer"),
    ):
        done = subprocess.run(
            [sys.executable, "-c", LOAD, str(model)],
            capture_output=True, text=True, check=True, env={**bare, **extra},
        )  # fmt: skip
        assert Path(json.loads(done.stdout)["path"]).parent == folder


class Damage:
    """One entry, and what a load makes of it after each damage."""

    def __init__(self, model: Path, kept: Path) -> None:
        self.model = model
        self.frame = np.ones((1, 3, 32, 32), np.float32)
        self.wanted = ei.Session(model, threads=1, cache=False).run(self.frame)["y"]
        ei.Session(model, threads=1)
        (self.entry,) = kept.glob("*.model")
        self.whole = self.entry.read_bytes()

    def heals(self, data: bytes) -> None:
        self.entry.write_bytes(data)
        for state in ("miss", "hit"):
            with ei.Session(self.model, threads=1) as session:
                assert session.describe()["cache"]["state"] == state
                assert np.array_equal(session.run(self.frame)["y"], self.wanted)


@pytest.fixture
def damage(model: Path, kept: Path) -> Damage:
    return Damage(model, kept)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_damaged_entry_is_made_anew(damage: Damage, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(damage.whole) - 1))
    kind = data.draw(st.sampled_from(["flip", "cut", "zero", "more"]))
    spoilt = bytearray(damage.whole)
    if kind == "flip":
        spoilt[at] ^= 1 << data.draw(st.integers(0, 7))
    elif kind == "cut":
        del spoilt[at:]
    elif kind == "more":
        spoilt += b"\0"
    else:
        spoilt[at : at + 4096] = b"\xa5" * len(spoilt[at : at + 4096])
    damage.heals(bytes(spoilt))


def test_an_empty_or_foreign_entry_is_made_anew(damage: Damage) -> None:
    for data in (b"", b"\0" * 24, os.urandom(5000), damage.whole[-24:]):
        damage.heals(data)


def test_an_entry_of_another_model_is_not_taken(damage: Damage, kept: Path, model: Path) -> None:
    other = model.with_name("other.onnx")
    other.write_bytes(convolution(channels=CHANNELS, seed=1))
    ei.Session(other, threads=1)
    (foreign,) = set(kept.glob("*.model")) - {damage.entry}
    damage.heals(foreign.read_bytes())
