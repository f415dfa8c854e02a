"""The search and the rerankers as LangChain knows them: a retriever, and compressors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun, Callbacks
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda
from pydantic import ConfigDict, Field

from omni.media import Media, hash_file

from ..contracts import Filter
from ..record import Hit, Provenance, Query, Record
from .citing import cite
from .rerank import verdict_of
from .search import Cascade, Searcher
from .threshold import near_the_best


class OmniRetriever(BaseRetriever):
    """Documents from a memory, each with its score and its citation in the metadata."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    searcher: Any
    """A `Searcher`."""
    k: int = Field(default=4, ge=1)
    """How many documents."""
    where: Any = None
    """Which records may be found; see `Filter`."""
    cascade: Any = None
    """A `Cascade`, if not the searcher's own."""

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,
        k: int | None = None,
        where: Filter | None = None,
    ) -> list[Document]:
        searcher: Searcher = self.searcher
        plan: Cascade | None = self.cascade
        found = searcher.search(
            Query(query), self.k if k is None else k, where or self.where, cascade=plan
        )
        return [document_of(hit) for hit in found.hits]


class RerankerCompressor(BaseDocumentCompressor):
    """Documents in the order that a reranker gives them, and only those that come near the best.

    Documents that the reranker did not look at follow the others in their order; when there is a
    threshold they are left out.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    reranker: Any
    """A `Reranker`: late interaction, a cross-encoder or a judge."""
    k: int = Field(default=4, ge=1)
    """How many documents."""
    share: float | None = None
    """Of the best score that a document must have; needs scores from 0 up."""

    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> list[Document]:
        """The documents that are left; their metadata says the score under `relevance_score`."""
        return self.compress(documents, Query(query))

    def compress(self, documents: Sequence[Document], query: Query) -> list[Document]:
        """The same for a query that may hold media."""
        hits = [hit_of(document, place) for place, document in enumerate(documents)]
        if not hits:
            return []
        scores = verdict_of(self.reranker, query, hits).scores
        looked = [place for place, score in enumerate(scores) if score is not None]
        known = [score for score in scores if score is not None]
        if self.share is not None and looked:
            order = [looked[place] for place in near_the_best(known, self.share, self.k)]
        else:
            ranked = sorted(looked, key=lambda place: -(scores[place] or 0.0))
            order = [*ranked, *(place for place, score in enumerate(scores) if score is None)]
        return [_scored(documents[place], scores[place]) for place in order[: self.k]]

    def as_runnable(self) -> RunnableLambda:
        """Takes `{"documents": …, "query": …}`; a query may be a `Query` with media."""

        def run(given: dict[str, Any]) -> list[Document]:
            query = given["query"]
            asked = query if isinstance(query, Query) else Query(query)
            return self.compress(given["documents"], asked)

        return RunnableLambda(run)


def document_of(hit: Hit) -> Document:
    """A hit as a document."""
    record = hit.record
    meta: dict[str, Any] = dict(record.meta)
    meta |= {"title": record.title, "modality": record.modality, "relevance_score": hit.score}
    meta["citation"] = cite(hit).model_dump(mode="json", exclude_none=True)
    if record.provenance is not None:
        meta["provenance"] = record.provenance.to_json()
    if record.media is not None:
        meta["media"] = {
            "modality": record.media.modality,
            "mime": record.media.mime,
            "name": record.media.name,
            "digest": record.media.digest,
            "path": str(record.media.path),
        }
    return Document(id=record.id, page_content=record.text, metadata=meta)


def hit_of(document: Document, place: int) -> Hit:
    """A document of any retriever as a hit; documents come in the order of their worth."""
    meta = {key: value for key, value in document.metadata.items() if key != "provenance"}
    origin = document.metadata.get("provenance")
    record = Record(
        id=document.id or f"document-{place + 1}",
        text=document.page_content or " ",
        media=_media(document.metadata.get("media")),
        title=str(document.metadata.get("title") or ""),
        meta=meta,
        provenance=Provenance.from_json(origin) if isinstance(origin, dict) else None,
    )
    return Hit(record, -float(place))


def _media(found: Any) -> Media | None:
    """Media that a document names, if the file is there with just these bytes.

    A document of a stranger may name any file; only one who knows its bytes can name its digest.
    """
    try:
        path, digest = Path(found["path"]), found["digest"]
        actual, size = hash_file(path)
        if actual != digest:
            return None
        return Media(found["modality"], found["mime"], found["name"], digest, size, path=path)
    except (TypeError, KeyError, OSError, ValueError):
        return None


def _scored(document: Document, score: float | None) -> Document:
    meta = dict(document.metadata)
    meta.pop("relevance_score", None)
    if score is not None:
        meta["relevance_score"] = score
    return Document(id=document.id, page_content=document.page_content, metadata=meta)
