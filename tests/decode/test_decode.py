"""decode() against Pillow used directly, against NumPy turns, and against damaged files."""

import csv
import io
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageOps

from edgeinfer.decode import decode
from edgeinfer.errors import InputError

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the shared test data is not beside the project"
)

# What EXIF says must be done to the stored pixels, in NumPy's terms (EXIF 2.3, table 6).
UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a.transpose(1, 0, 2)[::-1, ::-1],
    8: lambda a: np.rot90(a, 1),
}


def pixels(source: object, **settings: object) -> NDArray[np.uint8]:
    frame = decode(source, **settings)
    assert frame.pixels.shape == (frame.height, frame.width, 3)
    assert frame.pixels.dtype == np.uint8
    return frame.pixels


def picture(height: int = 24, width: int = 40, seed: int = 0) -> Image.Image:
    """Smooth and asymmetric, so that JPEG keeps it and every turn shows."""
    y, x = np.mgrid[0:height, 0:width]
    array = np.stack([x * 255 // width, y * 255 // height, (x + 2 * y + seed) % 256], axis=-1)
    return Image.fromarray(array.astype(np.uint8))


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def with_orientation(value: int, kind: str = "PNG") -> bytes:
    exif = Image.Exif()
    exif[0x0112] = value
    return encoded(picture(), kind, exif=exif)


def real_images() -> list[Path]:
    if not SHARED.is_dir():
        return []
    rows = csv.DictReader((SHARED / "images/manifest.csv").read_text().splitlines())
    return [SHARED / "images" / row["path"] for row in rows]


@needs_shared
@pytest.mark.parametrize("path", real_images(), ids=lambda path: path.name)
def test_real_images_equal_pillow(path: Path) -> None:
    with Image.open(path) as image:
        wanted = ImageOps.exif_transpose(image)
        wanted.info.pop("transparency", None)
        expected = np.asarray(wanted.convert("RGB"))
    np.testing.assert_array_equal(pixels(path), expected)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP"])
def test_a_path_a_string_and_bytes_give_the_same(kind: str, tmp_path: Path) -> None:
    data = encoded(picture(), kind)
    path = tmp_path / "image.of_any_suffix"
    path.write_bytes(data)
    first = pixels(path)
    assert first.shape == (24, 40, 3)
    for source in (str(path), data, bytearray(data), memoryview(data)):
        np.testing.assert_array_equal(pixels(source), first)


@pytest.mark.parametrize("value", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_orientation_is_applied(value: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = value
    data = encoded(picture(), kind, exif=exif, lossless=True)
    np.testing.assert_array_equal(pixels(data), UPRIGHT[value](np.asarray(picture())))


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_orientation_that_means_nothing_is_upright(value: int) -> None:
    np.testing.assert_array_equal(pixels(with_orientation(value)), np.asarray(picture()))


@needs_shared
def test_all_eight_orientations_of_one_photograph_look_alike() -> None:
    upright = pixels(SHARED / "images/exif_orientation/Landscape_0.jpg").astype(float)
    for value in range(1, 9):
        turned = pixels(SHARED / f"images/exif_orientation/Landscape_{value}.jpg")
        assert np.abs(turned - upright).mean() < 6, value  # each was compressed anew


@given(
    height=st.integers(1, 300),
    width=st.integers(1, 300),
    least=st.tuples(st.integers(1, 300), st.integers(1, 300)),
    value=st.integers(1, 8),
)
@settings(max_examples=60, deadline=None)
def test_at_least_never_gives_less(
    height: int, width: int, least: tuple[int, int], value: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = value
    data = encoded(picture(height, width), "JPEG", exif=exif)
    full = pixels(data).shape
    small = pixels(data, at_least=least).shape
    for axis in range(2):
        assert min(full[axis], least[axis]) <= small[axis] <= full[axis]
    # Twice as small would have been too small in one direction, or is the most that JPEG offers.
    eighth = tuple(-(-extent // 8) for extent in full[:2])
    halves = [-(-extent // 2) for extent in small[:2]]
    assert small[:2] == eighth or halves[0] <= least[0] or halves[1] <= least[1]


def test_at_least_gives_the_same_picture_smaller() -> None:
    data = encoded(picture(512, 768), "JPEG", quality=95)
    small = pixels(data, at_least=(128, 128))
    assert small.shape == (128, 192, 3)
    full = pixels(data).reshape(128, 4, 192, 4, 3).mean(axis=(1, 3))
    # The third channel wraps around from 255 to 0; only the smooth ones are comparable.
    assert np.abs(small - full)[..., :2].mean() < 4


def test_at_least_is_ignored_by_other_formats() -> None:
    data = encoded(picture(64, 64), "PNG")
    np.testing.assert_array_equal(pixels(data, at_least=(8, 8)), pixels(data))


def test_alpha_and_palettes_become_rgb() -> None:
    rgba = picture().convert("RGBA")
    rgba.putalpha(7)
    np.testing.assert_array_equal(pixels(encoded(rgba, "PNG")), np.asarray(picture()))
    # Transparency given as bytes makes Pillow warn when it converts, and warnings are errors here.
    palette = picture().quantize(16)
    data = encoded(palette, "PNG", transparency=bytes(range(16)))
    np.testing.assert_array_equal(pixels(data), np.asarray(palette.convert("RGB")))


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def huge_png(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


REFUSED = {
    "empty": (b"", "it is empty"),
    "text": (b"no image at all", "not a JPEG, PNG, WebP or BMP image: it starts with b'no image'"),
    "gif": (encoded(picture(), "GIF"), "not a JPEG"),
    "tiff": (encoded(picture(), "TIFF"), "not a JPEG"),
    "short_jpeg": (encoded(picture(), "JPEG")[:-200], "damaged or cut short"),
    "short_png": (encoded(picture(), "PNG")[:-60], "damaged or cut short"),
    "short_bmp": (encoded(picture(), "BMP")[:-60], "damaged or cut short"),
    "short_webp": (encoded(picture(), "WEBP")[:-60], "damaged or cut short"),
    "png_signature": (b"\x89PNG\r\n\x1a\n", "damaged or cut short"),
    "bomb": (huge_png(60000, 60000), "60000 x 60000 is more than the 50331648 pixels allowed"),
    "number": (12, "expected a path or the bytes of a file, got int"),
    "array": (np.zeros((2, 2, 3), np.uint8), "ndarray.*pass it on as a frame"),
    "missing": ("no/such/file.jpg", "no/such/file.jpg: cannot read the image: No such file"),
    "nul_in_path": ("nul\0byte.jpg", "cannot read the image"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused(name: str) -> None:
    source, words = REFUSED[name]
    with pytest.raises(InputError, match=words):
        decode(source)  # type: ignore[arg-type]


def test_folders_and_pipes_are_refused_without_opening(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a folder"):
        decode(tmp_path)
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(InputError, match="no regular file"):
        decode(tmp_path / "pipe.png")


def test_the_limit_on_pixels_counts_both_sides() -> None:
    data = encoded(picture(24, 40), "PNG")
    assert pixels(data, max_pixels=24 * 40).shape == (24, 40, 3)
    with pytest.raises(InputError, match=r"40 x 24 .* 959 pixels"):
        decode(data, max_pixels=24 * 40 - 1)


@pytest.mark.parametrize(
    "limits",
    [
        {"at_least": (0, 5)},
        {"at_least": (1, 2, 3)},
        {"at_least": 5},
        {"at_least": ("1", "2")},
        {"max_pixels": 0},
        {"max_pixels": "9"},
    ],
)
def test_senseless_limits_are_refused(limits: dict[str, object]) -> None:
    with pytest.raises(InputError, match="expected"):
        decode(encoded(picture(), "PNG"), **limits)  # type: ignore[arg-type]


@needs_shared
def test_hostile_files_decode_or_are_refused() -> None:
    folder = SHARED / "malformed/images"
    rows = list(csv.DictReader((folder / "pillow_behaviour.csv").read_text().splitlines()))
    decoded = 0
    for row in rows:
        try:
            frame = decode(folder / row["path"])
        except InputError:
            continue
        assert row["pillow"] == "ok", f"{row['path']}: Pillow says {row['pillow']}"
        assert frame.width > 0
        decoded += 1
    assert decoded > len(rows) // 10  # a decoder that refuses everything is no decoder


@given(
    kind=st.sampled_from(["JPEG", "PNG", "WEBP", "BMP"]),
    spots=st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), max_size=12),
    length=st.integers(0, 5000),
)
@settings(max_examples=300, deadline=None)
def test_damage_gives_a_frame_or_an_input_error(
    kind: str, spots: list[tuple[int, int]], length: int
) -> None:
    data = bytearray(encoded(picture(), kind))
    for place, value in spots:
        data[place % len(data)] = value
    try:
        frame = decode(bytes(data[:length]))
    except InputError:
        return
    assert frame.width >= 1
    assert frame.height >= 1


def test_importing_decode_leaves_pillow_alone() -> None:
    code = "import sys, edgeinfer.decode; sys.exit('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
