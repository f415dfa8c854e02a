"""The assembled model's shared space, where words and media of every kind lie side by side."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from omni.errors import Unsupported
from omni.media import hash_file
from omni.modality import modality as plugin
from omni.plugins import Component

from ..contracts import Space, Vectors
from .grouping import TEXT, GroupedEmbedder, Progress, refuse_blank, unit
from .weights import digest_of

if TYPE_CHECKING:
    from omni.device import Placement
    from omni.model.loading import Loaded

NAME = "shared"
_WEIGHTS = "model*.safetensors"


class SharedEmbedder(GroupedEmbedder):
    """Media and texts into the space of omni-nano, or of another assembled model that has one.

    The model is loaded when it is first used. Texts longer than it reads at once are read in
    windows, of which the mean is taken.

    Args:
        model: `nano`, or a folder of a saved model.
        placement: device and number format; `omni.device.place()` decides if it is `None`.
        batch: most items that are read at once.
        progress: told how many items are done, and of how many.

    Raises:
        UsageError: if there is no such model.
        Unsupported: if it has no shared space.
    """

    def __init__(
        self,
        model: str | Path = "nano",
        *,
        placement: Placement | None = None,
        batch: int = 32,
        progress: Progress | None = None,
    ):
        from omni.model.loading import find

        self._model, self._placement = model, placement
        self.batch, self.progress = batch, progress
        folder = find(model)
        config = json.loads((folder / "config.json").read_text("utf-8"))
        if not config.get("embedding"):
            raise Unsupported(
                f"the model at {str(folder)!r} has no shared space for its modalities"
            )
        self.modalities = frozenset(_embedded(config["modalities"]))
        self.space = Space(NAME, int(config["embedding"]["width"]), _digest(folder, config))
        self.lock = threading.Lock()

    def embed_values(self, modality: str, values: Sequence[Any]) -> Vectors:
        """Unit vectors `[G, W]` of decoded values of one modality."""
        return self._vectors(modality, [plugin(modality).features(value) for value in values])

    @cached_property
    def loaded(self) -> Loaded:
        """The model, ready to run."""
        from omni.model.loading import load

        return load(self._model, self._placement)

    def read(self, modality: str, items: Sequence[Any]) -> Sequence[Vectors]:
        if modality == TEXT:
            return self._read_texts(items)
        kind = plugin(modality)
        # One decoded film is large and its features are small, so decoded values are not kept.
        return list(self._vectors(modality, [kind.features(kind.load(item)) for item in items]))

    def _read_texts(self, texts: Sequence[str]) -> Sequence[Vectors]:
        refuse_blank(texts)
        with self.lock:
            encoder: Any = self.loaded.model.encoders[TEXT]
        windows = [encoder.windows(text) for text in texts]
        vectors = self._vectors(TEXT, [window for each in windows for window in each])
        ends = np.cumsum([len(each) for each in windows])
        return list(unit([part.mean(0) for part in np.split(vectors, ends[:-1])]))

    def _vectors(self, modality: str, items: Sequence[Any]) -> Vectors:
        import torch

        with self.lock, torch.inference_mode():
            found = self.loaded.model.embed(modality, items)
        return unit(found.float().cpu().numpy())


def _embedded(settings: dict[str, Any]) -> list[str]:
    """The modalities with an encoder; text only where its weights are on this machine."""
    found = [name for name, one in settings.items() if one.get("encoder") is not None]
    if TEXT in found and not _text_available():
        found.remove(TEXT)
    return found


def _text_available() -> bool:
    encoder: Any = plugin(TEXT).encoder()
    return encoder is not None and encoder.available()


def _digest(folder: Path, config: dict[str, Any]) -> str:
    """Of the weights and of what says how they are used."""
    kept = {key: config.get(key) for key in ("embedding", "modalities")}
    weights = {path.name: hash_file(path)[0] for path in folder.glob(_WEIGHTS)}
    return digest_of({**weights, "settings": kept})


COMPONENTS = (
    Component(
        kind="embedder",
        name="shared space",
        summary="Words and media of all six kinds in the embedded model's one space.",
    ),
)
