"""Videos for the tests: written with PyAV alone, whose frames say their number."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import Any

import av
import numpy as np

from omni.media import Media
from omni.modality import modality
from omni.values import Clip

VIDEO = modality("video")
VideoModality: Any = type(VIDEO)
OPEN: Any = av.open
MUXERS = {
    "video/mp4": "mp4",
    "video/webm": "webm",
    "video/x-matroska": "matroska",
    "video/quicktime": "mov",
    "video/x-msvideo": "avi",
}


def as_media(data: bytes, name: str = "test", mime: str | None = None) -> Media:
    mime = mime or VIDEO.sniff(data[:4096], name)
    assert mime is not None, data[:32]
    return Media.from_bytes(data, modality="video", mime=mime, name=name)


def load(data: bytes, name: str = "test") -> Clip:
    return VIDEO.load(as_media(data, name))


def numbered(index: int, width: int = 64, height: int = 48) -> np.ndarray:
    """A frame that says its number: eight white or black blocks in the top half."""
    frame = np.full((height, width, 3), 60, np.uint8)
    for bit in range(8):
        left = bit * width // 8
        frame[: height // 2, left : left + width // 8] = 255 if index >> bit & 1 else 0
    return frame


def number_of(frame: np.ndarray) -> int:
    height, width = frame.shape[:2]
    blocks = frame[4 : height // 2 - 4].reshape(-1, 8, width // 8, 3)
    return sum(1 << bit for bit in range(8) if blocks[:, bit, 2:-2].mean() > 128)


def written(
    stamps: list[int],
    *,
    muxer: str = "mp4",
    codec: str = "libx264",
    size: tuple[int, int] = (64, 48),
    per_second: int = 10,
    gop: int = 12,
    sound: np.ndarray | None = None,
    sound_rate: int = 16_000,
    options: dict[str, str] | None = None,
) -> bytes:
    """A video written with PyAV alone: frame number i is shown at `stamps[i] / per_second`."""
    stream = io.BytesIO()
    with OPEN(stream, "w", format=muxer, options=options or {}) as container:
        coding = {"g": str(gop), "crf": "18"}
        pictures = container.add_stream(codec, rate=per_second, options=coding)
        pictures.width, pictures.height = size
        pictures.pix_fmt = "yuv420p"
        pictures.codec_context.time_base = Fraction(1, per_second)
        track = (
            container.add_stream("aac", rate=sound_rate, layout="mono")
            if sound is not None
            else None
        )
        container.start_encoding()
        for index, stamp in enumerate(stamps):
            frame = av.VideoFrame.from_ndarray(numbered(index, *size), format="rgb24")
            frame.pts, frame.time_base = stamp, Fraction(1, per_second)
            container.mux(pictures.encode(frame))
        container.mux(pictures.encode(None))
        if track is not None:
            flat = np.ascontiguousarray(sound, np.float32).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(flat, format="fltp", layout="mono")
            frame.sample_rate = sound_rate
            container.mux(track.encode(frame))
            container.mux(track.encode(None))
    return stream.getvalue()
