"""Each way to store a picture gives the pixels of Pillow's own convert("RGB"), and known ones."""

import struct
import threading
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageFile

from decode.samples import (
    chunk,
    encoded,
    exif,
    one_of_each,
    picture,
    pillow,
    pixels,
    png,
    png_header,
)
from edgeinfer.decode import decode

FILES = one_of_each()


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_each_kind_equals_pillow(name: str) -> None:
    np.testing.assert_array_equal(pixels(FILES[name]), pillow(FILES[name]))


# What the table in docs/images.md says, without Pillow in between.


def test_16_bit_colour_keeps_its_high_bytes() -> None:
    deep = np.random.default_rng(1).integers(0, 65536, (9, 7, 4), dtype=np.uint16)
    np.testing.assert_array_equal(pixels(png(deep[..., :3], 2)), deep[..., :3] >> 8)
    np.testing.assert_array_equal(pixels(png(deep, 6)), deep[..., :3] >> 8)
    grey = np.repeat(deep[..., :1] >> 8, 3, axis=2)
    np.testing.assert_array_equal(pixels(png(deep[..., :2], 4)), grey)


def test_16_bit_grey_is_clipped() -> None:
    deep = np.array([[0, 1, 254, 255, 256, 4095, 65535]], np.uint16)[..., None]
    np.testing.assert_array_equal(pixels(png(deep, 0))[..., 1], [[0, 1, 254, 255, 255, 255, 255]])


def test_alpha_is_dropped_and_not_blended() -> None:
    for value in (0, 7, 255):
        alpha = picture().convert("RGBA")
        alpha.putalpha(value)
        for data in (
            encoded(alpha, "PNG"),
            encoded(alpha, "WEBP", lossless=True, exact=True),
            encoded(alpha, "BMP"),
        ):
            np.testing.assert_array_equal(pixels(data), np.asarray(picture()))


def test_a_transparent_colour_stays_as_it_is_stored() -> None:
    palette = picture().quantize(16)
    for transparency in (3, bytes(range(16))):
        data = encoded(palette, "PNG", transparency=transparency)
        np.testing.assert_array_equal(pixels(data), np.asarray(palette.convert("RGB")))


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_of_an_animation_the_first_picture_is_taken(kind: str) -> None:
    others = [picture(seed=90), picture(seed=180)]
    data = encoded(picture(), kind, save_all=True, append_images=others, lossless=True)
    np.testing.assert_array_equal(pixels(data), np.asarray(picture()))


def test_an_animation_cannot_hide_or_shrink_its_first_picture() -> None:
    # Pillow warns of the two counts, and would follow the small frame.
    body = FILES["png"][33:]
    count = chunk(b"acTL", struct.pack(">II", 2, 0))
    frame = chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 1, 1, 0, 0, 1, 1, 0, 0))
    data = FILES["png"][:33] + count + count + frame + body
    np.testing.assert_array_equal(pixels(data), pixels(FILES["png"]))


def test_ink_is_inverted_as_adobe_stores_it() -> None:
    # In CMYK, full ink is black; Pillow stores and expects it inverted, with or without a marker.
    white = Image.new("CMYK", (16, 16), (0, 0, 0, 0))
    cyan = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    assert pixels(encoded(white, "JPEG")).min() >= 254
    assert np.abs(pixels(encoded(cyan, "JPEG"))[0, 0].astype(int) - (0, 255, 255)).max() <= 2


def test_a_chunk_of_a_byte_is_a_chunk() -> None:
    stream = zlib.compress(b"".join(b"\0" + row.tobytes() for row in np.asarray(picture())))
    parts = b"".join(chunk(b"IDAT", stream[i : i + 1]) for i in range(len(stream)))
    data = png_header(40, 24, 8, 2) + parts + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    np.testing.assert_array_equal(pixels(data), np.asarray(picture()))


MODES = {
    "PNG": ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"],
    "BMP": ["1", "L", "P", "RGB", "RGBA"],
    "JPEG": ["L", "RGB", "CMYK"],
    "WEBP": ["RGB", "RGBA"],
}


def image_of(mode: str, height: int, width: int, seed: int) -> Image.Image:
    values = np.random.default_rng(seed)
    if mode == "I;16":
        return Image.fromarray(values.integers(0, 65536, (height, width), dtype=np.uint16))
    if mode == "P":
        image = Image.fromarray(values.integers(0, 256, (height, width), dtype=np.uint8))
        image.putpalette(values.integers(0, 256, 768, dtype=np.uint8).tobytes())
        return image
    if mode == "1":
        return Image.fromarray(values.integers(0, 2, (height, width)).astype(bool))
    bands = len(Image.new(mode, (1, 1)).getbands())
    array = values.integers(0, 256, (height, width, bands), dtype=np.uint8)
    return Image.merge(mode, [Image.fromarray(array[..., band]) for band in range(bands)])


@given(
    choice=st.sampled_from([(kind, mode) for kind, modes in MODES.items() for mode in modes]),
    height=st.integers(1, 70),
    width=st.integers(1, 70),
    seed=st.integers(0, 2**32 - 1),
    orientation=st.integers(0, 9),
)
@settings(max_examples=300, deadline=None)
def test_any_size_mode_and_format_equals_pillow(
    choice: tuple[str, str], height: int, width: int, seed: int, orientation: int
) -> None:
    kind, mode = choice
    image = image_of(mode, height, width, seed)
    tags = {} if kind == "BMP" else {"exif": exif(orientation)}
    lossless = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    data = encoded(image, kind, **tags, **lossless)
    np.testing.assert_array_equal(pixels(data), pillow(data))
    if kind != "JPEG" and mode in ("RGB", "L", "1", "RGBA") and orientation in (0, 1, 9):
        expected: NDArray[np.uint8] = np.asarray(image.convert("RGB"))
        np.testing.assert_array_equal(pixels(data), expected)  # there and back


def test_eight_threads_decode_the_same_pixels() -> None:
    names = sorted(FILES) * 4
    alone = {name: pixels(data) for name, data in FILES.items()}
    start = threading.Barrier(8)

    def work(_: int) -> list[bool]:
        start.wait()
        return [np.array_equal(pixels(FILES[name]), alone[name]) for name in names]

    with ThreadPoolExecutor(8) as pool:
        assert all(all(same) for same in pool.map(work, range(8)))


def test_pillow_is_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    before = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, ImageFile.MAXBLOCK)
    filters = list(warnings.filters)
    decode(FILES["png"])
    decode(FILES["jpeg_progressive"])
    after = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, ImageFile.MAXBLOCK)
    assert after == before
    assert list(warnings.filters) == filters
    # A process that lets Pillow take what is broken gets no broken frame from here.
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    with pytest.raises(ValueError, match="cut short"):
        decode(FILES["bmp"][:-500])
