"""Resized bytes against Pillow, OpenCV and float64, in scalar and in the variants of this CPU."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edgeinfer import _core
from oracles import resize

CHANNELS = {"RGB": 3, "BGR": 3, "RGBA": 4, "GRAY": 1}
SIDES = st.one_of(st.integers(1, 40), st.integers(1, 300))
scalar_and_not = pytest.mark.parametrize("scalar", [True, False], ids=["scalar", "best"])


def plan_of(size, method, scalar):
    return _core.PreprocessPlan(
        height=size[0],
        width=size[1],
        resize=method,
        color="RGB",
        scale=1.0,
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        scalar=scalar,
    )


def pixels(kind, shape, seed):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, shape, dtype=np.uint8)
    if kind == "black and white":  # reaches both ends of the range, where rounding could leave it
        image = np.where(image < 128, 0, 255).astype(np.uint8)
    if kind == "smooth":
        y, x = np.mgrid[: shape[0], : shape[1]]
        image = ((y * 3 + x * 2)[..., None] + np.arange(shape[2]) * 40).astype(np.uint8)
    return image


@st.composite
def frames(draw):
    """A frame of any format, size and row stride, cut out of a larger buffer."""
    name = draw(st.sampled_from(sorted(CHANNELS)))
    height, width = draw(SIDES), draw(SIDES)
    top, left, right = draw(st.integers(0, 2)), draw(st.integers(0, 65)), draw(st.integers(0, 9))
    kind = draw(st.sampled_from(["noise", "black and white", "smooth"]))
    shape = (top + height, left + width + right, CHANNELS[name])
    buffer = pixels(kind, shape, draw(st.integers(0, 2**32 - 1)))
    return name, buffer[top:, left : left + width]


@st.composite
def sizes(draw, frame_size):
    """Any size, and often one that a special case waits for."""
    height, width = frame_size
    same_height, same_width = draw(st.sampled_from([(0, 0), (1, 0), (0, 1), (1, 1)]))
    if draw(st.booleans()) and height > 1 and width > 1:
        return height // 2, width // 2
    return (height if same_height else draw(SIDES), width if same_width else draw(SIDES))


cases = frames().flatmap(
    lambda frame: st.tuples(st.just(frame), sizes(frame_size=frame[1].shape[:2]))
)
camera = ("RGB", pixels("noise", (1080, 1920, 3), 1))
portrait = ("BGR", pixels("noise", (1920, 1080, 3), 2))


@scalar_and_not
@settings(deadline=None, max_examples=300)
@given(case=cases)
@example(case=(camera, (512, 512)))
@example(case=(camera, (224, 224)))
@example(case=(portrait, (512, 512)))
def test_pil_bilinear_bytes_equal_pillows_to_the_last_bit(case, scalar):
    (name, frame), size = case
    found = plan_of(size, "PIL_BILINEAR", scalar).resize(frame, name)
    wanted = resize.pillow_bilinear(frame[:, :, :3], size)
    bound = resize.pillow_bound(frame.shape[:2], size)
    np.testing.assert_allclose(found.astype(int), wanted.astype(int), rtol=0, atol=bound)


@scalar_and_not
@settings(deadline=None, max_examples=300)
@given(case=cases)
@example(case=(camera, (512, 512)))
@example(case=(camera, (540, 960)))
@example(case=(portrait, (512, 512)))
def test_cv2_linear_bytes_equal_opencvs_to_the_last_bit(case, scalar):
    (name, frame), size = case
    found = plan_of(size, "CV2_LINEAR", scalar).resize(frame, name)
    np.testing.assert_array_equal(found, resize.opencv_linear(frame[:, :, :3], size))


@settings(deadline=None, max_examples=150)
@given(case=cases)
@example(case=(camera, (512, 512)))
@example(case=(portrait, (512, 512)))
def test_pil_bilinear_is_the_antialiased_average_up_to_its_rounding(case):
    (name, frame), size = case
    found = plan_of(size, "PIL_BILINEAR", True).resize(frame, name)
    exact = resize.bilinear(frame[:, :, :3], size, antialias=True)
    assert np.abs(found - exact).max() <= resize.PILLOW_BOUND


@settings(deadline=None, max_examples=150)
@given(case=cases)
@example(case=(camera, (512, 512)))
def test_cv2_linear_is_the_interpolated_value_up_to_its_rounding(case):
    (name, frame), size = case
    found = plan_of(size, "CV2_LINEAR", True).resize(frame, name)
    exact = resize.bilinear(frame[:, :, :3], size, antialias=False)
    assert np.abs(found - exact).max() <= resize.OPENCV_BOUND


@pytest.mark.parametrize("method", ["PIL_BILINEAR", "CV2_LINEAR"])
@pytest.mark.parametrize("name", sorted(CHANNELS))
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (33, 65)])
def test_resize_of_one_pixel_is_that_pixel_everywhere(method, name, size):
    frame = pixels("noise", (1, 1, CHANNELS[name]), 3)
    found = plan_of(size, method, False).resize(frame, name)
    assert (found == frame[:, :, :3]).all()


@pytest.mark.parametrize("method", ["PIL_BILINEAR", "CV2_LINEAR"])
@pytest.mark.parametrize("level", [0, 1, 127, 254, 255])
@pytest.mark.parametrize("size", [(5, 5), (37, 91), (200, 3)])
def test_resize_keeps_a_flat_frame_flat(method, level, size):
    frame = np.full((41, 67, 3), level, np.uint8)
    assert (plan_of(size, method, False).resize(frame, "RGB") == level).all()


@scalar_and_not
@pytest.mark.parametrize("frame_size", [(1, 65535), (65535, 1), (3, 20000)])
@pytest.mark.parametrize("size", [(2, 2), (4, 300), (300, 4)])
def test_resize_of_the_longest_sides_equals_the_libraries(frame_size, size, scalar):
    frame = pixels("noise", (*frame_size, 3), 4)
    found = plan_of(size, "PIL_BILINEAR", scalar).resize(frame, "RGB")
    bound = resize.pillow_bound(frame_size, size)
    wanted = resize.pillow_bilinear(frame, size)
    np.testing.assert_allclose(found.astype(int), wanted.astype(int), rtol=0, atol=bound)
    if max(frame_size) < 32768:  # OpenCV's own limit
        found = plan_of(size, "CV2_LINEAR", scalar).resize(frame, "RGB")
        np.testing.assert_array_equal(found, resize.opencv_linear(frame, size))
