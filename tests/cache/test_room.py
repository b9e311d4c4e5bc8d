"""What goes from the cache folder: what was not used for longest, and what no writer holds."""

import fcntl
import os
import time
from pathlib import Path

import pytest

import edgeinfer as ei
from edgeinfer import cache


def entry_of(model: Path) -> Path:
    with ei.Session(model, threads=1) as session:
        return Path(session.describe()["cache"]["path"])


def test_what_another_process_is_writing_is_left_alone(model: Path, kept: Path) -> None:
    kept.mkdir(mode=0o700)
    busy = kept / "writing-1-0-0"
    with busy.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert entry_of(model).exists()
        assert busy.exists()
    cache.clear()
    assert not busy.exists()


def test_beyond_512_mb_what_was_not_used_for_longest_goes(model: Path, kept: Path) -> None:
    kept.mkdir(mode=0o700)
    now = time.time()
    for days, name in enumerate(("young", "older", "oldest"), 1):
        path = kept / f"{name}.model"
        with path.open("wb") as file:
            try:
                os.posix_fallocate(file.fileno(), 0, 200 << 20)
            except OSError as error:
                pytest.skip(f"no room for 600 MB: {error.strerror}")
        os.utime(path, (now - days * 86400, now - days * 86400))
    entry = entry_of(model)
    left = {path.name for path in kept.glob("*.model")}
    assert left == {"young.model", "older.model", entry.name}
