"""How well a memory finds: published sets from a folder, real ones from here, and our own world.

Every set is put into a memory of its own and asked as people ask it; each way of looking is scored
beside all of them together, on the same questions.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from omni import plugins
from omni.errors import UsageError
from omni.evaluation import ranking
from omni.evaluation.paired import difference
from omni.evaluation.rows import Cell, Row, figures
from omni.evaluation.sets.collection import Collection, Question
from omni.evaluation.sets.named import opened

SEED = 0
COUNT = 200
DEPTH = 50
_KINDS = 12
DEFAULT = ("docstrings:sklearn", "docstrings:pandas", "docstrings:networkx", "statsmodels")
DEFAULT += ("photographs", "digits", "world", "world:hard", "world:composed")
TOGETHER, EVENLY = "together", "together, evenly"
RERANKED = {"world:hard": ("telling",)}
"""Sets in which what is found is looked at again, and by what."""

COMPOSED = {"world:composed": ("telling",)}
"""Sets in which media and words are made one thing to look for, and by what."""

_BESIDE = ("reranked", "composed")
"""How ways begin that are compared with all legs together."""

HEADINGS = ("set", "way", "metric", "n", "score", "over")

Found = dict[str, list[str]]
"""Ids that each way of looking found for one question, the best first."""


def measure(
    names: Sequence[str] = (),
    *,
    count: int = COUNT,
    model: str = "nano",
    progress: Any = None,
) -> Row:
    """All figures, in the form of `omni eval memory --json`.

    Args:
        names: of sets, `NAME` or `NAME=FOLDER`; those that need no folder if there are none.
        count: questions of a set at most.
        model: whose shared space is searched: `nano` or a folder.
        progress: is told what happens.

    Raises:
        UsageError: for an unknown set, or one without the folder that it needs.
    """
    began = time.monotonic()
    rows: list[Row] = []
    for name in names or DEFAULT:
        collection = opened(name, count)
        if progress is not None:
            progress.begin(_cell(collection), len(collection.questions))
        found = list(scored(collection, model=model))
        rows += found
        if progress is not None:
            progress.end(_shown(found[0]))
    return figures(
        "memory", rows, seed=SEED, device="cpu", seconds=round(time.monotonic() - began, 1)
    )


def scored(collection: Collection, *, model: str = "nano") -> Iterator[Row]:
    """Rows of one set: each measure of each way of looking."""
    with tempfile.TemporaryDirectory() as folder:
        library = plugins.load("memory", "retrieve")(
            Path(folder), create=True, embedders=_embedders(model)
        )
        with library:
            notes = [*collection.notes, *library.fill(collection.items)]
            calibrated = _calibrated(library)
            by = (_of(RERANKED, collection, model), _of(COMPOSED, collection, model))
            found = [asked(library, question, *by) for question in collection.questions]
    texts = {item.id: f"{item.title}\n{item.text}" for item in collection.items}
    ways = list(dict.fromkeys(way for one in found for way in one))
    for metric in collection.metrics:
        values = {
            way: [
                value(metric, one.get(way, ()), question, texts)
                for one, question in zip(found, collection.questions, strict=True)
            ]
            for way in ways
        }
        yield from _rows(collection, metric, values, calibrated, notes)
        if metric == collection.metrics[0]:
            yield from _by_kind(collection, metric, values)


def asked(
    library: Any,
    question: Question,
    rerankers: Sequence[str] = (),
    composers: Sequence[str] = (),
) -> Found:
    """What each leg and all of them found, how rerankers order it, and what composers look for."""
    query = library.query(question.text, question.media)
    result = library.search(query, DEPTH)
    found = {TOGETHER: [hit.record.id for hit in result.hits]}
    legs = {
        stage.name: dict(stage.scores)
        for stage in result.explain.stages
        if stage.name != "fuse" and stage.scores
    }
    for name, scores in legs.items():
        found[name] = sorted(scores, key=lambda id: -scores[id])[:DEPTH]
    found[EVENLY] = library.fused(legs)[:DEPTH]
    for name in rerankers:
        for mixed in (False, True):
            plan = library.cascade(mixed=mixed)
            again = library.search(query, DEPTH, rerank=name, cascade=plan)
            way = f"reranked by {_bare(name)}" + (" and before" if mixed else "")
            found[way] = [hit.record.id for hit in again.hits]
    for name in composers:
        again = library.search(query, DEPTH, compose=name)
        found[f"composed by {_bare(name)}"] = [hit.record.id for hit in again.hits]
    return found


def value(
    metric: str, ranked: Sequence[str], question: Question, texts: Mapping[str, str]
) -> float:
    """One measure of one answer, those of single sets among them."""
    kind, _, depth = metric.partition("@")
    if kind == "pseudo":
        return ranking.pseudo_recall(ranked[: int(depth)], texts, question.answers)
    if metric == "source_f1":
        # As many are taken as are right: how many to take is another question than which.
        return ranking.source_f1(ranked[: len(question.relevant)], question.relevant)
    return ranking.measure(metric, ranked, question.relevant)


def _rows(
    collection: Collection,
    metric: str,
    values: Mapping[str, Sequence[float]],
    calibrated: str,
    notes: Sequence[str],
) -> Iterator[Row]:
    legs = [way for way in values if not way.startswith((TOGETHER, *_BESIDE))]
    best = max(legs, key=lambda way: sum(values[way]), default=TOGETHER)
    for way, scores in values.items():
        row = _named(collection, metric, way, len(scores))
        row["score"] = round(sum(scores) / len(scores), 4)
        if way.startswith(_BESIDE):
            row["over_together"] = _interval(difference(scores, values[TOGETHER]))
        if way == TOGETHER:
            gap = difference(scores, values[best])
            row |= {"best_leg": best, "over_best_leg": _interval(gap), "calibrated": calibrated}
            row |= {"notes": list(notes)} if notes else {}
        yield row


def _by_kind(
    collection: Collection, metric: str, values: Mapping[str, Sequence[float]]
) -> Iterator[Row]:
    """The first measure of each kind of question, where there are several, of no leg alone."""
    kinds: dict[str, list[int]] = {}
    for place, question in enumerate(collection.questions):
        kinds.setdefault(question.kind, []).append(place)
    if not 1 < len(kinds) <= _KINDS:
        return
    for way in (way for way in values if way == TOGETHER or way.startswith(_BESIDE)):
        for kind, places in kinds.items():
            mine = [values[way][place] for place in places]
            row = _named(collection, metric, way, len(mine))
            row |= {"kind": kind, "score": round(sum(mine) / len(mine), 4)}
            if way != TOGETHER:
                together = [values[TOGETHER][place] for place in places]
                row["over_together"] = _interval(difference(mine, together))
            yield row


def cells_of(row: Mapping[str, Any]) -> tuple[str, ...]:
    """A row as cells of a table for people."""
    told = ""
    if "over_best_leg" in row:
        gap, low, high = row["over_best_leg"]
        told = f"{gap:+.3f} ({low:+.3f} to {high:+.3f}), {row['best_leg']}"
    name = f"{row['set']}, {row['kind']}" if row.get("kind") else row["set"]
    if "over_together" in row:
        told = "{:+.3f} ({:+.3f} to {:+.3f}), all together".format(*row["over_together"])
    named = (name, row["way"], row["metric"], str(row["n"]))
    return (*named, f"{row['score']:.3f}", told)


def _shown(row: Row) -> Row:
    """A row in the form that progress is shown in."""
    return {**row, "input": row["way"], "output": row["metric"], "split": row["set"]}


def _named(collection: Collection, metric: str, way: str, count: int) -> Row:
    return {
        "set": collection.name,
        "metric": metric,
        "way": way,
        "items": len(collection.items),
        "n": count,
        "judge": collection.source,
    }


def _of(ways: Mapping[str, Sequence[str]], collection: Collection, model: str) -> list[str]:
    """Names with the model that is measured."""
    return [f"{name}:{model}" for name in ways.get(collection.name, ())]


def _bare(name: str) -> str:
    return name.partition(":")[0]


def _interval(found: Any) -> list[float]:
    return [round(one, 4) for one in (found.value, found.low, found.high)]


def _calibrated(library: Any) -> str:
    """Weigh the legs by questions made from what is stored; what came of it, in words."""
    try:
        return library.calibrate().reason
    except UsageError as error:
        return str(error)


def _embedders(model: str) -> tuple[str, ...]:
    return ("shared" if model == "nano" else f"shared:{model}", "sentences")


def _cell(collection: Collection) -> Cell:
    return Cell("question", "item", collection.name, collection.metrics[0])
