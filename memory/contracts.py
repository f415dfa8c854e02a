"""What the parts of memory ask of one another; each is implemented by several.

Shapes: G items, V vectors of one item, W width of a space.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from omni.media import Media

from .record import Hit, Query, Record

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Space:
    """A vector space. Vectors of different spaces are never compared.

    Attributes:
        name: such as `text` or `shared`.
        width: of a vector.
        digest: of the model that makes the vectors; another model is another space.
        metric: how vectors are compared; with `cosine` they have unit length.
        multi: whether an item has several vectors, which are compared by late interaction.
    """

    name: str
    width: int
    digest: str
    metric: Literal["cosine", "dot", "l2"] = "cosine"
    multi: bool = False


class Embedder(Protocol):
    """Puts texts and media into a space.

    Attributes:
        space: where its vectors lie.
        modalities: what it takes; `text` stands for strings.
    """

    space: Space
    modalities: frozenset[str]

    def embed(self, items: Sequence[str | Media]) -> Vectors | Sequence[Vectors]:
        """Vectors `[G, W]` of things to be found; of a `multi` space, `[V, W]` of each."""
        ...

    def embed_queries(self, items: Sequence[str | Media]) -> Vectors | Sequence[Vectors]:
        """The same of things that are looked for; differs where a model was trained so."""
        ...


Filter = Mapping[str, Any]
"""Which records may be found: `{"field": value}` or `{"field": {"$op": value}}`, all of which have
to hold; `$and`, `$or` and `$not` join filters. Operators: `$eq $ne $in $nin $lt $lte $gt $gte
$exists $contains`. Fields are names in `Record.meta`, or `@kind`, `@modality`, `@source`, `@page`,
`@created`, `@event_time`, `@id`.
"""


class Backend(Protocol):
    """Where records lie; seen through one principal's namespace, and nothing beyond it."""

    def put(
        self, records: Sequence[Record], vectors: Mapping[Space, Sequence[Vectors | None]]
    ) -> list[str]:
        """Store records, each with its vectors, in one transaction; their ids.

        When this returns the records survive a kill and are found by every search.

        Args:
            records: an id that is there already is replaced.
            vectors: by space, one a record: `[W]`, `[V, W]` in a `multi` space, or `None`.
        """
        ...

    def get(self, ids: Sequence[str]) -> list[Record]:
        """Records by id, in that order, without those that are not there."""
        ...

    def delete(self, ids: Sequence[str]) -> int:
        """Take records out; how many were there."""
        ...

    def nearest(
        self, space: Space, vector: Vectors, k: int, where: Filter | None = None
    ) -> list[tuple[str, float]]:
        """Ids and similarities of the `k` nearest in a space, the nearest first."""
        ...

    def matching(self, words: str, k: int, where: Filter | None = None) -> list[tuple[str, float]]:
        """Ids and scores of the `k` best by their words, the best first."""
        ...

    def vectors(self, space: Space, ids: Sequence[str]) -> list[Vectors | None]:
        """Stored vectors: `[W]`, `[V, W]` in a `multi` space, `None` where there is none."""
        ...

    def spaces(self) -> list[Space]:
        """All that have vectors."""
        ...


class Reranker(Protocol):
    """Looks again at what was found, and more closely."""

    def score(self, query: Query, hits: Sequence[Hit]) -> list[float]:
        """How well each answers the query, higher is better; the order of `hits` is kept."""
        ...
