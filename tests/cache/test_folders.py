"""Folders that are not used, and what a load says then."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from session.networks import convolution

from .loads import CHANNELS, LOAD, load, mounted


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
