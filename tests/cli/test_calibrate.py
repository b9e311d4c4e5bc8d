"""``edgeinfer calibrate``: a table, a file, and one line for each thing that is wrong."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import edgeinfer as ei

from .conftest import Run


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(0)
    for number in range(33):
        pixels = random.integers(0, 256, (40, 48, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:02}.png")
    return folder


def test_a_table_of_what_was_seen(edgeinfer: Run, classifier: Path, photos: Path) -> None:
    done = edgeinfer("calibrate", classifier, photos)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "classifier.onnx: 33 samples, 2 tensors, percentile"
    assert lines[1].split()[:3] == ["tensor", "seen", "range"]
    assert [line.split()[0] for line in lines[3:]] == ["image", "pooled"]
    assert lines[3].endswith("input")
    assert lines[4].endswith("GlobalAveragePool 'pooled'")


def test_the_file_and_the_document_say_what_the_function_says(
    edgeinfer: Run, classifier: Path, photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "net.ranges"
    done = edgeinfer(
        "calibrate", classifier, photos, "--out", out, "--method", "entropy", "--scale", "1/127.5",
        "--mean", "1", "1", "1", "--json",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    preprocess = ei.Preprocess((32, 32), scale=1 / 127.5, mean=(1, 1, 1))
    ranges = ei.calibrate(classifier, photos, method="entropy", preprocess=preprocess)
    expected = {"schema": 1, "command": "calibrate", "model": str(classifier), "out": str(out)}
    assert document == expected | json.loads(json.dumps(ranges.to_dict()))
    assert ei.Ranges.load(out).to_dict() == ranges.to_dict()


def test_files_and_a_text_list_are_samples_too(
    edgeinfer: Run, classifier: Path, photos: Path, tmp_path: Path
) -> None:
    files = sorted(photos.iterdir())
    text = tmp_path / "list.txt"
    text.write_text("\n".join(map(str, files)))
    whole = edgeinfer("calibrate", classifier, photos).stdout
    assert edgeinfer("calibrate", classifier, text).stdout == whole
    assert edgeinfer("calibrate", classifier, *files).stdout == whole
    few = edgeinfer("calibrate", classifier, files[0])
    assert few.returncode == 0
    assert "edgeinfer: warning: found 1 samples" in few.stderr


def test_a_run_goes_on_where_it_was(
    edgeinfer: Run, classifier: Path, photos: Path, tmp_path: Path
) -> None:
    part = tmp_path / "part.ranges"
    files = sorted(photos.iterdir())
    broken = tmp_path / "broken.png"
    broken.write_bytes(files[0].read_bytes()[:100])
    failed = edgeinfer("calibrate", classifier, *files[:20], broken, "--resume", part)
    assert failed.returncode == 1
    assert f"edgeinfer: error: {broken}: " in failed.stderr
    assert ei.Ranges.load(part).samples == 20
    done = edgeinfer("calibrate", classifier, *files, "--resume", part)
    assert done.stdout == edgeinfer("calibrate", classifier, photos).stdout


def test_failures_are_one_line(
    edgeinfer: Run, classifier: Path, photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    for arguments in (
        (classifier, tmp_path / "empty"),
        (classifier, tmp_path / "missing"),
        (tmp_path / "bad.onnx", photos),
        (tmp_path / "missing.onnx", photos),
        (classifier, photos, "--method", "minmax", "--parameter", "3"),
        (classifier, photos, "--size", "8", "8"),
        (classifier, photos, "--tensor", "nothing"),
        (classifier, photos, "--out", tmp_path / "missing" / "net.ranges"),
    ):
        done = edgeinfer("calibrate", *arguments)
        assert done.returncode == 1, arguments
        assert done.stderr.count("edgeinfer: error: ") == 1
        assert len(done.stderr.splitlines()) == 1
    assert edgeinfer("calibrate", classifier).returncode == 2
    assert edgeinfer("calibrate", classifier, photos, "--method", "best").returncode == 2
