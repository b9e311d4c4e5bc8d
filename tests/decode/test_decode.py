"""decode(): what it takes and refuses, and smaller JPEGs for smaller models."""

import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decode.samples import chunk, encoded, exif, picture, pixels, png_header
from edgeinfer.decode import decode
from edgeinfer.errors import InputError


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP"])
def test_a_path_a_string_and_bytes_give_the_same(kind: str, tmp_path: Path) -> None:
    data = encoded(picture(), kind)
    path = tmp_path / "image.of_any_suffix"
    path.write_bytes(data)
    first = pixels(path)
    assert first.shape == (24, 40, 3)
    for source in (str(path), data, bytearray(data), memoryview(data)):
        np.testing.assert_array_equal(pixels(source), first)


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
    data = encoded(picture(height, width), "JPEG", exif=exif(value))
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


def huge_png(width: int, height: int) -> bytes:
    body = chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    return png_header(width, height, 8, 2) + body


def released() -> memoryview:
    view = memoryview(b"some image")
    view.release()
    return view


END = chunk(b"IEND", b"")
REFUSED = {
    "empty": (b"", "it is empty"),
    "text": (b"no image at all", 'not a JPEG, PNG, WebP or BMP image: it starts with "no image";'),
    "bytes": (b"\x1f\x8b\x08 and so on", "it starts with bytes 1f 8b 08 20 61 6e 64 20; convert"),
    "riff": (b"RIFF\4\0\0\0AVI ", 'RIFF of kind "AVI "; convert'),
    "chunk": (huge_png(9, 9)[:-20], 'the chunk "IDAT" of 9 bytes at byte 33 of 46; fetch'),
    "checksum": (huge_png(9, 9)[:-13] + b"0" + END, 'checksum of the chunk "IDAT" is wrong'),
    "released": (released(), "found a memoryview that cannot be read .*released"),
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


def test_importing_decode_leaves_pillow_alone() -> None:
    code = "import sys, edgeinfer.decode; sys.exit('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
