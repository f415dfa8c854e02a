"""Two-tower models of transformers: CLIP and SigLIP for pictures and words, CLAP for sounds."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from omni.errors import UsageError
from omni.modality import modality as plugin
from omni.pixels import flatten
from omni.plugins import Component

from ..contracts import Space, Vectors
from .grouping import TEXT, GroupedEmbedder, Progress, refuse_blank, unit
from .weights import digest_of_model

if TYPE_CHECKING:
    from omni.device import Placement

NAME = "pairs"
FRAMES = 8
"""Of a film, evenly spread; its vector is the mean of theirs."""


class PairEmbedder(GroupedEmbedder):
    """Texts, and pictures with films or sounds, as a model with two towers sees them.

    Texts longer than its text tower reads are cut, as they were in its training; long sounds are
    read in windows, of which the mean is taken.

    Args:
        model: a folder, or a name in the hub's cache.
        placement: device and number format; `omni.device.place()` decides if it is `None`.
        batch: most items that are read at once.
        progress: told how many items are done, and of how many.

    Raises:
        UsageError: if there is no such model, or it has not two towers.
    """

    def __init__(
        self,
        model: str | Path,
        *,
        placement: Placement | None = None,
        batch: int = 32,
        progress: Progress | None = None,
    ):
        from omni.device import place

        self._placement = placement or place()
        self.batch, self.progress = batch, progress
        self._model, self._processor = _load(model)
        self._model.to(self._placement.device, self._placement.dtype)
        self.modalities = _modalities(self._model, model)
        config = self._model.config
        width = getattr(config, "projection_dim", None) or config.text_config.hidden_size
        self.space = Space(NAME, int(width), digest_of_model(model, self._model))
        self._lock = threading.Lock()

    def read(self, modality: str, items: Sequence[Any]) -> Sequence[Vectors]:
        if modality == TEXT:
            refuse_blank(items)
            return list(self._vectors("text", self._words(items)))
        kind = plugin(modality)
        if modality == "image":
            return list(self._vectors("image", self._pictures([kind.load(one) for one in items])))
        if modality == "audio":
            return [self._mean("audio", self._sounds(kind.load(one))) for one in items]
        return [self._mean("image", self._pictures(_frames(kind.load(one)))) for one in items]

    def _mean(self, kind: str, inputs: Any) -> Vectors:
        return unit(self._vectors(kind, inputs).mean(0))

    def _words(self, texts: Sequence[str]) -> Any:
        tokenizer = self._processor.tokenizer
        longest = getattr(self._model.config.text_config, "max_position_embeddings", 512)
        most = min(tokenizer.model_max_length, longest)
        # SigLIP was trained on texts that are all padded to one length, without a mask.
        pad = "max_length" if self._model.config.model_type.startswith("siglip") else True
        return tokenizer(
            list(texts), padding=pad, truncation=True, max_length=most, return_tensors="pt"
        )

    def _pictures(self, pictures: Sequence[Any]) -> Any:
        return self._processor.image_processor(
            [flatten(picture) for picture in pictures], return_tensors="pt"
        )

    def _sounds(self, sound: Any) -> Any:
        """All of a sound in windows of the length that the model reads.

        Left alone, the feature extractor takes a random window of a long sound, and marks one of a
        batch of short ones as long by chance.
        """
        import soxr
        import torch

        extractor = self._processor.feature_extractor
        rate, most = extractor.sampling_rate, int(extractor.nb_max_samples)
        samples = soxr.resample(sound.samples.mean(1), sound.sample_rate, rate)
        windows = [samples[start : start + most] for start in range(0, len(samples), most)]
        inputs = extractor(windows or [samples], sampling_rate=rate, return_tensors="pt")
        if "is_longer" in inputs:
            inputs["is_longer"] = torch.zeros(len(windows), 1, dtype=torch.bool)
        return inputs

    def _vectors(self, kind: str, inputs: Any) -> Vectors:
        import torch

        placed = {
            name: value.to(self._placement.device, self._placement.dtype)
            if value.is_floating_point()
            else value.to(self._placement.device)
            for name, value in inputs.items()
        }
        with self._lock, torch.inference_mode():
            found = getattr(self._model, f"get_{kind}_features")(**placed)
        return unit(getattr(found, "pooler_output", found).float().cpu().numpy())


def _load(name: str | Path) -> tuple[Any, Any]:
    import transformers

    from omni.model.loading import quiet

    try:
        with quiet():
            model = transformers.AutoModel.from_pretrained(name, use_safetensors=True)
            processor = transformers.AutoProcessor.from_pretrained(name)
    except (OSError, ValueError, ImportError) as error:
        reason = " ".join(str(error).split())[:300]
        raise UsageError(f"cannot load {str(name)!r} as a two-tower model: {reason}") from None
    return model.eval(), processor


def _modalities(model: Any, name: str | Path) -> frozenset[str]:
    taken = {TEXT} if hasattr(model, "get_text_features") else set()
    if hasattr(model, "get_image_features"):
        taken |= {"image", "video"}
    if hasattr(model, "get_audio_features"):
        taken |= {"audio"}
    if TEXT not in taken or len(taken) == 1:
        raise UsageError(
            f"{str(name)!r} is a {type(model).__name__}: wanted one with a tower for text and one "
            "for pictures or sounds, such as CLIP, SigLIP or CLAP"
        )
    return frozenset(taken)


def _frames(clip: Any) -> list[Any]:
    from PIL import Image

    chosen = np.unique(np.linspace(0, len(clip.frames) - 1, FRAMES).round().astype(int))
    return [Image.fromarray(clip.frames[place]) for place in chosen]


COMPONENTS = (
    Component(
        kind="embedder",
        name="clip",
        summary="Pictures, films and words through CLIP or SigLIP; sounds and words through CLAP.",
        paper="Learning Transferable Visual Models (arXiv 2103.00020), Sigmoid Loss for Language "
        "Image Pre-Training (arXiv 2303.15343), CLAP (arXiv 2211.06687)",
    ),
)
