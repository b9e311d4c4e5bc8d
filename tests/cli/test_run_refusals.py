"""``edgeinfer run``: what cannot work is told in one line, and help is there."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from edgeinfer.preprocess import Fit, Resize

from .conftest import Run
from .printed import rows


def test_one_bad_image_does_not_stop_a_folder(
    edgeinfer: Run, classifier: Path, pictures: Path
) -> None:
    (pictures / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    missing = pictures / "missing.jpg"
    done = edgeinfer("run", classifier, pictures, missing)
    assert done.returncode == 1
    by_name = {line.split()[0]: line for line in rows(done.stdout)}
    assert "error: damaged or cut short" in by_name["bad.png"]
    assert "error: cannot read the image: No such file" in by_name["missing.jpg"]
    assert "2 of 5 images failed" in done.stdout
    done = edgeinfer("run", classifier, pictures, missing, "--json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    errors = {Path(entry["image"]).name: entry["error"] for entry in document["images"]}
    assert [name for name, error in errors.items() if error] == ["bad.png", "missing.jpg"]
    assert str(missing) in errors["missing.jpg"]
    assert document["summary"]["failed"] == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.onnx", "red.png"], "nowhere.onnx"),
        (["red.png", "red.png"], "red.png"),
        (["{model}", "empty"], "no image found"),
        (["{model}", "red.png", "--labels", "nowhere.txt"], "nowhere.txt: cannot read the labels"),
        (["{model}", "red.png", "--labels", "notes.txt"], "has 1 names, the model has 3 classes"),
        (["{model}", "red.png", "--labels", "red.png"], "UTF-8"),
        (["{model}", "red.png", "--recipe", "notes.txt"], "notes.txt"),
        (["{model}", "red.png", "--recipe", "nowhere.json"], "nowhere.json"),
        (["{model}", "red.png", "--std", "0"], "std"),
        (
            ["{model}", "red.png", "--size", "16", "8"],
            "found 16 x 8 (height x width), but the model takes 32 x 32",
        ),
        (["{model}", "red.png", "--out", "masks"], "--out: writes pictures of masks"),
    ],
)
def test_what_cannot_work_is_one_line_on_stderr(
    edgeinfer: Run,
    classifier: Path,
    pictures: Path,
    arguments: list[str],
    words: str,
) -> None:
    (pictures / "empty").mkdir()
    filled = [str(classifier) if word == "{model}" else word for word in arguments]
    done = edgeinfer("run", *filled, cwd=pictures)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("edgeinfer: error: ")
    assert words in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["fly"],
        ["run"],
        ["run", "model.onnx"],
        ["run", "model.onnx", "a.jpg", "--size", "320"],
        ["run", "model.onnx", "a.jpg", "--size", "0x10"],
        ["run", "model.onnx", "a.jpg", "--mean", "1", "2"],
        ["run", "model.onnx", "a.jpg", "--scale", "1/0"],
        ["run", "model.onnx", "a.jpg", "--scale", "much"],
        ["run", "model.onnx", "a.jpg", "--threads", "0"],
        ["run", "model.onnx", "a.jpg", "--timeout", "-1"],
        ["run", "model.onnx", "a.jpg", "--top", "many"],
        ["run", "model.onnx", "a.jpg", "--resize", "bilinear"],
        ["run", "model.onnx", "a.jpg", "--recipe", "r.json", "--mean", "1"],
        ["run", "model.onnx", "a.jpg", "--no-such-flag"],
        ["inspect"],
    ],
)
def test_wrong_usage_ends_with_status_2(edgeinfer: Run, arguments: list[str]) -> None:
    done = edgeinfer(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "usage: edgeinfer" in done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["inspect", "--help"]])
def test_help_shows_examples(edgeinfer: Run, arguments: list[str]) -> None:
    done = edgeinfer(*arguments)
    assert done.returncode == 0
    assert "examples:" in done.stdout
    assert "edgeinfer " in done.stdout.split("examples:")[1]
    assert max(map(len, done.stdout.splitlines())) <= 100


def test_help_and_version_load_nothing_heavy() -> None:
    code = (
        "import sys, edgeinfer.cli\n"
        "try: edgeinfer.cli.main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'PIL', 'edgeinfer._core', 'onnxruntime'} & set(sys.modules)\n"
        "sys.exit(repr(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_choices_are_those_of_the_library(edgeinfer: Run) -> None:
    text = edgeinfer("run", "--help").stdout
    for kind, flag in ((Resize, "--resize"), (Fit, "--fit")):
        listed = text.split(f"{flag} {{")[1].split("}")[0]
        assert set(listed.split(",")) == {member.name.lower() for member in kind}
