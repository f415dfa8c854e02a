"""Pictures for the tests of images, and files whose headers are written by hand."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image

from omni.media import Media
from omni.modality import modality

IMAGE = modality("image")
FORMATS = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/webp": "WEBP",
    "image/gif": "GIF",
    "image/bmp": "BMP",
    "image/tiff": "TIFF",
}


def as_media(data: bytes, name: str = "test") -> Media:
    mime = IMAGE.sniff(data[:4096], name)
    assert mime is not None, data[:16]
    return Media.from_bytes(data, modality="image", mime=mime, name=name)


def encoded(image: Image.Image, format: str, **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def load(data: bytes, name: str = "test") -> Image.Image:
    return IMAGE.load(as_media(data, name))


def photo(width: int = 60, height: int = 40) -> Image.Image:
    """A smooth picture in which every corner differs."""
    y, x = np.mgrid[0:height, 0:width]
    red, green = 255 * x / max(1, width - 1), 255 * y / max(1, height - 1)
    return Image.fromarray(np.stack([red, green, 255 - red], -1).astype(np.uint8))


def png_of_raw(width: int, height: int, rows: bytes, *, depth: int = 8, colour: int = 0) -> bytes:
    """A PNG written by hand, so that its header can say anything."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    length = len(rows) // height if rows else 0
    filtered = b"".join(
        b"\0" + rows[i * length : (i + 1) * length] for i in range(height if rows else 0)
    )
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(filtered))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


def bmp_of_size(width: int, height: int) -> bytes:
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + header + b"\0" * 64


def gif_of_size(width: int, height: int) -> bytes:
    screen = struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0" * 6
    block = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x44\x01\x00"
    return b"GIF89a" + screen + block + b";"


def webp_of_size(width: int, height: int) -> bytes:
    exif = Image.Exif()
    exif[0x0110] = "camera"
    data = bytearray(encoded(photo().convert("RGBA"), "WEBP", exif=exif))
    assert data[12:16] == b"VP8X"
    data[24:27], data[27:30] = (side.to_bytes(3, "little") for side in (width - 1, height - 1))
    return bytes(data)
