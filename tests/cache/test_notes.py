"""What is remembered of a model: there until something changes, whole or not at all."""

import os
import time
from pathlib import Path

import pytest

from edgeinfer import InputError, ModelError, cache
from session.networks import convolution


def test_a_note_is_found_again_by_path_and_by_bytes(model: Path, kept: Path) -> None:
    assert cache.recall(model, "tune") is None
    assert cache.remember(model, "tune", {"threads": 2, "spin": "on"}) == ""
    for given in (model, str(model), model.read_bytes(), memoryview(model.read_bytes())):
        assert cache.recall(given, "tune") == {"threads": 2, "spin": "on"}
    assert cache.recall(model, "other") is None
    assert kept.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in kept.iterdir())


def test_a_later_note_replaces_the_former(model: Path) -> None:
    cache.remember(model, "tune", {"threads": 2})
    cache.remember(model, "tune", {"threads": 1})
    assert cache.recall(model, "tune") == {"threads": 1}


def test_another_model_has_no_note(model: Path, tmp_path: Path) -> None:
    cache.remember(model, "tune", {"threads": 2})
    other = tmp_path / "other.onnx"
    other.write_bytes(convolution(size=16))
    assert cache.recall(other, "tune") is None


def test_a_model_changed_in_place_with_its_time_set_back_has_no_note(model: Path) -> None:
    # Long settled, so that the next reading trusts the stamp of the file.
    wait_until_settled(model)
    cache.remember(model, "tune", {"threads": 2})
    before = model.stat()
    data = bytearray(model.read_bytes())
    at = data.index(b"conv") if b"conv" in data else len(data) // 2
    data[at] ^= 1
    with model.open("r+b") as file:
        file.write(data)
    os.utime(model, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = model.stat()
    assert (after.st_size, after.st_mtime_ns, after.st_ino) == (
        before.st_size, before.st_mtime_ns, before.st_ino,
    )  # fmt: skip
    assert cache.recall(model, "tune") is None


def wait_until_settled(path: Path) -> None:
    # What is waited for is the clock itself: a fresh file is not trusted by its times.
    while time.time_ns() - path.stat().st_ctime_ns <= 1_100_000_000:
        time.sleep(0.05)


def test_a_settled_file_is_known_without_being_read(model: Path, kept: Path) -> None:
    cache.remember(model, "tune", {"threads": 2})
    assert [one.kind for one in cache.files()] == ["note"]
    wait_until_settled(model)
    assert cache.recall(model, "tune") == {"threads": 2}
    assert sorted(one.kind for one in cache.files()) == ["known file", "note"]


def test_a_damaged_note_is_no_note(model: Path, kept: Path) -> None:
    cache.remember(model, "tune", {"threads": 2})
    (path,) = kept.iterdir()
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert cache.recall(model, "tune") is None, at
        path.write_bytes(whole[:at])
        assert cache.recall(model, "tune") is None, at
    path.write_bytes(whole)
    assert cache.recall(model, "tune") == {"threads": 2}


def test_a_note_under_the_name_of_another_is_no_note(model: Path, kept: Path) -> None:
    cache.remember(model, "a", {"threads": 2})
    (first,) = kept.iterdir()
    cache.remember(model, "b", {"threads": 3})
    (second,) = set(kept.iterdir()) - {first}
    os.replace(second, first)
    assert cache.recall(model, "a") is None


def test_without_a_folder_nothing_is_kept_and_the_reason_is_told(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGEINFER_CACHE", "")
    assert "EDGEINFER_CACHE is empty" in cache.remember(model, "tune", {})
    assert cache.recall(model, "tune") is None
    assert cache.files() == ()
    assert cache.clear() == 0


def test_everything_can_be_removed(model: Path, kept: Path) -> None:
    cache.remember(model, "a", {})
    cache.remember(model, "b", {})
    (kept / "writing-1-1-1").write_bytes(b"left by a killed writer")
    (kept / "mine.txt").write_text("not ours to remove")
    assert cache.clear() == 2
    assert [path.name for path in kept.iterdir()] == ["mine.txt"]


def test_what_json_cannot_hold_is_refused(model: Path) -> None:
    with pytest.raises(InputError, match="remember: found values"):
        cache.remember(model, "tune", {"x": object()})


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="model: found int"):
        cache.recall(7, "tune")  # type: ignore[arg-type]
    with pytest.raises(ModelError):
        cache.recall(tmp_path / "absent.onnx", "tune")
