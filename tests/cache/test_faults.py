"""Whatever happens while an entry is written, a load gives the right results."""

import json
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
import pytest

import edgeinfer as ei

from .loads import LOAD, load, mounted, started, told_by
from .test_notes import wait_until_settled


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
