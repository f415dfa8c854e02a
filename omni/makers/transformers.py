"""Speech and sounds by a text-to-audio model of transformers whose weights are here."""

from __future__ import annotations

import threading
from typing import Any

from omni.errors import UsageError
from omni.making import Made, Maker, Wish
from omni.modality import modality
from omni.plugins import Component

from .weights import folder_of, split

COMPONENTS = (
    Component("decoder", "transformers", "Speech and sounds by a text-to-audio model by name."),
)

_SEEDS = 2**31


class Transformers(Maker):
    """VITS, MusicGen, Bark and their like, through the text-to-audio pipeline."""

    makes = frozenset({"audio", "speech"})
    takes = "a folder or hub id, then arguments of generation, as ?max_new_tokens=256"

    def __init__(self, target: str = "", *, device: str = "auto"):
        super().__init__(target, device=device)
        self.name, self.arguments = split(target)
        self.folder = folder_of(self.name)
        self._pipeline: Any = None
        self._busy = threading.Lock()

    def make(self, wish: Wish) -> Made:
        import numpy as np
        import torch

        from omni.values import Waveform

        with self._busy, torch.random.fork_rng():
            pipeline = self._load()
            seed = torch.seed() % _SEEDS if wish.seed is None else wish.seed
            torch.manual_seed(seed)
            given = {"generate_kwargs": self.arguments} if self.arguments else {}
            answer = pipeline(wish.prompt, **given)
        samples = np.asarray(answer["audio"], dtype=np.float32).squeeze()
        columns = (
            samples[:, None] if samples.ndim == 1 else samples.reshape(-1, samples.shape[-1]).T
        )
        wave = Waveform(np.ascontiguousarray(columns.clip(-1, 1)), int(answer["sampling_rate"]))
        media = modality("audio").save(wave, name="sound.wav")
        return Made(media, self.name, seed, dict(self.arguments))

    def _load(self) -> Any:
        if self._pipeline is None:
            from transformers import pipeline

            from omni.device import place

            where = place(self.device, "auto")
            try:
                self._pipeline = pipeline(
                    "text-to-audio", model=str(self.folder), device=where.device, dtype=where.dtype
                )
            except (OSError, ValueError, KeyError) as error:
                text = " ".join(str(error).split())
                raise UsageError(f"{self.name} is no text-to-audio model: {text}") from None
        return self._pipeline


plugin = Transformers
