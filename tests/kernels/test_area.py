"""CV2_AREA against OpenCV to the last bit, and against float64, in scalar and in variants.

OpenCV 4.10 and 5.0 agree on x86-64. A build of OpenCV that fuses multiply and add may differ from
them, and so from us, by 1 where a ratio is no integer.
"""

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edgeinfer import _core

CHANNELS = {"RGB": 3, "BGR": 3, "RGBA": 4, "GRAY": 1}
SIDES = st.one_of(st.integers(1, 40), st.integers(1, 300))
scalar_and_not = pytest.mark.parametrize("scalar", [True, False], ids=["scalar", "best"])

# Of bytes against the exact average: rounding 0.5, and 1e-3 of a pixel at both ends of a run that
# OpenCV leaves out, each up to 255 * 1e-3 per axis when a pixel is hardly shrunk.
BOUND = 0.5 + 4 * 0.255 + 0.01


def area(frame, name, size, scalar=False):
    plan = _core.PreprocessPlan(
        height=size[0],
        width=size[1],
        resize="CV2_AREA",
        color="RGB",
        scale=1.0,
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        scalar=scalar,
    )
    return plan.resize(frame, name)


def opencv_area(frame, size):
    contiguous = np.ascontiguousarray(frame)
    resized = cv2.resize(contiguous, size[::-1], interpolation=cv2.INTER_AREA)
    return resized.reshape(*size, frame.shape[2])


def exact_area(frame, size):
    """The average over what every output pixel covers, as two matrix products."""

    def cover(source, target):
        edges = np.arange(target + 1) * (source / target)
        low, high = edges[:-1, None], edges[1:, None]
        pixel = np.arange(source)[None, :]
        weights = np.clip(np.minimum(high, pixel + 1) - np.maximum(low, pixel), 0, 1)
        return weights / weights.sum(axis=1, keepdims=True)

    rows, columns = cover(frame.shape[0], size[0]), cover(frame.shape[1], size[1])
    return np.einsum("yi,ijc,xj->yxc", rows, frame.astype(np.float64), columns, optimize=True)


@st.composite
def frames(draw, sides=SIDES):
    """A frame of any format, size and row stride, cut out of a larger buffer."""
    name = draw(st.sampled_from(sorted(CHANNELS)))
    height, width = draw(sides), draw(sides)
    left, right = draw(st.integers(0, 65)), draw(st.integers(0, 9))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (height, left + width + right, CHANNELS[name])
    buffer = rng.integers(0, 256, shape, dtype=np.uint8)
    if draw(st.booleans()):
        buffer = np.where(buffer < 128, 0, 255).astype(np.uint8)
    return name, buffer[:, left : left + width]


def shrunk(frame):
    """Any size that does not grow."""
    height, width = frame[1].shape[:2]
    return st.tuples(st.just(frame), st.tuples(st.integers(1, height), st.integers(1, width)))


@st.composite
def boxed(draw):
    """A frame whose sides are multiples of its size's."""
    size = draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))
    down, across = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    name = draw(st.sampled_from(sorted(CHANNELS)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (size[0] * down, size[1] * across, CHANNELS[name])
    # Few levels: many sums lie exactly between two bytes.
    levels = draw(st.sampled_from([2, 4, 256]))
    return (name, rng.integers(0, levels, shape, dtype=np.uint8)), size


cases = st.one_of(
    frames().flatmap(shrunk),
    boxed(),
    st.tuples(frames(), st.tuples(SIDES, SIDES)),
)
rng = np.random.default_rng(5)
camera = ("RGB", rng.integers(0, 256, (1080, 1920, 3), dtype=np.uint8))
gray_camera = ("GRAY", camera[1][:, :, 0].copy()[..., None])


@scalar_and_not
@settings(deadline=None, max_examples=400)
@given(case=cases)
@example(case=(camera, (512, 512)))
@example(case=(camera, (224, 224)))
@example(case=(camera, (540, 960)))
@example(case=(camera, (360, 640)))
@example(case=(camera, (1080, 960)))
@example(case=(camera, (1200, 640)))
@example(case=(gray_camera, (512, 512)))
def test_cv2_area_bytes_equal_opencvs_to_the_last_bit(case, scalar):
    (name, frame), size = case
    found = area(frame, name, size, scalar)
    np.testing.assert_array_equal(found, opencv_area(frame[:, :, :3], size))


@scalar_and_not
# 1 / (1 / 49) is not 49 in double, so OpenCV's fast way does not take it.
@pytest.mark.parametrize("ratio", range(1, 256))
def test_cv2_area_takes_opencvs_way_for_every_integer_ratio(ratio, scalar):
    values = np.random.default_rng(ratio).integers(0, 256, (3 * ratio, 2 * ratio, 1), np.uint8)
    for frame, size in ((values, (3, 2)), (values[:3], (3, 2)), (values[:, :2], (3, 2))):
        np.testing.assert_array_equal(area(frame, "GRAY", size, scalar), opencv_area(frame, size))


@settings(deadline=None, max_examples=200)
@given(case=frames().flatmap(shrunk))
@example(case=(camera, (512, 512)))
def test_cv2_area_is_the_average_of_what_a_pixel_covers(case):
    (name, frame), size = case
    found = area(frame, name, size)
    assert np.abs(found - exact_area(frame[:, :, :3], size)).max() <= BOUND


@scalar_and_not
@pytest.mark.parametrize("frame_size", [(1, 32767), (32767, 1), (3, 20000), (8000, 2)])
@pytest.mark.parametrize("size", [(1, 1), (2, 2), (1, 300), (300, 1)])
def test_cv2_area_of_long_sides_equals_opencvs(frame_size, size, scalar):
    frame = np.random.default_rng(6).integers(0, 256, (*frame_size, 3), dtype=np.uint8)
    np.testing.assert_array_equal(area(frame, "RGB", size, scalar), opencv_area(frame, size))


@pytest.mark.parametrize("level", [0, 1, 127, 254, 255])
@pytest.mark.parametrize("size", [(1, 1), (5, 5), (37, 91), (40, 3), (41, 66)])
def test_cv2_area_keeps_a_flat_frame_flat(level, size):
    frame = np.full((41, 67, 3), level, np.uint8)
    assert (area(frame, "RGB", size) == level).all()
