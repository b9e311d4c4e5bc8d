"""Where a frame goes in the model's input, and that its pixels really land there."""

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from edgeinfer.errors import InputError
from edgeinfer.preprocess import Fit, Preprocess, Resize
from edgeinfer.result import Mask
from oracles import frames as oracle

SIDES = st.integers(1, 3000)
PAIRS = st.tuples(SIDES, SIDES)
fits = pytest.mark.parametrize("fit", Fit)


def placement_of(frame, model, fit):
    p = Preprocess(model, fit=fit, resize=Resize.NEAREST, dtype="uint8", scale=1)
    return p(np.zeros(frame, np.uint8)).placement


@fits
@settings(deadline=None, max_examples=60)
@given(frame=PAIRS, model=st.tuples(st.integers(1, 600), st.integers(1, 600)))
@example(frame=(1080, 1920), model=(512, 512))
@example(frame=(3, 2), model=(3, 3))
@example(frame=(1, 3000), model=(300, 2))
@example(frame=(333, 500), model=(224, 224))
def test_sizes_and_pads_are_those_of_exact_fractions(fit, frame, model):
    found = placement_of(frame, model, fit)
    wanted = oracle.fit(fit.name, frame, model)
    assert found.frame_size == frame
    assert found.model_size == model
    assert (found.scale_y, found.scale_x) == tuple(
        resized / side for resized, side in zip(wanted.resized, frame, strict=True)
    )
    assert (found.pad_y, found.pad_x) == tuple(
        pad - first for pad, first in zip(wanted.pad, wanted.first, strict=True)
    )


@fits
@settings(deadline=None, max_examples=60)
@given(
    frame=PAIRS,
    model=st.tuples(st.integers(1, 600), st.integers(1, 600)),
    point=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_a_round_trip_stays_within_half_a_pixel(fit, frame, model, point):
    placement = placement_of(frame, model, fit)
    inside = np.array(point) * frame[::-1]
    there = placement.to_model(inside)
    assert np.abs(placement.to_frame(there) - inside).max() < 1e-6  # far below 0.5
    # The nearest whole model pixel: half a pixel of the model, and back half of one.
    centre = np.floor(there) + 0.5
    scale = np.array([placement.scale_x, placement.scale_y])
    assert (np.abs(placement.to_frame(centre) - inside) * scale <= 0.5 + 1e-6).all()
    again = placement.to_model(placement.to_frame(centre))
    assert np.abs(again - centre).max() < 1e-6


@fits
@pytest.mark.parametrize("resize", Resize)
@settings(deadline=None, max_examples=40)
@given(
    frame=st.tuples(st.integers(8, 200), st.integers(8, 200)),
    model=st.tuples(st.integers(8, 200), st.integers(8, 200)),
    spot=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_a_marked_pixel_lands_where_placement_says(fit, resize, frame, model, spot):
    placement = placement_of(frame, model, fit)
    y, x = (min(int(s * side), side - 1) for s, side in zip(spot, frame, strict=True))
    # A mark that covers two model pixels at least, so that no resize can step over it.
    reach_y, reach_x = (int(np.ceil(1 / s)) for s in (placement.scale_y, placement.scale_x))
    top, bottom = max(y - reach_y, 0), min(y + reach_y + 1, frame[0])
    left, right = max(x - reach_x, 0), min(x + reach_x + 1, frame[1])
    pixels = np.zeros(frame, np.uint8)
    pixels[top:bottom, left:right] = 255
    wanted = placement.to_model([left, top, right, bottom])
    found = Preprocess(model, fit=fit, resize=resize, layout="NHWC", dtype="uint8", scale=1, pad=0)(
        pixels
    ).tensor[0, :, :, 0]
    bright = found >= 128
    # Pixels whose centres lie inside the mark, and none whose centres lie a pixel outside; the
    # resizes blend over at most one pixel of the coarser side.
    blend = np.maximum(np.array([placement.scale_x, placement.scale_y] * 2), 1)
    centre_y, centre_x = (np.arange(side) + 0.5 for side in model)
    for grow, inside in ((-blend, True), (blend, False)):
        x0, y0, x1, y1 = wanted + grow * np.array([-1, -1, 1, 1])
        rows = (centre_y > y0) & (centre_y < y1)
        columns = (centre_x > x0) & (centre_x < x1)
        box = rows[:, None] & columns[None, :]
        # At the frame's edge there is nothing to blend with.
        assert bright[box].all() if inside else not bright[~box].any()


@fits
@pytest.mark.parametrize("resize", Resize)
@settings(deadline=None, max_examples=40)
@given(
    frame=st.tuples(st.integers(2, 250), st.integers(2, 250)),
    model=st.tuples(st.integers(1, 250), st.integers(1, 250)),
    along=st.integers(0, 1),
)
def test_a_ramp_reads_as_the_frame_coordinate_everywhere(fit, resize, frame, model, along):
    steps = np.arange(frame[along], dtype=np.uint8)
    pixels = np.broadcast_to(steps[:, None] if along == 0 else steps, frame)
    p = Preprocess(model, fit=fit, resize=resize, layout="NHWC", dtype="uint8", scale=1)
    tensor, placement = p(np.ascontiguousarray(pixels))
    where = oracle.fit(fit.name, frame, model)
    # Where one side grows and the other shrinks, INTER_AREA takes pixels at the start of what an
    # output covers, not at its centre: OpenCV's own way, which bytes must equal.
    grows = [r > f for r, f in zip(where.resized, frame, strict=True)]
    shrinks = [r < f for r, f in zip(where.resized, frame, strict=True)]
    assume(resize is not Resize.CV2_AREA or not (any(grows) and any(shrinks)))
    rows, columns = (slice(q, q + n) for q, n in zip(where.pad, where.kept, strict=True))
    seen = tensor[0, rows, columns, 0].astype(float)
    centre = np.arange(model[along])[rows if along == 0 else columns] + 0.5
    pairs = np.stack([centre, centre], axis=1)
    coordinate = placement.to_frame(pairs)[:, 1 - along] - 0.5
    # Where a widened filter meets the frame's edge, it averages one side only.
    scale = (placement.scale_y, placement.scale_x)[along]
    margin = max(1 / scale, 1) if resize is Resize.PIL_BILINEAR else 0
    inside = (coordinate >= margin) & (coordinate <= frame[along] - 1 - margin)
    # Half a pixel by the resize (nearest; an even number of pixels averaged), and its rounding.
    along_rows = seen if along == 0 else seen.T
    assert np.abs(along_rows - coordinate[:, None])[inside].max(initial=0) <= 0.5 + 1.0


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_letterbox_pads_go_through_the_formula(layout):
    p = Preprocess((4, 8), fit=Fit.LETTERBOX, pad=100, layout=layout, color="BGR", mean=(0, 0.5, 1))
    tensor = p(np.zeros((2, 2, 3), np.uint8)).tensor
    channels_last = tensor[0] if layout == "NHWC" else tensor[0].transpose(1, 2, 0)
    wanted = np.float32(100) * np.float32(1 / 255) - np.array([0, 0.5, 1], np.float32)
    np.testing.assert_array_equal(
        channels_last[:, [0, 1, 6, 7]], np.broadcast_to(wanted, (4, 4, 3))
    )
    np.testing.assert_array_equal(channels_last[:, 2:6, 2], np.full((4, 4), -1, np.float32))


def test_a_frame_too_long_to_crop_is_refused_with_the_size_it_would_take():
    p = Preprocess((300, 300), fit=Fit.CROP)
    with pytest.raises(InputError, match=r"found 65535x1 .*side of 19660500; wanted at most"):
        p(np.zeros((1, 65535, 3), np.uint8))


@fits
@settings(deadline=None, max_examples=60)
@given(
    frame=st.tuples(st.integers(1, 80), st.integers(1, 80)),
    model=st.tuples(st.integers(1, 80), st.integers(1, 80)),
    size=st.tuples(st.integers(1, 80), st.integers(1, 80)),
    classes=st.sampled_from([3, 255, 256, 300]),
)
def test_a_mask_of_the_model_becomes_one_of_the_frame(fit, frame, model, size, classes):
    placement = placement_of(frame, model, fit)
    kind = np.uint8 if classes <= 256 else np.uint16
    values = np.random.default_rng(1).integers(0, classes, size).astype(kind)
    mask = Mask(values, np.bincount(values.reshape(-1), minlength=classes), None)
    found = placement.mask_to_frame(mask)
    assert found.classes.shape == frame
    unseen = np.iinfo(found.classes.dtype).max
    assert unseen >= classes
    ys, xs = np.mgrid[: frame[0], : frame[1]] + 0.5
    points = placement.to_model(np.stack([xs, ys], axis=-1))
    outside = ((points < 0) | (points >= model[::-1])).any(axis=-1)
    # Exactly on the line between two pixels, rounding may take either.
    at = points * (np.array(size[::-1]) / model[::-1])
    clear = (np.abs(at - np.rint(at)) > 1e-9).all(axis=-1)
    columns, rows = np.moveaxis(np.floor(at).astype(int), -1, 0)
    wanted = np.where(
        outside, unseen, values.astype(int)[rows.clip(0, size[0] - 1), columns.clip(0, size[1] - 1)]
    )
    np.testing.assert_array_equal(found.classes[clear], wanted[clear])
    counted = np.bincount(found.classes[found.classes < classes].astype(int), minlength=classes)
    np.testing.assert_array_equal(found.areas, counted)
    assert fit is Fit.CROP or not outside.any()
    if fit is Fit.STRETCH:
        assert placement.covers


def test_what_a_crop_left_out_is_no_class_or_the_one_asked_for():
    placement = placement_of((10, 30), (10, 10), Fit.CROP)
    assert not placement.covers
    mask = Mask(np.ones((10, 10), np.uint8), np.array([0, 100]), ["none", "all"])
    found = placement.mask_to_frame(mask)
    assert (found.classes[:, 10:20] == 1).all()
    assert (found.classes[:, :10] == 255).all()
    assert list(found.areas) == [0, 100]
    assert found.fractions.sum() == pytest.approx(1 / 3)
    filled = placement.mask_to_frame(mask, unseen=0)
    assert list(filled.areas) == [200, 100]
    assert filled.labels == ["none", "all"]
    with pytest.raises(InputError, match="unseen: found 2; wanted None or a class below 2"):
        placement.mask_to_frame(mask, unseen=2)
    for unseen in (-1, 0.5, 1.0, True, "a", (0,), np.bool_(True)):
        with pytest.raises(InputError, match=r"unseen: found .*; wanted None or a class below 2"):
            placement.mask_to_frame(mask, unseen=unseen)
    assert list(placement.mask_to_frame(mask, unseen=np.uint8(1)).areas) == [0, 300]
    for no_mask in (None, mask.classes, "mask"):
        with pytest.raises(InputError, match=f"mask: found {type(no_mask).__name__}; wanted an"):
            placement.mask_to_frame(no_mask)
    picture = found.overlay(np.full((10, 30, 3), 50, np.uint8), legend=False)
    assert (picture[:, :10] == 50).all()
    assert (picture[:, 10:20] != 50).any()
