"""A memory as LangChain's `DocumentIndex`, which is a retriever, too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.indexing import UpsertResponse
from langchain_core.indexing.base import DeleteResponse, DocumentIndex
from pydantic import ConfigDict

from omni.errors import UsageError
from omni.plugins import Component

from .vector_store import OmniVectorStore

COMPONENTS = (
    Component(
        "store",
        "document_index",
        "A memory as LangChain's DocumentIndex and retriever.",
    ),
)


class OmniDocumentIndex(DocumentIndex):
    """Documents that are put, fetched and asked for.

    Attributes:
        store: where they lie.
        k: how many are found.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    store: OmniVectorStore
    k: int = 4

    def upsert(self, items: Sequence[Document], /, **kwargs: Any) -> UpsertResponse:
        """Store documents, all or none; an id that is there already is replaced."""
        return UpsertResponse(succeeded=self.store.add_documents(list(items)), failed=[])

    def delete(self, ids: list[str] | None = None, **kwargs: Any) -> DeleteResponse:
        """Take documents out.

        Raises:
            ValueError: without ids.
        """
        if ids is None:
            raise ValueError("say which documents to delete: delete(ids=[…])")
        there = [record.id for record in self.store.view.get(ids)]
        count = self.store.view.delete(ids)
        return DeleteResponse(num_deleted=count, succeeded=there, failed=[], num_failed=0)

    def get(self, ids: Sequence[str], /, **kwargs: Any) -> list[Document]:
        """Documents by id, without those that are not there."""
        return self.store.get_by_ids(ids)

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, **kwargs: Any
    ) -> list[Document]:
        unknown = set(kwargs) - {"k", "filter"}
        if unknown:
            raise UsageError(f"a search takes k and filter, not {', '.join(sorted(unknown))}")
        return self.store.similarity_search(query, kwargs.get("k", self.k), kwargs.get("filter"))


plugin = OmniDocumentIndex
