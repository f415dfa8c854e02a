"""The block structure of a GIF: how many frames it has, told without decoding any."""

from __future__ import annotations

from typing import BinaryIO

SIGNATURES = (b"GIF87a", b"GIF89a")
_EXTENSION, _IMAGE, _TRAILER = b"!", b",", b";"
_GRAPHIC_CONTROL, _APPLICATION = b"\xf9", b"\xff"


class _Cut(Exception):
    """The bytes end inside a block."""


class Outline:
    """What the blocks of a GIF say, read up to a number of frames.

    Attributes:
        frames: frames found, at most the limit.
        loops: whether an animation extension was found.
        delayed: whether a frame asks to be shown for a time.
        whole: whether the trailer or the limit was reached, rather than the end of the bytes.
    """

    def __init__(self, stream: BinaryIO, *, limit: int = 10_000):
        self.frames = 0
        self.loops = self.delayed = self.whole = False
        self._stream = stream
        try:
            self._walk(limit)
        except _Cut:
            return
        self.whole = True

    def _walk(self, limit: int):
        screen = self._read(13)
        self._colour_table(screen[10])
        while self.frames < limit:
            mark = self._read(1)
            if mark == _TRAILER:
                return
            if mark == _EXTENSION:
                self._extension()
            elif mark == _IMAGE:
                self._colour_table(self._read(9)[8])
                self._read(1)
                self._skip_blocks()
                self.frames += 1
            else:
                raise _Cut

    def _extension(self):
        label = self._read(1)
        size = self._read(1)[0]
        block = self._read(size)
        if label == _GRAPHIC_CONTROL and size >= 3:
            self.delayed |= block[1:3] != b"\0\0"
        elif label == _APPLICATION:
            self.loops |= block in (b"NETSCAPE2.0", b"ANIMEXTS1.0")
        if size:
            self._skip_blocks()

    def _colour_table(self, packed: int):
        if packed & 0x80:
            self._read(3 * 2 ** ((packed & 7) + 1))

    def _skip_blocks(self):
        while size := self._read(1)[0]:
            self._read(size)

    def _read(self, size: int) -> bytes:
        data = self._stream.read(size)
        if len(data) < size:
            raise _Cut
        return data


def moves(head: bytes) -> bool:
    """Whether a GIF that begins with these bytes is an animation.

    A second frame proves it, and a trailer after the first one disproves it. Where the first frame
    is longer than `head`, the marks that only animations carry decide: a loop or a delay.
    """
    import io

    if not head.startswith(SIGNATURES):
        return False
    outline = Outline(io.BytesIO(head), limit=2)
    if outline.whole:
        return outline.frames > 1
    return outline.loops or outline.delayed or outline.frames > 1
