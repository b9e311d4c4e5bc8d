"""``edgeinfer run`` as a user meets it: real processes, real files."""

import csv
import fcntl
import io
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeinfer.preprocess import Fit, Resize

from .conftest import Run


def rows(text: str) -> list[str]:
    """The lines of a table below its titles, up to the empty line."""
    lines = text.splitlines()
    (rule,) = (number for number, line in enumerate(lines) if line.startswith("---"))
    below = lines[rule + 1 :]
    return below[: below.index("")] if "" in below else below


def test_a_classifier_names_the_colour_of_each_picture(
    edgeinfer: Run, classifier: Path, pictures: Path, labels: Path
) -> None:
    done = edgeinfer("run", classifier, pictures, "--labels", labels, "--top", 1)
    assert done.returncode == 0, done.stderr
    assert "classify" in done.stdout
    found = [(line.split()[0], *line.split()[-2:]) for line in rows(done.stdout)]
    # Sorted by name; scores are the colour over 255, JPEG's within a step or two.
    assert [(name, label) for name, label, _ in found[:3]] == [
        ("blue.bmp", "blue"),
        ("green.jpg", "green"),
        ("red.png", "red"),
    ]
    for (_, _, score), value in zip(found, (230, 240, 250), strict=False):
        assert float(score) == pytest.approx(value / 255, abs=2 / 255)
    assert found[3][0] == "median"
    assert "1 other files in the folders skipped" in done.stdout
    assert done.stderr == ""


def test_json_holds_everything_and_nothing_else_is_printed(
    edgeinfer: Run, classifier: Path, pictures: Path
) -> None:
    done = edgeinfer("run", classifier, pictures, "--recursive", "--json", "--threads", 1)
    document = json.loads(done.stdout)
    assert (document["schema"], document["task"]) == (1, "classify")
    names = [Path(entry["image"]).name for entry in document["images"]]
    assert names == ["blue.bmp", "green.jpg", "red.png", "halves.webp"]
    for entry in document["images"]:
        times = entry["times_ms"]
        assert set(times) == {"decode", "preprocess", "run", "tail", "total"}
        parts = sum(times.values()) - times["total"]
        assert 0 < parts <= times["total"]
        assert entry["error"] is None
    first = document["images"][0]
    assert (first["width"], first["height"]) == (64, 48)
    best = first["classes"][0]
    assert best["index"] == 2
    assert best["label"] is None
    assert best["score"] == pytest.approx(230 / 255, rel=1e-5)  # not rounded
    assert document["summary"]["images"] == 4
    assert document["summary"]["skipped"] == 1
    assert document["session"]["threads"]["count"] == 1


def test_softmax_makes_probabilities(edgeinfer: Run, classifier: Path, pictures: Path) -> None:
    red = pictures / "red.png"
    done = edgeinfer("run", classifier, red, "--softmax", "--json")
    scores = [entry["score"] for entry in json.loads(done.stdout)["images"][0]["classes"]]
    powers = np.exp(np.array([250, 10, 5]) / 255)
    np.testing.assert_allclose(scores, powers / powers.sum(), rtol=1e-6)


def test_the_flags_of_the_formula_arrive(edgeinfer: Run, classifier: Path, pictures: Path) -> None:
    arguments = "--scale 1/127.5 --mean 1 -0.5 .25 --std 2 4 0.5 --color bgr --top 3 --json"
    done = edgeinfer("run", classifier, pictures / "red.png", *arguments.split())
    classes = json.loads(done.stdout)["images"][0]["classes"]
    found = [entry["score"] for entry in sorted(classes, key=lambda entry: entry["index"])]
    bgr = np.array([5, 10, 250])
    wanted = (bgr / 127.5 - np.array([1, -0.5, 0.25])) / np.array([2, 4, 0.5])
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_a_recipe_says_the_same_as_flags(
    edgeinfer: Run, classifier: Path, pictures: Path, tmp_path: Path
) -> None:
    recipe = tmp_path / "recipe.json"
    values = {"size": [32, 32], "scale": 1 / 127.5, "mean": [1, 1, 1], "resize": "CV2_LINEAR"}
    recipe.write_text(json.dumps(values))
    flags = "--size 32 32 --scale 1/127.5 --mean 1 --resize cv2_linear"
    answers = [
        json.loads(edgeinfer("run", classifier, pictures, "--json", *settings).stdout)
        for settings in (["--recipe", recipe], flags.split())
    ]
    first, second = ([entry["classes"] for entry in answer["images"]] for answer in answers)
    assert first == second


@pytest.mark.parametrize("fuse", [(), ("--no-fuse-tail",)])
def test_a_segmenter_finds_both_halves(
    edgeinfer: Run,
    segmenter: Path,
    pictures: Path,
    labels: Path,
    tmp_path: Path,
    fuse: tuple[str, ...],
) -> None:
    out = tmp_path / "out"
    arguments = ["run", segmenter, pictures, "-r", "--labels", labels, "--out", out, "--json"]
    document = json.loads(edgeinfer(*arguments, *fuse).stdout)
    assert document["task"] == "segment"
    assert document["session"]["tail"]["cut"] == (not fuse)
    halves = document["images"][-1]
    assert halves["mask"] == {"height": 40, "width": 40}
    shares = {entry["label"]: entry["share"] for entry in halves["classes"]}
    assert shares["red"] == pytest.approx(0.5, abs=0.06)
    assert shares["red"] + shares["blue"] == pytest.approx(1)
    # Pictures lie where the images lay, the map holds class numbers, the overlay is RGB.
    assert sorted(str(path.relative_to(out)) for path in out.rglob("*.*")) == [
        "blue.classes.png",
        "blue.overlay.png",
        "deeper/halves.classes.png",
        "deeper/halves.overlay.jpg",
        "green.classes.png",
        "green.overlay.jpg",
        "red.classes.png",
        "red.overlay.png",
    ]
    with Image.open(halves["files"]["classes"]) as image:
        assert image.mode == "L"
        classes = np.asarray(image)
    assert classes.shape == (40, 40)
    assert (classes[:, :18] == 0).all()
    assert (classes[:, 22:] == 2).all()
    with Image.open(halves["files"]["overlay"]) as image:
        assert (image.mode, image.size) == ("RGB", (40, 40))


def test_mask_size_model_keeps_the_networks_pixels(
    edgeinfer: Run, segmenter: Path, pictures: Path
) -> None:
    done = edgeinfer("run", segmenter, pictures, "--mask-size", "model", "--json")
    masks = [entry["mask"] for entry in json.loads(done.stdout)["images"]]
    assert masks == [{"height": 32, "width": 32}] * 3


def test_a_second_run_does_not_take_its_own_pictures_as_input(
    edgeinfer: Run, segmenter: Path, pictures: Path
) -> None:
    for out in (pictures, pictures / "deeper" / "out"):
        for _ in range(2):
            done = edgeinfer("run", segmenter, pictures, "-r", "--out", out, "--json")
            assert json.loads(done.stdout)["summary"]["images"] == 4


def test_pictures_of_one_stem_do_not_overwrite_each_other(
    edgeinfer: Run, segmenter: Path, tmp_path: Path
) -> None:
    for name in ("a.png", "a.bmp"):
        Image.new("RGB", (9, 9)).save(tmp_path / name)
    out = tmp_path / "out"
    edgeinfer("run", segmenter, tmp_path, "--out", out)
    assert {path.name for path in out.iterdir()} == {
        "a.classes.png",
        "a.overlay.png",
        "a-2.classes.png",
        "a-2.overlay.png",
    }


def test_tensors_are_summed_up_and_what_is_not_finite_is_counted(
    edgeinfer: Run, two_outputs: Path, tmp_path: Path
) -> None:
    half = np.zeros((32, 32, 3), np.uint8)
    half[:16] = 255
    Image.fromarray(half).save(tmp_path / "half.png")
    done = edgeinfer("run", two_outputs, tmp_path / "half.png", "--json")
    document = json.loads(done.stdout, parse_constant=lambda word: pytest.fail(word))
    same, log = document["images"][0]["outputs"]
    assert (same["name"], same["shape"], same["dtype"]) == ("same", [1, 3, 32, 32], "float32")
    assert (same["min"], same["mean"], same["max"], same["not_finite"]) == (0, 0.5, 1, 0)
    assert (log["max"], log["not_finite"]) == (0, 3 * 512)
    assert "log (1x3x32x32)" in edgeinfer("run", two_outputs, tmp_path / "half.png").stdout


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


def test_a_closed_pipe_is_no_error(classifier: Path, pictures: Path) -> None:
    command = [sys.executable, "-m", "edgeinfer", "run", str(classifier), *[str(pictures)] * 2]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 141
    assert errors == b""


def test_an_interrupt_ends_quietly(segmenter: Path, tmp_path: Path) -> None:
    Image.new("RGB", (3000, 2000)).save(tmp_path / "a.png")
    for number in range(400):
        os.link(tmp_path / "a.png", tmp_path / f"{number}.png")
    command = [sys.executable, "-m", "edgeinfer", "run", str(segmenter), str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("0.png"):  # it is in the middle of its work
            break
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == "edgeinfer: error: interrupted\n"


def test_a_terminal_sees_progress_and_quiet_removes_it(classifier: Path, pictures: Path) -> None:
    def terminal(*flags: str) -> str:
        ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "edgeinfer", "run", str(classifier), str(pictures)]
        process = subprocess.Popen(
            [*command, "--json", *flags], stdout=subprocess.DEVNULL, stderr=theirs
        )
        os.close(theirs)
        text = b""
        try:
            while piece := os.read(ours, 4096):
                text += piece
        except OSError:  # Linux says so when the other side is gone
            pass
        os.close(ours)
        assert process.wait(timeout=60) == 0
        return text.decode()

    shown = terminal()
    assert "1/3 images" in shown
    assert shown.endswith("\r\x1b[K")  # nothing stays on the screen
    assert terminal("--quiet") == ""


def test_a_narrow_terminal_still_shows_the_results(classifier: Path, pictures: Path) -> None:
    def screen(columns: int) -> str:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        command = [sys.executable, "-m", "edgeinfer", "run", str(classifier), str(pictures), "-q"]
        environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")}
        process = subprocess.Popen(command, stdout=theirs, env=environment)
        os.close(theirs)
        text = b""
        try:
            while piece := os.read(ours, 4096):
                text += piece
        except OSError:
            pass
        os.close(ours)
        assert process.wait(timeout=60) == 0
        return text.decode().replace("\r\n", "\n")

    narrow, wide = screen(72), screen(200)
    assert max(map(len, rows(narrow))) <= 72
    for text in (narrow, wide):
        assert [line.split()[0] for line in rows(text)[:3]] == ["blue.bmp", "green.jpg", "red.png"]
        assert "class 2 0.902" in rows(text)[0]
    assert "64 x 48" in rows(wide)[0]
    assert "64 x 48" not in rows(narrow)[0]
    assert "median ms: decode " in narrow
    assert "median ms: " not in wide


def test_an_unused_recipe_beside_the_model_is_mentioned(
    edgeinfer: Run, classifier: Path, pictures: Path, tmp_path: Path
) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(classifier.read_bytes())
    recipe = tmp_path / "recipe.json"
    recipe.write_text('{"size": [32, 32]}')
    red = pictures / "red.png"
    assert f"add --recipe {recipe}" in edgeinfer("run", model, red).stderr
    for flags in (("--recipe", recipe), ("--scale", "1"), ("--quiet",)):
        assert edgeinfer("run", model, red, *flags).stderr == ""


def test_names_that_are_no_text_are_shown_and_not_trusted(
    edgeinfer: Run, classifier: Path, tmp_path: Path
) -> None:
    for name in (b"\xff\xfe.png", b"red\x1b[31m.png", "grün.png".encode()):
        path = os.path.join(os.fsencode(tmp_path), name)
        buffer = io.BytesIO()
        Image.new("RGB", (8, 8)).save(buffer, "PNG")
        with open(path, "wb") as file:
            file.write(buffer.getvalue())
    done = edgeinfer("run", classifier, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "grün.png" in done.stdout
    assert "\x1b" not in done.stdout
    assert len(json.loads(edgeinfer("run", classifier, tmp_path, "--json").stdout)["images"]) == 3


def test_a_full_disk_or_closed_folder_is_one_line(
    edgeinfer: Run, segmenter: Path, pictures: Path, tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    done = edgeinfer("run", segmenter, pictures, "--out", blocked / "masks")
    assert done.returncode == 1
    assert done.stderr.startswith("edgeinfer: error: ")
    assert str(blocked) in done.stderr


# --- real models and photographs -------------------------------------------------------------

INCEPTION = ("--scale", "1/127.5", "--mean", "1")


def test_mobilenet_knows_most_of_these_photographs(edgeinfer: Run, shared_data: Path) -> None:
    folder = shared_data / "labelled/caltech101_imagenet38"
    entries = list(csv.DictReader((folder / "labels.csv").read_text().splitlines()))
    entries = [entry for entry in entries if entry["split"] == "eval"][::6]
    done = edgeinfer(
        "run",
        shared_data / "models/mobilenet_v2_1.0_224.onnx",
        *(folder / entry["path"] for entry in entries),
        "--labels",
        shared_data / "models/imagenet1001_labels.txt",
        *INCEPTION,
        "--json",
    )
    assert done.returncode == 0, done.stderr
    right = 0
    for entry, answer in zip(entries, json.loads(done.stdout)["images"], strict=True):
        wanted = {int(index) + 1 for index in entry["imagenet_indices"].split(";")}
        right += answer["classes"][0]["index"] in wanted
    # 0.686 over all 456; four standard errors below for these 76.
    assert right / len(entries) > 0.686 - 4 * 0.053


def test_deeplab_finds_what_the_photographs_show(
    edgeinfer: Run, shared_data: Path, tmp_path: Path
) -> None:
    folder = shared_data / "segmentation/voc_weak"
    entries = list(csv.DictReader((folder / "labels.csv").read_text().splitlines()))[::4]
    done = edgeinfer(
        "run",
        shared_data / "models/deeplabv3_mnv2_dm05_pascal_513.onnx",
        *(folder / entry["path"] for entry in entries),
        "--labels",
        shared_data / "models/voc21_labels.txt",
        *INCEPTION,
        "--out",
        tmp_path,
        "--json",
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["task"] == "segment"
    assert document["session"]["tail"]["cut"]
    right = 0
    for entry, answer in zip(entries, document["images"], strict=True):
        things = [found for found in answer["classes"] if found["index"]]
        right += bool(things) and things[0]["index"] == int(entry["voc_index"])
        with Image.open(answer["files"]["classes"]) as image:
            classes = np.asarray(image)
        assert classes.shape == (answer["height"], answer["width"])
        counts = np.bincount(classes.ravel(), minlength=21)
        assert {found["index"]: found["pixels"] for found in answer["classes"]} == {
            index: count for index, count in enumerate(counts) if count
        }
    assert right / len(entries) > 0.767 - 4 * 0.077


def test_a_network_that_never_ends_is_stopped(
    edgeinfer: Run, shared_data: Path, pictures: Path
) -> None:
    model = shared_data / "malformed/onnx/18_loop_forever.onnx"
    start = time.monotonic()
    done = edgeinfer("run", model, pictures / "red.png", "--timeout", "0.5")
    assert done.returncode == 1
    assert time.monotonic() - start < 30


@pytest.mark.parametrize("size", [(), ("--size", "64", "64")])
def test_no_malformed_model_gives_more_than_an_error_line(
    edgeinfer: Run, shared_data: Path, pictures: Path, size: tuple[str, ...]
) -> None:
    for model in sorted((shared_data / "malformed/onnx").glob("*.onnx"))[::4]:
        done = edgeinfer("run", model, pictures / "red.png", "--timeout", "2", *size)
        assert done.returncode in (0, 1), (model.name, done)
        if done.returncode == 1 and not done.stdout:
            assert done.stderr.splitlines()[-1].startswith("edgeinfer: error: "), model.name
