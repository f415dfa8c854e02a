"""Any embedder as LangChain `Embeddings`, with methods for media beside those for texts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_core.embeddings import Embeddings

from omni.errors import Unsupported, UsageError
from omni.media import Media
from omni.modality import media_from_bytes, open_media

from ..contracts import Embedder
from .grouping import TEXT
from .opening import open_embedder

if TYPE_CHECKING:
    from langchain_core.documents.base import Blob


class MediaEmbeddings(Embeddings):
    """LangChain's face of an embedder.

    Args:
        embedder: one, or what `open_embedder` takes, such as `sentences` or `shared`.
        options: for `open_embedder`.

    Raises:
        UsageError: for an embedder whose items have several vectors each, which LangChain has no
            place for.
    """

    def __init__(self, embedder: Embedder | str = "sentences", **options: Any):
        found = open_embedder(embedder, **options) if isinstance(embedder, str) else embedder
        if found.space.multi:
            raise UsageError(
                f"the space {found.space.name!r} has several vectors an item, and LangChain's "
                "Embeddings one: search it through Memory instead"
            )
        self.embedder = found

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return _listed(self.embedder.embed(self._worded(texts)))

    def embed_query(self, text: str) -> list[float]:
        return _listed(self.embedder.embed_queries(self._worded([text])))[0]

    def embed_media(self, media: Sequence[Media | Path]) -> list[list[float]]:
        """Vectors of media, or of files, that are to be found."""
        return _listed(self.embedder.embed([_opened(one) for one in media]))

    def embed_media_query(self, media: Media | Path) -> list[float]:
        """The vector of a media item, or of a file, that is looked for."""
        return _listed(self.embedder.embed_queries([_opened(media)]))[0]

    def embed_blobs(self, blobs: Sequence[Blob]) -> list[list[float]]:
        """Vectors of LangChain blobs; which modality one is of is found in its bytes."""
        return self.embed_media([_of_blob(blob) for blob in blobs])

    async def aembed_media(self, media: Sequence[Media | Path]) -> list[list[float]]:
        return await asyncio.to_thread(self.embed_media, media)

    async def aembed_media_query(self, media: Media | Path) -> list[float]:
        return await asyncio.to_thread(self.embed_media_query, media)

    async def aembed_blobs(self, blobs: Sequence[Blob]) -> list[list[float]]:
        return await asyncio.to_thread(self.embed_blobs, blobs)

    def _worded(self, texts: Sequence[str]) -> Sequence[str]:
        if TEXT not in self.embedder.modalities:
            raise Unsupported(
                f"the space {self.embedder.space.name!r} has no place for text; it takes: "
                f"{', '.join(sorted(self.embedder.modalities))}"
            )
        return texts


def _opened(media: Media | Path) -> Media:
    return media if isinstance(media, Media) else open_media(media)


def _of_blob(blob: Blob) -> Media:
    name = Path(str(blob.source or "blob")).name
    if blob.data is None and blob.path is not None:
        return open_media(Path(blob.path))
    return media_from_bytes(blob.as_bytes(), name)


def _listed(vectors: Any) -> list[list[float]]:
    return vectors.tolist()
