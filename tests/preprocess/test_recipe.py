import concurrent.futures
import copy
import json
import multiprocessing
import pickle

import numpy as np
import pytest

from edgeinfer.errors import InputError
from edgeinfer.preprocess import Fit, Preprocess, Resize

KEYS = {"size", "resize", "fit", "color", "scale", "mean", "std", "layout", "dtype"}
KEYS |= {"quant", "pad"}


def recipe():
    return Preprocess(
        (30, 40),
        resize=Resize.CV2_LINEAR,
        color="BGR",
        scale=1 / 127.5,
        mean=(1, 0.9, 0.8),
        std=(0.5, 0.6, 0.7),
    )


def test_a_recipe_survives_json_and_gives_the_same_tensor(tmp_path):
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps(recipe().to_recipe()), encoding="utf-8")
    again = Preprocess.from_recipe(path)
    assert set(again.to_recipe()) == KEYS
    assert again.to_recipe() == recipe().to_recipe()
    assert Preprocess.from_recipe(str(path)).to_recipe() == again.to_recipe()
    frame = np.random.default_rng(1).integers(0, 256, (50, 60, 3), dtype=np.uint8)
    np.testing.assert_array_equal(again(frame).tensor, recipe()(frame).tensor)


@pytest.mark.parametrize("fit", Fit)
@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("resize", Resize)
def test_integer_recipes_survive_json_too(layout, fit, resize):
    p = Preprocess(
        (12, 9), resize=resize, fit=fit, layout=layout, dtype="int8", quant=(0.1, -3), pad=7
    )
    text = json.dumps(p.to_recipe())
    again = Preprocess.from_recipe(json.loads(text))
    assert json.dumps(again.to_recipe()) == text
    frame = np.random.default_rng(1).integers(0, 256, (50, 60, 3), dtype=np.uint8)
    np.testing.assert_array_equal(again(frame).tensor, p(frame).tensor)


def test_defaults_stand_for_what_a_recipe_leaves_out_only():
    recipe = {"size": [8, 9], "layout": "NCHW"}
    defaults = {"layout": "NHWC", "dtype": "uint8", "scale": 1}
    p = Preprocess.from_recipe(recipe, defaults=defaults)
    assert (p.shape, p.dtype) == ((1, 3, 8, 9), "uint8")


def test_what_a_recipe_leaves_out_takes_the_default():
    assert Preprocess.from_recipe({"size": [8, 9]}).to_recipe() == Preprocess((8, 9)).to_recipe()


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"size": [8, 9], "resise": "PIL_BILINEAR", "zoom": 2}, "'resise', 'zoom'.*wanted some of"),
        ({"resize": "PIL_BILINEAR"}, 'no "size"'),
        ({"size": [8, 9], "resize": "BILINEAR"}, "'CV2_LINEAR', 'CV2_AREA', 'NEAREST'"),
        ({"size": [8, 9], "fit": "SQUEEZE"}, "'STRETCH', 'LETTERBOX', 'CROP'"),
        ({"size": [8, 9], "mean": [1, 2]}, "three numbers"),
        ({"size": "8x9"}, "size: found"),
        ({"size": [4, 4], 1: 2, "a": 3}, "recipe: found unknown key 'a', 1; wanted some of size"),
        ({"size": [10**30, 4]}, "size: found height 10+, width 4; wanted both within"),
        ({"size": [4, 4], "scale": 10**400}, "scale: found 10+…"),
    ],
)
def test_a_recipe_with_a_mistake_is_refused_by_name(values, text):
    with pytest.raises(InputError, match=text):
        Preprocess.from_recipe(values)


def test_defaults_with_a_mistake_are_refused_by_name():
    with pytest.raises(InputError, match="defaults: found unknown key 'foo'; wanted some of size"):
        Preprocess.from_recipe({"size": [4, 4]}, defaults={"foo": 1})


def test_a_value_of_lists_in_lists_is_refused():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(InputError, match="size: found a value of type list that is too long"):
        Preprocess.from_recipe({"size": deep})


@pytest.mark.parametrize("content", ["{", "[1, 2]", None, b"\xff\xfe", "[" * 200_000])
def test_a_recipe_file_that_cannot_be_read_is_refused_with_its_path(tmp_path, content):
    path = tmp_path / "recipe.json"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=r"recipe\.json"):
        Preprocess.from_recipe(path)


def test_a_recipe_of_another_type_is_refused():
    with pytest.raises(InputError, match="found list; wanted a mapping or a JSON file"):
        Preprocess.from_recipe([8, 9])


def integers():
    return Preprocess((12, 9), fit=Fit.CROP, layout="NHWC", dtype="int8", quant=(0.1, -3), pad=7)


@pytest.mark.parametrize("make", [recipe, integers])
@pytest.mark.parametrize(
    "again",
    [
        copy.copy,
        copy.deepcopy,
        *(
            lambda p, protocol=protocol: pickle.loads(pickle.dumps(p, protocol))  # noqa: S301
            for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
        ),
    ],
)
def test_copies_and_pickles_hold_the_recipe(make, again):
    p = make()
    q = again(p)
    assert type(q) is Preprocess
    assert q.to_recipe() == p.to_recipe()
    frame = np.random.default_rng(1).integers(0, 256, (50, 60, 3), dtype=np.uint8)
    np.testing.assert_array_equal(q(frame).tensor, p(frame).tensor)


def test_a_process_that_is_spawned_takes_a_preprocess():
    p = integers()
    frame = np.random.default_rng(1).integers(0, 256, (50, 60, 3), dtype=np.uint8)
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=spawn) as pool:
        prepared = pool.submit(p, frame).result(60)
    np.testing.assert_array_equal(prepared.tensor, p(frame).tensor)
    assert prepared.placement == p(frame).placement
