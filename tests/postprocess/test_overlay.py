import json
import subprocess
import sys
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

import edgeinfer as ei
from edgeinfer.palette import colours

CLASSES = np.array([[0, 1], [2, 1]], np.uint8)
MASK = ei.Mask(CLASSES, np.array([1, 2, 1, 0]), ["sky", "tree", "wire", "bird"])
PALETTE = np.array([[10, 20, 30], [40, 50, 60], [255, 0, 128], [0, 200, 3]], np.uint8)


def random_frame(height, width):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)


def test_each_pixel_is_blended_with_its_class():
    frame = random_frame(2, 2)
    picture = MASK.overlay(frame, alpha=0.25, palette=PALETTE, legend=False)
    wanted = np.floor(frame * 0.75 + PALETTE[CLASSES] * 0.25 + 0.5)
    np.testing.assert_array_equal(picture, wanted)


def test_alpha_goes_from_frame_to_colour():
    frame = random_frame(2, 2)
    np.testing.assert_array_equal(MASK.overlay(frame, alpha=0, legend=False), frame)
    np.testing.assert_array_equal(
        MASK.overlay(frame, alpha=1, palette=PALETTE, legend=False), PALETTE[CLASSES]
    )


def test_untinted_classes_stay_as_they_are():
    frame = random_frame(2, 2)
    picture = MASK.overlay(frame, alpha=1, palette=PALETTE, untinted=[1], legend=False)
    np.testing.assert_array_equal(picture[:, 1], frame[:, 1])
    np.testing.assert_array_equal(picture[:, 0], PALETTE[[0, 2]])


def test_the_frame_is_not_changed():
    frame = random_frame(90, 120)
    before = frame.copy()
    for legend in (False, True):
        assert not np.shares_memory(MASK.overlay(frame, legend=legend), frame)
    np.testing.assert_array_equal(frame, before)


@pytest.mark.parametrize(("rows", "cols"), [(6, 4), (5, 3), (1, 1), (1, 7)])
def test_the_mask_is_sampled_to_the_frame_by_nearest(rows, cols):
    picture = MASK.overlay(
        np.zeros((rows, cols, 3), np.uint8), alpha=1, palette=PALETTE, legend=False
    )
    for y in range(rows):
        for x in range(cols):
            wanted = CLASSES[int((y + 0.5) * 2 / rows), int((x + 0.5) * 2 / cols)]
            assert picture[y, x].tolist() == PALETTE[wanted].tolist()


def test_frames_of_any_format_become_rgb():
    rgb = random_frame(4, 4)
    wanted = MASK.overlay(rgb, legend=False)
    bgr = ei.Frame(rgb[:, :, ::-1].copy(), ei.PixelFormat.BGR, width=4, height=4)
    np.testing.assert_array_equal(MASK.overlay(bgr, legend=False), wanted)
    rgba = np.concatenate([rgb, np.full((4, 4, 1), 9, np.uint8)], axis=2)
    np.testing.assert_array_equal(MASK.overlay(rgba, legend=False), wanted)
    gray = np.repeat(rgb[:, :, :1], 3, axis=2)
    np.testing.assert_array_equal(
        MASK.overlay(rgb[:, :, 0], legend=False), MASK.overlay(gray, legend=False)
    )


def test_frames_of_luma_and_chroma_become_rgb():
    planes = np.full((6, 4), 128, np.uint8)
    nv12 = ei.Frame(planes, ei.PixelFormat.NV12, width=4, height=4, full_range=True)
    gray = np.full((4, 4, 3), 128, np.uint8)
    np.testing.assert_array_equal(
        MASK.overlay(nv12, legend=False), MASK.overlay(gray, legend=False)
    )


def test_wide_masks_have_colours_too():
    classes = np.array([[0, 299]], np.uint16)
    areas = np.zeros(300, np.int64)
    areas[[0, 299]] = 1
    picture = ei.Mask(classes, areas).overlay(np.zeros((1, 2, 3), np.uint8), alpha=1, legend=False)
    np.testing.assert_array_equal(picture[0], colours(300)[[0, 299]])


def test_the_legend_changes_a_corner_only():
    frame = np.full((400, 600, 3), 255, np.uint8)
    without = MASK.overlay(frame, palette=PALETTE, legend=False)
    changed = (MASK.overlay(frame, palette=PALETTE) != without).any(axis=2)
    rows, cols = np.nonzero(changed)
    assert rows.max() < 200
    assert cols.max() < 300
    assert changed.sum() > 1000


@pytest.mark.parametrize("size", [(1080, 1920), (300, 200), (96, 96)])
def test_the_legend_shows_each_present_class_in_its_colour(size):
    frame = np.zeros((*size, 3), np.uint8)
    picture = MASK.overlay(frame, alpha=0, palette=PALETTE)
    drawn = {tuple(colour) for colour in picture.reshape(-1, 3).tolist()}
    present = {tuple(PALETTE[c].tolist()) for c in (0, 1, 2)}
    assert present <= drawn
    assert tuple(PALETTE[3].tolist()) not in drawn


def test_a_legend_too_long_for_the_picture_is_cut_and_says_so():
    count = 200
    classes = np.arange(count, dtype=np.uint8).reshape(10, 20)
    mask = ei.Mask(
        classes, np.ones(count, np.int64), [f"a class called {i}" * 9 for i in range(200)]
    )
    picture = mask.overlay(np.zeros((240, 320, 3), np.uint8), alpha=0)
    assert picture.any()
    assert not picture[-4:].any()
    assert not picture[:, -4:].any()


@pytest.mark.parametrize("size", [(1, 1), (8, 200), (200, 8), (20, 20), (40, 60)])
def test_pictures_too_small_for_a_legend_are_drawn_all_the_same(size):
    assert MASK.overlay(np.zeros((*size, 3), np.uint8)).shape == (*size, 3)


def test_overlays_without_a_legend_need_no_pillow():
    code = (
        f"import sys; sys.path[:0] = {sys.path!r}\n"
        "import numpy as np, edgeinfer as ei\n"
        "mask = ei.Mask(np.zeros((2, 2), np.uint8), np.array([4]))\n"
        "mask.overlay(np.zeros((2, 2, 3), np.uint8), legend=False)\n"
        "assert 'PIL' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("frame", "arguments", "words"),
    [
        (np.zeros((2, 2, 3), np.float32), {}, ["float32 (2, 2, 3)", "uint8"]),
        (np.zeros((2, 2, 5), np.uint8), {}, ["(2, 2, 5)"]),
        (np.zeros((0, 2, 3), np.uint8), {}, ["(0, 2, 3)"]),
        (random_frame(2, 2), {"alpha": 1.5}, ["1.5", "0", "1"]),
        (random_frame(2, 2), {"alpha": float("nan")}, ["nan"]),
        (random_frame(2, 2), {"palette": PALETTE[:3]}, ["(3, 3)", "(4, 3)"]),
        (random_frame(2, 2), {"palette": PALETTE / 255}, ["float64"]),
    ],
)
def test_what_does_not_fit_is_named(frame, arguments, words):
    with pytest.raises(ei.InputError) as caught:
        MASK.overlay(frame, **arguments)
    for word in words:
        assert word in str(caught.value)


def test_a_mask_tells_its_classes_by_size():
    facts = MASK.to_dict()
    assert json.loads(json.dumps(facts)) == facts
    assert facts["height"] == 2
    assert [entry["label"] for entry in facts["classes"]] == ["tree", "sky", "wire"]
    assert [entry["share"] for entry in facts["classes"]] == [0.5, 0.25, 0.25]
    np.testing.assert_array_equal(MASK.fractions, [0.25, 0.5, 0.25, 0])


def test_results_are_frozen_and_check_their_labels():
    with pytest.raises(FrozenInstanceError):
        MASK.labels = None
    with pytest.raises(ei.InputError, match="2 names for 4 classes"):
        ei.Mask(CLASSES, MASK.areas, ["a", "b"])


def test_colours_are_distinct_and_a_long_palette_begins_with_the_short_one():
    many = colours(256)
    assert len(np.unique(many, axis=0)) == 256
    np.testing.assert_array_equal(colours(21), many[:21])
    np.testing.assert_array_equal(colours(300)[256:], many[:44])
    assert colours(0).shape == (0, 3)


def test_the_first_colours_differ_for_colour_blind_eyes_too():
    # Red-green blindness is about the loss of the a* axis of CIELAB: lightness and b* must do.
    encoded = colours(8) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    xyz = linear @ to_xyz.T / [0.9505, 1, 1.089]
    roots = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    seen = np.stack([116 * roots[:, 1] - 16, 200 * (roots[:, 1] - roots[:, 2])], axis=1)
    apart = np.linalg.norm(seen[:, None] - seen[None], axis=-1) + 1000 * np.eye(8)
    assert apart.min() > 10
