"""The leg that goes by names: it finds what shares no word with the question, and leaks nothing."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omni.errors import UsageError
from omni.memory.access import AccessDenied, Right
from omni.memory.knowledge import edges
from omni.memory.knowledge.entities import (
    LONGEST,
    MOST_NAMES,
    MOST_TRIPLES,
    Names,
    Triple,
    asked_in,
    names_in,
    plain,
)
from omni.memory.knowledge.relating import relate
from omni.memory.knowledge.walking import visits
from omni.memory.record import Record
from omni.memory.retrieve import Library
from omni.memory.retrieve.explain import Stage
from omni.memory.retrieve.graph import GraphLeg
from omni.memory.retrieve.search import Searcher
from omni.memory.store import Memory
from omni.memory.words import GRAMMAR, words_of
from tests.memory.linked_records import Words, chains

CANARY = "Zyxcanaryzyx"
TABLES = ("entity", "mention", "relation", "related")


@pytest.fixture
def memory(tmp_path):
    with Memory.open(tmp_path / "m", background=False) as opened:
        yield opened


def ids(searcher, question, k=5):
    return [hit.record.id for hit in searcher.search(question, k).hits]


def test_the_second_step_is_found_by_the_leg_and_not_without_it(memory):
    view = memory.bind()
    records, asked = chains(60)
    view.put(records, {})
    related = relate(view)
    assert related.records == 120 and related.statements >= 120 and related.notes == []
    texts = {one.id: one.text for one in records}
    with_it, without = Searcher(view, graph=GraphLeg(view)), Searcher(view)
    for question, id in asked:
        assert not {*words_of(question)} & {*words_of(texts[id])} - GRAMMAR
        assert id in ids(with_it, question, 3)
        assert id not in ids(without, question, 10)
    for number in range(60):  # and what one step finds stays where it was
        thing = texts[f"made-{number}"].split()[1]
        assert ids(with_it, f"the {thing} turbine", 1) == [f"made-{number}"]


def test_the_trace_says_where_it_set_out_and_what_it_came_to(memory):
    view = memory.bind()
    records, asked = chains(5)
    view.put(records, {})
    nothing = Searcher(view, graph=GraphLeg(view)).search(asked[0][0], 5)
    (stage,) = [one for one in nothing.explain.stages if one.name == "graph"]
    assert stage.scores == {} and stage.notes == [
        "no record was read for names: omni memory relate"
    ]
    relate(view)
    found = Searcher(view, graph=GraphLeg(view)).search(asked[0][0], 10)
    (stage,) = [one for one in found.explain.stages if one.name == "graph"]
    thing = asked[0][0].split()[-2].lower()
    assert stage.notes == [f"from {thing}"]
    assert list(stage.scores)[:2] == ["made-0", "founded-0"]
    assert {hit.record.id: hit.stages.get("graph") for hit in found.hits}["founded-0"]
    without_names = Searcher(view, graph=GraphLeg(view)).search("and so on?", 5)
    assert [one.scores for one in without_names.explain.stages if one.name == "graph"] == [{}]


def test_hops_say_how_far_it_goes(memory):
    view = memory.bind()
    lines = [
        "Abelon meets Bortic.",
        "Bortic meets Cedrun.",
        "Cedrun meets Dalvim.",
        "Dalvim rests.",
    ]
    view.put([Record(str(n), text) for n, text in enumerate(lines)], {})
    relate(view)
    for hops in range(4):
        scores = GraphLeg(view, hops=hops).scores("Abelon", None, Stage("graph"), depth=9)
        assert list(scores) == [str(n) for n in range(hops + 1)]
        assert sorted(scores.values(), reverse=True) == list(scores.values())
    with pytest.raises(UsageError, match="0 to 3 hops, not 4"):
        GraphLeg(view, hops=4)


def test_only_what_may_be_seen_is_walked_over(memory):
    ann, bob = memory.bind(namespace=("ann",)), memory.bind(namespace=("bob",))
    ann.put([Record("a", "Abelon meets Bortic."), Record("b", "Bortic meets Cedrun.")], {})
    bob.put([Record("c", "Cedrun meets Dalvim."), Record("d", "Abelon meets Cedrun.")], {})
    for view in (ann, bob):
        relate(view)

    def reached(view, question="Abelon", where=None):
        return set(GraphLeg(view, hops=3).scores(question, where, Stage("graph"), depth=9))

    assert (reached(ann), reached(bob)) == ({"a", "b"}, {"c", "d"})
    assert reached(ann, "Dalvim") == set()
    mallory = memory.bind("mallory", ("ann",))
    for refused in (lambda: reached(mallory), lambda: relate(mallory)):
        with pytest.raises(AccessDenied):
            refused()
    ann.grant("mallory", Right.READ)
    assert reached(mallory) == {"a", "b"}
    ann.put([Record("new", "Bortic meets Emrick.")], {})
    with pytest.raises(AccessDenied):
        relate(mallory)
    # A filter says what is found, not what is walked over; what was deleted leads nowhere.
    assert reached(ann, where={"@id": "b"}) == {"b"}
    ann.delete(["a"])
    assert reached(ann) == set() and reached(ann, "Bortic") == {"b"}


def table_counts(memory):
    with memory.parts.catalog.reading() as db:
        return {name: db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in TABLES}


def traces(root, needle):
    files = [path for path in Path(root).rglob("*") if path.is_file()]
    return [path.name for path in files if needle in path.read_bytes()]


def test_no_byte_of_what_was_erased_is_left(memory):
    view = memory.bind()
    secret = f"{CANARY} was founded by {CANARY}holm in Bergen."
    view.put([Record("s", secret), Record("k", "Bergen is near Norwind.")], {})
    relate(view)
    lower = CANARY.lower().encode()
    assert traces(memory.root, lower)
    view.put([Record("s", f"{CANARY} moved.")], {})  # replaced: the old row is still on disk
    relate(view)
    view.erase(["s"])
    assert traces(memory.root, lower) == traces(memory.root, CANARY.encode()) == []
    counts = table_counts(memory)
    assert counts["related"] == 1
    with memory.parts.catalog.reading() as db:
        left = {name for (name,) in db.execute("SELECT name FROM entity")}
    assert left == {"bergen", "norwind"}
    view.delete(["k"])
    memory.compact()
    assert table_counts(memory) == dict.fromkeys(TABLES, 0)
    assert memory.verify() == []


def test_reading_again_changes_nothing_and_reads_only_what_is_new(memory):
    view = memory.bind()
    records, _ = chains(20)
    view.put(records, {})
    relate(view)
    before = table_counts(memory)
    assert relate(view).records == 0 and table_counts(memory) == before
    view.put([Record("new", "Bergen lies near Norwind.")], {})
    assert relate(view).records == 1

    class Other:
        version = "other"

        def read(self, text):
            return Names(("one", "two"), (Triple("one", "and", "two"),))

    assert relate(view, reader=Other()).records == 41
    counts = table_counts(memory)
    assert (counts["entity"], counts["related"], counts["relation"]) == (2, 41, 41)


def test_a_record_that_is_replaced_meanwhile_is_not_written_to(memory):
    view = memory.bind()
    view.put([Record("a", "Abelon meets Bortic.")], {})

    class Slow:
        version = "slow"

        def read(self, text):
            if "Abelon" in text:
                view.put([Record("a", "Cedrun meets Dalvim.")], {})
            return names_in(text)

    done = relate(view, reader=Slow())
    assert done.records == 1  # the row that took the place
    with memory.parts.catalog.reading() as db:
        left = {name for (name,) in db.execute("SELECT name FROM entity")}
    assert left == {"cedrun", "dalvim"}


def test_an_older_memory_is_brought_up(tmp_path, monkeypatch):
    from omni.memory import schema

    monkeypatch.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:2])
    monkeypatch.setattr("omni.memory.erase.edges.drop", lambda db, rids: None)
    with Memory.open(tmp_path, background=False) as old:
        old.bind().put([Record("a", "Abelon meets Bortic.")], {})
    monkeypatch.undo()
    with Memory.open(tmp_path, background=False) as opened:
        assert relate(opened.bind()).records == 1
        assert opened.bind().get(["a"])[0].text == "Abelon meets Bortic."


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("The Kestrel Pump is made by Norwind.", ["kestrel pump", "norwind"]),
        ("It was opened by Dr. Ada Holm. Holm died.", ["ada holm"]),
        ("He met Ada's brother.", ["ada"]),
        ("It holds 31 Nm at 40 °C.", ["31 nm", "40 °c"]),
        ("It was built in 1852 for 128 people.", ["1852"]),
        ("Call fit_transform on KX-4471.", ["call", "fit_transform", "kx-4471"]),
        ("the confidence interval is wide", ["confidence interval"]),
        ("Read “The Long Night” now.", ["read", "the long night"]),
        ("Pumps run. The pumps", []),
        ("", []),
    ],
)
def test_what_is_taken_for_a_name(text, names):
    assert list(names_in(text).names) == names


def test_statements_are_the_words_between_names_of_a_sentence():
    found = names_in("Norwind of Bergen makes it. Ada Holm leads Norwind.")
    assert [(one.head, one.relation, one.tail) for one in found.triples] == [
        ("norwind", "of", "bergen"),
        ("ada holm", "leads", "norwind"),
    ]
    assert all(one.literal for one in found.triples)


HOSTILE = {
    "a very long word": "x" * 1_000_000,
    "100,000 names": " ".join(f"Name{n}" for n in range(100_000)),
    "100,000 capitals": "A " * 100_000,
    "quotes without end": '"`“' * 100_000,
    "numbers with points": "1," * 100_000,
    "dots": "a.b" * 100_000,
    "no ends": "A. " * 100_000,
    "blanks": " \n" * 100_000,
    "half a character": "Abelon \ud800 meets Bortic",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_texts_are_bounded(text):
    began = time.process_time()
    found = names_in(text)
    assert len(asked_in(text)) <= 256
    assert len(found.names) <= MOST_NAMES and len(found.triples) <= MOST_TRIPLES
    assert all(2 <= len(name) <= LONGEST for name in found.names)
    assert time.process_time() - began < 5  # some milliseconds; were it quadratic, minutes


def test_a_hostile_record_is_stored_and_found(memory):
    view = memory.bind()
    view.put([Record("a", HOSTILE["100,000 names"][:500_000]), Record("b", "Name7 rests.")], {})
    relate(view)
    scores = GraphLeg(view).scores(HOSTILE["100,000 names"], None, Stage("graph"), depth=5)
    assert set(scores) == {"a", "b"}


def test_a_name_in_too_many_records_leads_nowhere(memory):
    view = memory.bind()
    view.put([Record(str(n), f"Everywhere meets Person{n}x.") for n in range(300)], {})
    relate(view)
    assert GraphLeg(view).scores("Everywhere", None, Stage("graph"), depth=9) == {}
    assert list(GraphLeg(view).scores("Person7x", None, Stage("graph"), depth=9)) == ["7"]


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300))
def test_names_are_of_the_text_and_stay_as_they_are(text):
    found = names_in(text)
    assert len(set(found.names)) == len(found.names)
    for one in found.triples:
        assert {one.head, one.tail} <= set(found.names) and one.head != one.tail
    for name in found.names:
        assert name == name.casefold() or plain(name) == name


def exact_visits(heads, tails, weights, seeds, onwards):
    """By solving for the vector that a step leaves as it is."""
    count = len(seeds)
    matrix = np.zeros((count, count))
    for head, tail, weight in zip(heads, tails, weights, strict=True):
        matrix[head, tail] += weight
        matrix[tail, head] += weight
    start = seeds / seeds.sum()
    for row in range(count):
        total = matrix[row].sum()
        matrix[row] = matrix[row] / total if total else start
    return np.linalg.solve(np.eye(count) - onwards * matrix.T, (1 - onwards) * start)


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 12), st.integers(0, 30), st.integers(0, 10_000), st.floats(0.1, 0.8))
def test_visits_are_those_of_the_exact_solution(nodes, edges_, seed, onwards):
    rng = np.random.default_rng(seed)
    heads, tails = rng.integers(0, nodes, (2, edges_))
    apart = heads != tails
    heads, tails = heads[apart], tails[apart]
    weights, seeds = rng.uniform(0.1, 3, len(heads)), rng.uniform(0, 1, nodes)
    found = visits(heads, tails, weights, seeds, onwards=onwards)
    assert found.sum() == pytest.approx(1)
    assert np.allclose(found, exact_visits(heads, tails, weights, seeds, onwards), atol=1e-4)


def test_a_library_relates_and_searches_by_name(tmp_path):
    records, asked = chains(30)
    with Library(tmp_path, create=True, embedders=[Words()]) as library:
        library.view.put(records, {})
        assert library.relate().records == 60
        question, id = asked[4]
        found: Any = library.search(question, 3, graph=True)
        assert id in [hit.record.id for hit in found.hits]
        assert id not in [hit.record.id for hit in library.search(question, 3).hits]
        with library.view.reading() as (db, ns):
            assert ns is not None
            read, names, statements = edges.counts(db, ns)
        assert read == 60 and names >= 90 and statements >= 60


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.floats(-5, 5), max_size=8),
    st.dictionaries(st.sampled_from("abcdefghij"), st.floats(0.1, 9), max_size=10),
)
def test_what_is_lifted_is_never_lowered_nor_put_before_what_it_came_from(given, reached):
    leg: Any = GraphLeg.__new__(GraphLeg)
    leg.share = 0.9
    ranked = sorted(given.items(), key=lambda pair: -pair[1])
    found = leg.lifted(ranked, reached)
    after = dict(found)
    assert [score for _, score in found] == sorted(after.values(), reverse=True)
    assert all(after[id] >= score for id, score in given.items())
    assert set(after) - set(given) <= set(reached)
    if ranked:
        assert max(after.values()) == ranked[0][1]
    still = [id for id, _ in ranked if id not in reached]
    assert [id for id, _ in found if id in set(still)] == still
    assert leg.lifted(ranked, {}) == ranked
