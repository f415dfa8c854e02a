"""Search with the leg that goes by names beside search without it, and what its check drops.

`chains` are made here from a seed: turbines, the firms that make them, who founded those, and where
that person is from, each said in one record. Of two steps and three, the record that answers shares
no word with the question. Docstrings are real text in which one step answers: there the leg is to
do no harm. Of pictures, every third is told of by the words of another one, which the check has to
find. The share was chosen on `--seed 0 --packages networkx`.

    python benchmarks/memory_graph.py --out benchmarks/results/memory-graph.json
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from omni.evaluation import ranking
from omni.evaluation.paired import difference
from omni.evaluation.rows import Row, versions
from omni.evaluation.sets.collection import Collection, Item, Question
from omni.evaluation.sets.docstrings import docstrings
from omni.memory.knowledge.relating import relate
from omni.memory.record import Record
from omni.memory.retrieve import Library
from omni.memory.retrieve.graph import SHARE, GraphLeg
from omni.memory.retrieve.search import Searcher
from omni.memory.words import GRAMMAR, words_of

PACKAGES = ("sklearn",)
METRICS = ("recall@10", "mrr@10")
SYLLABLES = re.findall(
    r"\w+",
    "al bar cel dor en fir gal hol is jor kel lun mar nor ost pel quin ros sel tor ul ver wil xan",
)
MADE = (
    "The {thing} turbine leaves the works of {firm} every spring.",
    "Workers at {firm} assemble the {thing} turbine by hand.",
    "For decades the {thing} turbine has carried the seal of {firm}.",
)
FOUNDED = (
    "{firm} goes back to {person}, a clockmaker.",
    "Old letters show that {person} opened {firm} with borrowed money.",
    "When {person} died, {firm} closed for a week.",
)
BORN = (
    "{person} grew up beside the mill in {town}.",
    "A plaque in {town} shows the cradle of {person}.",
)
ASKED = (
    ("1 step", 0, "What is told of the {thing} turbine?"),
    ("1 step", 1, "What is told of {firm} and {person}?"),
    ("2 steps", 1, "Who founded whichever company makes {thing} turbines?"),
    ("3 steps", 2, "Which place did the founder of the maker of {thing} turbines come from?"),
)
SCENES = 240


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1, help="of what is made here")
    parser.add_argument("--most", type=int, default=600, help="questions of each set")
    parser.add_argument("--shares", type=float, nargs="+", default=[SHARE], help="of the leg")
    parser.add_argument("--packages", nargs="*", default=list(PACKAGES), help="of docstrings")
    parser.add_argument("--out", type=Path, help="file for the figures")
    given = parser.parse_args()
    rows: list[Row] = []
    for row in everything(given):
        print(json.dumps(row), file=sys.stderr, flush=True)
        rows.append(row)
    told = {"what": "memory, graph", "seed": given.seed, "versions": versions(), "rows": rows}
    print(json.dumps(told, indent=1))
    if given.out:
        given.out.write_text(json.dumps(told, indent=1) + "\n", "utf-8")


def everything(given: argparse.Namespace) -> Iterator[Row]:
    """All rows, as they are measured."""
    yield from beside(chains(given.seed, given.most // 4), given.shares)
    yield from checked(given.seed)
    for package in given.packages:
        yield from beside(docstrings(package, most=given.most), given.shares)


def chains(seed: int, count: int) -> Collection:
    """Records that answer only one after the other; questions by how many steps they take."""
    draw, used, items, questions = random.Random(seed), set[str](), [], []

    def fresh(length: int) -> str:
        while (name := "".join(draw.choices(SYLLABLES, k=length)).capitalize()) in used:
            pass
        used.add(name)
        return name

    for number in range(count):
        person = f"{fresh(2)} {fresh(3)}"
        names = {"thing": fresh(3), "firm": fresh(3), "person": person, "town": fresh(3)}
        said = [draw.choice(some).format(**names) for some in (MADE, FOUNDED, BORN)]
        items += [Item(f"{number}-{place}", text) for place, text in enumerate(said)]
        for kind, place, wording in ASKED:
            question = wording.format(**names)
            shared = {*words_of(question)} & {*words_of(said[place])} - GRAMMAR
            assert bool(shared) == (kind == "1 step"), (question, said[place])
            id = f"{number}-{place}"
            questions.append(
                Question(f"{kind} {id} {len(questions)}", question, {id: 1}, kind=kind)
            )
    draw.shuffle(items)
    return Collection("chains", items, questions, source="made here, from a seed").checked()


def beside(collection: Collection, shares: Sequence[float]) -> Iterator[Row]:
    """With the leg at each share and without it, on the same questions."""
    with tempfile.TemporaryDirectory() as folder:
        library = Library(Path(folder), create=True, embedders=("sentences",))
        with library:
            library.fill(collection.items)
            began = time.process_time()
            related = library.relate()
            seconds = time.process_time() - began
            without, spent = found(library, collection, None)
            for share in shares:
                with_it, more = found(library, collection, share)
                for kind in sorted({one.kind for one in collection.questions}):
                    for metric in METRICS:
                        pair = [scored(collection, one, kind, metric) for one in (with_it, without)]
                        yield {
                            "set": collection.name,
                            "kind": kind or "1 step",
                            "metric": metric,
                            "share": share,
                            "items": len(collection.items),
                            "names": related.names,
                            "n": len(pair[0]),
                            "score": mean(pair[0]),
                            "without": mean(pair[1]),
                            "gain": interval(pair[0], pair[1]),
                            "relate_ms_a_record": round(1000 * seconds / related.records, 3),
                            "ms_a_question": round(1000 * more, 2),
                            "ms_without": round(1000 * spent, 2),
                        }


def found(
    library: Library, collection: Collection, share: float | None
) -> tuple[list[list[str]], float]:
    """Ids for each question, and processor seconds a question."""
    graph = None if share is None else GraphLeg(library.view, share=share)
    searcher = Searcher(library.view, library.embedders, graph=graph)
    began = time.process_time()
    ids = [
        [hit.record.id for hit in searcher.search(one.text, 10).hits]
        for one in collection.questions
    ]
    return ids, (time.process_time() - began) / len(ids)


def scored(
    collection: Collection, ranked: Sequence[Sequence[str]], kind: str, metric: str
) -> list[float]:
    pairs = zip(ranked, collection.questions, strict=True)
    return [ranking.measure(metric, ids, one.relevant) for ids, one in pairs if one.kind == kind]


def checked(seed: int) -> Iterator[Row]:
    """Statements on pictures of the embedded model's world, a third of them of other pictures."""
    import numpy as np

    from omni.evaluation.sets.near_duplicates import KINDS, family, told
    from omni.memory.embed.opening import open_embedder
    from omni.modality import modality
    from omni.nano.world import group

    rng = np.random.default_rng((seed, 77))
    scenes = [family(rng, KINDS[n % len(KINDS)])[0] for n in range(SCENES)]
    wrong = set(range(0, SCENES, 3))
    records = []
    for number, scene in enumerate(scenes):
        said = told(scenes[(number + 7) % SCENES] if number in wrong else scene)
        picture = modality("image").save(group.draw(scene), name=f"{number}.png")
        meta = {"caption": said, "said": ""}
        records.append(Record(str(number), said, "image", picture, meta=meta))
    embedder: Any = open_embedder("shared")
    with (
        tempfile.TemporaryDirectory() as folder,
        Library(Path(folder), create=True, embedders=()) as library,
    ):
        vectors = list(embedder.embed([one.media for one in records]))
        library.view.put(records, {embedder.space: vectors})
        assert relate(library.view).dropped == 0
        before = statements(library)
        with library.memory.parts.catalog.writing() as db:
            db.execute("DELETE FROM related")
        relate(library.view, [embedder])
        after = statements(library)
    for kind, places in (("right", set(range(SCENES)) - wrong), ("made up", wrong)):
        mine = [id for id, count in before.items() if int(id) in places for _ in range(count)]
        left = sum(after.get(id, 0) for id in set(mine))
        yield {
            "set": "pictures",
            "kind": kind,
            "metric": "statements kept",
            "n": len(mine),
            "score": round(left / len(mine), 4),
        }


def statements(library: Library) -> dict[str, int]:
    """How many statements each record has."""
    with library.view.reading() as (db, _):
        counted = db.execute(
            "SELECT i.id, count(*) FROM relation r JOIN item i ON i.rid = r.rid GROUP BY i.id"
        )
        return dict(counted.fetchall())


def mean(scores: Sequence[float]) -> float:
    return round(sum(scores) / len(scores), 4)


def interval(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Of the gain: its value, and between what it lies at 95 %."""
    gap = difference(ours, theirs)
    return [round(one, 4) for one in (gap.value, gap.low, gap.high)]


if __name__ == "__main__":
    main()
