"""The sound of a video."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from omni.values import Waveform

from .container import only

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.container import InputContainer

MAX_RATE = 48_000
_SAMPLE_BYTES = 4
_PACKETS = 300_000
_APART_SECONDS = 0.02
"""Sound that begins this much before or after the pictures is moved to fit them."""


def read_sound(container: InputContainer, *, start: float, max_seconds: float) -> Waveform | None:
    """The first audio track from second `start` of the container, or `None` if there is none.

    At most two channels and 48 kHz; more are mixed down. It ends after `max_seconds`, or where the
    track can be decoded no further.
    """
    import numpy as np
    from av import AudioResampler
    from av.error import FFmpegError

    stream: Any = next(iter(container.streams.audio), None)
    if stream is None or stream.codec_context is None:
        return None
    only(container, stream)
    channels = 1 if stream.codec_context.channels == 1 else 2
    rate = min(MAX_RATE, stream.codec_context.sample_rate or MAX_RATE)
    sample_size = channels * _SAMPLE_BYTES
    wanted = int(max_seconds * rate) * sample_size
    resampler = AudioResampler("flt", "mono" if channels == 1 else "stereo", rate)
    samples, surplus = bytearray(), -1
    try:
        for frame in _resampled(container, stream, resampler):
            if surplus < 0:
                apart = (frame.time or 0.0) - start
                surplus = int(max(0.0, -apart - _APART_SECONDS) * rate) * sample_size
                if apart > _APART_SECONDS:
                    samples += bytes(min(int(apart * rate) * sample_size, wanted))
            samples += memoryview(frame.planes[0])[: frame.samples * sample_size]
            if len(samples) >= wanted + surplus:
                break
    except (FFmpegError, OSError):
        pass  # What was decoded before the damage is kept.
    del samples[: max(0, surplus)]
    if not samples:
        return None
    values = np.frombuffer(samples, dtype=np.float32).reshape(-1, channels)
    return Waveform(values[: wanted // sample_size], rate)


def _resampled(container: InputContainer, stream: Any, resampler: Any) -> Iterator[AudioFrame]:
    from av.error import InvalidDataError

    for count, packet in enumerate(container.demux(stream)):
        if count > _PACKETS:
            return
        try:
            frames = packet.decode()
        except InvalidDataError:
            continue
        for frame in frames:
            yield from resampler.resample(frame)
    yield from resampler.resample(None)
