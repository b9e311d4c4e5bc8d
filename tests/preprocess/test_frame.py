import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeinfer.errors import InputError
from edgeinfer.frame import Frame, PixelFormat, as_frame


def camera(shape=(4, 6, 3)):
    return np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)


@given(
    format=st.sampled_from(PixelFormat),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    padding=st.integers(0, 7),
)
def test_flat_bytes_are_rows_at_the_stride_and_the_last_needs_no_padding(
    format, height, width, padding
):
    row = width * format.channels
    stride = row + padding
    data = bytes(i % 251 for i in range((height - 1) * stride + row))
    frame = Frame(data, format, width=width, height=height, stride=stride)
    rows = [np.frombuffer(data, np.uint8)[y * stride :][:row] for y in range(height)]
    np.testing.assert_array_equal(frame.pixels.reshape(height, row), rows)
    with pytest.raises(InputError, match=f"found {len(data) - 1} bytes.*at least {len(data)}"):
        Frame(data[:-1], format, width=width, height=height, stride=stride)


@pytest.mark.parametrize("wrap", [memoryview, bytearray, np.asarray], ids=lambda w: w.__name__)
def test_a_frame_is_a_view_of_the_given_memory(wrap):
    data = wrap(camera((2 * 3 * 3,)))
    frame = Frame(data, PixelFormat.RGB, width=3, height=2)
    data[4] = 99
    assert frame.pixels[0, 1, 1] == 99


def test_a_dlpack_tensor_is_taken_without_a_copy():
    class Tensor:
        def __init__(self, array):
            self.array = array

        def __dlpack__(self, **settings):
            return self.array.__dlpack__(**settings)

        def __dlpack_device__(self):
            return self.array.__dlpack_device__()

    array = camera()
    frame = as_frame(Tensor(array))
    array[1, 2, 0] = 99
    assert frame.pixels[1, 2, 0] == 99


def test_a_cropped_array_keeps_its_stride():
    array = camera((40, 50, 3))
    frame = as_frame(array[10:20, 5:30])
    assert (frame.height, frame.width, frame.stride) == (10, 25, 150)
    assert np.shares_memory(frame.pixels, array)
    assert repr(frame) == "Frame(RGB, width=25, height=10, stride=150)"


@pytest.mark.parametrize(
    ("shape", "format"),
    [
        ((4, 6, 3), PixelFormat.RGB),
        ((4, 6, 4), PixelFormat.RGBA),
        ((4, 6, 1), PixelFormat.GRAY),
        ((4, 6), PixelFormat.GRAY),
    ],
)
def test_plain_arrays_are_taken_by_their_channels(shape, format):
    frame = as_frame(camera(shape))
    assert frame.format is format
    assert (frame.height, frame.width) == (4, 6)
    assert as_frame(frame) is frame


@pytest.mark.parametrize("shape", [(4, 6, 2), (6,), (1, 4, 6, 3), (0, 6, 3), (4, 0)])
def test_arrays_of_another_shape_are_refused_with_that_shape(shape):
    with pytest.raises(InputError) as caught:
        as_frame(np.zeros(shape, np.uint8))
    assert str(shape) in str(caught.value)


@pytest.mark.parametrize("data", [[[1, 2, 3]], None, "frame", camera().astype(np.float32)])
def test_what_is_not_bytes_is_refused(data):
    with pytest.raises(InputError, match="frame: found"):
        as_frame(data)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"width": 7}, r"found uint8 \(4, 6, 3\).*wanted \(4, 7, 3\)"),
        ({"width": 0}, "width 0"),
        ({"width": "6"}, "width: found '6'; wanted a whole number"),
        ({"height": 4.0}, "height: found 4.0"),
        ({"stride": "18"}, "stride: found '18'"),
        ({"stride": 19}, "19 bytes.*18 apart"),
        ({"matrix": "ntsc"}, "'ntsc'.*'bt601' or 'bt709'"),
        ({"format": "RGB"}, "PixelFormat"),
        ({"format": PixelFormat.RGBA}, r"wanted \(4, 6, 4\)"),
    ],
)
def test_values_that_contradict_the_data_are_refused(settings, text):
    values = {"format": PixelFormat.RGB, "width": 6, "height": 4} | settings
    with pytest.raises(InputError, match=text):
        Frame(camera(), values.pop("format"), **values)


def test_a_stride_shorter_than_a_row_is_refused():
    with pytest.raises(InputError, match="found 17 bytes; wanted at least 18"):
        Frame(bytes(200), PixelFormat.RGB, width=6, height=4, stride=17)
