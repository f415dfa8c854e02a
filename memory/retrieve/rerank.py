"""Looking again at what was found: by late interaction, or by a cross-encoder."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from omni.errors import MissingExtra, OmniError, Unsupported, UsageError
from omni.media import Media
from omni.plugins import Component

from ..contracts import Backend, Embedder, Reranker
from ..record import Hit, Query
from .late import late_scores


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a reranker says of hits.

    Attributes:
        scores: one a hit; `None` where it did not look, which leaves a hit in its place behind
            those that it did look at.
        notes: why it did not.
    """

    scores: Sequence[float | None]
    notes: Sequence[str] = ()


def verdict_of(reranker: Reranker, query: Query, hits: Sequence[Hit]) -> Verdict:
    """What any reranker says; where it fails, that, and the hits stay as they were.

    Raises:
        OmniError: if it answers with another number of scores than there are hits.
    """
    judge = getattr(reranker, "verdict", None)
    try:
        verdict = judge(query, hits) if judge else Verdict(reranker.score(query, hits))
    except OmniError as error:
        return Verdict([None] * len(hits), [f"not reranked: {error}"])
    if len(verdict.scores) != len(hits):
        raise OmniError(
            f"{type(reranker).__name__} gave {len(verdict.scores)} scores to {len(hits)} hits"
        )
    return verdict


def filled(scores: Sequence[float | None]) -> list[float]:
    """Scores with numbers, below all others and falling, where there are none."""
    least = min((score for score in scores if score is not None), default=0.0)
    given: list[float] = []
    for score in scores:
        if score is None:
            least = math.nextafter(least, -math.inf) - 1e-6
        given.append(least if score is None else score)
    return given


def query_items(query: Query, modalities: frozenset[str]) -> list[str | Media]:
    """What of a query an embedder takes."""
    words = [query.text] if query.text.strip() and "text" in modalities else []
    return [*words, *(one for one in query.media if one.modality in modalities)]


class MaxSimReranker:
    """Late interaction between the query's vectors and the stored ones of each hit.

    Args:
        backend: where the vectors are.
        embedder: of a space of several vectors an item.

    Raises:
        UsageError: if its items have one vector each.
    """

    def __init__(self, backend: Backend, embedder: Embedder):
        if not embedder.space.multi:
            raise UsageError(
                f"the space {embedder.space.name!r} has one vector an item; late interaction "
                "needs several: use the embedder 'late'"
            )
        self.backend, self.embedder = backend, embedder

    def score(self, query: Query, hits: Sequence[Hit]) -> list[float]:
        return filled(self.verdict(query, hits).scores)

    def verdict(self, query: Query, hits: Sequence[Hit]) -> Verdict:
        """Mean best likeness of each; nothing for those without vectors."""
        import numpy as np

        items = query_items(query, self.embedder.modalities)
        if not items:
            raise Unsupported(f"the space {self.embedder.space.name!r} takes nothing of the query")
        asked = np.concatenate(list(self.embedder.embed_queries(items)))
        stored = self.backend.vectors(self.embedder.space, [hit.record.id for hit in hits])
        scores = late_scores(asked, stored)
        missing = scores.count(None)
        return Verdict(scores, [f"{missing} hits have no vectors for it"] if missing else [])


class CrossEncoderReranker:
    """Question and text read together by a cross-encoder of sentence-transformers.

    It reads words: title, caption and text of a hit. Hits without words are left in their place.

    Args:
        model: a `CrossEncoder`, a folder, or a name in the hub's cache.
        batch: most pairs that are read at once.

    Raises:
        MissingExtra: if sentence-transformers is not installed.
        UsageError: if there is no such model on this machine.
    """

    def __init__(self, model: Any, *, batch: int = 32):
        self.model = _cross_encoder(str(model)) if isinstance(model, str) else model
        self.batch = batch
        self._lock = threading.Lock()

    def score(self, query: Query, hits: Sequence[Hit]) -> list[float]:
        return filled(self.verdict(query, hits).scores)

    def verdict(self, query: Query, hits: Sequence[Hit]) -> Verdict:
        """The model's score of each pair."""
        if not query.text.strip():
            raise Unsupported("a cross-encoder reads words, and the query has none")
        said = [words_of(hit) for hit in hits]
        places = [place for place, words in enumerate(said) if words]
        scores: list[float | None] = [None] * len(hits)
        if places:
            pairs = [(query.text, said[place]) for place in places]
            with self._lock:
                found = self.model.predict(
                    pairs, batch_size=self.batch, show_progress_bar=False, convert_to_numpy=True
                )
            for place, score in zip(places, found.tolist(), strict=True):
                scores[place] = float(score)
        silent = len(hits) - len(places)
        return Verdict(scores, [f"{silent} hits have no words to read"] if silent else [])


def words_of(hit: Hit) -> str:
    """Title, caption and text of a hit, each once."""
    record = hit.record
    caption = record.meta.get("caption")
    parts = [record.title, caption if isinstance(caption, str) else "", record.text]
    return "\n".join(dict.fromkeys(part.strip() for part in parts if part.strip()))


def _cross_encoder(name: str) -> Any:
    try:
        from sentence_transformers import CrossEncoder
    except ImportError:
        raise MissingExtra(
            'a cross-encoder needs sentence-transformers: run  pip install "omni-agent[sentences]"'
        ) from None
    try:
        return CrossEncoder(name, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UsageError(f"no cross-encoder {name!r} on this machine: {reason}") from None


COMPONENTS = (
    Component(
        "reranker",
        "maxsim",
        "Late interaction over stored multi-vectors.",
        system="CLaMR",
        paper="ColBERT (arXiv 2004.12832), CLaMR (arXiv 2506.06144)",
    ),
    Component(
        "reranker",
        "cross-encoder",
        "Question and text read together, through sentence-transformers.",
    ),
)
