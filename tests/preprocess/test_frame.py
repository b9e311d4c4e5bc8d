import mmap
import pathlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeinfer.errors import InputError
from edgeinfer.frame import Frame, PixelFormat, as_frame
from edgeinfer.preprocess import Preprocess


def camera(shape=(4, 6, 3)):
    return np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)


ONE_PLANE = [format for format in PixelFormat if format.planes == 1]
PLANES = [format for format in PixelFormat if format.planes > 1]


@given(
    format=st.sampled_from(ONE_PLANE),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    padding=st.integers(0, 7),
)
def test_flat_bytes_are_rows_at_the_stride_and_the_last_needs_no_padding(
    format, height, width, padding
):
    width *= 2 if format is PixelFormat.YUYV else 1
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


class Broken:
    """What a library's own tensor may do."""

    def __dlpack__(self, **settings):
        raise KeyError("no such device")

    def __dlpack_device__(self):
        return (1, 0)


class BrokenAttribute:
    @property
    def __dlpack__(self):
        raise LookupError("no such device")


def released():
    view = memoryview(bytes(12))
    view.release()
    return view


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (Broken(), r"found Broken \(.*no such device.*numpy\.asarray"),
        (BrokenAttribute(), r"found BrokenAttribute \(.*no such device.*numpy\.asarray"),
        (released(), r"found memoryview \(.*released"),
        ("cat.jpg", r"found str; wanted pixels; .*edgeinfer\.decode\(path\)"),
        (pathlib.Path("cat.jpg"), r"found \w+Path; wanted pixels; .*edgeinfer\.decode\(path\)"),
    ],
)
def test_data_that_gives_no_pixels_is_refused_with_the_remedy(data, text):
    with pytest.raises(InputError, match=text):
        Preprocess((2, 2))(data)
    with pytest.raises(InputError, match=text):
        Frame(data, PixelFormat.RGB, width=2, height=2)
    with pytest.raises(InputError, match=text):
        Frame([data, data], PixelFormat.NV12, width=2, height=2)


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


def chroma_of(format, luma_rows, stride):
    """Offset and stride of every plane behind the luma, as drivers lay them out."""
    start = luma_rows * stride
    if format is PixelFormat.I420:
        return [(start, stride // 2), (start + luma_rows // 2 * (stride // 2), stride // 2)]
    return [(start, stride)]


@given(
    format=st.sampled_from(PLANES),
    height=st.integers(1, 5).map(lambda n: 2 * n),
    width=st.integers(1, 5).map(lambda n: 2 * n),
    padding=st.integers(0, 4).map(lambda n: 2 * n),
)
def test_flat_planes_follow_each_other_and_the_last_row_needs_no_padding(
    format, height, width, padding
):
    stride = width + padding
    sample = 1 if format is PixelFormat.I420 else 2
    chroma = chroma_of(format, height, stride)
    needed = chroma[-1][0] + (height // 2 - 1) * chroma[-1][1] + width // 2 * sample
    data = np.arange(needed, dtype=np.uint8)
    frame = Frame(data.tobytes(), format, width=width, height=height, stride=stride)
    assert frame.stride == stride
    assert [plane.shape[:2] for plane in frame.planes] == [
        (height, width),
        *[(height // 2, width // 2)] * len(chroma),
    ]
    for plane, (offset, pitch) in zip(frame.planes, [(0, stride), *chroma], strict=True):
        for y, row in enumerate(plane.reshape(plane.shape[0], -1)):
            np.testing.assert_array_equal(row, data[offset + y * pitch :][: row.size])
    with pytest.raises(InputError, match=f"found {needed - 1} bytes; wanted at least {needed}"):
        Frame(data.tobytes()[:-1], format, width=width, height=height, stride=stride)


@pytest.mark.parametrize("format", PLANES)
def test_the_ways_to_give_planes_agree_and_copy_nothing(format):
    stacked = np.arange(9 * 4, dtype=np.uint8).reshape(9, 4) * 7
    size = {"width": 4, "height": 6}
    of_flat = Frame(stacked.reshape(-1), format, **size)
    of_stacked = Frame(stacked, format, **size)
    of_planes = Frame(of_flat.planes, format, **size)
    of_list = Frame([plane.copy() for plane in of_flat.planes], format, **size)
    for frame in (of_stacked, of_planes, of_list):
        for found, wanted in zip(frame.planes, of_flat.planes, strict=True):
            np.testing.assert_array_equal(found, wanted)
    for frame in (of_flat, of_stacked, of_planes):
        assert all(np.shares_memory(plane, stacked) for plane in frame.planes)
    if format is not PixelFormat.I420:
        luma, chroma = of_flat.planes
        side_by_side = Frame((luma, chroma.reshape(3, 4)), format, **size)
        np.testing.assert_array_equal(side_by_side.planes[1], chroma)
        wide = np.zeros((9, 11), np.uint8)
        wide[:, :4] = stacked
        strided = Frame(wide[:, :4], format, **size)
        assert strided.stride == 11
        np.testing.assert_array_equal(strided.to_rgb(), of_flat.to_rgb())
    with pytest.raises(InputError, match=r"2 planes|3 planes.*to_rgb"):
        _ = of_flat.pixels


@pytest.mark.parametrize("format", [*PLANES, PixelFormat.YUYV])
def test_odd_sides_are_refused_where_chroma_has_half(format):
    with pytest.raises(InputError, match=r"found 5x4 .* wanted .*even.*; leave the last column"):
        Frame(bytes(100), format, width=5, height=4)
    if format is PixelFormat.YUYV:
        Frame(bytes(100), format, width=4, height=5)
    else:
        with pytest.raises(InputError, match=r"found 4x5 .* wanted both even"):
            Frame(bytes(100), format, width=4, height=5)


@pytest.mark.parametrize(
    ("data", "settings", "text"),
    [
        (bytes(200), {"format": PixelFormat.I420, "stride": 7}, "7 bytes for I420.*even"),
        (bytes(200), {"format": PixelFormat.NV12, "stride": 5}, "wanted at least 6"),
        (bytes(200), {"format": PixelFormat.NV12, "stride": 2**70}, "found 200 bytes"),
        (bytes(200), {"format": PixelFormat.NV12, "height": 2**62}, "found 200 bytes"),
        (bytes(200), {"format": PixelFormat.RGB, "width": 2**62}, "found 200 bytes"),
        (camera((6, 6)), {"format": PixelFormat.NV12, "height": 6}, r"wanted \(9, 6\)"),
        (camera((6, 12))[:, ::2], {"format": PixelFormat.I420}, "rows 12 bytes apart"),
        (camera((6, 6)), {"format": PixelFormat.NV12, "stride": 7}, "rows are 6 apart"),
        ((camera((4, 6)),), {"format": PixelFormat.NV12}, "found 1 arrays; wanted 2"),
        ((camera((4, 6)),) * 2, {"format": PixelFormat.NV12}, r"\(4, 6\) as plane 1.*\(2, 3, 2\)"),
        ((camera((4, 6)), camera((2, 6))), {"format": PixelFormat.NV12, "stride": 6}, "leave"),
        ((camera((4, 6)), None), {"format": PixelFormat.NV21}, "found NoneType"),
        (camera((4, 6, 2)), {"format": PixelFormat.YUYV, "width": 8}, r"wanted \(4, 8, 2\)"),
        (bytes(200), {"format": PixelFormat.RGB, "width": True}, "width: found True"),
        (bytes(200), {"format": PixelFormat.NV12, "full_range": 1}, "full_range: found 1"),
    ],
)
def test_planes_that_contradict_the_size_are_refused(data, settings, text):
    values = {"width": 6, "height": 4} | settings
    with pytest.raises(InputError, match=text):
        Frame(data, values.pop("format"), **values)


def test_one_row_may_have_any_stride():
    frame = Frame(bytes(18), PixelFormat.RGB, width=6, height=1, stride=2**70)
    assert frame.pixels.shape == (1, 6, 3)


def test_a_mapped_file_is_read_where_it_lies(tmp_path):
    path = tmp_path / "frame.nv12"
    path.write_bytes(bytes(range(24)))
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        frame = Frame(mapped, PixelFormat.NV12, width=4, height=4)
        mapped[5] = 99
        assert frame.planes[0][1, 1] == 99
        with pytest.raises(InputError, match="found 24 bytes; wanted at least 36"):
            Frame(mapped, PixelFormat.NV12, width=4, height=6)
        del frame


@pytest.mark.parametrize("format", [PixelFormat.RGB, PixelFormat.BGR, PixelFormat.BGRA])
def test_to_rgb_orders_the_channels_and_copies(format):
    pixels = camera((4, 6, format.channels))
    rgb = Frame(pixels, format, width=6, height=4).to_rgb()
    wanted = pixels[:, :, :3] if format is PixelFormat.RGB else pixels[:, :, 2::-1]
    np.testing.assert_array_equal(rgb, wanted)
    assert not np.shares_memory(rgb, pixels)
