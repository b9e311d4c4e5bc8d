"""EXIF orientation: the exact turn, for every format, and whatever else EXIF may hold."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from decode.samples import UPRIGHT, chunk, encoded, exif, picture, pillow, pixels


@pytest.mark.parametrize("value", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
@pytest.mark.parametrize(
    ("height", "width"), [(24, 40), (1, 9), (9, 1), (700, 301), (3, 70_000), (70_000, 3)]
)
def test_the_turn_is_exact(value: int, kind: str, height: int, width: int) -> None:
    if kind == "WEBP" and max(height, width) > 16383:
        return  # more than the format holds
    image = picture(height, width)
    data = encoded(image, kind, exif=exif(value), lossless=True)
    np.testing.assert_array_equal(pixels(data), UPRIGHT[value](np.asarray(image)))


@pytest.mark.parametrize("value", range(1, 9))
def test_eight_files_of_one_picture_give_one_picture(value: int) -> None:
    upright = np.asarray(picture(600, 451))
    # Stored so that the turn leads back: 6 and 8 undo each other, the others themselves.
    stored = UPRIGHT[{6: 8, 8: 6}.get(value, value)](upright)
    for kind in ("PNG", "WEBP"):
        image = Image.fromarray(np.ascontiguousarray(stored))
        data = encoded(image, kind, exif=exif(value), lossless=True)
        np.testing.assert_array_equal(pixels(data), upright)


@pytest.mark.parametrize("value", range(1, 9))
def test_the_turn_of_a_jpeg_is_exact_too(value: int) -> None:
    image = picture(300, 401)
    stored = pixels(encoded(image, "JPEG"))
    data = encoded(image, "JPEG", exif=exif(value))
    np.testing.assert_array_equal(pixels(data), UPRIGHT[value](stored))
    for least in ((100, 100), (60, 20)):
        small = pixels(encoded(image, "JPEG"), at_least=least if value < 5 else least[::-1])
        np.testing.assert_array_equal(pixels(data, at_least=least), UPRIGHT[value](small))


def test_all_eight_orientations_of_one_photograph_look_alike(
    shared_data: Path, summary_line: Callable[[str, str], None]
) -> None:
    # Each file was turned and compressed anew and shows its own number, so that some
    # pixels differ by anything. Measured: 2.2 to 4.4 of 255 in the mean, 22 at the 99th percentile;
    # any wrong turn differs by more than 73 in the mean.
    folder = shared_data / "images/exif_orientation"
    upright = pixels(folder / "Landscape_0.jpg").astype(float)
    means = []
    for value in range(1, 9):
        turned = pixels(folder / f"Landscape_{value}.jpg")
        assert turned.shape == upright.shape
        apart = np.abs(turned - upright)
        means.append(apart.mean())
        assert means[-1] < 5, value
        assert np.percentile(apart, 99) < 25, value
        for wrong in (2, 3, 4):
            assert np.abs(UPRIGHT[wrong](turned) - upright).mean() > 70, (value, wrong)
    summary_line(
        "decoded pictures",
        f"exif_orientation: 8 orientations give one picture, at most {max(means):.1f} of 255 apart "
        "in the mean (each was compressed anew)",
    )


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_orientation_that_means_nothing_is_upright(value: int) -> None:
    data = encoded(picture(), "PNG", exif=exif(value))
    np.testing.assert_array_equal(pixels(data), np.asarray(picture()))


def tiff(order: str, entries: list[tuple[int, int, int, bytes]], count: int | None = None) -> bytes:
    """EXIF with these entries: tag, type, count, four bytes of value."""
    mark = b"II" if order == "<" else b"MM"
    body = b"".join(struct.pack(order + "HHI4s", *entry) for entry in entries)
    number = len(entries) if count is None else count
    return mark + struct.pack(order + "HIH", 42, 8, number) + body + bytes(4)


def with_exif(body: bytes) -> bytes:
    data = encoded(picture(), "PNG")
    return data[:33] + chunk(b"eXIf", body) + data[33:]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [3, 4, 8, 9])
def test_either_byte_order_and_any_whole_number(order: str, kind: int) -> None:
    value = struct.pack(order + {3: "H2x", 4: "I", 8: "h2x", 9: "i"}[kind], 6)
    data = with_exif(tiff(order, [(0x0100, 4, 1, bytes(4)), (0x0112, kind, 1, value)]))
    np.testing.assert_array_equal(pixels(data), UPRIGHT[6](np.asarray(picture())))
    np.testing.assert_array_equal(pillow(data), pixels(data))


@pytest.mark.parametrize(
    "body",
    {
        "empty": b"",
        "no_tiff": b"no tiff at all",
        "cut": tiff("<", [(0x0112, 3, 1, b"\6\0\0\0")])[:15],
        "far": b"II*\0\xff\xff\xff\xff",
        "two_values": tiff("<", [(0x0112, 3, 2, b"\6\0\3\0")]),
        "text": tiff("<", [(0x0112, 2, 1, b"6\0\0\0")]),
        "65535_entries": tiff("<", [], 65535),
    }.values(),
)
def test_exif_that_cannot_be_read_is_upright(body: bytes) -> None:
    np.testing.assert_array_equal(pixels(with_exif(body)), np.asarray(picture()))


def test_a_tag_before_the_cut_counts() -> None:
    data = with_exif(tiff("<", [(0x0112, 3, 1, b"\3\0\0\0")], 500))
    np.testing.assert_array_equal(pixels(data), UPRIGHT[3](np.asarray(picture())))


XMP = b'<x:xmpmeta><rdf:Description tiff:Orientation="8"/></x:xmpmeta>'
XMP_ELEMENT = b"<x:xmpmeta><tiff:Orientation>8</tiff:Orientation></x:xmpmeta>"


@pytest.mark.parametrize("xmp", [XMP, XMP_ELEMENT])
def test_xmp_says_it_where_exif_does_not(xmp: bytes) -> None:
    png = encoded(picture(), "PNG")
    plain = chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp)
    small = chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(xmp))
    for data in (
        png[:33] + plain + png[33:],
        png[:33] + small + png[33:],
        png[:-12] + plain + png[-12:],  # behind the pixels
        encoded(picture(), "JPEG", xmp=xmp),
        encoded(picture(), "WEBP", xmp=xmp),
    ):
        assert pixels(data).shape == (40, 24, 3)
        np.testing.assert_array_equal(pixels(data), pillow(data))
    both = encoded(picture(), "JPEG", xmp=xmp, exif=exif(3))
    assert pixels(both).shape == (24, 40, 3)  # EXIF wins
    np.testing.assert_array_equal(pixels(both), pillow(both))


@pytest.mark.parametrize("name", [b"tEXt", b"zTXt"])
def test_exif_in_the_text_of_a_png(name: bytes) -> None:
    body = exif(6).tobytes()
    text = b"\nexif\n%8d\n%s\n" % (len(body), body.hex().encode())
    text = text if name == b"tEXt" else b"\0" + zlib.compress(text)
    png = encoded(picture(), "PNG")
    data = png[:33] + chunk(name, b"Raw profile type exif\0" + text) + png[33:]
    np.testing.assert_array_equal(pixels(data), UPRIGHT[6](np.asarray(picture())))
    np.testing.assert_array_equal(pixels(data), pillow(data))


@given(body=st.binary(max_size=300), kind=st.sampled_from(["JPEG", "PNG", "WEBP"]))
@settings(max_examples=300, deadline=None)
def test_no_exif_hurts(body: bytes, kind: str) -> None:
    data = encoded(picture(), kind, exif=body, lossless=True) if body else encoded(picture(), kind)
    assert sorted(pixels(data).shape) == [3, 24, 40]


@given(spots=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 255)), min_size=1, max_size=4))
@settings(max_examples=300, deadline=None)
def test_no_damage_to_exif_warns(spots: list[tuple[int, int]]) -> None:
    body = bytearray(tiff("<", [(0x0100, 4, 1, bytes(4)), (0x0112, 3, 1, b"\6\0\0\0")]))
    for place, value in spots:
        body[place % len(body)] = value
    jpeg = encoded(picture(), "JPEG", exif=bytes(body))
    assert sorted(pixels(jpeg).shape) == [3, 24, 40]  # warnings are errors here
