"""Bytes, pixels, ratio and time: refused before anything is decoded, or in the middle of it."""

import contextlib
import math
import struct
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from decode.samples import chunk, encoded, exif, picture, pixels, png_header, rle_bmp
from edgeinfer.decode import decode
from edgeinfer.errors import InputError


def test_the_limit_on_pixels_counts_both_sides() -> None:
    data = encoded(picture(24, 40), "PNG")
    assert pixels(data, max_pixels=24 * 40).shape == (24, 40, 3)
    with pytest.raises(
        InputError, match=r"40 x 24 .* 959 pixels allowed; shrink the image or raise"
    ):
        decode(data, max_pixels=24 * 40 - 1)


def claims(kind: str, width: int, height: int) -> bytes:
    """A small file that says it is large; nothing of it is decoded."""
    data = bytearray(
        encoded(picture(16, 16), kind, **({"lossless": True} if kind == "WEBP" else {}))
    )
    if kind == "PNG":
        return png_header(width, height, 8, 2) + bytes(data[33:])
    if kind == "JPEG":
        struct.pack_into(">HH", data, data.index(b"\xff\xc0") + 5, height, width)
    elif kind == "BMP":
        struct.pack_into("<II", data, 18, width, height)
        data += bytes(4 * width * height)
    else:
        (bits,) = struct.unpack_from("<I", data, 21)
        struct.pack_into("<I", data, 21, bits >> 28 << 28 | height - 1 << 14 | width - 1)
    return bytes(data)


@pytest.mark.parametrize(
    ("kind", "largest"),
    [("JPEG", (8192, 6144)), ("PNG", (8192, 6144)), ("WEBP", (6144, 4096)), ("BMP", (8192, 6144))],
)
def test_the_default_takes_what_a_small_board_can_hold(kind: str, largest: tuple[int, int]) -> None:
    width, height = largest
    limits = {"max_ratio": math.inf, "max_bytes": 1 << 28}
    with pytest.raises(InputError, match=f"{width * height} pixels allowed; shrink the image or"):
        decode(claims(kind, width + 1, height), **limits)
    if kind in ("PNG", "WEBP"):  # the others would decode it: zeros are a picture of one colour
        with pytest.raises(InputError, match="damaged or cut short"):
            decode(claims(kind, width, height), **limits)


def test_pillows_own_limit_neither_holds_nor_warns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1 << 17)
    for kind in ("JPEG", "PNG", "BMP"):
        assert pixels(encoded(picture(600, 900), kind)).shape == (600, 900, 3)
    # Newer readers of WebP look at it themselves.
    with contextlib.suppress(InputError):
        assert pixels(encoded(picture(600, 900), "WEBP")).shape == (600, 900, 3)


def test_bytes_are_counted_before_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate((1 << 26) + 1)  # no block of it is ever written
    with pytest.raises(InputError, match="67108865 bytes are more than the 67108864 allowed"):
        decode(path)
    with pytest.raises(InputError, match="not a JPEG"):
        decode(path, max_bytes=1 << 27)
    data = encoded(picture(), "PNG")
    for source in (data, bytearray(data), memoryview(data)):
        with pytest.raises(
            InputError, match=f"image bytes: {len(data)} bytes are more than the 10"
        ):
            decode(source, max_bytes=10)
        decode(source, max_bytes=len(data))


def flat(kind: str, mode: str, width: int, height: int, **options: object) -> bytes:
    return encoded(Image.new(mode, (width, height)), kind, **options)


@pytest.mark.parametrize(
    ("kind", "mode", "options"),
    [
        ("JPEG", "RGB", {}),
        ("JPEG", "L", {"optimize": True}),
        ("JPEG", "RGB", {"progressive": True}),
        ("PNG", "RGB", {}),
        ("PNG", "L", {}),
        ("WEBP", "RGB", {"method": 0}),
        ("BMP", "L", {}),
    ],
)
def test_no_flat_picture_of_a_camera_is_a_bomb(
    kind: str, mode: str, options: dict[str, object]
) -> None:
    # A lens cap, at 20 megapixels.
    assert not pixels(flat(kind, mode, 5472, 3648, **options)).max() > 1


def test_a_bomb_is_refused_by_its_ratio() -> None:
    data = flat("PNG", "1", 8192, 6144)
    with pytest.raises(InputError, match=r"8192 x 6144 pixels are 2\d{4} times the bytes"):
        decode(data)
    assert pixels(data, max_ratio=1e5).shape == (6144, 8192, 3)
    with pytest.raises(InputError, match="raise max_ratio"):
        decode(flat("WEBP", "RGB", 6144, 4096, lossless=True))
    # Up to 2**24 pixels no ratio is too high.
    assert pixels(flat("PNG", "1", 4096, 4096)).shape == (4096, 4096, 3)


def test_what_does_not_belong_to_the_picture_does_not_lower_the_ratio() -> None:
    data = flat("PNG", "1", 8192, 6144)
    with pytest.raises(InputError, match="raise max_ratio"):
        decode(data[:33] + chunk(b"teSt", bytes(1_000_000)) + data[33:])
    with pytest.raises(InputError, match="raise max_ratio"):
        decode(data + bytes(1_000_000))


# Time.


def scans(count: int, *, side: int = 2048) -> bytes:
    """A progressive JPEG that says its last scan, of some 50 bytes, again and again."""
    data = encoded(Image.new("RGB", (side, side), (10, 20, 30)), "JPEG", progressive=True)
    last = data[data.rindex(b"\xff\xc4") : -2]
    return data[:-2] + last * count + b"\xff\xd9"


def test_scans_are_counted() -> None:
    np.testing.assert_array_equal(pixels(scans(90)), pixels(scans(0)))
    with pytest.raises(InputError, match="more than 100 scans in one JPEG"):
        decode(scans(91))
    with pytest.raises(InputError, match="more than 100 scans in one JPEG"):
        decode(scans(1_000_000, side=64))


def refused_after(data: bytes, timeout_s: float) -> float:
    start = time.monotonic()
    with pytest.raises(InputError, match=rf"not decoded within {timeout_s:g} s; .*timeout_s"):
        decode(data, timeout_s=timeout_s, max_pixels=1 << 28)
    return time.monotonic() - start


def test_time_ends_a_jpeg_between_two_scans() -> None:
    data = scans(90, side=6144)  # seconds in full
    assert refused_after(data, 0.3) < 3


def seconds(data: bytes) -> float:
    """What it takes in full."""
    start = time.monotonic()
    decode(data, max_pixels=1 << 28)
    return time.monotonic() - start


def test_time_ends_a_reader_that_asks_for_run_after_run() -> None:
    # Looked at when the reader asks for more: the next look would be after the last run.
    data = rle_bmp(np.zeros((1500, 1000), np.uint8), np.zeros((256, 3), np.uint8))
    full = seconds(data)
    assert refused_after(data, full / 20) < full / 2


def test_time_ends_a_picture_that_was_read_at_once() -> None:
    # Nothing is read after the start of a WebP: what is left are the looks between tiles.
    data = encoded(picture(2000, 3000), "WEBP", quality=90)
    refused_after(data, seconds(data) / 4)


def test_time_ends_a_png() -> None:
    raw = zlib.compress(b"\0" * (3 * 8192 + 1) * 2000, 1)
    data = png_header(8192, 2000, 8, 2) + chunk(b"IDAT", raw) + chunk(b"IEND", b"")
    assert refused_after(data, 1e-3) < 3


def test_time_is_looked_at_before_anything_is_decoded() -> None:
    for kind in ("JPEG", "PNG", "WEBP", "BMP"):
        assert refused_after(encoded(picture(), kind), 1e-9) < 3


def test_no_time_is_no_limit() -> None:
    data = encoded(picture(), "PNG")
    for timeout_s in (None, math.inf, 10, 0.5e3, np.float32(5)):
        np.testing.assert_array_equal(pixels(data, timeout_s=timeout_s), np.asarray(picture()))


# What surrounds a picture.


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_parts_are_counted(kind: str) -> None:
    data = encoded(picture(), kind, exif=exif(1))
    if kind == "JPEG":
        few, many = (data[:2] + b"\xff\xfe\0\2" * n + data[2:] for n in (4000, 5000))
    elif kind == "PNG":
        few, many = (data[:33] + chunk(b"teSt", b"") * n + data[33:] for n in (99_000, 100_001))
    else:
        few, many = (data + b"teSt\0\0\0\0" * n for n in (99_000, 100_001))
        few, many = (d[:4] + struct.pack("<I", len(d) - 8) + d[8:] for d in (few, many))
    np.testing.assert_array_equal(pixels(few), pixels(data))
    with pytest.raises(InputError, match=r"more than .* in one .*; save the image again"):
        decode(many)


@pytest.mark.parametrize(
    "limits",
    [
        {"at_least": (0, 5)},
        {"at_least": (1, 2, 3)},
        {"at_least": 5},
        {"at_least": ("1", "2")},
        {"at_least": (True, True)},
        {"max_pixels": 0},
        {"max_pixels": "9"},
        {"max_pixels": 1.5},
        {"max_pixels": True},
        {"max_bytes": 0},
        {"max_bytes": None},
        {"max_bytes": math.inf},
        {"max_ratio": 0},
        {"max_ratio": math.nan},
        {"max_ratio": None},
        {"max_ratio": True},
        {"timeout_s": 0},
        {"timeout_s": -1.0},
        {"timeout_s": math.nan},
        {"timeout_s": "3"},
        {"timeout_s": False},
    ],
)
def test_senseless_limits_are_refused(limits: dict[str, object]) -> None:
    (name,) = limits
    with pytest.raises(InputError, match=f"{name}: expected .*, got"):
        decode(encoded(picture(), "PNG"), **limits)  # type: ignore[arg-type]
