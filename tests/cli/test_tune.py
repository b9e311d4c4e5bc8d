"""``edgeinfer bench --tune``: what it finds is kept, and sessions take it from there."""

import json
from pathlib import Path

import pytest

import edgeinfer as ei

from .conftest import Run

QUICK = ("--tune", "--seconds", "0.5", "--frame", "48", "64", "-q")


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "kept"
    monkeypatch.setenv("EDGEINFER_CACHE", str(folder))
    return folder


def test_what_is_found_is_kept_and_taken(edgeinfer: Run, segmenter: Path) -> None:
    done = edgeinfer("bench", segmenter, *QUICK, "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["command"], document["kept"]) == ("tune", True)
    tried = {duel["challenger"] for duel in document["duels"]}
    assert "1 thread" in tried
    assert any("file's tail" in name for name in tried)
    assert ei.Session(segmenter).describe()["tuned"] == document["settings"]
    after = json.loads(
        edgeinfer("bench", segmenter, "--seconds", "0.1", "--no-cold", "--json").stdout
    )
    assert after["settings"]["tuned"] is True
    assert after["settings"]["threads"] == (document["settings"]["threads"] or "shared")


def test_the_table_fits_80_columns(edgeinfer: Run, classifier: Path, kept: Path) -> None:
    done = edgeinfer("bench", classifier, *QUICK)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert all(len(line) <= 80 for line in lines if str(kept) not in line)
    assert any(line.startswith("best ") for line in lines)


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_measured(
    edgeinfer: Run, classifier: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EDGEINFER_CACHE", str(tmp_path / "file" / "below"))
    done = edgeinfer("bench", classifier, *QUICK)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "EDGEINFER_CACHE" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "flag", [("--threads", "2"), ("--spin", "on"), ("--no-fuse-tail",), ("--no-cache",)]
)
def test_what_is_tried_cannot_be_said(edgeinfer: Run, classifier: Path, flag: tuple[str]) -> None:
    assert edgeinfer("bench", classifier, *QUICK, *flag).returncode == 2
