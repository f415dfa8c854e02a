"""LangChain's FAISS store, if it is installed: the one that everybody uses, sunset as it is."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from langchain_core.embeddings import FakeEmbeddings

from omni.extras import available

if TYPE_CHECKING:
    from omni.evaluation.memory_speed import Corpus


def wrapper(folder: Path, corpus: Corpus) -> Wrapper:
    """The store, filled; or one that says that it is not there."""
    return Wrapper(folder, corpus) if available("langchain_community") else Absent(folder, corpus)


class Wrapper:
    """`langchain_community.vectorstores.FAISS`, with its defaults but for inner products."""

    name = "LangChain FAISS"
    there = True

    def __init__(self, folder: Path, corpus: Corpus):
        self._folder = folder
        began = time.perf_counter()
        self._store = self._filled(corpus)
        self._store.save_local(str(folder))
        self._seconds = time.perf_counter() - began

    def _filled(self, corpus: Corpus) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from langchain_community.vectorstores import FAISS  # type: ignore[import-not-found]
            from langchain_community.vectorstores.utils import (  # type: ignore[import-not-found]
                DistanceStrategy,
            )

        self._class = FAISS
        ids = [str(n) for n in range(len(corpus.texts))]
        return FAISS.from_embeddings(
            zip(corpus.texts, corpus.vectors.tolist(), strict=True),
            _GIVEN,
            metadatas=[
                {"rank": int(rank), "id": id} for rank, id in zip(corpus.ranks, ids, strict=True)
            ],
            ids=ids,
            distance_strategy=DistanceStrategy.MAX_INNER_PRODUCT,
        )

    def ingested(self) -> dict[str, Any]:
        """How long filling and one saving took; nothing of it is safe before the saving."""
        return {
            "rival": f"{self.name}, in memory and saved once",
            "rival_seconds": round(self._seconds, 3),
        }

    def search(self, question: np.ndarray, most: int | None = None) -> Sequence[str]:
        """Ids of the nearest documents, of those with a rank below `most`."""
        where = None if most is None else {"rank": {"$lt": most}}
        found = self._store.similarity_search_with_score_by_vector(
            question.tolist(), k=10, filter=where
        )
        return [document.metadata["id"] for document, _ in found]

    def reopened(self) -> None:
        """Load it again and ask."""
        store = self._class.load_local(
            str(self._folder), _GIVEN, allow_dangerous_deserialization=True
        )
        store.similarity_search_by_vector([1.0] + [0.0] * (store.index.d - 1), k=10)

    def delete(self, ids: list[str]) -> None:
        """Delete, and save, since only that keeps it."""
        self._store.delete(ids)
        self._store.save_local(str(self._folder))


class Absent(Wrapper):
    """Stands where the package is not installed."""

    there = False

    def __init__(self, folder: Path, corpus: Corpus):
        del folder, corpus

    def ingested(self) -> dict[str, Any]:
        """Nothing."""
        return {}


_GIVEN = FakeEmbeddings(size=1)
"""Never asked: vectors are given."""
