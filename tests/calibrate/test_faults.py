"""Writing ranges where the disk fills up, and where the process is killed at any point."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import edgeinfer as ei

SAVING = """
import sys
import edgeinfer as ei
ranges = ei.Ranges.load(sys.argv[1])
try:
    ranges.save(sys.argv[2])
except OSError as error:
    sys.exit(f"{error.errno}")
"""


@pytest.mark.parametrize(("call", "at"), [("write", 1), ("write", 4), ("fsync", 0)])
def test_a_full_disk_leaves_the_old_file(
    file: Path, tmp_path: Path, fault: str, call: str, at: int
) -> None:
    old = tmp_path / "kept.ranges"
    old.write_bytes(b"the old one")
    done = subprocess.run(
        [sys.executable, "-c", SAVING, str(file), str(old)],
        env={**os.environ, "LD_PRELOAD": fault, "FAULT_CALL": call, "FAULT_AT": str(at),
             "FAULT_HOW": "full", "FAULT_IN": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr.strip()) == (1, "28")
    assert old.read_bytes() == b"the old one"
    assert os.listdir(tmp_path) == ["kept.ranges"]


@pytest.mark.parametrize(("call", "at"), [("write", 0), ("write", 3), ("fsync", 0), ("fsync", 1)])
def test_a_save_killed_at_any_point_leaves_a_whole_file(
    file: Path, whole: ei.Ranges, tmp_path: Path, fault: str, call: str, at: int
) -> None:
    path = tmp_path / "kept.ranges"
    whole.with_method("minmax").save(path)
    done = subprocess.run(
        [sys.executable, "-c", SAVING, str(file), str(path)],
        env={**os.environ, "LD_PRELOAD": fault, "FAULT_CALL": call, "FAULT_AT": str(at),
             "FAULT_HOW": "kill", "FAULT_IN": str(tmp_path)},
        check=False,
    )  # fmt: skip
    assert done.returncode == -9
    renamed = (call, at) == ("fsync", 1)  # of the folder
    assert ei.Ranges.load(path).method == ("percentile" if renamed else "minmax")
    # What was left beside it is taken by the next, not added to.
    whole.with_method("mse").save(path)
    assert ei.Ranges.load(path).method == "mse"
    assert os.listdir(tmp_path) == ["kept.ranges"]
