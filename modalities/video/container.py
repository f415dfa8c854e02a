"""Open a video file, once its outermost structure has shown that it is whole."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from omni import gif
from omni.errors import MediaError
from omni.media import Media

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.stream import Stream
    from av.video.stream import VideoStream

DEMUXERS = {
    "video/mp4": "mov",
    "video/quicktime": "mov",
    "video/webm": "matroska",
    "video/x-matroska": "matroska",
    "video/x-msvideo": "avi",
    "image/gif": "gif",
}
"""The one demuxer for each type, so that content never chooses a demuxer that opens other files."""

_BOXES = (b"ftyp", b"moov", b"mdat", b"moof", b"free", b"skip", b"wide", b"sidx", b"udta", b"mfra")
_SEGMENT = b"\x18\x53\x80\x67"
_TIMEOUT_SECONDS = 4.0


@contextmanager
def opened(media: Media, *, max_pixels: int) -> Iterator[InputContainer]:
    """The demuxer of a file; whatever FFmpeg finds wrong becomes a `MediaError`."""
    import av
    from av.error import FFmpegError

    with media.open() as stream:
        # A path is read without holding the interpreter's lock; its name must be no protocol.
        source = stream if media.path is None else f"file:{media.path}"
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                container = av.open(
                    source,
                    "r",
                    format=DEMUXERS[media.mime],
                    options={"max_pixels": str(max_pixels), "max_streams": "64"},
                    timeout=_TIMEOUT_SECONDS,
                    metadata_errors="replace",
                )
            with container:
                yield container
        except (FFmpegError, OSError) as error:
            raise damaged(media, error) from None


def damaged(media: Media, error: BaseException) -> MediaError:
    """What to tell when FFmpeg gives up on a file."""
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return MediaError(
        f"{media.name} is a damaged or incomplete video ({' '.join(reason.split())[:120]}): "
        "export or download it again"
    )


def pictures_of(media: Media, container: InputContainer) -> VideoStream:
    """The video track, which is not a cover picture.

    Raises:
        MediaError: if there is none.
    """
    from av.stream import Disposition

    for stream in container.streams.video:
        if stream.codec_context is None:
            raise MediaError(
                f"{media.name} uses a video codec that is not known here: convert it to MP4 (H.264)"
            )
        if not stream.disposition & Disposition.attached_pic:
            return stream
    if container.streams.audio:
        raise MediaError(
            f"{media.name} has sound but no pictures: convert it to WAV, FLAC, OGG or MP3"
        )
    raise MediaError(f"{media.name} has no video track: there is nothing to see in it")


def only(container: InputContainer, stream: Stream) -> None:
    """Let the demuxer pass over the packets of all other tracks."""
    from av.stream import Discard

    for other in container.streams:
        if other.index != stream.index:
            other.discard = Discard.all


def check_whole(media: Media) -> None:
    """Refuse a file whose own headers say that it should be longer.

    Raises:
        MediaError: with the declared and the true number of bytes.
    """
    with media.open() as stream:
        if media.mime == "image/gif":
            whole = gif.Outline(stream).whole
            if not whole:
                raise MediaError(f"{media.name} is cut short: its last frame is incomplete")
            return
        declared = _declared_bytes(media, stream)
    if declared > media.size:
        raise MediaError(
            f"{media.name} is cut short: it declares {declared:,} bytes and has {media.size:,}; "
            "copy or download it again"
        )


def _declared_bytes(media: Media, stream: BinaryIO) -> int:
    demuxer = DEMUXERS[media.mime]
    if demuxer == "mov":
        return _end_of_boxes(stream, media.size)
    if demuxer == "matroska":
        return _end_of_segment(stream)
    head = stream.read(12)
    return 8 + int.from_bytes(head[4:8], "little") if head[8:12] == b"AVI " else 0


def _end_of_boxes(stream: BinaryIO, size: int) -> int:
    position = 0
    for _ in range(10_000):
        stream.seek(position)
        head = stream.read(16)
        length, kind = int.from_bytes(head[:4], "big"), head[4:8]
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        if len(head) < 8 or length < 8 or kind not in _BOXES:
            break
        position += length
        if position > size:
            break
    return position


def _end_of_segment(stream: BinaryIO) -> int:
    """Where the Matroska segment ends; 0 where a live recording left that open."""
    stream.seek(4)
    length, width = _ebml_size(stream.read(8))
    if length is None:
        return 0
    stream.seek(4 + width + length)
    head = stream.read(12)
    if head[:4] != _SEGMENT:
        return 0
    inner, inner_width = _ebml_size(head[4:])
    return 0 if inner is None else 4 + width + length + 4 + inner_width + inner


def _ebml_size(data: bytes) -> tuple[int | None, int]:
    """A variable-length number and how many bytes it takes; `None` where all its bits are set."""
    if not data or not data[0]:
        return None, 1
    width = 9 - data[0].bit_length()
    bits = 7 * width
    value = int.from_bytes(data[:width], "big") & ((1 << bits) - 1)
    return (None if value == (1 << bits) - 1 else value), width
