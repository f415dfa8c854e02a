"""Encode a clip, with its sound, at the times of its frames."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from omni.errors import MediaError
from omni.values import Clip, Waveform

if TYPE_CHECKING:
    import numpy as np
    from av.container import OutputContainer

# Frames are coded in the order of their times ("bf": "0"): otherwise the last one coded, whose
# length ends the file, is not the last one shown.
_H264 = {"crf": "16", "preset": "medium", "bf": "0"}

# Muxer, picture codec and its options, sound codec.
_RECIPES: dict[str, tuple[str, str, dict[str, str], str]] = {
    "video/mp4": ("mp4", "libx264", _H264, "aac"),
    "video/quicktime": ("mov", "libx264", _H264, "aac"),
    "video/x-matroska": ("matroska", "libx264", _H264, "aac"),
    "video/webm": ("webm", "libvpx-vp9", {"crf": "20", "b": "0", "cpu-used": "4"}, "libopus"),
    "video/x-msvideo": ("avi", "mpeg4", {"qscale": "2"}, "pcm_s16le"),
}
_FALLBACK_CODEC = "mpeg4"
_TICKS = 90_000
_RATES = (8_000, 12_000, 16_000, 24_000, 48_000)
"""Rates that every sound codec above takes."""
_CHUNK = 1 << 14
_SHORTEST_GIF_SECONDS = 0.02


def encode(clip: Clip, *, mime: str, name: str) -> bytes:
    """The bytes of a video file.

    Raises:
        MediaError: if the clip has no frames, or frames and times do not match.
    """
    if not len(clip.frames) or len(clip.frames) != len(clip.times):
        raise MediaError(
            f"cannot write {name}: a clip needs frames and as many times, "
            f"not {len(clip.frames)} and {len(clip.times)}"
        )
    if mime == "image/gif":
        return _encode_gif(clip)
    muxer, codec, options, sound_codec = _RECIPES[mime]
    if muxer == "avi":
        clip = _at_even_times(clip)
    stream = io.BytesIO()
    _encode(clip, stream, muxer, codec, options, sound_codec)
    return stream.getvalue()


def durations(clip: Clip) -> np.ndarray:
    """How many seconds each frame is on show."""
    import numpy as np

    times = np.asarray(clip.times, dtype=np.float64)
    shortest = 1 / clip.frame_rate if clip.frame_rate > 0 else 0.04
    end = max(clip.seconds, times[-1] + min(shortest, 1.0))
    return np.diff(np.append(times, end))


def _encode(
    clip: Clip,
    stream: io.BytesIO,
    muxer: str,
    codec: str,
    options: dict[str, str],
    sound_codec: str,
) -> None:
    import av

    if codec not in av.codecs_available:
        codec, options = _FALLBACK_CODEC, {"qscale": "2"}
    with av.open(stream, "w", format=muxer) as container:
        rate = Fraction(clip.frame_rate or 25).limit_denominator(1001)
        pictures: Any = container.add_stream(codec, rate=rate, options=options)
        height, width = clip.frames.shape[1:3]
        pictures.width, pictures.height = width + width % 2, height + height % 2
        pictures.pix_fmt = "yuv420p"
        tick = 1 / rate if muxer == "avi" else Fraction(1, _TICKS)
        pictures.codec_context.time_base = tick
        sound: Any = None
        if clip.waveform is not None and len(clip.waveform.samples):
            channels = min(2, clip.waveform.samples.shape[1])
            layout = "mono" if channels == 1 else "stereo"
            usable = [r for r in _RATES if r >= clip.waveform.sample_rate] or [_RATES[-1]]
            sound = container.add_stream(sound_codec, rate=usable[0], layout=layout)
        _encode_pictures(clip, container, pictures, tick)
        if sound is not None and clip.waveform is not None:
            _encode_sound(clip.waveform, container, sound)


def _encode_pictures(clip: Clip, container: OutputContainer, stream: Any, tick: Fraction) -> None:
    import av
    import numpy as np

    lengths = durations(clip)
    wide, high = stream.width - clip.frames.shape[2], stream.height - clip.frames.shape[1]
    shown = {}
    for pixels, time, length in zip(clip.frames, clip.times, lengths, strict=True):
        # Chroma is halved, so that both sides must be even: the last line is repeated.
        even = np.pad(pixels, ((0, high), (0, wide), (0, 0)), mode="edge")
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace=_colours(stream.height))
        frame.pts, frame.time_base = round(float(time) / tick), tick
        shown[frame.pts] = max(1, round(float(length) / tick))
        for packet in stream.encode(frame):
            container.mux(_timed(packet, shown))
    for packet in stream.encode(None):
        container.mux(_timed(packet, shown))


def _timed(packet: Any, shown: dict[int, int]) -> Any:
    """The packet, knowing how long its frame is on show, which ends the file at the right time."""
    packet.duration = shown.get(packet.pts, packet.duration)
    return packet


def _colours(height: int) -> str:
    """What players assume of a file of this height that does not say."""
    return "ITU709" if height >= 720 else "ITU601"


def _encode_sound(waveform: Waveform, container: OutputContainer, stream: Any) -> None:
    import av
    import numpy as np

    context = stream.codec_context
    resampler = av.AudioResampler(context.format, context.layout, context.sample_rate)
    channels = context.layout.nb_channels
    layout = "mono" if channels == 1 else "stereo"
    for start in range(0, len(waveform.samples), _CHUNK):
        chunk = waveform.samples[start : start + _CHUNK, :channels]
        flat = np.ascontiguousarray(chunk, dtype=np.float32).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(flat, format="flt", layout=layout)
        frame.sample_rate, frame.pts = waveform.sample_rate, start
        frame.time_base = Fraction(1, waveform.sample_rate)
        for ready in resampler.resample(frame):
            container.mux(stream.encode(ready))
    for ready in resampler.resample(None):
        container.mux(stream.encode(ready))
    container.mux(stream.encode(None))


def _at_even_times(clip: Clip) -> Clip:
    """The clip with its frames repeated so that one constant rate shows each at its time."""
    import numpy as np

    rate = clip.frame_rate if 0 < clip.frame_rate <= 60 else 25.0
    count = max(1, round(max(clip.seconds, float(clip.times[-1]) + 1 / rate) * rate))
    instants = (np.arange(count) + 0.5) / rate
    chosen = np.maximum(0, np.searchsorted(clip.times, instants, side="right") - 1)
    return Clip(clip.frames[chosen], np.arange(count) / rate, count / rate, rate, clip.waveform)


def _encode_gif(clip: Clip) -> bytes:
    import numpy as np
    from PIL import Image

    lengths = np.maximum(durations(clip), _SHORTEST_GIF_SECONDS)
    edges = np.rint(np.append(0, np.cumsum(lengths)) * 100).astype(int) * 10
    images = [Image.fromarray(frame) for frame in clip.frames]
    stream = io.BytesIO()
    images[0].save(
        stream,
        "GIF",
        save_all=True,
        append_images=images[1:],
        duration=[int(length) for length in np.diff(edges)],
        loop=0,
        disposal=1,
    )
    return stream.getvalue()
