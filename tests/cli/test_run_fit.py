"""``edgeinfer run`` with letterboxed and cropped pictures, and with inputs that are no planes."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

from edgeinfer.cli.recipe import FLAGS
from edgeinfer.preprocess import Preprocess

from .conftest import COLOURS, Run


def test_every_value_of_a_recipe_has_its_flag(edgeinfer: Run) -> None:
    assert set(FLAGS) == set(Preprocess((1, 1)).to_recipe())
    text = edgeinfer("run", "--help").stdout
    assert all(f"--{flag} " in text for flag in FLAGS)


@pytest.fixture
def thirds(tmp_path: Path) -> Path:
    """810 wide, 270 high: red, green and blue side by side."""
    pixels = np.repeat(np.array(list(COLOURS.values()), np.uint8), 270, axis=0)
    path = tmp_path / "thirds.png"
    Image.fromarray(np.broadcast_to(pixels, (270, 810, 3))).save(path)
    return path


@pytest.mark.parametrize("size", ["frame", "model"])
@pytest.mark.parametrize("fit", ["stretch", "letterbox", "crop"])
def test_masks_and_overlays_sit_on_the_picture(
    edgeinfer: Run, segmenter: Path, thirds: Path, labels: Path, tmp_path: Path, fit: str, size: str
) -> None:
    out = tmp_path / "out"
    arguments = ["--fit", fit, "--mask-size", size, "--labels", labels, "--out", out, "--json"]
    done = edgeinfer("run", segmenter, thirds, *arguments)
    assert done.returncode == 0, done.stderr
    (entry,) = json.loads(done.stdout)["images"]
    classes = np.asarray(Image.open(entry["files"]["classes"]))
    shares = {c["label"]: c["share"] for c in entry["classes"]}
    if size == "frame":
        assert classes.shape == (270, 810)
        seen = {"stretch": "rgb", "letterbox": "rgb", "crop": "-g-"}[fit]
        for third, wanted in enumerate(seen):
            inner = classes[:, 270 * third + 72 : 270 * third + 198]
            assert (inner == {"r": 0, "g": 1, "b": 2, "-": 255}[wanted]).all()
        wanted_shares = {"green": 1 / 3} if fit == "crop" else dict.fromkeys(COLOURS, 1 / 3)
        assert shares == pytest.approx(wanted_shares, abs=0.05)
    else:
        assert classes.shape == (32, 32)
    # The overlay is of the picture, whatever the mask's pixels: tinted where a class was found.
    overlay = np.asarray(Image.open(entry["files"]["overlay"])).astype(int)
    assert overlay.shape == (270, 810, 3)
    picture = np.asarray(Image.open(thirds)).astype(int)
    untouched = (overlay == picture).all(axis=2)
    sides = np.r_[72:198, 612:738]
    assert untouched[150:, sides].all() == (fit == "crop")
    assert not untouched[150:, 342:468].any()
    for third in range(3):  # one tint a third
        tints = overlay[150:, 270 * third + 72 : 270 * third + 198].reshape(-1, 3)
        assert len(np.unique(tints, axis=0)) == 1


def test_layout_and_type_come_from_the_model(
    edgeinfer: Run, bytes_classifier: Path, pictures: Path, tmp_path: Path
) -> None:
    def scores(*arguments: object) -> list[float]:
        done = edgeinfer("run", bytes_classifier, pictures / "red.png", "--json", *arguments)
        assert done.returncode == 0, done.stderr
        (entry,) = json.loads(done.stdout)["images"]
        return [c["score"] for c in sorted(entry["classes"], key=lambda c: c["index"])]

    red = COLOURS["red"]
    assert scores() == pytest.approx(red)
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps({"size": [32, 32], "resize": "NEAREST"}))
    assert scores("--recipe", recipe) == pytest.approx(red)
    # 0..1 divided by the input's own scale, plus its zero point.
    wanted = np.rint(np.array(red) / 255 / 0.01) + 3
    assert scores("--quant", "0.01", "3") == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("values", "flags"),
    [
        ({}, ()),
        ({"scale": 1}, ("--scale", "1")),
        ({"quant": None}, ()),
        ({"quant": [2 / 255, 128]}, ("--quant", f"{2 / 255!r}", "128")),
        ({"quant": [2 / 255, 128], "scale": 1 / 255}, ("--quant", f"{2 / 255!r}", "128")),
        (
            {"quant": [1 / 64, 114], "mean": [0.4, 0.5, 0.6], "std": [0.2, 0.3, 0.4]},
            ["--quant", "0.015625", "114", "--mean", ".4", ".5", ".6", "--std", ".2", ".3", ".4"],
        ),
        ({"quant": [0.5, 3], "scale": 1}, ["--quant", "0.5", "3", "--scale", "1"]),
    ],
)
def test_a_recipe_feeds_bytes_as_flags_and_the_library_do(
    edgeinfer: Run,
    bytes_classifier: Path,
    tmp_path: Path,
    values: dict[str, object],
    flags: tuple[str, ...],
) -> None:
    picture = tmp_path / "flat.png"
    pixels = np.full((40, 50, 3), (100, 110, 120), np.uint8)
    Image.fromarray(pixels).save(picture)
    recipe = tmp_path / "recipe.json"
    values = {"size": [32, 32], "layout": "NHWC", "dtype": "uint8", **values}
    recipe.write_text(json.dumps(values))

    def scores(*arguments: object) -> list[float]:
        done = edgeinfer("run", bytes_classifier, picture, "--json", *arguments)
        assert done.returncode == 0, done.stderr
        (entry,) = json.loads(done.stdout)["images"]
        return [c["score"] for c in sorted(entry["classes"], key=lambda c: c["index"])]

    if values.get("quant") is None:
        values["scale"] = 1  # the library asks for it, the command reads it off the model
    wanted = Preprocess.from_recipe(values)(pixels).tensor[0, 0, 0]
    assert 0 < wanted.min() <= wanted.max() < 255
    assert scores("--recipe", recipe) == pytest.approx(wanted)
    assert scores(*flags) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("shape", "element", "words"),
    [
        ([1, 1, 32, 32], onnx.TensorProto.FLOAT, "of three channels; run makes no grey images"),
        ([1, 32, 32, 1], onnx.TensorProto.UINT8, "of three channels; run makes no grey images"),
        ([1, 3, 32, 32], onnx.TensorProto.FLOAT16, "of float32, uint8, int8"),
    ],
)
@pytest.mark.parametrize("with_recipe", [False, True])
def test_an_input_that_run_cannot_fill_is_named(
    edgeinfer: Run,
    tmp_path: Path,
    pictures: Path,
    shape: list[int],
    element: int,
    words: str,
    with_recipe: bool,
) -> None:
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["image"], ["same"])],
        "other",
        [onnx.helper.make_tensor_value_info("image", element, shape)],
        [onnx.helper.make_tensor_value_info("same", element, shape)],
    )
    opsets = [onnx.helper.make_opsetid("", 17)]
    model = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8)
    path, recipe = tmp_path / "other.onnx", tmp_path / "values.json"
    path.write_bytes(model.SerializeToString())
    recipe.write_text(json.dumps({"size": [32, 32]}))
    settings = ["--recipe", recipe] if with_recipe else []
    done = edgeinfer("run", path, pictures / "red.png", *settings)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"input 'image' ({', '.join(map(str, shape))}) " in done.stderr
    assert words in done.stderr
    assert "--" not in done.stderr  # no flag would help


def test_a_quantised_input_is_fed_with_its_own_scale(
    edgeinfer: Run, dequantizing_classifier: Path, pictures: Path
) -> None:
    done = edgeinfer("run", dequantizing_classifier, pictures / "red.png", "--json")
    assert done.returncode == 0, done.stderr
    (entry,) = json.loads(done.stdout)["images"]
    found = [c["score"] for c in sorted(entry["classes"], key=lambda c: c["index"])]
    assert found == pytest.approx(np.array(COLOURS["red"]) / 255, abs=0.5 / 200)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--layout", "nchw"), "layout, dtype: found uint8 (1, 3, 32, 32), but input 'image'"),
        (("--dtype", "int8", "--quant", "0.1", "0"), "takes uint8 (1, 32, 32, 3)"),
        (("--scale", "1/255"), "wanted quant=(scale, zero_point)"),
        (("--size", "99999999999999999999", "3"), "size: found height 99999999999999999999, width"),
        (("--mean", "nan", "0", "0"), "mean: found nan for channel 0; wanted three finite"),
        (("--std", "1", "-inf", "1"), "std: found -inf for channel 1; wanted finite"),
    ],
)
def test_what_the_input_does_not_take_is_refused_before_the_first_picture(
    edgeinfer: Run, bytes_classifier: Path, pictures: Path, arguments: tuple[str, ...], text: str
) -> None:
    done = edgeinfer("run", bytes_classifier, pictures, *arguments)
    assert done.returncode == 1
    assert text in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ('{"size": [32, 32], "scale": 1%s}' % ("0" * 400), "scale: found 10000"),
        ('{"size": [99999999999999999999, 3]}', "size: found height 99999999999999999999, width 3"),
        ("[" * 200_000, "bad.json: maximum recursion depth"),
        ('{"size": [true, 32]}', "size: found [True, 32]"),
        ('{"size": [32, 32], "mean": [NaN, 0, 0]}', "mean: found nan for channel 0"),
    ],
    ids=["scale", "size", "depth", "truth", "nan"],
)
def test_a_recipe_with_a_mistake_is_one_line_on_stderr(
    edgeinfer: Run, bytes_classifier: Path, pictures: Path, tmp_path: Path, content: str, text: str
) -> None:
    recipe = tmp_path / "bad.json"
    recipe.write_text(content)
    done = edgeinfer("run", bytes_classifier, pictures / "red.png", "--recipe", recipe)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("edgeinfer: error: ")
    assert text in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [("--pad", "256"), ("--pad", "gray"), ("--quant", "0.1"), ("--quant", "0.1", "0.5")],
)
def test_values_that_are_none_are_usage_errors(
    edgeinfer: Run, segmenter: Path, pictures: Path, arguments: tuple[str, ...]
) -> None:
    assert edgeinfer("run", segmenter, pictures / "red.png", *arguments).returncode == 2
