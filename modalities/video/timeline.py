"""When the frames of a video are shown, learned without decoding any."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from av.container import InputContainer
    from av.video.stream import VideoStream

_LISTED_FRAMES = 4_000
"""Up to so many frames are listed one by one where the header gives a length."""

_LISTED_WITHOUT_LENGTH = 500_000
"""And so many where it does not: about five hours; listing takes 2 µs a frame, no decoding."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """Instants in ticks of `tick` seconds.

    Attributes:
        tick: seconds of one tick.
        start: when the first frame is shown.
        end: when the last frame ceases to be shown.
        rate: frames a second; 0 where it is not known.
        stamps: when each frame is shown, ascending, or `None` where they were too many to list.
        keys: those of them that can be decoded on their own, or `None`.
    """

    tick: Fraction
    start: int
    end: int
    rate: float
    stamps: np.ndarray | None = None
    keys: np.ndarray | None = None

    @property
    def seconds(self) -> float:
        return float((self.end - self.start) * self.tick)

    def seconds_at(self, stamp: int) -> float:
        return float((stamp - self.start) * self.tick)

    def targets(self, count: int) -> list[int]:
        """At most `count` instants from the first frame to the last, evenly spread.

        Where the frames are listed, each target is the stamp of the frame that is on show at such
        an instant.
        """
        import numpy as np

        if self.stamps is None:
            last = self.end - (max(1, round(1 / self.rate / self.tick)) if self.rate else 1)
            return [int(t) for t in np.unique(np.linspace(self.start, last, count).round())]
        if len(self.stamps) <= count:
            return [int(stamp) for stamp in self.stamps]
        instants = np.linspace(self.stamps[0], self.stamps[-1], count)
        shown = np.searchsorted(self.stamps, instants, side="right") - 1
        return [int(stamp) for stamp in self.stamps[np.unique(shown)]]


def read_timeline(container: InputContainer, stream: VideoStream) -> Timeline | None:
    """The timeline of the video track, or `None` if it has no frames; packets are used up."""
    tick = Fraction(stream.time_base or Fraction(1, 1000))
    rate = float(stream.average_rate or stream.guessed_rate or 0)
    start = stream.start_time or 0
    length = _declared_length(container, stream, tick)
    if length is not None:
        frames = stream.frames or float(length * tick) * rate
        if frames > _LISTED_FRAMES:
            return Timeline(tick, start, start + length, rate)
    limit = _LISTED_WITHOUT_LENGTH if length is None else 2 * _LISTED_FRAMES
    listed, keys, last_length, complete = _list_packets(container, stream, limit)
    if not len(listed):
        return None
    first, last = int(listed[0]), int(listed[-1])
    if not complete:
        return Timeline(tick, start, max(last, start + (length or 0)), rate)
    gaps = listed[1:] - listed[:-1]
    if len(gaps):
        rate = float(len(gaps) / ((last - first) * tick))
    # A packet's length is counted in decoding order, so that of the track is the better witness.
    end = start + (stream.duration or 0)
    if end <= last:
        usual = int(sorted(gaps)[len(gaps) // 2]) if len(gaps) else 0
        end = last + (last_length or usual or (round(1 / rate / tick) if rate else 0))
    return Timeline(tick, first, end, rate, listed, keys)


def _declared_length(container: InputContainer, stream: VideoStream, tick: Fraction) -> int | None:
    if stream.duration is not None and stream.duration > 0:
        return stream.duration
    if container.duration is not None and container.duration > 0:
        return round(Fraction(container.duration, 1_000_000) / tick)
    return None


def _list_packets(
    container: InputContainer, stream: VideoStream, limit: int
) -> tuple[np.ndarray, np.ndarray, int, bool]:
    """Stamps and key stamps, the length of the last frame, and whether all packets were seen."""
    import numpy as np

    stamps: list[int] = []
    keys: list[int] = []
    last = last_length = -1
    complete = True
    for packet in container.demux(stream):
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is None or packet.size == 0 or packet.is_discard:
            continue
        stamps.append(stamp)
        if stamp > last:
            last, last_length = stamp, packet.duration or 0
        if packet.is_keyframe:
            keys.append(stamp)
        if len(stamps) >= limit:
            complete = False
            break
    return np.unique(stamps), np.unique(keys), last_length, complete
