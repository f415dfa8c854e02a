"""Whether a sound file is as long as its container declares.

libsndfile reads what there is of a WAV, AIFF or OGG that is cut off, and says nothing.
"""

from __future__ import annotations

from typing import BinaryIO

from .sniffing import tag_size

_STREAMED_SIZES = {0, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF}
"""Sizes that programs write when they stream to a pipe and cannot know the length."""
_SLACK = 16
"""Bytes by which ordinary writers are wrong, such as a missing pad byte."""
_MAX_CHUNKS = 10_000
_OGG_PAGE = 27 + 255 + 255 * 255


def missing_bytes(stream: BinaryIO, size: int, mime: str) -> int:
    """Bytes of sound that the container declares beyond the end of the file; 0 if unknown."""
    head = stream.read(12)
    if mime == "audio/wav" and head[:4] in (b"RIFF", b"RF64", b"RIFX"):
        return _chunks(stream, size, b"data", "big" if head[:4] == b"RIFX" else "little")
    if mime == "audio/aiff":
        return _chunks(stream, size, b"SSND", "big")
    if mime in ("audio/ogg", "audio/opus"):
        return _pages(stream, size)
    if mime == "audio/mpeg":
        return _xing(stream, size)
    return 0


def _chunks(stream: BinaryIO, size: int, wanted: bytes, order: str) -> int:
    """Walk the chunks to the one that holds the sound."""
    position = 12
    for _ in range(_MAX_CHUNKS):
        stream.seek(position)
        header = stream.read(8)
        if len(header) < 8:
            return 0
        length = int.from_bytes(header[4:], "big" if order == "big" else "little")
        if header[:4] == wanted:
            beyond = position + 8 + length - size
            return beyond if length not in _STREAMED_SIZES and beyond > _SLACK else 0
        position += 8 + length + length % 2
    return 0


def _pages(stream: BinaryIO, size: int) -> int:
    """Bytes that the last OGG page of the file lacks."""
    start = max(0, size - _OGG_PAGE)
    stream.seek(start)
    tail = stream.read(_OGG_PAGE)
    page = tail.rfind(b"OggS")
    if page < 0:
        return 0
    header = tail[page : page + 27]
    if len(header) < 27:
        return 27 - len(header)
    segments = header[26]
    lengths = tail[page + 27 : page + 27 + segments]
    needed = page + 27 + segments + sum(lengths)
    return max(0, needed - len(tail))


def _xing(stream: BinaryIO, size: int) -> int:
    """Bytes that an MP3 lacks of those that its first frame announces, if that frame does."""
    stream.seek(0)
    head = stream.read(10)
    start = 10 + tag_size(head) if head[:3] == b"ID3" else 0
    stream.seek(start)
    frame = stream.read(1024)
    marks = [spot for mark in (b"Xing", b"Info") if (spot := frame.find(mark, 4, 64)) > 0]
    if not marks or len(frame) < marks[0] + 16:
        return 0
    flags = int.from_bytes(frame[marks[0] + 4 : marks[0] + 8], "big")
    if not flags & 2:
        return 0
    counts = marks[0] + 8 + (4 if flags & 1 else 0)
    announced = int.from_bytes(frame[counts : counts + 4], "big")
    return max(0, start + announced - size)
