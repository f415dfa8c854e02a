"""Stills at given seconds, a shorter clip, or the sound of a film."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from omni.errors import Retry
from omni.media import Media
from omni.plugins import Component
from omni.values import Clip, Waveform
from omni.workbench import Arguments, BenchTool, Blocks, made

if TYPE_CHECKING:
    from PIL import Image

COMPONENTS = (
    Component("tool", "cut_video", "Frames at given seconds, a clip, or the sound of a film."),
)

_MOST_STILLS = 16
_MOST_PIXELS = 300_000_000
"""Of all frames of a clip together: a gigabyte in memory."""


class _Cut(Arguments):
    video: str = Field(description="handle of a film, such as vid-1")
    what: Literal["frames", "clip", "sound"] = Field(description="what to take out of it")
    seconds: list[float] = Field(
        default_factory=list,
        max_length=_MOST_STILLS,
        description="frames: when, such as [0, 2.5]; clip and sound: start and end",
    )


class CutVideo(BenchTool):
    """Decodes only what is asked for, from the file itself and not from sampled frames."""

    name: str = "cut_video"
    description: str = (
        "Take something out of a film: still pictures at given seconds, a shorter clip from one "
        "second to another, or its sound."
    )
    args_schema: Any = _Cut

    def work(
        self, video: str, what: Literal["frames", "clip", "sound"], seconds: Sequence[float] = ()
    ) -> Blocks:
        media = self.bench.open(video, "video")
        whole: Clip = self.bench.value(video, "video")  # after its limits were checked
        if what == "frames":
            return _frames(video, media, whole, seconds)
        start, end = _span(video, whole, seconds)
        if what == "sound":
            return _sound(video, whole, start, end)
        return _clip(video, media, whole, start, end)


def _frames(name: str, media: Media, whole: Clip, seconds: Sequence[float]) -> Blocks:
    wanted = list(seconds) or [0.0]
    late = [second for second in wanted if not 0 <= second <= whole.seconds]
    if late:
        raise Retry(f"{name} lasts {whole.seconds:.2f} seconds: there is no second {late[0]:g}")
    found: Blocks = []
    for second in wanted:
        shown, frame = _still(media, second)
        words = f"{name} at {shown:.2f} s:"
        found += made("image", frame, name=f"at-{second:g}s.png", words=words)
    return found


def _still(media: Media, second: float) -> tuple[float, Image.Image]:
    """The frame that is on show at a second, and since when it is."""
    last = None
    for at, frame in _decoded(media, second):
        if at > second + 1e-6 and last is not None:
            break
        last = at, frame
        if at > second + 1e-6:
            break
    if last is None:
        raise Retry(f"there is no frame at {second:g} s")
    return last[0], last[1].to_image()


def _clip(name: str, media: Media, whole: Clip, start: float, end: float) -> Blocks:
    frames, times, shown = [], [], []
    for at, frame in _decoded(media, start):
        if at >= end:
            break
        if at < start - 1e-6:
            shown = [(at, frame)]  # still on show when the clip begins
            continue
        for moment, picture in (*shown, (at, frame)):
            times.append(max(0.0, moment - start))
            frames.append(picture.to_ndarray(format="rgb24"))
        shown = []
        if sum(one.size for one in frames) > 3 * _MOST_PIXELS:
            raise Retry(f"from {start:g} to {end:g} s is too much at once: cut a shorter clip")
    for _, picture in shown:
        times, frames = [0.0], [picture.to_ndarray(format="rgb24")]
    if len(times) > 1 and times[0] == times[1]:
        times, frames = times[1:], frames[1:]
    if not frames:
        raise Retry(f"there is no frame from {start:g} to {end:g} s of {name}")
    sound = _cut_sound(whole.waveform, start, end)
    cut = Clip(np.stack(frames), np.array(times), end - start, whole.frame_rate, sound)
    words = f"{name} from {start:.2f} to {end:.2f} s, {len(frames)} frames."
    return made("video", cut, name="clip.mp4", words=words)


def _sound(name: str, whole: Clip, start: float, end: float) -> Blocks:
    sound = _cut_sound(whole.waveform, start, end)
    if sound is None:
        raise Retry(f"{name} has no sound between {start:g} and {end:g} s")
    words = f"The sound of {name} from {start:.2f} to {start + sound.seconds:.2f} s."
    return made("audio", sound, name="sound.wav", words=words)


def _cut_sound(sound: Waveform | None, start: float, end: float) -> Waveform | None:
    if sound is None:
        return None
    first, last = round(start * sound.sample_rate), round(end * sound.sample_rate)
    samples = sound.samples[first:last]
    return Waveform(samples, sound.sample_rate) if len(samples) else None


def _span(name: str, whole: Clip, seconds: Sequence[float]) -> tuple[float, float]:
    if not seconds:
        return 0.0, whole.seconds
    if len(seconds) != 2 or not 0 <= seconds[0] < seconds[1]:
        raise Retry(f"seconds are a start and a later end, such as [1, 2.5], not {list(seconds)}")
    if seconds[0] >= whole.seconds:
        raise Retry(f"{name} lasts {whole.seconds:.2f} seconds: start before its end")
    return float(seconds[0]), min(float(seconds[1]), whole.seconds)


def _decoded(media: Media, start: float) -> Iterator[tuple[float, Any]]:
    """Frames with their seconds, from the last key frame at or before `start` on."""
    import av

    with media.open() as source, av.open(source, "r") as container:
        stream = container.streams.video[0]
        base = stream.time_base
        first = float((stream.start_time or 0) * base) if base else 0.0
        if start > 0 and base:
            container.seek(int((start + first) / base), stream=stream, backward=True)
        for frame in container.decode(stream):
            if frame.time is not None:
                yield frame.time - first, frame


plugin = CutVideo
