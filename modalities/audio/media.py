"""The audio modality: what a sound file is, and who reads, draws and encodes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from omni.media import Media
from omni.modality import Features, Modality
from omni.values import Waveform

if TYPE_CHECKING:
    import torch
    from PIL import Image

    from omni.compression.budget import Grid

TOKENS_PER_SECOND = 25
HEARD_SECONDS = 30


class AudioModality(Modality):
    """Sound, decoded to a `Waveform`."""

    name = "audio"
    prefix = "aud"
    words = ("sound", "recording", "voice", "speech", "song", "music", "noise")
    mime_types = (
        "audio/wav",
        "audio/flac",
        "audio/ogg",
        "audio/mpeg",
        "audio/aiff",
        "audio/x-wav",
        "audio/x-flac",
        "audio/x-aiff",
        "audio/mp3",
        "audio/opus",
    )
    suffixes = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif")
    block = "audio"

    def sniff(self, head: bytes, name: str) -> str | None:
        from .sniffing import mime_of

        return mime_of(head)

    def load(self, media: Media) -> Waveform:
        from .files import read

        return read(media)

    def save(self, value: Waveform, *, name: str, mime: str | None = None) -> Media:
        from .files import write

        return write(value, name=name, mime=mime or self.mime_types[0])

    def facts(self, value: Waveform) -> dict[str, Any]:
        from .levels import levels

        peak, rms = levels(value)
        return {
            "seconds": round(value.seconds, 3),
            "sample_rate": value.sample_rate,
            "channels": value.samples.shape[1],
            "peak_dbfs": peak,
            "rms_dbfs": rms,
            "notes": list(value.notes),
        }

    def caption(self, value: Waveform) -> str:
        facts = self.facts(value)
        count = facts["channels"]
        channels = {1: "mono", 2: "stereo"}.get(count, f"{count} channels")
        level = "silent" if facts["peak_dbfs"] is None else f"peak {facts['peak_dbfs']} dBFS"
        words = (f"{value.seconds:.2f} s of sound", f"{value.sample_rate} Hz", channels, level)
        return ", ".join((*words, *value.notes))

    def picture(self, value: Waveform, *, width: int = 640) -> Image.Image:
        from .drawing import picture

        return picture(value, width)

    def overlay(
        self, value: Waveform, grid: Grid, places: Sequence[int], *, width: int = 640
    ) -> Image.Image:
        """Waveform and spectrogram with the spans that were kept; tokens follow each other."""
        from .drawing import kept

        if grid.tokens != grid.time:
            return super().overlay(value, grid, places, width=width)
        return kept(value, grid.time, places, width)

    def sparkline(self, value: Waveform, *, width: int = 60) -> str:
        from .levels import sparkline

        return sparkline(value, width)

    def example(self, seed: int = 0) -> Waveform:
        """Half a second of a fading tone; the seed sets its pitch."""
        import numpy as np

        rate = 16_000
        time = np.arange(rate // 2) / rate
        pitch = 220.0 * 2 ** (seed % 24 / 12)
        tone = 0.5 * np.sin(2 * np.pi * pitch * time) * np.exp(-4 * time)
        return Waveform(tone.astype(np.float32)[:, None], rate)

    def estimate_tokens(self, value: Waveform) -> int:
        heard = min(value.seconds, HEARD_SECONDS)
        return max(1, -int(-heard * TOKENS_PER_SECOND // 1))

    def features(self, value: Waveform) -> Features:
        from .features import features

        return features(value)

    def encoder(self, **config: Any) -> torch.nn.Module:
        from .encoder import AudioEncoder

        return AudioEncoder(**config)

    def decoder(self, **config: Any) -> torch.nn.Module:
        from .decoder import AudioDecoder

        return AudioDecoder(**config)

    def play(self, media: Media) -> str:
        """Start to play a sound and return the name of the player that does it.

        Raises:
            MediaError: if the sound cannot be read.
            Unsupported: if this machine has no player that works.
        """
        from .play import play

        return play(media)
