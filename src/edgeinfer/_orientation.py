"""Which way up a picture is, from EXIF or XMP; nothing in either can raise, warn or take long."""

from __future__ import annotations

import re
import struct
import zlib
from typing import Final

__all__ = ["EXIF_KEYWORD", "XMP_KEYWORD", "exif_in_text", "find", "xmp_in_text"]

EXIF_KEYWORD: Final = b"Raw profile type exif"
XMP_KEYWORD: Final = b"XML:com.adobe.xmp"

_TAG: Final = 0x0112
# TIFF types that hold one whole number: unsigned and signed, of two and four bytes.
_NUMBERS: Final = {3: "H", 4: "I", 8: "h", 9: "i"}
_IN_XMP: Final = re.compile(rb'tiff:Orientation(?:="|>)([0-9])')
_MOST_TEXT: Final = 1 << 20  # bytes that compressed text may inflate to


def find(exif: bytes, xmp: bytes) -> int:
    """The orientation, 1 to 8, as Pillow finds it: EXIF's, else XMP's, else upright."""
    value = _in_tiff(re.sub(rb"^(?:Exif\0\0){1,2}", b"", exif))
    if value is None:
        match = _IN_XMP.search(xmp)
        value = int(match[1]) if match else None
    return value if value is not None and 1 <= value <= 8 else 1


def _in_tiff(data: bytes) -> int | None:
    """The tag in the first directory of a TIFF; None if it is not there or cannot be read."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None or data[2:4] not in (b"\x2a\0", b"\0\x2a"):
        return None
    found = None
    try:
        (entry,) = struct.unpack_from(order + "I", data, 4)
        (entries,) = struct.unpack_from(order + "H", data, entry)
        for position in range(entry + 2, entry + 2 + 12 * entries, 12):
            tag, kind, count = struct.unpack_from(order + "HHI", data, position)
            if tag == _TAG and kind in _NUMBERS and count == 1:
                (found,) = struct.unpack_from(order + _NUMBERS[kind], data, position + 8)
    except struct.error:
        pass  # the directory is cut short: what came before the cut counts
    return found


def exif_in_text(name: bytes, body: bytes) -> bytes:
    """EXIF as programs put it into PNG text, in hexadecimal, before there was a chunk for it.

    Args:
        name: of the chunk: tEXt or zTXt.
        body: of the chunk, keyword included.
    """
    rest = body.partition(b"\0")[2]
    text = rest if name == b"tEXt" else _inflated(rest[1:])
    try:
        # An empty line, the kind and the length come first.
        return bytes.fromhex("".join(text.decode("latin-1").split("\n")[3:]))
    except ValueError:
        return b""


def xmp_in_text(body: bytes) -> bytes:
    """XMP of an iTXt chunk, after its keyword, two flags, language and keyword in that language."""
    rest = body.partition(b"\0")[2]
    text = rest[2:].split(b"\0", 2)[-1]
    return _inflated(text) if rest[:1] != b"\0" else text


def _inflated(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, _MOST_TEXT)
    except zlib.error:
        return b""
