"""The corpus of bad input, as generators: each writes one file that has to be refused.

    for hostile in HOSTILE:
        path = hostile.make(folder)
        with pytest.raises(MediaError, match=hostile.says):
            open_media(path, hostile.access(folder))   # and then load it

Refusing takes less than 1 GB of memory and 5 seconds, and the message is one line.
"""

from __future__ import annotations

import io
import os
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from omni.media import Access


@dataclass(frozen=True, slots=True)
class Hostile:
    """One bad input.

    Attributes:
        name: what it is, in words joined by hyphens.
        write: writes it into a folder and returns the path to open.
        says: a regular expression that is found in the one-line `MediaError`.
        inside: the only folder below the given one that may be read from; empty allows any.
    """

    name: str
    write: Callable[[Path], Path]
    says: str
    inside: str = ""

    def make(self, folder: Path) -> Path:
        """Write it into `folder`, which is made if it is not there."""
        folder.mkdir(parents=True, exist_ok=True)
        return self.write(folder)

    def access(self, folder: Path) -> Access:
        """The access rights under which it has to be refused."""
        return Access(roots=(folder / self.inside,)) if self.inside else Access()


def _file(name: str, content: Callable[[], bytes]) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content())
        return path

    return write


# Pictures.


def png(width: int, height: int, rows: bytes) -> bytes:
    """A greyscale PNG whose header may promise what its data do not hold."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def _truncated_png() -> bytes:
    noise = random.Random(0)
    rows = b"".join(b"\0" + noise.randbytes(64) for _ in range(64))
    return png(64, 64, rows)[:1500]


def _endless_gif() -> bytes:
    """A GIF that declares the largest screen and the largest frame, and then ends."""
    head = b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0xF0, 0, 0) + b"\0\0\0\xff\xff\xff"
    return head + b"\x2c" + struct.pack("<HHHHB", 0, 0, 65535, 65535, 0) + b"\x02\x01\x44\x00"


def _tiff_bomb() -> bytes:
    """A TIFF directory of 200,000 × 200,000 pixels with one byte of them."""
    tags = [(256, 4, 200_000), (257, 4, 200_000), (258, 3, 8), (259, 3, 1), (262, 3, 1)]
    tags += [(273, 4, 8), (277, 3, 1), (278, 4, 200_000), (279, 4, 1)]
    directory = struct.pack("<H", len(tags))
    for tag, kind, number in tags:
        directory += struct.pack("<HHII", tag, kind, 1, number)
    return b"II*\0" + struct.pack("<I", 8) + directory + b"\0\0\0\0"


# Sound.


def _wav(declared: int, held: int) -> bytes:
    form = struct.pack("<HHIIHH", 1, 1, 16_000, 32_000, 2, 16)
    head = b"RIFF" + struct.pack("<I", min(36 + declared, 0xFFFFFFFF)) + b"WAVE"
    head += b"fmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", declared)
    return head + b"\0\1" * (held // 2)


def silent_flac(seconds: int, rate: int = 8_000) -> bytes:
    """A whole, valid FLAC file of silence: about 14 bytes for every eight seconds."""
    block = 65_535
    frames, rest = divmod(seconds * rate, block)
    sizes = [block] * frames + ([rest] if rest else [])
    info = struct.pack(">HH", block, block) + bytes(6)
    info += ((rate << 44) | (0 << 41) | (15 << 36) | (seconds * rate)).to_bytes(8, "big")
    head = b"fLaC" + b"\x80" + (len(info) + 16).to_bytes(3, "big") + info + bytes(16)
    return head + b"".join(_silent_frame(number, size) for number, size in enumerate(sizes))


def _silent_frame(number: int, size: int) -> bytes:
    header = b"\xff\xf8\x74\x08" + _utf8(number) + struct.pack(">H", size - 1)
    header += bytes([_remainder(header, 8, 0x07)])
    frame = header + b"\0" + b"\0\0"
    return frame + _remainder(frame, 16, 0x8005).to_bytes(2, "big")


def _utf8(number: int) -> bytes:
    return chr(number).encode("utf-8", "surrogatepass")


def _remainder(data: bytes, bits: int, polynomial: int) -> int:
    """Cyclic redundancy check, highest bit first."""
    top, mask, found = 1 << (bits - 1), (1 << bits) - 1, 0
    for byte in data:
        found ^= byte << (bits - 8)
        for _ in range(8):
            found = ((found << 1) ^ polynomial if found & top else found << 1) & mask
    return found


# Video.


def _element(key: str, data: bytes) -> bytes:
    """An element of a Matroska file."""
    return bytes.fromhex(key) + (len(data) | 1 << 56).to_bytes(8, "big") + data


def _video_without_frames() -> bytes:
    """A WebM file with a video track of 64 × 64 and not one frame."""
    head = _element("4286", b"\1") + _element("42f7", b"\1") + _element("42f2", b"\4")
    head += _element("42f3", b"\x08") + _element("4282", b"webm")
    head += _element("4287", b"\4") + _element("4285", b"\2")
    info = _element("2ad7b1", (1_000_000).to_bytes(3, "big"))
    info += _element("4d80", b"x") + _element("5741", b"x")
    size = _element("b0", b"\x40") + _element("ba", b"\x40")
    track = _element("d7", b"\1") + _element("73c5", b"\1") + _element("83", b"\1")
    track += _element("86", b"V_VP8") + _element("e0", size)
    tracks = _element("1654ae6b", _element("ae", track))
    cluster = _element("1f43b675", _element("e7", b"\0"))
    body = _element("1549a966", info) + tracks + cluster
    return _element("1a45dfa3", head) + _element("18538067", body)


def _truncated_mp4() -> bytes:
    """An MP4 that ends before its table of contents."""
    kind = struct.pack(">I4s4sI4s4s", 24, b"ftyp", b"isom", 512, b"isom", b"mp41")
    return kind + struct.pack(">I4s", 1 << 20, b"mdat") + random.Random(1).randbytes(4_000)


# Points.


def _ply(vertices: int, rows: str, faces: int = 0) -> bytes:
    head = f"ply\nformat ascii 1.0\nelement vertex {vertices}\n"
    head += "property float x\nproperty float y\nproperty float z\n"
    if faces:
        head += f"element face {faces}\nproperty list uchar int vertex_indices\n"
    return f"{head}end_header\n{rows}".encode()


def _nan_ply() -> bytes:
    return _ply(4, "0 0 0\n1 0 0\nnan nan nan\n0 inf 1\n")


def _stl_that_lies() -> bytes:
    return b"\0" * 80 + struct.pack("<I", 4_000_000_000) + b"\0" * 500


def _glb_circle() -> bytes:
    """A binary glTF whose nodes are each other's children."""
    tree = b'{"asset":{"version":"2.0"},"scenes":[{"nodes":[0]}],"scene":0,'
    tree += b'"nodes":[{"children":[1]},{"children":[0]}]}'
    tree += b" " * (-len(tree) % 4)
    return struct.pack("<4sIII4s", b"glTF", 2, 20 + len(tree), len(tree), b"JSON") + tree


# Series.


def _words_csv() -> bytes:
    return b"name,town\n" + b"Ada,London\nGrace,New York\nAlan,Wilmslow\n" * 20


def _npy_that_lies() -> bytes:
    head = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 3), }"
    head += b" " * (-(len(head) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + b"\0" * 240


def _npy_of_objects() -> bytes:
    """An array that only unpickling could read; unpickling runs whatever the file says."""
    head = b"{'descr': '|O', 'fortran_order': False, 'shape': (3,), }"
    head += b" " * (-(len(head) + 11) % 64) + b"\n"
    return (
        b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + b"cos\nsystem\n(S'true'\ntR."
    )


def _deep_json() -> bytes:
    return b"[" * 200_000


def _truncated_parquet() -> bytes:
    return b"PAR1" + random.Random(2).randbytes(3_000)


# Documents.


def _zip_bomb_docx() -> bytes:
    """300 MB of one letter in 300 kB, where a document's text belongs."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        with archive.open("word/document.xml", "w") as part:
            for _ in range(300):
                part.write(b" " * 1_000_000)
    return stream.getvalue()


def _entity_docx() -> bytes:
    """The billion laughs, where a document's text belongs."""
    names = [f"<!ENTITY a{n} '{f'&a{n - 1};' * 10 if n else 'ha'}'>" for n in range(12)]
    xml = f"<!DOCTYPE d [{''.join(names)}]><d>&a11;</d>"
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", xml)
    return stream.getvalue()


def pdf(*objects: bytes, root: int = 1, more: bytes = b"") -> bytes:
    """A PDF of numbered objects, with a correct table of where they are."""
    data, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = len(data)
    data += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    data += b"".join(b"%010d 00000 n \n" % place for place in places)
    trailer = b"<</Size %d/Root %d 0 R%s>>" % (len(objects) + 1, root, more)
    return data + b"trailer\n%s\nstartxref\n%d\n%%%%EOF\n" % (trailer, table)


def _one_page_pdf(box: bytes, more: bytes = b"", *extra: bytes) -> bytes:
    return pdf(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[%s]>>" % box,
        *extra,
        more=more,
    )


def _huge_page_pdf() -> bytes:
    return _one_page_pdf(b"0 0 100000000 100000000")


def _locked_pdf() -> bytes:
    """A PDF that asks for a password (which nobody knows, since the key is made up)."""
    lock = b"<</Filter/Standard/V 1/R 2/P -4/O<%s>/U<%s>>>" % (b"5a" * 32, b"a5" * 32)
    return _one_page_pdf(b"0 0 200 200", b"/Encrypt 4 0 R/ID[<00><00>]", lock)


# Things that are no files.


def _folder(folder: Path) -> Path:
    path = folder / "a-folder.png"
    path.mkdir(exist_ok=True)
    return path


def _device(folder: Path) -> Path:
    return Path(os.devnull)


def _link_to_device(folder: Path) -> Path:
    path = folder / "endless.wav"
    if not path.is_symlink():
        path.symlink_to("/dev/zero")
    return path


def _pipe(folder: Path) -> Path:
    path = folder / "pipe.csv"
    if not path.exists():
        os.mkfifo(path)
    return path


def _missing(folder: Path) -> Path:
    return folder / "not-there.png"


def _outside(folder: Path) -> Path:
    (folder / "allowed").mkdir(exist_ok=True)
    path = folder / "secret.txt"
    path.write_text("nobody should read this\n")
    return path


def _link_outside(folder: Path) -> Path:
    path = folder / "allowed" / "harmless.txt"
    secret = _outside(folder)
    if not path.is_symlink():
        path.symlink_to(secret)
    return path


def _hours_of_silence() -> bytes:
    return silent_flac(10 * 3600)


HOSTILE: tuple[Hostile, ...] = (
    Hostile("zero-byte-picture", _file("zero.png", bytes), "empty"),
    Hostile("zero-byte-text", _file("zero.txt", bytes), "empty"),
    Hostile("truncated-picture", _file("cut.png", _truncated_png), "cut.png"),
    Hostile("truncated-sound", _file("cut.wav", lambda: _wav(64_000, 1_000)), "cut.wav"),
    Hostile("truncated-video", _file("cut.mp4", _truncated_mp4), "cut.mp4"),
    Hostile("truncated-points", _file("cut.ply", lambda: _ply(9, "0 0 0\n1 0")), "cut.ply"),
    Hostile("truncated-table", _file("cut.parquet", _truncated_parquet), "cut.parquet"),
    Hostile("truncated-pdf", _file("cut.pdf", lambda: b"%PDF-1.7\n1 0 obj\n<<"), "cut.pdf"),
    Hostile(
        "truncated-docx",
        _file("cut.docx", lambda: _entity_docx()[:-40]),
        "cut.docx",
    ),
    Hostile("words-named-as-a-picture", _file("words.png", lambda: b"just words\n"), "words.png"),
    Hostile(
        "noise-named-as-text",
        _file("noise.txt", lambda: random.Random(3).randbytes(9_000)),
        "noise.txt",
    ),
    Hostile(
        "noise-named-as-video",
        _file("noise.mp4", lambda: random.Random(4).randbytes(9_000)),
        "noise.mp4",
    ),
    Hostile("program", _file("program.bin", lambda: b"\x7fELF\2\1\1" + bytes(500)), "program.bin"),
    Hostile(
        "picture-of-ten-gigapixels",
        _file("huge.png", lambda: png(100_000, 100_000, b"\0" * 1_000)),
        "pixels.+limit",
    ),
    Hostile("gif-of-four-gigapixels", _file("huge.gif", _endless_gif), "huge.gif"),
    Hostile("tiff-of-forty-gigapixels", _file("huge.tiff", _tiff_bomb), "huge.tiff"),
    Hostile("ten-hours-of-silence", _file("hours.flac", _hours_of_silence), "10.+limit"),
    Hostile(
        "sound-that-declares-four-gigabytes",
        _file("lies.wav", lambda: _wav(0xFFFFFF00, 2_000)),
        "lies.wav",
    ),
    Hostile("video-without-frames", _file("empty.webm", _video_without_frames), "no frames"),
    Hostile("points-that-are-no-numbers", _file("nan.ply", _nan_ply), "2 of its 4 points"),
    Hostile(
        "points-that-declare-a-billion",
        _file("lies.ply", lambda: _ply(1_000_000_000, "0 0 0\n")),
        "1,000,000,000",
    ),
    Hostile(
        "faces-that-name-missing-points",
        _file("missing.ply", lambda: _ply(3, "0 0 0\n1 0 0\n0 1 0\n3 0 1 7\n", 1)),
        "missing.ply",
    ),
    Hostile("mesh-that-declares-four-billion", _file("lies.stl", _stl_that_lies), "lies.stl"),
    Hostile("scene-that-holds-itself", _file("circle.glb", _glb_circle), "circle.glb"),
    Hostile("table-of-words", _file("words.csv", _words_csv), "words.csv"),
    Hostile("array-that-declares-a-trillion", _file("lies.npy", _npy_that_lies), "lies.npy"),
    Hostile("array-to-unpickle", _file("pickle.npy", _npy_of_objects), "pickle.npy"),
    Hostile("json-of-brackets", _file("deep.json", _deep_json), "deep.json"),
    Hostile("docx-that-unpacks-to-a-lot", _file("bomb.docx", _zip_bomb_docx), "300,000,000.+limit"),
    Hostile("docx-of-a-billion-laughs", _file("laughs.docx", _entity_docx), "laughs.docx"),
    Hostile("pdf-of-a-huge-page", _file("huge.pdf", _huge_page_pdf), "limit"),
    Hostile("pdf-with-a-password", _file("locked.pdf", _locked_pdf), "password"),
    Hostile("text-of-blanks", _file("blank.txt", lambda: b" \n\t\n" * 50), "no text"),
    Hostile("folder", _folder, "folder"),
    Hostile("device", _device, "device"),
    Hostile("link-to-a-device", _link_to_device, "device"),
    Hostile("pipe", _pipe, "pipe"),
    Hostile("missing-file", _missing, "no such file"),
    Hostile("file-outside", _outside, "outside", inside="allowed"),
    Hostile("link-to-outside", _link_outside, "outside", inside="allowed"),
)
"""Every bad input; the names are unique."""
