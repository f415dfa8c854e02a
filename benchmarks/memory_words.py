"""Search by words beside bm25s, and all ways of looking together beside the best of them.

Docstrings are asked for by their first paragraphs, as in `omni eval memory`. bm25s is given stop
words and a stemmer, its own idea of a word and ours, and its usual parameters; the last one's are
those that did best of a grid on other packages (`--tune` finds them). Both sides are asked the same
questions.

    python benchmarks/memory_words.py --out benchmarks/results/memory-words.json

It needs bm25s and PyStemmer, which the extra `dev` brings.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from omni.evaluation import memory as evaluation
from omni.evaluation import ranking
from omni.evaluation.paired import difference
from omni.evaluation.rows import Row, versions
from omni.evaluation.sets.collection import Collection
from omni.evaluation.sets.named import opened
from omni.memory.record import Record
from omni.memory.store import Memory

SETS = ("docstrings:sklearn", "docstrings:pandas", "docstrings:networkx")
TUNED_ON = ("docstrings:scipy", "docstrings:numpy", "docstrings:skimage", "docstrings:torch")
METRIC, DEPTH = "mrr@10", 10
OURS = r"[^\W_]+"
RIVALS: dict[str, dict[str, Any]] = {
    "bm25s, stop words": {"stem": False},
    "bm25s, stop words, stemmer": {},
    "bm25s, stop words, stemmer, our words": {"pattern": OURS},
    "bm25s, stop words, stemmer, our words, tuned": {"pattern": OURS, "k1": 1.5, "b": 0.9},
}
_ALL = 10**9


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sets", nargs="+", default=list(SETS), help=" ".join(SETS))
    parser.add_argument("--words-only", action="store_true", help="without vectors")
    parser.add_argument("--tune", action="store_true", help="try bm25s's parameters elsewhere")
    parser.add_argument("--out", type=Path, help="file for the figures")
    given = parser.parse_args()
    if given.tune:
        print(json.dumps(list(tuned()), indent=1))
        return
    rows: list[Row] = []
    for name in given.sets:
        collection = opened(name, _ALL)
        rows += by_words(collection)
        if not given.words_only:
            rows += together(collection)
    packages = {name: version(name) for name in ("bm25s", "PyStemmer")}
    named = {**versions(), **packages, "sqlite": sqlite3.sqlite_version}
    told = {"what": "memory, words", "versions": named, "rows": rows}
    print(json.dumps(told, indent=1))
    if given.out:
        given.out.write_text(json.dumps(told, indent=1) + "\n", "utf-8")


def by_words(collection: Collection) -> Iterator[Row]:
    """Ours, and each setting of bm25s with what ours is above it, at 95 %."""
    found, seconds = ours(collection)
    mine = scored(collection, found)
    yield row(collection, "words", mine) | {"cpu_seconds_a_question": round(seconds, 6)}
    for name, settings in RIVALS.items():
        theirs = scored(collection, rival(collection, **settings))
        gap = difference(mine, theirs)
        over = [round(one, 4) for one in (gap.value, gap.low, gap.high)]
        yield row(collection, name, theirs) | {"ours_over_it": over}


def together(collection: Collection) -> Iterator[Row]:
    """All legs together, with the best of them, and each by itself."""
    for one in evaluation.scored(collection):
        if one["metric"] == METRIC:
            yield (
                one | {"reached": one["over_best_leg"][0] >= -0.01}
                if ("over_best_leg" in one)
                else one
            )


def tuned() -> Iterator[Row]:
    """The mean of bm25s over other packages at each point of a grid, the best first."""
    collections = [opened(name, _ALL) for name in TUNED_ON]
    rows = []
    for k1, b in itertools.product((0.9, 1.2, 1.5, 2.0), (0.4, 0.6, 0.75, 0.9)):
        ranked = [rival(one, pattern=OURS, k1=k1, b=b) for one in collections]
        scores = [scored(*pair) for pair in zip(collections, ranked, strict=True)]
        means = [sum(one) / len(one) for one in scores]
        rows.append({"k1": k1, "b": b, "score": round(sum(means) / len(means), 4)})
    yield from sorted(rows, key=lambda row: -row["score"])


def ours(collection: Collection) -> tuple[list[list[str]], float]:
    """Ids for each question, and processor seconds a question."""
    with tempfile.TemporaryDirectory() as folder, Memory.open(folder, background=False) as memory:
        view = memory.bind()
        view.put([Record(one.id, title=one.title, text=one.text) for one in collection.items], {})
        began = time.process_time()
        found = [view.matching(one.text, DEPTH) for one in collection.questions]
        took = time.process_time() - began
    return [[id for id, _ in one] for one in found], took / len(found)


def rival(
    collection: Collection,
    *,
    stem: bool = True,
    pattern: str = r"(?u)\b\w\w+\b",
    k1: float = 1.5,
    b: float = 0.75,
) -> list[list[str]]:
    """Ids for each question by bm25s; the arguments' defaults are its own."""
    import bm25s  # type: ignore[import-untyped]
    import Stemmer  # type: ignore[import-not-found]

    stemmer: Any = Stemmer.Stemmer("english") if stem else None

    def tokens(texts: list[str]) -> Any:
        return bm25s.tokenize(
            texts,
            stopwords="english",
            stemmer=stemmer,
            token_pattern=pattern,
            show_progress=False,
        )

    index = bm25s.BM25(k1=k1, b=b)
    texts = [f"{one.title} {one.text}".strip() for one in collection.items]
    index.index(tokens(texts), show_progress=False)
    asked = tokens([one.text for one in collection.questions])
    places, _ = index.retrieve(asked, k=DEPTH, show_progress=False)
    ids = [one.id for one in collection.items]
    return [[ids[place] for place in some] for some in places]


def scored(collection: Collection, ranked: list[list[str]]) -> list[float]:
    """The measure of each question."""
    pairs = zip(ranked, collection.questions, strict=True)
    return [ranking.measure(METRIC, found, question.relevant) for found, question in pairs]


def row(collection: Collection, way: str, scores: list[float]) -> Row:
    return {
        "set": collection.name,
        "metric": METRIC,
        "way": way,
        "items": len(collection.items),
        "n": len(scores),
        "score": round(sum(scores) / len(scores), 4),
    }


if __name__ == "__main__":
    main()
