"""Speech and sounds by a text-to-audio model of transformers whose weights are here."""

from __future__ import annotations

import inspect
import secrets
import threading
from typing import Any

from omni.errors import Failed, UsageError
from omni.making import Made, Maker, Wish
from omni.media import Media
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
        import torch

        if not wish.prompt.strip():
            raise Failed("there is nothing to say: no words were given")
        seed = secrets.randbelow(_SEEDS) if wish.seed is None else wish.seed
        with self._busy, torch.random.fork_rng():
            pipeline = self._load()
            torch.manual_seed(seed)
            try:
                answer = pipeline(wish.prompt, **self._given(pipeline))
            except (ValueError, TypeError, RuntimeError, IndexError) as error:
                text = " ".join(str(error).split())
                raise Failed(f"{self.name} made no sound of this prompt: {text}") from None
        return Made(_sound(answer), self.name, seed, dict(self.arguments))

    def _given(self, pipeline: Any) -> dict[str, Any]:
        """The arguments under the name by which this kind of model takes them."""
        if not self.arguments:
            return {}
        generates = pipeline.model.can_generate()
        return {"generate_kwargs" if generates else "forward_params": self.arguments}

    def _load(self) -> Any:
        if self._pipeline is None:
            from transformers import pipeline

            from omni.device import place
            from omni.model.loading import quiet

            where = place(self.device, "auto")
            try:
                with quiet():
                    found = pipeline(
                        "text-to-audio",
                        model=str(self.folder),
                        device=where.device,
                        dtype=where.dtype,
                    )
            except (OSError, ValueError, KeyError) as error:
                text = " ".join(str(error).split())
                raise UsageError(f"{self.name} is no text-to-audio model: {text}") from None
            self._check(found)
            self._pipeline = found
        return self._pipeline

    def _check(self, pipeline: Any) -> None:
        """A model that generates checks its own arguments; others would just ignore them."""
        if pipeline.model.can_generate():
            return
        takes = _takes(pipeline)
        if unknown := sorted(set(self.arguments) - takes):
            known = ", ".join(sorted(takes)) or "none"
            raise UsageError(
                f"{type(pipeline.model).__name__} takes no {', '.join(unknown)}; it takes {known}"
            )


def _takes(pipeline: Any) -> set[str]:
    """Arguments of a model that are for people to set."""
    inner = {*pipeline.tokenizer.model_input_names, "return_dict", "labels", "kwargs"}
    names = set(inspect.signature(pipeline.model.forward).parameters) - inner
    return {name for name in names if not name.startswith("output_")}


def _sound(answer: Any) -> Media:
    """What a pipeline answers, (…, channels, samples) or (samples,), as a sound file."""
    import numpy as np

    from omni.values import Waveform

    samples = np.asarray(answer["audio"], dtype=np.float32)
    columns = samples.reshape(-1, samples.shape[-1]).T
    wave = Waveform(np.ascontiguousarray(columns.clip(-1, 1)), int(answer["sampling_rate"]))
    return modality("audio").save(wave, name="sound.wav")


plugin = Transformers
