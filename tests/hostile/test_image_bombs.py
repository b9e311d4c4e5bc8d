"""Small files made to take much memory or time: refused, or decoded within the bounds."""

import struct
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from decode.samples import chunk, encoded, picture, png_header
from hostile.runner import Outcome, Runner

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits and /proc of Linux")

END = chunk(b"IEND", b"")


def png(width: int, height: int, depth: int, colour: int, raw: bytes, interlaced: int = 0) -> bytes:
    data = chunk(b"IDAT", zlib.compress(raw, 9))
    return png_header(width, height, depth, colour, interlaced) + data + END


def between(parts: bytes) -> bytes:
    """A PNG with more chunks before its pixels."""
    data = encoded(picture(), "PNG")
    return data[:33] + parts + data[33:]


def after_start(parts: bytes) -> bytes:
    """A JPEG with more segments before its tables."""
    data = encoded(picture(), "JPEG")
    return data[:2] + parts + data[2:]


def repeated_scans(count: int, busy: bool) -> bytes:
    side = 2048 if busy else 4096
    image = picture(side, side) if busy else Image.new("RGB", (side, side), (10, 20, 30))
    data = encoded(image, "JPEG", progressive=True, quality=50)
    return data[:-2] + data[data.rindex(b"\xff\xc4") : -2] * count + b"\xff\xd9"


def frames(count: int) -> bytes:
    other = Image.new("RGB", (4, 4), (9, 9, 9))
    data = encoded(Image.new("RGB", (4, 4)), "WEBP", save_all=True, append_images=[other])
    body = data[8:] + data[data.rindex(b"ANMF") :] * count
    return b"RIFF" + struct.pack("<I", len(body)) + body


def runs(width: int, height: int, body: bytes) -> bytes:
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, 0, 0, 0, 256, 0)
    colours = b"".join(bytes([i, 255 - i, i, 0]) for i in range(256))
    begin = 14 + len(header) + len(colours)
    return struct.pack("<2sIHHI", b"BM", begin + len(body), 0, 0, begin) + header + colours + body


def inflating(name: bytes, start: bytes, count: int) -> bytes:
    return chunk(name, start + zlib.compress(bytes(1 << 24), 9)) * count


# What it is, and what is to become of it: a part of the error, or None for a picture.
BOMBS: dict[str, tuple[Callable[[], bytes], str | None]] = {
    "jpeg_1000_scans": (lambda: repeated_scans(1000, busy=False), "more than 100 scans"),
    "jpeg_90_scans": (lambda: repeated_scans(90, busy=False), None),
    "jpeg_90_busy_scans": (lambda: repeated_scans(90, busy=True), None),
    "jpeg_a_million_comments": (
        lambda: after_start(b"\xff\xfe\0\2" * 1_000_000),
        "more than 4096 segments",
    ),
    "jpeg_59_MB_of_exif": (
        lambda: after_start((b"\xff\xe1\xff\xffExif\0\0" + bytes(65527)) * 900),
        None,
    ),
    "jpeg_30_MB_of_nothing": (lambda: after_start(bytes(30_000_000)), "not a JPEG"),
    "jpeg_30_MB_of_nothing_later": (
        lambda: after_start(b"\xff\xfe\0\2" + bytes(30_000_000)),
        None,
    ),
    "jpeg_says_65500_squared": (
        lambda: after_start(b"").replace(b"\x08\0\x18\0\x28", b"\x08\xff\xdc\xff\xdc"),
        "pixels allowed",
    ),
    "png_3_million_chunks": (
        lambda: between(chunk(b"prVt", b"") * 3_000_000),
        "more than 100000 chunks",
    ),
    "png_text_of_48_GB": (lambda: between(inflating(b"zTXt", b"key\0\0", 3000)), None),
    "png_exif_text_of_48_GB": (
        lambda: between(inflating(b"zTXt", b"Raw profile type exif\0\0", 3000)),
        None,
    ),
    "png_xmp_of_48_GB": (
        lambda: between(inflating(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0", 3000)),
        None,
    ),
    "png_profile_of_800_MB": (lambda: between(inflating(b"iCCP", b"name\0\0", 50)), None),
    "png_200_MB_behind_the_picture": (lambda: png(64, 64, 8, 2, bytes(200_000_000)), None),
    "png_one_bit_50_megapixels": (
        lambda: png(8192, 6144, 1, 0, bytes(6144 * 1025)),
        "raise max_ratio",
    ),
    "png_one_bit_16_megapixels": (lambda: png(4096, 4096, 1, 0, bytes(4096 * 513)), None),
    "png_one_row": (lambda: png(1 << 24, 1, 8, 0, bytes((1 << 24) + 1)), None),
    "png_one_column": (lambda: png(1, 1 << 24, 8, 0, bytes(1 << 25)), None),
    "png_one_column_interlaced": (lambda: png(1, 1 << 24, 8, 0, bytes(1 << 25), 1), None),
    "png_says_4_billion_squared": (lambda: png(2**32 - 1, 2**32 - 1, 8, 2, b""), "pixels allowed"),
    "webp_of_one_colour": (
        lambda: encoded(Image.new("RGB", (4096, 4096)), "WEBP", lossless=True),
        None,
    ),
    "webp_of_one_colour_25_megapixels": (
        lambda: encoded(Image.new("RGB", (6144, 4096)), "WEBP", lossless=True),
        "raise max_ratio",
    ),
    "webp_a_million_frames": (lambda: frames(1_000_000), "more than 100000 chunks"),
    "webp_90000_frames": (lambda: frames(90_000), None),
    "bmp_says_2_billion": (lambda: runs(2**31 - 1, 2**31 - 1, b""), "pixels allowed"),
    "bmp_one_row_of_one_run": (lambda: runs(1 << 24, 1, b"\1\5\0\0\0\1"), None),
    "bmp_a_million_ends_of_rows": (
        lambda: runs(4000, 4000, b"\1\5" + b"\0\0" * 1_000_000),
        "not enough image data",
    ),
}


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    with Runner(
        "hostile.images:decode_file", setup="hostile.images:warm", memory_mb=300, timeout_s=30
    ) as runner:
        yield runner


def test_each_bomb_is_refused_or_decoded_within_the_bounds(
    runner: Runner, tally: Callable[[str, Iterable[Outcome]], None], tmp_path: Path
) -> None:
    outcomes = {}
    for name, (build, _) in BOMBS.items():
        path = tmp_path / "bomb"
        path.write_bytes(build())
        outcomes[name] = runner.run(path)
    tally("images made to take much", outcomes.values())
    for name, outcome in outcomes.items():
        error = BOMBS[name][1]
        assert outcome.kind == ("ok" if error is None else "typed"), (name, outcome)
        assert error is None or error in outcome.text, (name, outcome)
        assert not outcome.printed, (name, outcome)


def test_the_largest_pictures_stay_below_half_a_board(
    tally: Callable[[str, Iterable[Outcome]], None], tmp_path: Path
) -> None:
    # What docs/images.md says of memory: a board of 1 GB keeps the other half.
    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    large = Image.fromarray(np.tile(noise, (24, 32, 1)))
    files = {
        "JPEG": (large, {"quality": 30}),
        "progressive": (large, {"quality": 20, "progressive": True, "subsampling": 0}),
        "PNG": (large.point(lambda value: value & 0x80), {"compress_level": 1}),
        "WEBP": (large.crop((0, 0, 6144, 4096)), {"quality": 10, "method": 0}),
        "BMP": (large.crop((0, 0, 5460, 4096)), {}),
    }
    outcomes = []
    with Runner(
        "hostile.images:decode_file", setup="hostile.images:warm", memory_mb=None
    ) as runner:
        for kind, (image, options) in files.items():
            path = tmp_path / "large"
            path.write_bytes(encoded(image, {"progressive": "JPEG"}.get(kind, kind), **options))
            outcome = runner.run(path)
            outcomes.append(outcome)
            assert outcome.kind == "ok", (kind, outcome)
            assert outcome.peak_mb < 600, (kind, outcome)
    tally("largest images that are no bombs", outcomes)
