"""Any model of sentence-transformers by its name: texts, and media where the model has them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omni.errors import UsageError
from omni.extras import need
from omni.modality import modality as plugin
from omni.pixels import flatten
from omni.plugins import Component

from ..contracts import Space, Vectors
from .grouping import TEXT, GroupedEmbedder, Progress, refuse_blank, unit
from .weights import digest_of_folder, digest_of_module

if TYPE_CHECKING:
    from omni.device import Placement

NAME = "sentence-transformers"
_KNOWN = frozenset({TEXT, "image", "audio", "video"})


class SentenceTransformerEmbedder(GroupedEmbedder):
    """What a model of sentence-transformers makes of texts and, if it takes them, of media.

    Prompts that the model has for queries and for documents are used.

    Args:
        model: a folder, or a name in the hub's cache.
        placement: device and number format; `omni.device.place()` decides if it is `None`.
        batch: most items that are read at once.
        progress: told how many items are done, and of how many.

    Raises:
        MissingExtra: if sentence-transformers is not installed.
        UsageError: if there is no such model.
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

        placement = placement or place()
        self.batch, self.progress = batch, progress
        self._model = _load(str(model), placement)
        self.modalities = _modalities(self._model)
        width = int(self._model.get_embedding_dimension() or 0)
        known = Path(model).is_dir()
        digest = digest_of_folder(model) if known else digest_of_module(self._model)
        self.space = Space(NAME, width, digest)
        self._lock = threading.Lock()

    def read(self, modality: str, items: Sequence[Any]) -> Sequence[Vectors]:
        return self._encoded(self._model.encode_document, modality, items)

    def read_queries(self, modality: str, items: Sequence[Any]) -> Sequence[Vectors]:
        return self._encoded(self._model.encode_query, modality, items)

    def _encoded(self, encode: Any, modality: str, items: Sequence[Any]) -> Sequence[Vectors]:
        if modality == TEXT:
            refuse_blank(items)
        given = [one if modality == TEXT else _value(modality, one) for one in items]
        with self._lock:
            found = encode(given, batch_size=self.batch, show_progress_bar=False)
        return list(unit(found))


def _load(name: str, placement: Placement) -> Any:
    package: Any = need("sentence_transformers", extra="sentences")
    try:
        return package.SentenceTransformer(
            name,
            device=str(placement.device),
            model_kwargs={"dtype": placement.dtype, "use_safetensors": True},
        ).eval()
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:300]
        raise UsageError(f"cannot load {name!r} with sentence-transformers: {reason}") from None


def _modalities(model: Any) -> frozenset[str]:
    """What it takes; those of its names that are no modality of ours are passed over."""
    return frozenset(one for one in model.modalities if one in _KNOWN)


def _value(modality: str, item: Any) -> Any:
    """Media in the form that the package wants."""
    value = plugin(modality).load(item)
    if modality == "image":
        return flatten(value)
    if modality == "audio":
        return {"array": value.samples.mean(1), "sampling_rate": value.sample_rate}
    # Frames stand before channels' rows, as in transformers' video processors.
    frames = value.frames.transpose(0, 3, 1, 2)
    return {"array": frames, "video_metadata": {"fps": len(frames) / max(value.seconds, 1e-3)}}


COMPONENTS = (
    Component(
        kind="embedder",
        name="sentence-transformers",
        summary="Any model of sentence-transformers by name, media included where it takes them.",
        paper="Sentence-BERT (arXiv 1908.10084)",
    ),
)
