"""``edgeinfer run``: results of each kind of network, as text and as JSON."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from .conftest import Run
from .printed import rows


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
