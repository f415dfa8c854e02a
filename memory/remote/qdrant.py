"""A memory in Qdrant: a server or a cluster of them; without one, Qdrant's own local mode.

One collection holds the records, a named vector a space, and a sparse vector the words; another
holds spaces and rights. Local mode looks at all vectors and lets one process in.
"""

from __future__ import annotations

import hashlib
import os
import uuid
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from omni.errors import OmniError, StoreError
from omni.extras import need
from omni.plugins import Component

from ..contracts import Space, Vectors
from ..words import words_of
from .conditions import Condition, Every, Has, Not, Number, OneOf, Some, Within
from .engine import Entry, column_of

_NAMES = uuid.UUID("6f6d6e69-0000-4000-8000-000000000000")
_PAGE = 512
_SATURATION, _LENGTHS, _LONG = 1.2, 0.75, 100.0
"""BM25's k1, b and the length of an average text, which a collection cannot tell."""


class QdrantEngine:
    """Implements `Engine`.

    Args:
        name: of the collection.
        url: of a server; its key is taken from `QDRANT_API_KEY`.
        folder: of local mode, if there is no server.

    Raises:
        MissingExtra: if the client is not installed.
        StoreError: if it cannot be reached, or another process has the folder open.
    """

    name = "Qdrant"

    def __init__(self, name: str, *, url: str | None = None, folder: Path | None = None):
        package: Any = need("qdrant_client", extra="qdrant")
        self._models: Any = package.models
        self._place = url or str(folder)
        self._local = url is None
        with self._translated():
            if url is None:
                self._client = package.QdrantClient(path=str(folder))
            else:
                key = os.environ.get("QDRANT_API_KEY")
                self._client = package.QdrantClient(url=url, api_key=key, check_compatibility=False)
        self._records, self._settings = name, f"{name}_settings"
        try:
            with self._translated():
                self._create()
        except OmniError:
            self.close()
            raise

    def write(
        self, entries: Sequence[Entry], vectors: Mapping[Space, Sequence[Vectors | None]]
    ) -> None:
        with self._translated():
            for space in vectors:
                self._enter(space)
            points = []
            for place, one in enumerate(entries):
                given: dict[str, Any] = {"words": self._sparse(one.words)}
                for space, each in vectors.items():
                    vector = each[place]
                    if vector is not None:
                        given[column_of(space)] = vector.tolist()
                id = _point(one.path, one.id)
                points.append(self._models.PointStruct(id=id, payload=_payload(one), vector=given))
            self._client.upsert(self._records, points, wait=True)

    def remove(self, where: Condition) -> int:
        with self._translated():
            there = self._filter(where)
            count = self._client.count(self._records, there, exact=True).count
            if count:
                selector = self._models.FilterSelector(filter=there)
                self._client.delete(self._records, selector, wait=True)
            return count

    def documents(self, where: Condition) -> list[str]:
        return [point.payload["document"] for point in self._points(where, ["document"])]

    def ids(self, where: Condition) -> list[str]:
        return sorted(point.payload["id"] for point in self._points(where, ["id"]))

    def labelled(self, where: Condition) -> Iterable[tuple[str, Sequence[str]]]:
        points = self._points(where, ["id", "labels"])
        return ((point.payload["id"], point.payload["labels"]) for point in points)

    def nearest(
        self, space: Space, vector: Vectors, k: int, where: Condition
    ) -> list[tuple[str, float]]:
        found = self._query(vector.tolist(), column_of(space), k, where)
        if space.metric == "l2" and not space.multi:
            return [(id, -(score**2)) for id, score in found]
        return found

    def matching(self, words: str, k: int, where: Condition) -> list[tuple[str, float]]:
        asked = sorted({_number(word) for word in words_of(words)})
        if not asked:
            return []
        query = self._models.SparseVector(indices=asked, values=[1.0] * len(asked))
        found = self._query(query, "words", k, where)
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))

    def vectors(self, space: Space, where: Condition) -> dict[str, Vectors]:
        column = column_of(space)
        points = self._points(where, ["id"], [column])
        return {
            point.payload["id"]: np.asarray(point.vector[column], np.float32)
            for point in points
            if column in (point.vector or {})
        }

    def holds(self, space: Space, where: Condition) -> bool:
        there = self._models.HasVectorCondition(has_vector=column_of(space))
        with self._translated():
            both = self._models.Filter(must=[self._filter(where), there])
            return bool(self._client.scroll(self._records, both, limit=1)[0])

    def spaces(self) -> list[Space]:
        found = [Space(**one["space"]) for one in self._told("space")]
        return sorted(found, key=lambda space: (space.name, space.digest))

    def grants(self) -> Mapping[tuple[str, str], int]:
        return {(one["principal"], one["path"]): one["level"] for one in self._told("right")}

    def grant(self, principal: str, path: str, level: int | None) -> None:
        id = _point("right", f"{principal}\x00{path}")
        with self._translated():
            if level is None:
                self._client.delete(self._settings, [id], wait=True)
                return
            told = {"kind": "right", "principal": principal, "path": path, "level": level}
            self._note(id, told)

    def tidy(self) -> None:
        """Nothing to do: a server does it by itself."""

    def close(self) -> None:
        self._client.close()

    def _create(self) -> None:
        """Make both collections, if they are not there."""
        models, client = self._models, self._client
        if not client.collection_exists(self._records):
            words = models.SparseVectorParams(modifier=models.Modifier.IDF)
            client.create_collection(
                self._records, vectors_config={}, sparse_vectors_config={"words": words}
            )
            if not self._local:
                for field in ("path", "id", "labels"):
                    keyword = models.PayloadSchemaType.KEYWORD
                    client.create_payload_index(self._records, field, keyword, wait=True)
        if not client.collection_exists(self._settings):
            client.create_collection(self._settings, vectors_config={})

    def _enter(self, space: Space) -> None:
        """Make room for a space, if there is none."""
        if space in self.spaces():
            return
        models, column = self._models, column_of(space)
        euclidean = space.metric == "l2" and not space.multi
        dense = models.DenseVectorConfig(
            size=space.width,
            distance=models.Distance.EUCLID if euclidean else models.Distance.DOT,
        )
        if space.multi:
            most = models.MultiVectorComparator.MAX_SIM
            dense.multivector_config = models.MultiVectorConfig(comparator=most)
        config = models.DenseVectorNameConfig(dense=dense)
        self._client.create_vector_name(self._records, column, config)
        self._note(_point("space", column), {"kind": "space", "space": asdict(space)})

    def _note(self, id: str, told: dict[str, Any]) -> None:
        point = self._models.PointStruct(id=id, payload=told, vector={})
        self._client.upsert(self._settings, [point], wait=True)

    def _told(self, kind: str) -> Iterator[dict[str, Any]]:
        models = self._models
        match = models.FieldCondition(key="kind", match=models.MatchValue(value=kind))
        with self._translated():
            yield from (one.payload for one in self._pages(self._settings, match, True, False))

    def _points(
        self, where: Condition, fields: list[str], vectors: list[str] | bool = False
    ) -> Iterator[Any]:
        with self._translated():
            yield from self._pages(self._records, self._filter(where), fields, vectors)

    def _pages(self, collection: str, where: Any, fields: Any, vectors: Any) -> Iterator[Any]:
        place = None
        while True:
            found, place = self._client.scroll(
                collection,
                self._models.Filter(must=[where]),
                limit=_PAGE,
                offset=place,
                with_payload=fields,
                with_vectors=vectors,
            )
            yield from found
            if place is None:
                return

    def _query(self, query: Any, using: str, k: int, where: Condition) -> list[tuple[str, float]]:
        with self._translated():
            found = self._client.query_points(
                self._records,
                query=query,
                using=using,
                query_filter=self._filter(where),
                limit=k,
                with_payload=["id"],
            )
        return [(point.payload["id"], point.score) for point in found.points]

    def _sparse(self, words: str) -> Any:
        """Weights that, times those of the server, come to BM25."""
        tokens = words_of_all(words)
        size = _SATURATION * (1 - _LENGTHS + _LENGTHS * len(tokens) / _LONG)
        counts = Counter(map(_number, tokens))
        weights = [n * (_SATURATION + 1) / (n + size) for n in counts.values()]
        return self._models.SparseVector(indices=list(counts), values=weights)

    def _filter(self, given: Condition) -> Any:
        models = self._models
        if isinstance(given, Every):
            return models.Filter(must=[self._filter(part) for part in given.parts])
        if isinstance(given, Some):
            parts = [self._filter(part) for part in given.parts]
            return models.Filter(should=parts) if parts else self._filter(OneOf(()))
        if isinstance(given, Not):
            return models.Filter(must_not=[self._filter(given.part)])
        if isinstance(given, OneOf):
            return models.FieldCondition(key="id", match=models.MatchAny(any=list(given.ids)))
        if isinstance(given, Number):
            bound = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}[given.sign]
            side = "least" if given.sign.startswith("<") else "most"
            return models.FieldCondition(
                key=f"{side}.{_key(given.field)}", range=models.Range(**{bound: given.value})
            )
        assert isinstance(given, Within | Has)
        field, value = (
            ("path", given.path) if isinstance(given, Within) else ("labels", given.label)
        )
        return models.FieldCondition(key=field, match=models.MatchValue(value=value))

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Tell what Qdrant says in a line for people."""
        try:
            yield
        except OmniError:
            raise
        except Exception as error:
            if not type(error).__module__.startswith(("qdrant_client", "httpx", "builtins")):
                raise
            told = " ".join(str(error).split())[:300]
            raise StoreError(f"Qdrant at {self._place}: {told}") from error


def words_of_all(text: str) -> list[str]:
    """The words of a text, each as often as it comes."""
    return [word for part in text.split() for word in words_of(part)]


def _payload(entry: Entry) -> dict[str, Any]:
    return {
        "path": entry.path,
        "id": entry.id,
        "document": entry.document,
        "labels": list(entry.marks.labels),
        "least": {_key(field): value for field, value in entry.marks.least.items()},
        "most": {_key(field): value for field, value in entry.marks.most.items()},
    }


def _key(field: str) -> str:
    """A field as the name of a payload's, in which dots and brackets would mean something."""
    return "f" + hashlib.sha256(field.encode()).hexdigest()[:16]


def _point(path: str, id: str) -> str:
    return str(uuid.uuid5(_NAMES, f"{len(path)}\x00{path}{id}"))


def _number(word: str) -> int:
    return zlib.crc32(word.encode())


COMPONENTS = (
    Component("store", "qdrant", "A memory in Qdrant: a server, a cluster, or its local mode."),
)
