"""Writing ranges where the disk fills up, and where the process is killed at any point."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import edgeinfer as ei

from .driven import RECIPE, pictures, states

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


KEEPING = """
import sys
import edgeinfer as ei
sys.path.insert(0, sys.argv[1])
from calibrate.driven import RECIPE, pictures
ei.calibrate(sys.argv[2], pictures(40), preprocess=RECIPE, resume=sys.argv[3])
"""


@pytest.mark.parametrize("seed", range(3))
def test_a_run_killed_while_it_keeps_goes_on_to_the_same_ranges(
    model: Path, tmp_path: Path, fault: str, seed: int
) -> None:
    whole = ei.calibrate(model, pictures(40), preprocess=RECIPE)
    folder = tmp_path / "kept"
    folder.mkdir()
    file = folder / "part.ranges"
    generator = random.Random(seed)
    tests = Path(__file__).resolve().parents[1]
    # Each run keeps twice at least, behind its first sample and at the end: 8 parts and a digest
    # are written, then file and folder are synced.
    for call, most in (("write", 17), ("fsync", 3), ("write", 8)):
        done = subprocess.run(
            [sys.executable, "-c", KEEPING, str(tests), str(model), str(file)],
            env={**os.environ, "LD_PRELOAD": fault, "FAULT_CALL": call, "FAULT_HOW": "kill",
                 "FAULT_AT": str(generator.randint(0, most)), "FAULT_IN": str(folder)},
            timeout=120,
            check=False,
        )  # fmt: skip
        # A run that finds all samples in the file keeps nothing.
        assert done.returncode in (-signal.SIGKILL, 0)
        if file.exists():
            partial = ei.Ranges.load(file)
            assert partial.sample_digests == whole.sample_digests[: partial.samples]
        else:
            assert done.returncode == -signal.SIGKILL
    found = ei.calibrate(model, pictures(40), preprocess=RECIPE, resume=file)
    assert states(found) == states(whole)
    assert os.listdir(folder) == ["part.ranges"]
