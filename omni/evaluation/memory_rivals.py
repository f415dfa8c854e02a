"""What a memory is measured beside, where it is installed: LangChain's FAISS store and LanceDB."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from langchain_core.embeddings import FakeEmbeddings

from omni.extras import available

if TYPE_CHECKING:
    from omni.evaluation.memory_speed import Corpus


def rivals(folder: Path, corpus: Corpus) -> list[Wrapper | Lance]:
    """Those that are installed, filled with the corpus."""
    found: list[Wrapper | Lance] = []
    if available("langchain_community"):
        found.append(Wrapper(folder / "wrapper", corpus))
    if available("lancedb"):
        found.append(Lance(folder / "lance", corpus))
    return found


class Wrapper:
    """`langchain_community.vectorstores.FAISS`, with its defaults but for inner products."""

    name = "LangChain FAISS"
    limits: ClassVar = {"flat": 1.15, "chosen by measuring": 0.35}

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


class Lance:
    """A table of LanceDB, without an index, which is how it is exact; batches as large as ours."""

    name = "LanceDB, no index"
    limits: ClassVar[dict[str, float]] = {}

    def __init__(self, folder: Path, corpus: Corpus):
        self._folder = folder
        self._seconds = 0.0
        for start in range(0, len(corpus.texts), BATCH):
            part = slice(start, start + BATCH)
            began = time.perf_counter()
            self._put(corpus, part)
            self._seconds += time.perf_counter() - began
        self._table = self._opened()

    def _put(self, corpus: Corpus, part: slice) -> None:
        import pyarrow as arrow

        block = corpus.vectors[part]
        flat = arrow.array(block.reshape(-1))
        columns = {
            "id": [str(n) for n in range(part.start, part.start + len(block))],
            "text": corpus.texts[part],
            "rank": corpus.ranks[part],
            "vector": arrow.FixedSizeListArray.from_arrays(flat, block.shape[1]),
        }
        if part.start:
            self._opened().add(arrow.table(columns))
        else:
            self._connected().create_table("records", arrow.table(columns))

    def _connected(self) -> Any:
        import lancedb  # type: ignore[import-not-found]

        return lancedb.connect(str(self._folder))

    def _opened(self) -> Any:
        return self._connected().open_table("records")

    def ingested(self) -> dict[str, Any]:
        """How long filling took; without an index of words."""
        return {
            "rival": f"{self.name}, 5,000 at once, no words",
            "rival_seconds": round(self._seconds, 3),
        }

    def search(self, question: np.ndarray, most: int | None = None) -> Sequence[str]:
        """Ids of the nearest rows, of those with a rank below `most`, read with text and rank."""
        asked = self._table.search(question).distance_type("dot")
        if most is not None:
            asked = asked.where(f"rank < {most}", prefilter=True)
        found = asked.select(["id", "text", "rank", "_distance"]).limit(10).to_arrow()
        return found["id"].to_pylist()

    def reopened(self) -> None:
        """Open it again and ask."""
        table = self._opened()
        width = table.schema.field("vector").type.list_size
        table.search([1.0] + [0.0] * (width - 1)).limit(10).to_arrow()

    def delete(self, ids: list[str]) -> None:
        """Delete in one commit."""
        self._table.delete("id IN (" + ", ".join(f"'{id}'" for id in ids) + ")")


BATCH = 5_000
_GIVEN = FakeEmbeddings(size=1)
"""Never asked: vectors are given."""
