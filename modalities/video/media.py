"""The video modality: its files, its limits and its pictures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from omni import gif
from omni.errors import MediaError
from omni.media import Media
from omni.modality import Features, Modality
from omni.values import Clip, Waveform

from .features import FRAMES, TOKENS_A_FRAME, evenly, video_features

if TYPE_CHECKING:
    import torch
    from PIL import Image

    from omni.compression.budget import Grid

MIME_TYPES = (
    "video/mp4",
    "video/webm",
    "video/x-matroska",
    "video/quicktime",
    "video/x-msvideo",
    "image/gif",
)
_QUICKTIME_BOXES = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_NO_VIDEO_BRANDS = (b"M4A", b"M4B", b"M4P", b"mif1", b"msf1", b"hei", b"hev", b"avi", b"crx")
"""Brands of sound and of still pictures in the same container."""

_COLUMNS = 4
_GAP = 4


class VideoModality(Modality):
    """Video, decoded to a `Clip`: frames sampled evenly over its length, and its sound.

    Attributes:
        max_frames: at most this many frames are sampled.
        max_pixels: a video with more pixels a frame is refused.
        max_seconds: a longer video is refused.
        max_sound_seconds: the sound is read up to here.
    """

    name = "video"
    prefix = "vid"
    words = ("film", "clip", "movie", "footage")
    mime_types = MIME_TYPES
    suffixes = (".mp4", ".m4v", ".webm", ".mkv", ".mov", ".avi", ".gif")
    block = "video"

    def __init__(
        self,
        *,
        max_frames: int = 32,
        max_pixels: int = 1 << 24,
        max_seconds: float = 24 * 3600.0,
        max_sound_seconds: float = 600.0,
    ):
        self.max_frames = max_frames
        self.max_pixels = max_pixels
        self.max_seconds = max_seconds
        self.max_sound_seconds = max_sound_seconds

    def sniff(self, head: bytes, name: str) -> str | None:
        if head[4:8] == b"ftyp":
            brand = head[8:12]
            if brand.startswith(_NO_VIDEO_BRANDS):
                return None
            return "video/quicktime" if brand == b"qt  " else "video/mp4"
        if head[4:8] in _QUICKTIME_BOXES and int.from_bytes(head[:4], "big") >= 8:
            return "video/quicktime"
        if head.startswith(b"\x1a\x45\xdf\xa3"):
            return "video/webm" if b"webm" in head[:64] else "video/x-matroska"
        if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
            return "video/x-msvideo"
        if head.startswith(gif.SIGNATURES) and gif.moves(head):
            return "image/gif"
        return None

    def load(self, media: Media) -> Clip:
        from .reading import read

        return read(
            media,
            max_frames=self.max_frames,
            max_pixels=self.max_pixels,
            max_seconds=self.max_seconds,
            max_sound_seconds=self.max_sound_seconds,
        )

    def frames_at(self, media: Media, seconds: Sequence[float], *, pixels: int = 0) -> Clip:
        """The frames on show at given seconds, ascending, each frame once, and no sound.

        Args:
            media: a video.
            seconds: from its beginning.
            pixels: how many may be decoded to find them, or 0 for the default; what would take
                more is sought from key frames, so that a frame before the asked one may come.
        """
        from .reading import read_at

        return read_at(
            media,
            seconds,
            max_pixels=self.max_pixels,
            max_seconds=self.max_seconds,
            decoded_pixels=pixels,
        )

    def save(self, value: Clip, *, name: str, mime: str | None = None) -> Media:
        from .writing import encode

        mime = mime or self.mime_types[0]
        if mime not in self.mime_types:
            raise MediaError(
                f"cannot write {name} as {mime!r}: videos are written as {', '.join(MIME_TYPES)}"
            )
        data = encode(value, mime=mime, name=name)
        return Media.from_bytes(data, modality=self.name, mime=mime, name=name)

    def facts(self, value: Clip) -> dict[str, Any]:
        width, height = value.size or (value.frames.shape[2], value.frames.shape[1])
        facts: dict[str, Any] = {
            "width": width,
            "height": height,
            "seconds": round(value.seconds, 3),
            "frame_rate": round(value.frame_rate, 3),
            "frames_sampled": len(value.frames),
            "sound_seconds": round(value.waveform.seconds, 3) if value.waveform else 0.0,
        }
        return facts

    def overlay(
        self, value: Clip, grid: Grid, places: Sequence[int], *, width: int = 640
    ) -> Image.Image:
        """The frames that the encoder sees, four in a row, each with its time and its cells."""
        from .kept import kept_frames

        if grid.time > len(value.frames):
            return super().overlay(value, grid, places, width=width)
        return kept_frames(value, grid, places, width)

    def picture(self, value: Clip, *, width: int = 640) -> Image.Image:
        """A strip of up to eight frames in reading order, four in a row."""
        from PIL import Image

        chosen = evenly(value.times, 2 * _COLUMNS)
        columns = min(_COLUMNS, len(chosen))
        rows = -(-len(chosen) // columns)
        wide = max(1, (width - _GAP * (columns - 1)) // columns)
        high = min(2 * wide, max(1, round(wide * value.frames.shape[1] / value.frames.shape[2])))
        strip = Image.new("RGB", (width, rows * (high + _GAP) - _GAP), "white")
        for place, index in enumerate(chosen):
            frame = Image.fromarray(value.frames[index])
            frame.thumbnail((wide, high), Image.Resampling.LANCZOS)
            if frame.width < wide and frame.height < high:
                frame = frame.resize((wide, high), Image.Resampling.BILINEAR)
            row, column = divmod(place, columns)
            left = column * (wide + _GAP) + (wide - frame.width) // 2
            strip.paste(frame, (left, row * (high + _GAP) + (high - frame.height) // 2))
        return strip

    def example(self, seed: int = 0) -> Clip:
        import numpy as np

        chance = np.random.default_rng(seed)
        count, height, width, rate, sound_rate = 8, 32, 48, 8.0, 16_000
        frames = np.empty((count, height, width, 3), dtype=np.uint8)
        frames[:] = chance.integers(0, 256, 3)
        colour, top = chance.integers(0, 256, 3), int(chance.integers(0, height - 12))
        for index in range(count):
            left = index * (width - 12) // (count - 1)
            frames[index, top : top + 12, left : left + 12] = colour
        instants = np.arange(sound_rate * count / rate) / sound_rate
        tone = np.sin(2 * np.pi * chance.integers(200, 800) * instants) * 0.3
        return Clip(
            frames=frames,
            times=np.arange(count) / rate,
            seconds=count / rate,
            frame_rate=rate,
            waveform=Waveform(tone[:, None].astype(np.float32), sound_rate),
        )

    def parts(self, value: Clip) -> Iterable[tuple[str, Any]]:
        return () if value.waveform is None else (("audio", value.waveform),)

    def estimate_tokens(self, value: Clip) -> int:
        return TOKENS_A_FRAME * len(evenly(value.times, FRAMES))

    def features(self, value: Clip) -> Features:
        return video_features(value)

    def encoder(self, **config: Any) -> torch.nn.Module:
        from .encoder import VideoEncoder

        return VideoEncoder(**config)
