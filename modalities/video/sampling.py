"""Reach frames by their time while decoding as little as possible."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .timeline import Timeline

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

DECODED_PIXELS = 1_000_000_000
"""Pixels decoded for one video at most: 480 frames of 1920×1080, about 2 s of one core."""

_BARREN_PACKETS = 500
"""So many packets in a row that give no frame end a video."""


def sample(
    container: InputContainer,
    stream: VideoStream,
    timeline: Timeline,
    targets: list[int],
    decoded_pixels: int = 0,
) -> Iterator[tuple[int, VideoFrame]]:
    """The frames on show at each of the ascending targets, each frame once, with its stamp.

    A video that can be decoded whole within `decoded_pixels` (`DECODED_PIXELS` if that is 0) is,
    which is exact. In a longer one each target is sought from the key frame before it; where that
    is too far, the last frame within the target's share of the pixels is taken. The stamp is always
    that of the frame.
    """
    pixels = max(1, stream.codec_context.width * stream.codec_context.height)
    affordable = max((decoded_pixels or DECODED_PIXELS) // pixels, 2 * len(targets))
    walker = _Walker(container, stream, timeline)
    share = None
    if timeline.stamps is None or len(timeline.stamps) > affordable:
        share = max(2, affordable // len(targets))
    seen = None
    for target in targets:
        found = walker.reach(target, share)
        if found is None:
            break
        if found[0] != seen:
            seen = found[0]
            yield found


class _Walker:
    """A decoder that moves forward, one frame ahead of what is on show."""

    def __init__(self, container: InputContainer, stream: VideoStream, timeline: Timeline):
        self._container, self._stream, self._timeline = container, stream, timeline
        self._frames = _decoded(container, stream)
        self._shown: tuple[int, VideoFrame] | None = None
        self._next: tuple[int, VideoFrame] | None = None
        self._sought = False

    def reach(self, target: int, share: int | None) -> tuple[int, VideoFrame] | None:
        """The frame on show at `target`, or the nearest before it that `share` frames allow."""
        if share is not None and self._seeking_helps(target):
            self._seek(target)
        steps = 0
        while self._next is None or self._next[0] <= target:
            if share is not None and self._shown is not None and steps >= share:
                break
            if self._next is not None:
                self._shown = self._next
            self._next = next(self._frames, None)
            steps += 1
            if self._next is None:
                break
        return self._shown or self._next

    def _seeking_helps(self, target: int) -> bool:
        """Whether a key frame lies between the next frame and the target."""
        if self._next is None:
            return True
        if self._next[0] > target:
            return False
        key = self._key_before(target)
        return key is None or key > self._next[0]

    def _key_before(self, target: int) -> int | None:
        import numpy as np

        keys = self._timeline.keys
        if keys is not None:
            place = int(np.searchsorted(keys, target, side="right")) - 1
            return int(keys[place]) if place >= 0 else None
        entries = self._stream.index_entries
        place = entries.search_timestamp(target) if len(entries) else -1
        return entries[place].timestamp if place >= 0 else None

    def _seek(self, target: int) -> None:
        """Go to the key frame before the target; one try further back where that came too late."""
        from av.error import FFmpegError

        step = max(1, round(10 / self._timeline.tick))
        for place in (target, max(self._timeline.start, target - step)):
            try:
                self._container.seek(place, stream=self._stream)
            except (FFmpegError, OSError):
                return
            self._frames = _decoded(self._container, self._stream)
            self._shown, self._next = None, next(self._frames, None)
            if self._next is None or self._next[0] <= target:
                return


def _decoded(container: InputContainer, stream: VideoStream) -> Iterator[tuple[int, VideoFrame]]:
    """Frames with their stamps, ascending; packets that cannot be decoded are passed over."""
    from av.error import FFmpegError

    barren, last = 0, None
    packets = container.demux(stream)
    while barren < _BARREN_PACKETS:
        try:
            packet = next(packets, None)
        except (FFmpegError, OSError):
            return
        if packet is None:
            return
        try:
            frames = packet.decode()
        except (FFmpegError, ValueError):
            frames = []
        barren = 0 if frames else barren + 1
        for frame in frames:
            stamp = frame.pts if frame.pts is not None else frame.dts
            if stamp is not None and (last is None or stamp > last):
                last = stamp
                yield stamp, frame
