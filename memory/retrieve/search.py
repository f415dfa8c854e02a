"""The cascade: legs, fusion, late interaction, reranking, threshold, diversity, each optional."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from omni.errors import OmniError, UsageError
from omni.modality import modality
from omni.plugins import Component

from ..contracts import Backend, Embedder, Filter, Reranker, Space, Vectors
from ..record import Hit, Query, Record
from .composing import Composer
from .diversify import diversify
from .explain import Explain, Found, Stage
from .fuse import Blend, Leg, fuse
from .graph import GraphLeg
from .late import late_scores, typed_score
from .rerank import filled, query_items, verdict_of
from .threshold import near_the_best

WORDS = "words"
"""Name of the leg that looks for words; the others are named as their spaces."""

_LONGEST_QUERY = 2_000


@dataclass(frozen=True, slots=True)
class Cascade:
    """How far each stage goes.

    Attributes:
        depth: candidates of each leg.
        late: how many of the fused are compared by late interaction.
        rerank: how many the reranker looks at.
        mixed: whether a reranker's scores are added to those before, each in its own spread,
            instead of taking their place.
        share: of the best reranker's score that a hit must have; `None` keeps all.
        relevance: what relevance counts against difference; `None` leaves out diversifying.
        whole: one hit a file, which is scored by the best of its pieces.
    """

    depth: int = 50
    late: int = 50
    rerank: int = 20
    mixed: bool = False
    share: float | None = None
    relevance: float | None = None
    whole: bool = False

    def __post_init__(self) -> None:
        for name in ("depth", "late", "rerank"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} of a search is from 1 up, not {getattr(self, name)}")


class Searcher:
    """Finds records by words, by media of any modality, or by several of them at once.

    Several things asked for at once are composed within a space by adding their unit vectors
    (ALIGN, arXiv 2102.05918): a picture and "at night" find what is near to both.

    Args:
        backend: where to look.
        embedders: those whose spaces have vectors there are legs.
        late: of a space of several vectors, for the stage of late interaction.
        reranker: looks at the best again.
        graph: a leg that goes by names; the records were read for them by `relate`.
        composer: makes one thing to look for of media and words; without it their mean is taken.
        weights: how legs are put together, or their weights by name; even where `None`.
        cascade: how far stages go.
    """

    def __init__(
        self,
        backend: Backend,
        embedders: Sequence[Embedder] = (),
        *,
        late: Embedder | None = None,
        graph: GraphLeg | None = None,
        reranker: Reranker | None = None,
        composer: Composer | None = None,
        weights: Blend | Mapping[str, float] | None = None,
        cascade: Cascade | None = None,
    ):
        for one in embedders:
            if one.space.multi:
                raise UsageError(
                    f"the space {one.space.name!r} has several vectors: give it as late="
                )
        self.backend, self.embedders = backend, tuple(embedders)
        self.late, self.reranker, self.composer = late, reranker, composer
        self.graph = graph
        self.weights = weights
        self.cascade = cascade or Cascade()

    def search(
        self,
        query: Query | str,
        k: int = 10,
        where: Filter | None = None,
        *,
        cascade: Cascade | None = None,
    ) -> Found:
        """The `k` best hits, and how they came to be.

        Raises:
            UsageError: for a `k` below 1, an empty query, or a filter that cannot be.
        """
        if k < 1:
            raise UsageError(f"a search gives from 1 hit up, not {k}")
        query = read(Query(query) if isinstance(query, str) else query)
        plan, explain = cascade or self.cascade, Explain()
        query = self._composed(query, explain)
        legs = self.legs(query, where, explain, depth=max(plan.depth, k))
        with explain.stage("fuse") as stage:
            ranked = fuse(legs, self.weights)
            stage.scores = dict(ranked)
        if self.graph is not None and query.text.strip():
            with explain.stage(self.graph.name) as stage:
                reached = self.graph.scores(query.text, where, stage, depth=max(plan.depth, k))
                stage.scores = reached
                ranked = self.graph.lifted(ranked, reached)
        records = {one.id: one for one in self.backend.get([id for id, _ in ranked])}
        hits = [Hit(records[id], score) for id, score in ranked if id in records]
        together = list(grouped(hits).values()) if plan.whole else [[hit] for hit in hits]
        groups = {group[0].record.id: group for group in together}
        hits = [group[0] for group in together]
        hits = self._by_late(query, hits, groups, plan, explain)
        hits = self._reranked(query, hits, plan, explain, k)
        hits = self._diversified(hits, plan, explain, k)
        return Found([replace(hit, stages=explain.of(hit.record.id)) for hit in hits[:k]], explain)

    def _composed(self, query: Query, explain: Explain) -> Query:
        if self.composer is None or not (query.media and query.text.strip()):
            return query
        with explain.stage("compose") as stage:
            try:
                found = self.composer.composed(query)
            except OmniError as error:
                stage.notes.append(f"words and media are looked for side by side: {error}")
                return query
            if found is not query:
                stage.notes.append(f"looked for: {found.text}")
        return found

    def legs(
        self, query: Query, where: Filter | None, explain: Explain, *, depth: int
    ) -> dict[str, Leg]:
        """What each leg gives every candidate that any leg found."""
        found: dict[str, dict[str, float]] = {}
        asked: dict[str, tuple[Space, Vectors]] = {}
        if query.text.strip():
            with explain.stage(WORDS) as stage:
                found[WORDS] = dict(self.backend.matching(query.text, depth, where))
                stage.scores = found[WORDS]
        stored = self.backend.spaces()
        for one in self.embedders:
            with explain.stage(one.space.name) as stage:
                vector = self._asked(one, query, stored, stage)
                if vector is not None:
                    asked[one.space.name] = one.space, vector
                    near = self.backend.nearest(one.space, vector, depth, where)
                    found[one.space.name] = stage.scores = dict(near)
        return self._completed(found, asked)

    def _asked(
        self, embedder: Embedder, query: Query, stored: Sequence[Space], stage: Stage
    ) -> Vectors | None:
        """The vector of the query in a space that has vectors."""
        space = embedder.space
        if space not in stored:
            if any(one.name == space.name for one in stored):
                stage.notes.append(
                    f"the vectors of {space.name!r} here are another model's: add the files again"
                )
            return None
        items = query_items(query, embedder.modalities)
        if not items:
            return None
        try:
            vectors = np.asarray(embedder.embed_queries(items))
        except OmniError as error:
            stage.notes.append(f"{space.name} was left out: {error}")
            return None
        return vectors.mean(axis=0) if len(items) > 1 else vectors[0]

    def _completed(
        self, found: Mapping[str, Leg], asked: Mapping[str, tuple[Space, Vectors]]
    ) -> dict[str, Leg]:
        """Each leg's score of every candidate that it can judge.

        What lacks the words that were asked for scores 0 by them; what has no words at all is not
        judged by them.
        """
        ids = list(dict.fromkeys(id for leg in found.values() for id in leg))
        whole: dict[str, Leg] = {}
        for name, leg in found.items():
            missing = [id for id in ids if id not in leg]
            if name not in asked:
                worded = [one.id for one in self.backend.get(missing) if one.text or one.title]
                whole[name] = {**leg, **dict.fromkeys(worded, 0.0)}
                continue
            space, vector = asked[name]
            stored = self.backend.vectors(space, missing)
            more = {
                id: likeness(space, vector, one)
                for id, one in zip(missing, stored, strict=True)
                if one is not None
            }
            whole[name] = {**leg, **more}
        return whole

    def _by_late(
        self,
        query: Query,
        hits: list[Hit],
        groups: Mapping[str, Sequence[Hit]],
        plan: Cascade,
        explain: Explain,
    ) -> list[Hit]:
        """The best ones in the order of fused and late scores together."""
        if self.late is None or not hits or self.late.space not in self.backend.spaces():
            return hits
        items = query_items(query, self.late.modalities)
        if not items:
            return hits
        head, rest = hits[: plan.late], hits[plan.late :]
        with explain.stage("late") as stage:
            try:
                vectors = np.concatenate(list(self.late.embed_queries(items)))
            except OmniError as error:
                stage.notes.append(f"late interaction was left out: {error}")
                return hits
            scores = self._late_scores(vectors, head, groups)
            stage.scores = scores
            if not scores:
                return hits
            both = {"fused": {hit.record.id: hit.score for hit in head}, "late": scores}
            by_id = {hit.record.id: hit for hit in head}
            ranked = [replace(by_id[id], score=score) for id, score in fuse(both)]
        floor = min(hit.score for hit in ranked)
        return [*ranked, *(replace(hit, score=min(hit.score, floor)) for hit in rest)]

    def _late_scores(
        self, query: Vectors, hits: Sequence[Hit], groups: Mapping[str, Sequence[Hit]]
    ) -> dict[str, float]:
        """By the id of each head of a group; a group of several is scored over all it holds."""
        assert self.late is not None
        members = [groups[hit.record.id] for hit in hits]
        ids = [one.record.id for group in members for one in group]
        stored = dict(zip(ids, self.backend.vectors(self.late.space, ids), strict=True))
        found: dict[str, float] = {}
        for hit, group in zip(hits, members, strict=True):
            typed: dict[str, list[Vectors]] = {}
            for one in group:
                vectors = stored[one.record.id]
                if vectors is not None:
                    typed.setdefault(one.record.modality, []).append(vectors)
            if len(typed) > 1 or sum(map(len, typed.values())) > 1:
                joined = {name: np.concatenate(parts) for name, parts in typed.items()}
                found[hit.record.id] = typed_score(query, joined)[0]
            elif typed:
                (only,) = next(iter(typed.values()))
                (score,) = late_scores(query, [only])
                assert score is not None
                found[hit.record.id] = score
        return found

    def _reranked(
        self, query: Query, hits: list[Hit], plan: Cascade, explain: Explain, k: int
    ) -> list[Hit]:
        if self.reranker is None or not hits:
            return hits
        head, rest = hits[: plan.rerank], hits[plan.rerank :]
        with explain.stage("rerank") as stage:
            verdict = verdict_of(self.reranker, query, head)
            stage.notes += verdict.notes
            looked = [
                (hit, score)
                for hit, score in zip(head, verdict.scores, strict=True)
                if score is not None
            ]
            stage.scores = {hit.record.id: score for hit, score in looked}
            if not looked:
                return hits
            if plan.mixed and plan.share is None:
                looked = _mixed(looked)
            passed = [hit for hit, s in zip(head, verdict.scores, strict=True) if s is None]
            ranked = sorted(looked, key=lambda pair: -pair[1])
            if plan.share is not None:
                kept = near_the_best([score for _, score in ranked], plan.share, k)
                return [replace(ranked[place][0], score=ranked[place][1]) for place in kept]
            order = [*(hit for hit, _ in ranked), *passed, *rest]
            scores = filled([*(score for _, score in ranked), *[None] * (len(passed) + len(rest))])
        return [replace(hit, score=score) for hit, score in zip(order, scores, strict=True)]

    def _diversified(self, hits: list[Hit], plan: Cascade, explain: Explain, k: int) -> list[Hit]:
        if plan.relevance is None or len(hits) < 2:
            return hits
        head = hits[: max(plan.rerank, k)]
        with explain.stage("diversify") as stage:
            scores = [hit.score for hit in head]
            alike = self._likeness([hit.record.id for hit in head])
            chosen = [head[place] for place in diversify(scores, alike, k, share=plan.relevance)]
            stage.scores = {hit.record.id: hit.score for hit in chosen}
        return chosen

    def _likeness(self, ids: Sequence[str]) -> np.ndarray:
        """Of each two records `[C, C]`: the greatest in any space that compares by cosine."""
        found = np.zeros((len(ids), len(ids)))
        stored = self.backend.spaces()
        for one in self.embedders:
            if one.space not in stored or one.space.metric != "cosine":
                continue
            vectors = self.backend.vectors(one.space, ids)
            block = np.stack([v if v is not None else np.zeros(one.space.width) for v in vectors])
            found = np.maximum(found, block @ block.T)
        return found


def read(query: Query) -> Query:
    """The query with the words of its documents among its words."""
    documents = [one for one in query.media if one.modality == "text"]
    if not documents:
        return query
    kind = modality("text")
    words = [kind.text(kind.load(one)) or "" for one in documents]
    text = "\n".join([query.text, *(said[:_LONGEST_QUERY] for said in words)]).strip()
    return Query(text, tuple(one for one in query.media if one.modality != "text"))


def likeness(space: Space, query: Vectors, stored: Vectors) -> float:
    """What `Backend.nearest` would give the stored vector."""
    if space.metric == "l2":
        return -float(((query - stored) ** 2).sum())
    length = float(np.linalg.norm(query)) if space.metric == "cosine" else 1.0
    return float(query @ stored) / max(length, 1e-12)


def _mixed(looked: Sequence[tuple[Hit, float]]) -> list[tuple[Hit, float]]:
    """Hits with a reranker's score and the one before it together."""
    before = {hit.record.id: hit.score for hit, _ in looked}
    both = fuse({"before": before, "rerank": {hit.record.id: score for hit, score in looked}})
    hits = {hit.record.id: hit for hit, _ in looked}
    return [(hits[id], score) for id, score in both]


def grouped(hits: Sequence[Hit]) -> dict[str, list[Hit]]:
    """Hits by the file that they are of, in the order of the best of each."""
    groups: dict[str, list[Hit]] = {}
    for hit in hits:
        groups.setdefault(file_of(hit.record), []).append(hit)
    return groups


def file_of(record: Record) -> str:
    """Id of the record of the whole that a record is a piece of; its own if it is none."""
    origin = record.provenance
    return origin.parent if origin is not None and origin.parent else record.id


COMPONENTS = (
    Component(
        "store",
        "search",
        "Words and every vector space, fused; then late interaction, a reranker and diversity.",
        system="ALIGN",
        paper="ALIGN (arXiv 2102.05918), CLaMR (arXiv 2506.06144)",
    ),
)
