"""Decode a video file: frames spread over its length, upright, and its sound."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from omni.errors import MediaError
from omni.media import Media
from omni.values import Clip, Waveform

from .container import check_whole, only, opened, pictures_of
from .sampling import sample
from .sound import read_sound
from .timeline import Timeline, read_timeline

if TYPE_CHECKING:
    import numpy as np
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

KEPT_BYTES = 200_000_000
"""The sampled frames take at most this; 32 frames of 1920×1080 fit, larger ones are reduced."""

_HIGH_DEFINITION = 720
_UNSPECIFIED = 2
"""FFmpeg's number for a frame that does not say how its colours are coded."""


def read(
    media: Media,
    *,
    max_frames: int,
    max_pixels: int,
    max_seconds: float,
    max_sound_seconds: float,
) -> Clip:
    """Sample a video.

    Raises:
        MediaError: if it is damaged, cut short, without pictures, too large or too long.
    """
    timeline = _timeline(media, max_pixels, max_seconds)
    targets = timeline.targets(max_frames)
    frames, times, size = _read_frames(media, timeline, targets, max_pixels)
    return Clip(
        frames=frames,
        times=times,
        seconds=max(timeline.seconds, float(times[-1])),
        frame_rate=timeline.rate,
        waveform=_read_sound(media, timeline, max_pixels, max_sound_seconds),
        size=size,
    )


def read_at(
    media: Media,
    seconds: Sequence[float],
    *,
    max_pixels: int,
    max_seconds: float,
    decoded_pixels: int = 0,
) -> Clip:
    """The frames on show at ascending seconds, each frame once, without sound.

    Raises:
        MediaError: as `read`, or if no second is given.
    """
    if not len(seconds):
        raise MediaError(f"no second of {media.name} was asked for")
    timeline = _timeline(media, max_pixels, max_seconds)
    targets = [timeline.start + round(second / timeline.tick) for second in seconds]
    frames, times, size = _read_frames(media, timeline, targets, max_pixels, decoded_pixels)
    whole = max(timeline.seconds, float(times[-1]))
    return Clip(frames, times, whole, timeline.rate, size=size)


def _timeline(media: Media, max_pixels: int, max_seconds: float) -> Timeline:
    check_whole(media)
    with opened(media, max_pixels=max_pixels) as container:
        stream = pictures_of(media, container)
        _check_size(media, stream, max_pixels)
        only(container, stream)
        timeline = read_timeline(container, stream)
    if timeline is None:
        raise MediaError(f"{media.name} declares a video track, but there are no frames in it")
    if timeline.seconds > max_seconds:
        raise MediaError(
            f"{media.name} lasts {timeline.seconds / 3600:,.1f} hours; "
            f"the limit is {max_seconds / 3600:,.1f}: cut out the part that matters"
        )
    return timeline


def _check_size(media: Media, stream: VideoStream, max_pixels: int) -> None:
    width, height = stream.codec_context.width, stream.codec_context.height
    if width * height > max_pixels:
        raise MediaError(
            f"{media.name} is {width:,}×{height:,} pixels a frame; "
            f"the limit is {max_pixels:,} pixels: make it smaller first"
        )


def _read_frames(
    media: Media,
    timeline: Timeline,
    targets: list[int],
    max_pixels: int,
    decoded_pixels: int = 0,
) -> tuple[np.ndarray, np.ndarray, tuple[int, int] | None]:
    import numpy as np

    shape, pictures = None, np.empty(0, dtype=np.uint8)
    times: list[float] = []
    with opened(media, max_pixels=max_pixels) as container:
        stream = pictures_of(media, container)
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = 2
        stream.codec_context.options = {"max_pixels": str(max_pixels)}
        only(container, stream)
        for stamp, frame in sample(container, stream, timeline, targets, decoded_pixels):
            if shape is None:
                shape = _shape(frame, stream, len(targets))
                pictures = np.empty((len(targets), *shape.upright, 3), dtype=np.uint8)
            pictures[len(times)] = _upright(frame, shape)
            times.append(timeline.seconds_at(stamp))
    if shape is None:
        raise MediaError(
            f"{media.name} is a damaged video: none of its frames can be decoded; "
            "export or download it again"
        )
    return pictures[: len(times)], np.array(times), shape.original


class _Shape:
    """The size that all frames of a video are brought to.

    Attributes:
        width: before the frame is turned; so is `height`.
        turns: quarter turns against the clock.
        upright: height and width after it is turned.
        original: width and height of the video where its frames are reduced.
    """

    def __init__(self, width: int, height: int, turns: int, count: int):
        scale = min(1.0, math.sqrt(KEPT_BYTES / (3 * width * height * count)))
        self.turns = turns
        self.width = max(1, int(width * scale))
        self.height = max(1, int(height * scale))
        across = turns % 2 == 1
        self.upright = (self.width, self.height) if across else (self.height, self.width)
        self.original = ((height, width) if across else (width, height)) if scale < 1 else None


def _shape(frame: VideoFrame, stream: VideoStream, count: int) -> _Shape:
    stretch = float(stream.sample_aspect_ratio or 1)
    width = round(frame.width * stretch) if 0.1 < stretch < 10 else frame.width
    return _Shape(width, frame.height, round(frame.rotation / 90) % 4, count)


def _upright(frame: VideoFrame, shape: _Shape) -> np.ndarray:
    """The frame in RGB, turned as its display matrix asks; what is transparent shows white."""
    import numpy as np

    transparent = any(component.is_alpha for component in frame.format.components)
    pixels = frame.to_ndarray(
        format="rgba" if transparent else "rgb24",
        width=shape.width,
        height=shape.height,
        src_colorspace=_colours(frame),
        interpolation="BICUBIC",
    )
    if transparent:
        alpha = pixels[..., 3:].astype(np.uint16)
        pixels = ((pixels[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    return np.rot90(pixels, shape.turns)


def _colours(frame: VideoFrame) -> str | None:
    """What players assume where the file does not say how its colours are coded."""
    if frame.format.is_rgb or frame.colorspace != _UNSPECIFIED:
        return None
    return "ITU709" if frame.height >= _HIGH_DEFINITION else "ITU601"


def _read_sound(
    media: Media, timeline: Timeline, max_pixels: int, max_seconds: float
) -> Waveform | None:
    if media.mime == "image/gif":
        return None
    with opened(media, max_pixels=max_pixels) as container:
        return read_sound(
            container,
            start=float(timeline.start * timeline.tick),
            max_seconds=min(max_seconds, max(timeline.seconds, 1.0)),
        )
