"""A memory as LangChain's `VectorStore`: documents in, documents out, with their origin."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.vectorstores import VectorStore
from langchain_core.vectorstores.utils import maximal_marginal_relevance

from omni.errors import UsageError
from omni.plugins import Component

from .contracts import Filter, Space, Vectors
from .record import Record
from .store import Memory
from .view import View

COMPONENTS = (
    Component(
        "store",
        "vector_store",
        "A memory as LangChain's VectorStore, exact under filters and safe from kills.",
    ),
)


class OmniVectorStore(VectorStore):
    """Documents of a namespace, found by what they mean.

    Scores are similarities: higher is nearer. Filters are those of `Backend`. A document that has
    an origin carries it in its metadata under `provenance`, one with media under `media`.

    Args:
        view: where they lie.
        embedding: puts texts into a space.
        space: that space; made from the embedding's own name if `None`. Give it if two embeddings
            of one class differ in their weights.
    """

    def __init__(self, view: View, embedding: Embeddings, *, space: Space | None = None):
        self.view = view
        self._embedding = embedding
        own = getattr(embedding, "space", None)
        self._space = space or (own if isinstance(own, Space) else None)

    @property
    def embeddings(self) -> Embeddings:
        """What puts texts into a space."""
        return self._embedding

    def add_texts(
        self,
        texts: Iterable[str],
        metadatas: list[dict] | None = None,
        *,
        ids: list[str] | None = None,
        **kwargs: Any,
    ) -> list[str]:
        """Store texts; an id that is there already is replaced."""
        texts = list(texts)
        metadatas = metadatas or [{} for _ in texts]
        if len(metadatas) != len(texts):
            raise UsageError(f"{len(texts)} texts were given and {len(metadatas)} metadatas")
        documents = [
            Document(text, metadata=meta) for text, meta in zip(texts, metadatas, strict=True)
        ]
        return self.add_documents(documents, ids=ids, **kwargs)

    def add_documents(
        self, documents: list[Document], ids: list[str] | None = None, **kwargs: Any
    ) -> list[str]:
        """Store documents; an id that is there already is replaced, one that is missing is made."""
        if not documents:
            return []
        vectors = self._embedding.embed_documents([one.page_content for one in documents])
        return self._add(documents, ids, vectors)

    async def aadd_documents(
        self, documents: list[Document], ids: list[str] | None = None, **kwargs: Any
    ) -> list[str]:
        """The same, embedding as the embedding does it asynchronously."""
        if not documents:
            return []
        vectors = await self._embedding.aembed_documents([one.page_content for one in documents])
        from langchain_core.runnables import run_in_executor

        return await run_in_executor(None, self._add, documents, ids, vectors)

    def _add(
        self, documents: Sequence[Document], ids: Sequence[str] | None, vectors: Sequence
    ) -> list[str]:
        if ids is not None and len(ids) != len(documents):
            raise UsageError(f"{len(documents)} documents were given and {len(ids)} ids")
        given = ids or [one.id for one in documents]
        named = [id or str(uuid.uuid4()) for id in given]
        # LangChain's `index` gives the same document twice in a batch: the last one counts.
        last = {id: place for place, id in enumerate(named)}
        places = sorted(last.values())
        block = np.asarray([vectors[place] for place in places], np.float32)
        records = [record_of(documents[place], named[place]) for place in places]
        self.view.put(records, {self.space(block.shape[-1]): list(block)})
        return named

    def delete(self, ids: list[str] | None = None, **kwargs: Any) -> bool:
        """Take documents out; all of the namespace without ids. Missing ids are no error."""
        self.view.delete(self.view.ids() if ids is None else ids)
        return True

    def get_by_ids(self, ids: Sequence[str], /) -> list[Document]:
        """Documents by id, without those that are not there."""
        return [document_of(record) for record in self.view.get(list(dict.fromkeys(ids)))]

    def similarity_search(
        self, query: str, k: int = 4, filter: Filter | None = None, **kwargs: Any
    ) -> list[Document]:
        """The `k` nearest documents."""
        return [one for one, _ in self.similarity_search_with_score(query, k, filter, **kwargs)]

    def similarity_search_with_score(
        self, query: str, k: int = 4, filter: Filter | None = None, **kwargs: Any
    ) -> list[tuple[Document, float]]:
        """The `k` nearest documents with their similarities."""
        return self._near(self._embedding.embed_query(query), k, filter)

    async def asimilarity_search_with_score(
        self, query: str, k: int = 4, filter: Filter | None = None, **kwargs: Any
    ) -> list[tuple[Document, float]]:
        """The same, embedding as the embedding does it asynchronously."""
        from langchain_core.runnables import run_in_executor

        vector = await self._embedding.aembed_query(query)
        return await run_in_executor(None, self._near, vector, k, filter)

    async def asimilarity_search(
        self, query: str, k: int = 4, filter: Filter | None = None, **kwargs: Any
    ) -> list[Document]:
        """The same without similarities."""
        found = await self.asimilarity_search_with_score(query, k, filter, **kwargs)
        return [one for one, _ in found]

    def similarity_search_by_vector(
        self, embedding: list[float], k: int = 4, filter: Filter | None = None, **kwargs: Any
    ) -> list[Document]:
        """The `k` documents nearest to a vector."""
        return [one for one, _ in self._near(embedding, k, filter)]

    def max_marginal_relevance_search(
        self,
        query: str,
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        filter: Filter | None = None,
        **kwargs: Any,
    ) -> list[Document]:
        """Near documents that differ from one another (Carbonell and Goldstein, 1998)."""
        vector = self._embedding.embed_query(query)
        return self.max_marginal_relevance_search_by_vector(vector, k, fetch_k, lambda_mult, filter)

    def max_marginal_relevance_search_by_vector(
        self,
        embedding: list[float],
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        filter: Filter | None = None,
        **kwargs: Any,
    ) -> list[Document]:
        """The same for a vector."""
        space = self.space(len(embedding))
        query = np.asarray(embedding, np.float32)
        ids = [id for id, _ in self.view.nearest(space, query, max(fetch_k, k), filter)]
        pairs = zip(ids, self.view.vectors(space, ids), strict=True)
        near = [(id, vector) for id, vector in pairs if vector is not None]
        if not near:
            return []
        chosen = maximal_marginal_relevance(
            query, [vector.tolist() for _, vector in near], lambda_mult, k
        )
        return self.get_by_ids([near[place][0] for place in chosen])

    @classmethod
    def from_texts(
        cls,
        texts: list[str],
        embedding: Embeddings,
        metadatas: list[dict] | None = None,
        *,
        ids: list[str] | None = None,
        root: Path | str | None = None,
        **kwargs: Any,
    ) -> OmniVectorStore:
        """A store of these texts in a memory.

        Args:
            texts: to be stored.
            embedding: puts them into a space.
            metadatas: one a text.
            ids: one a text; made if `None`.
            root: folder of the memory; it is made if it is not there.
            kwargs: of `Memory.open`.
        """
        if root is None:
            raise UsageError("say where the memory is to lie: from_texts(…, root='folder')")
        store = cls(Memory.open(root, **kwargs).bind(), embedding)
        store.add_texts(texts, metadatas, ids=ids)
        return store

    def space(self, width: int) -> Space:
        """Where vectors of this width lie."""
        if self._space is None:
            self._space = Space("langchain", width, digest_of(self._embedding))
        return self._space

    def _near(
        self, vector: Sequence[float], k: int, where: Filter | None
    ) -> list[tuple[Document, float]]:
        query: Vectors = np.asarray(vector, np.float32)
        found = self.view.nearest_records(self.space(len(query)), query, k, where)
        return [(document_of(record), score) for record, score in found]

    def _select_relevance_score_fn(self):
        metric = self._space.metric if self._space else "cosine"
        return _RELEVANCE[metric]


def record_of(document: Document, id: str) -> Record:
    """A document as a record."""
    return Record(id, text=document.page_content, meta=document.metadata)


def document_of(record: Record) -> Document:
    """A record as a document."""
    meta = dict(record.meta)
    if record.provenance is not None:
        meta["provenance"] = record.provenance.to_json()
    if record.media is not None:
        one = record.media
        meta["media"] = {
            "modality": one.modality,
            "mime": one.mime,
            "name": one.name,
            "digest": one.digest,
            "path": str(one.path),
        }
    return Document(id=record.id, page_content=record.text, metadata=meta)


_RELEVANCE = {
    "cosine": lambda score: (1 + score) / 2,
    "dot": lambda score: float(1 / (1 + np.exp(-score))),
    "l2": lambda score: 1 / (1 - score),
}
"""From a similarity to a share from 0 to 1."""


def digest_of(embedding: Embeddings) -> str:
    """What tells one embedding from another by what it says of itself."""
    kind = type(embedding)
    named = [getattr(embedding, name, None) for name in ("model", "model_name", "model_id")]
    told = [kind.__module__, kind.__qualname__, *(str(name) for name in named if name)]
    return hashlib.sha256("\x00".join(told).encode()).hexdigest()


plugin = OmniVectorStore
