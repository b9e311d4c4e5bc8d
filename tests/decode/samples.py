"""Pictures and files to decode, built so that the right answer is known."""

import io
import struct
import warnings
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from edgeinfer.decode import decode

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
    """What decode() gives."""
    frame = decode(source, **settings)  # type: ignore[arg-type]
    assert frame.pixels.shape == (frame.height, frame.width, 3)
    assert frame.pixels.dtype == np.uint8
    return frame.pixels


def pillow(data: bytes) -> NDArray[np.uint8]:
    """What Pillow gives by itself: the oracle."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(data)) as image:
            return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


def picture(height: int = 24, width: int = 40, seed: int = 0) -> Image.Image:
    """Smooth and asymmetric, so that JPEG keeps it and every turn shows."""
    y, x = np.mgrid[0:height, 0:width]
    array = np.stack([x * 255 // width, y * 255 // height, (x + 2 * y + seed) % 256], axis=-1)
    return Image.fromarray(array.astype(np.uint8))


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    """The bytes of a file."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def exif(orientation: int) -> Image.Exif:
    """EXIF that holds one tag."""
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


def chunk(name: bytes, body: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


SIGNATURE = b"\x89PNG\r\n\x1a\n"


def png_header(width: int, height: int, depth: int, colour: int, interlaced: int = 0) -> bytes:
    """Signature and IHDR chunk."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    return SIGNATURE + chunk(b"IHDR", header)


def png(samples: NDArray[np.uint8] | NDArray[np.uint16], colour: int, before: bytes = b"") -> bytes:
    """A PNG of (height, width, samples) values, of depths that Pillow reads and cannot write."""
    height, width, _ = samples.shape
    rows = samples.astype(samples.dtype.newbyteorder(">")).reshape(height, -1)
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    body = before + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
    return png_header(width, height, 8 * samples.dtype.itemsize, colour) + body


def rle_bmp(indices: NDArray[np.uint8], palette: NDArray[np.uint8]) -> bytes:
    """A BMP of 256 colours in runs of one pixel; rows go up."""
    height, width = indices.shape
    rows = b"".join(
        b"".join(b"\x01" + bytes([value]) for value in row) + b"\0\0" for row in indices[::-1]
    )
    body = rows[:-2] + b"\0\1"
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(body), 0, 0, 256, 0)
    colours = b"".join(bytes([blue, green, red, 0]) for red, green, blue in palette)
    begin = 14 + len(header) + len(colours)
    return struct.pack("<2sIHHI", b"BM", begin + len(body), 0, 0, begin) + header + colours + body


def one_of_each() -> dict[str, bytes]:
    """Files of all the ways to store a picture that decode() knows."""
    image = picture(48, 64)
    grey = image.convert("L")
    palette = image.quantize(64)
    alpha = image.convert("RGBA")
    alpha.putalpha(Image.linear_gradient("L").resize(image.size))
    deep = np.random.default_rng(5).integers(0, 65536, (48, 64, 4), dtype=np.uint16)
    colours = np.random.default_rng(6).integers(0, 256, (256, 3), dtype=np.uint8)
    others = [picture(48, 64, seed) for seed in (90, 180)]
    return {
        "jpeg": encoded(image, "JPEG", quality=90),
        "jpeg_444": encoded(image, "JPEG", subsampling=0),
        "jpeg_progressive": encoded(image, "JPEG", progressive=True),
        "jpeg_restarts": encoded(image, "JPEG", restart_marker_blocks=2),
        "jpeg_grey": encoded(grey, "JPEG"),
        "jpeg_cmyk": encoded(image.convert("CMYK"), "JPEG"),
        "jpeg_cmyk_not_by_adobe": without_adobe(encoded(image.convert("CMYK"), "JPEG")),
        "jpeg_exif_comment": encoded(image, "JPEG", exif=exif(6), comment=b"a comment"),
        "png": encoded(image, "PNG"),
        "png_grey": encoded(grey, "PNG"),
        "png_grey_alpha": encoded(alpha.convert("LA"), "PNG"),
        "png_alpha": encoded(alpha, "PNG"),
        "png_1bit": encoded(image.convert("1"), "PNG"),
        "png_palette": encoded(palette, "PNG"),
        "png_palette_16": encoded(image.quantize(16), "PNG"),
        "png_palette_one_clear": encoded(palette, "PNG", transparency=3),
        "png_palette_alpha": encoded(palette, "PNG", transparency=bytes(range(64))),
        "png_grey_clear": encoded(grey, "PNG", transparency=7),
        "png_colour_clear": encoded(image, "PNG", transparency=(1, 2, 3)),
        "png_grey_16": png(deep[..., :1], 0),
        "png_rgb_16": png(deep[..., :3], 2),
        "png_grey_alpha_16": png(deep[..., :2], 4),
        "png_rgba_16": png(deep, 6),
        "png_exif": encoded(image, "PNG", exif=exif(8)),
        "png_animated": encoded(image, "PNG", save_all=True, append_images=others),
        "png_animated_apart": encoded(
            image, "PNG", save_all=True, append_images=others, default_image=True
        ),
        "webp": encoded(image, "WEBP"),
        "webp_lossless": encoded(image, "WEBP", lossless=True),
        "webp_alpha": encoded(alpha, "WEBP"),
        "webp_alpha_lossless": encoded(alpha, "WEBP", lossless=True, exact=True),
        "webp_exif": encoded(image, "WEBP", exif=exif(5)),
        "webp_animated": encoded(image, "WEBP", save_all=True, append_images=others),
        "bmp": encoded(image, "BMP"),
        "bmp_grey": encoded(grey, "BMP"),
        "bmp_1bit": encoded(image.convert("1"), "BMP"),
        "bmp_palette": encoded(palette, "BMP"),
        "bmp_alpha": encoded(alpha, "BMP"),
        "bmp_rle": rle_bmp(np.asarray(palette), colours),
    }


def without_adobe(jpeg: bytes) -> bytes:
    """The JPEG without its APP14 segment."""
    begin = jpeg.index(b"\xff\xee")
    (length,) = struct.unpack_from(">H", jpeg, begin + 2)
    return jpeg[:begin] + jpeg[begin + 2 + length :]
