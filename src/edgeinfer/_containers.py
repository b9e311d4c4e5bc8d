"""What image files hold besides pixels, read within bounds and before any decoder.

A decoder is then given a file without comments, profiles, thumbnails and further pictures: bombs
that hide in those cannot go off, and nothing in them can make it warn. What the walk finds wrong
is refused here, as decoders repair much silently: they paint what is missing black or grey.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from edgeinfer import _orientation
from edgeinfer.errors import InputError

__all__ = ["Container", "examine", "inflates_to"]

# Real files stay far below: cameras write some 20 segments, ICC profiles and XMP up to 300; PNGs of
# the largest size allowed have some 8,000 chunks of 8 KiB; encoders write 10 scans, rarely 20.
_MOST_SEGMENTS: Final = 4_096
_MOST_CHUNKS: Final = 100_000
_MOST_SCANS: Final = 100
_MOST_EXIF_SEGMENTS: Final = 4  # the orientation stands in the first


@dataclass(frozen=True)
class Container:
    """One picture of an image file.

    Attributes:
        kind: which decoder it needs.
        width, height: as stored, in pixels, before any turn.
        orientation: EXIF's, 1 to 8; 1 if there is none or it means nothing.
        stream: a file of the same kind with this picture and no more.
        scans: of a JPEG that stores its picture in several; else 1.
        raw_bytes: what the compressed data of a PNG must inflate to; else 0.
        interlaced: of a PNG.
    """

    kind: Literal["JPEG", "PNG", "WEBP", "BMP"]
    width: int
    height: int
    orientation: int
    stream: bytes
    scans: int = 1
    raw_bytes: int = 0
    interlaced: bool = False


def examine(data: bytes) -> Container:
    """Walk through an image file without decoding it.

    Raises:
        InputError: not one of the four formats, damaged, cut short, or built of too many parts.
    Cost: one pass over the bytes, some GB/s for JPEG and PNG; the stream is a copy for those two.
    """
    for signature, walk in (
        (b"\xff\xd8\xff", _jpeg),
        (_PNG_SIGNATURE, _png),
        (b"RIFF", _webp),
        (b"BM", _bmp),
    ):
        if data.startswith(signature):
            try:
                return walk(data)
            except (struct.error, IndexError) as error:
                raise _damaged("it ends within a header") from error
    start = data[:8]
    if not start:
        raise _damaged("it is empty")
    if start == _PNG_SIGNATURE[: len(start)] or start == b"\xff\xd8"[: len(start)]:
        raise _damaged("it ends within its signature")
    raise InputError(
        f"not a JPEG, PNG, WebP or BMP image: it starts with {_shown(start)}; convert the file to "
        "one of these"
    )


def _shown(data: bytes) -> str:
    """Plain letters as they are, anything else in hexadecimal."""
    text = data.decode("latin-1")
    return f'"{text}"' if text.isascii() and text.isprintable() else f"bytes {data.hex(' ')}"


def _damaged(what: str) -> InputError:
    return InputError(f"damaged or cut short: {what}; fetch or save the image again")


def _too_many(found: str, most: int) -> InputError:
    return InputError(
        f"more than {most} {found}, which no camera or editor writes; save the image again"
    )


# JPEG (ITU-T T.81, annex B)

_EOI, _SOS, _APP0, _APP1, _APP14, _COM = 0xD9, 0xDA, 0xE0, 0xE1, 0xEE, 0xFE
_FRAMES: Final = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_PROGRESSIVE: Final = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_TABLES: Final = frozenset({0xC4, 0xCC, 0xDB, 0xDC, 0xDD, 0xDE, 0xDF})
# JFIF and Adobe segments say how colours are stored; the others say nothing about pixels.
_PIXEL_SEGMENTS: Final = _FRAMES | _TABLES | {_SOS, _APP0, _APP14}
_OTHER_SEGMENTS: Final = frozenset({*range(0xE0, 0xF0), _COM})
# In compressed data, FF is followed by 0 (it is data) or a restart marker, or starts a segment.
_MARKER: Final = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_XMP_SEGMENT: Final = b"http://ns.adobe.com/xap/1.0/\0"


def _jpeg(data: bytes) -> Container:
    kept: list[bytes | memoryview] = [b"\xff\xd8"]
    exif: list[bytes] = []
    xmp = b""
    frame = (0, 0, 0)
    scans, begins_scan, ends, several = 0, 0, 0, False
    for code, begin, end in _segments(data):
        body = data[begin + 4 : end]
        if code == _EOI:
            ends = end
        elif code in _FRAMES:
            if frame[2]:
                raise _damaged("two frame headers")
            _, height, width, components = struct.unpack_from(">BHHB", body)
            frame = width, height, components
            several = code in _PROGRESSIVE
        elif code == _SOS:
            if not scans:
                begins_scan = begin
                several = several or body[0] < frame[2]
            scans += 1
        elif code == _APP1 and not scans:
            if body.startswith(b"Exif\0\0") and len(exif) < _MOST_EXIF_SEGMENTS:
                exif.append(body[6:])
            elif body.startswith(_XMP_SEGMENT):
                xmp = body[len(_XMP_SEGMENT) :]
        if code in _PIXEL_SEGMENTS and not scans:
            kept.append(data[begin:end])
        if scans > _MOST_SCANS:
            raise _too_many("scans in one JPEG", _MOST_SCANS)
    if not frame[2] or not scans:
        raise _damaged("it holds no picture")
    # The next picture of a stereo or motion photograph begins after the first one's end.
    kept.append(memoryview(data)[begins_scan:ends])
    return Container(
        "JPEG",
        width=frame[0],
        height=frame[1],
        orientation=_orientation.find(b"".join(exif), xmp),
        stream=b"".join(kept),
        scans=scans if several else 1,
    )


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker code, begin and end of each segment; the last one is the end of the picture."""
    position = 2
    for _ in range(_MOST_SEGMENTS):
        # Skips what decoders skip as well: stray bytes between segments, and compressed data.
        found = _MARKER.search(data, position)
        if found is None:
            raise _damaged("no end of the picture")
        begin = found.start()
        code = data[begin + 1]
        if code == _EOI:
            yield code, begin, begin + 2
            return
        if code not in _PIXEL_SEGMENTS and code not in _OTHER_SEGMENTS:
            raise _damaged(f"an unknown marker FF{code:02X} at byte {begin}")
        (length,) = struct.unpack_from(">H", data, begin + 2)
        position = begin + 2 + length
        if length < 2 or position > len(data):
            raise _damaged(f"a segment of {length} bytes at byte {begin} of {len(data)}")
        yield code, begin, position
    raise _too_many("segments in one JPEG", _MOST_SEGMENTS)


# PNG (W3C, third edition)

_PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_SAMPLES: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
_DEPTHS: Final = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
# First column and row of each pass of Adam7, and the steps between them.
_ADAM7: Final = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)


def _png(data: bytes) -> Container:
    header, palette, exif, last = b"", b"", b"", b""
    picture: list[memoryview] = []
    texts: dict[bytes, tuple[bytes, memoryview]] = {}
    for name, body, intact in _chunks(memoryview(data)):
        before, last = last, name
        if not intact:
            if name[:1].isupper() or not name.isalpha():
                raise _damaged(f"the checksum of the chunk {_shown(name)} is wrong")
            continue  # nothing that the pixels depend on
        if name == b"IHDR":
            header = header or bytes(body)
        elif name == b"PLTE":
            palette = palette or bytes(body)
        elif name == b"IDAT":
            # What follows after another chunk is not the picture any more.
            if not picture or before == b"IDAT":
                picture.append(body)
        elif name == b"eXIf":
            exif = bytes(body)
        elif name in (b"tEXt", b"zTXt", b"iTXt"):
            # The last of each counts, and no other is inflated.
            texts[bytes(body[:80]).partition(b"\0")[0]] = name, body
    if last != b"IEND" or not picture:
        raise _damaged("no end of the picture" if picture else "it holds no picture")
    width, height, depth, colour, _, _, interlaced = struct.unpack_from(">IIBBBBB", header)
    if depth not in _DEPTHS.get(colour, ()):
        raise _damaged(f"colour type {colour} with {depth} bits")
    kept = [_PNG_SIGNATURE, *_chunk(b"IHDR", header)]
    if colour == 3:
        if not palette:
            raise _damaged("it has no palette")
        kept += _chunk(b"PLTE", palette)
    # In one chunk: decoders take each as a call of its own.
    kept += [*_chunk(b"IDAT", *picture), *_chunk(b"IEND")]
    name, text = texts.get(_orientation.EXIF_KEYWORD, (b"", b""))
    exif = exif or _orientation.exif_in_text(name, bytes(text))
    _, text = texts.get(_orientation.XMP_KEYWORD, (b"", b""))
    xmp = _orientation.xmp_in_text(bytes(text))
    bits = depth * _SAMPLES[colour]
    return Container(
        "PNG",
        width=width,
        height=height,
        orientation=_orientation.find(exif, xmp),
        stream=b"".join(kept),
        raw_bytes=_raw_bytes(width, height, bits, bool(interlaced)),
        interlaced=bool(interlaced),
    )


def _chunks(data: memoryview) -> Iterator[tuple[bytes, memoryview, bool]]:
    """Name and body of each chunk up to IEND, and whether its checksum is right."""
    position = len(_PNG_SIGNATURE)
    for _ in range(_MOST_CHUNKS):
        if position >= len(data):
            return
        length, name = struct.unpack_from(">I4s", data, position)
        end = position + 12 + length
        if end > len(data):
            raise _damaged(
                f"the chunk {_shown(name)} of {length} bytes at byte {position} of {len(data)}"
            )
        body = data[position + 8 : end - 4]
        (checksum,) = struct.unpack_from(">I", data, end - 4)
        yield name, body, zlib.crc32(body, zlib.crc32(name)) == checksum
        if name == b"IEND":
            return
        position = end
    raise _too_many("chunks in one file", _MOST_CHUNKS)


def _chunk(name: bytes, *bodies: bytes | memoryview) -> list[bytes | memoryview]:
    length, checksum = 0, zlib.crc32(name)
    for body in bodies:
        length += len(body)
        checksum = zlib.crc32(body, checksum)
    return [struct.pack(">I", length), name, *bodies, struct.pack(">I", checksum)]


def _raw_bytes(width: int, height: int, bits: int, interlaced: bool) -> int:
    """Bytes of filter types and samples before compression."""
    total = 0
    for left, top, across, down in _ADAM7 if interlaced else ((0, 0, 1, 1),):
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            total += rows * (1 + (columns * bits + 7) // 8)
    return total


def inflates_to(stream: bytes, enough: int) -> int:
    """Bytes that a PNG of ``examine`` holds once inflated; counting ends at ``enough``."""
    begin = stream.index(b"IDAT") + 4
    (length,) = struct.unpack_from(">I", stream, begin - 8)
    inflater = zlib.decompressobj()
    rest = stream[begin : begin + length]
    total = 0
    while total < enough and rest and not inflater.eof:
        total += len(inflater.decompress(rest, 1 << 18))
        rest = inflater.unconsumed_tail
    return total


# WebP (RFC 9649)


def _webp(data: bytes) -> Container:
    if data[8:12] != b"WEBP":
        raise InputError(
            f"not a JPEG, PNG, WebP or BMP image: RIFF of kind {_shown(data[8:12])}; "
            "convert the file to one of these"
        )
    (length,) = struct.unpack_from("<I", data, 4)
    end = 8 + length
    if end > len(data):
        raise _damaged(f"it says {end} bytes and has {len(data)}")
    size = (0, 0)
    found: dict[bytes, bytes] = {}
    position = 12
    for _ in range(_MOST_CHUNKS):
        if position + 8 > end:
            break
        name, length = struct.unpack_from("<4sI", data, position)
        begin = position + 8
        if not any(size):
            size = _webp_size(name, data, begin)
        if name in (b"EXIF", b"XMP "):
            found.setdefault(name, data[begin : begin + length])
        position = begin + length + (length & 1)
    else:
        raise _too_many("chunks in one file", _MOST_CHUNKS)
    if not any(size):
        raise _damaged("it holds no picture")
    orientation = _orientation.find(found.get(b"EXIF", b""), found.get(b"XMP ", b""))
    return Container("WEBP", width=size[0], height=size[1], orientation=orientation, stream=data)


def _webp_size(name: bytes, data: bytes, begin: int) -> tuple[int, int]:
    """(width, height) if this chunk says it, else zeros."""
    if name == b"VP8X":
        wide, high = data[begin + 4 : begin + 7], data[begin + 7 : begin + 10]
        return int.from_bytes(wide, "little") + 1, int.from_bytes(high, "little") + 1
    if name == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, begin + 6)
        return width & 0x3FFF, height & 0x3FFF
    if name == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, begin + 1)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return 0, 0


# BMP


def _bmp(data: bytes) -> Container:
    begin, header = struct.unpack_from("<II", data, 10)
    if header == 12:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        packing = 0
    else:
        width, height, _, bits, packing = struct.unpack_from("<IiHHI", data, 18)
        height = abs(height)
    if packing in (0, 3):  # rows as they are, of whole groups of four bytes
        needs = begin + (width * bits + 31) // 32 * 4 * (height - 1) + (width * bits + 7) // 8
        if needs > len(data):
            raise _damaged(f"{width} x {height} pixels need {needs} bytes, it has {len(data)}")
    return Container("BMP", width=width, height=height, orientation=1, stream=data)
