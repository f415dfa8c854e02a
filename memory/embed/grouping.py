"""Items of several kinds through an embedder: sorted by modality, in batches, checked, in order.

Shapes: G items, V vectors of one item, W width of a space.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from omni.errors import MediaError, OmniError, Unsupported, UsageError
from omni.media import Media

from ..contracts import Space, Vectors

TEXT = "text"

Progress = Callable[[int, int], None]
"""Is told how many items are done, and of how many."""

Read = Callable[[str, Sequence[Any]], Sequence[Vectors]]
"""Vectors `[W]` or `[V, W]` of a batch of items of one modality."""


class GroupedEmbedder(ABC):
    """What embedders have in common; each reads one batch of one modality.

    Attributes:
        batch: most items that are read at once.
        progress: told after each batch how many items are done, and of how many.
    """

    space: Space
    modalities: frozenset[str]
    batch: int = 32
    progress: Progress | None = None

    def embed(self, items: Sequence[str | Media]) -> Any:
        return self._embed(items, self.read)

    def embed_queries(self, items: Sequence[str | Media]) -> Any:
        return self._embed(items, self.read_queries)

    @abstractmethod
    def read(self, modality: str, items: Sequence[Any]) -> Sequence[Vectors]:
        """Vectors `[W]`, in a `multi` space `[V, W]`, of each of a batch of one modality."""

    def read_queries(self, modality: str, items: Sequence[Any]) -> Sequence[Vectors]:
        """The same of what is looked for."""
        return self.read(modality, items)

    def _embed(self, items: Sequence[str | Media], read: Read) -> Any:
        found = embed_grouped(
            items,
            read,
            space=self.space,
            modalities=self.modalities,
            batch=self.batch,
            progress=self.progress,
        )
        return found if self.space.multi else stacked(found, self.space.width)


def embed_grouped(
    items: Sequence[str | Media],
    read: Read,
    *,
    space: Space,
    modalities: frozenset[str],
    batch: int,
    progress: Progress | None = None,
) -> list[Vectors]:
    """Vectors of each item, in the order of the items.

    Args:
        items: strings and media.
        read: embeds one batch of one modality.
        space: where the vectors must lie.
        modalities: what is taken.
        batch: most items that are read at once.
        progress: told after each batch.

    Raises:
        UsageError: for an item that is neither text nor media.
        Unsupported: for media of a modality that the embedder does not take.
        OmniError: if a vector is not finite or of the wrong width.
    """
    places: dict[str, list[int]] = {}
    for place, item in enumerate(items):
        places.setdefault(_modality(item, place, space, modalities), []).append(place)
    found: list[Vectors] = [np.empty(0, np.float32)] * len(items)
    done = 0
    for modality, mine in places.items():
        for start in range(0, len(mine), batch):
            chosen = mine[start : start + batch]
            vectors = read(modality, [items[place] for place in chosen])
            for place, vector in zip(chosen, vectors, strict=True):
                found[place] = _checked(vector, space, modality)
            done += len(chosen)
            if progress is not None:
                progress(done, len(items))
    return found


def stacked(vectors: Sequence[Vectors], width: int) -> Vectors:
    """One array `[G, W]` of vectors `[W]`, also where there are none."""
    return np.stack(vectors) if len(vectors) else np.empty((0, width), np.float32)


def unit(vectors: Any) -> Vectors:
    """Vectors of unit length, float32; what is zero stays zero."""
    found = np.asarray(vectors, np.float32)
    length = np.linalg.norm(found, axis=-1, keepdims=True)
    return found / np.maximum(length, 1e-12)


def refuse_blank(texts: Sequence[str]) -> None:
    """Say so if a text has no words.

    Raises:
        UsageError: naming the first such text.
    """
    for place, text in enumerate(texts):
        if not text.strip():
            raise UsageError(f"text {place + 1} of {len(texts)} is blank: nothing to embed in it")


def _modality(item: Any, place: int, space: Space, modalities: frozenset[str]) -> str:
    if not isinstance(item, str | Media):
        raise UsageError(
            f"item {place + 1} to embed is {type(item).__name__}: wanted a string or media "
            "(open a file with omni.modality.open_media)"
        )
    found = TEXT if isinstance(item, str) else item.modality
    if isinstance(item, Media) and found == TEXT:
        raise MediaError(
            f"{item.name} is a document: embed the text of its passages (ingestion does so)"
        )
    if found not in modalities:
        raise Unsupported(
            f"the space {space.name!r} has no place for {found!r}; "
            f"it takes: {', '.join(sorted(modalities)) or 'nothing'}"
        )
    return found


def _checked(vector: Any, space: Space, modality: str) -> Vectors:
    found = np.ascontiguousarray(vector, np.float32)
    if found.ndim != (2 if space.multi else 1) or found.shape[-1] != space.width:
        raise OmniError(
            f"the embedder of the space {space.name!r} made a vector of shape "
            f"{found.shape} for {modality!r}: wanted width {space.width}"
        )
    if not np.isfinite(found).all():
        raise OmniError(
            f"the embedder of the space {space.name!r} made a vector for {modality!r} that is not "
            "finite: its weights are damaged or its number format is too narrow (try float32)"
        )
    return found
