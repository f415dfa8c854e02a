"""Search by words: beside BM25 as it is written down, in other forms of words, at any size."""

import itertools
import math
import random
import sqlite3
from collections import Counter

import pytest

from omni.errors import StoreError
from omni.media import Media
from omni.memory import connection, lexical, schema
from omni.memory.record import Record
from omni.memory.store import Memory

RARE = [f"w{n}x" for n in range(40)]
K1 = 1.2
B = 0.75


@pytest.fixture
def memory(tmp_path):
    with Memory.open(tmp_path / "m", background=False) as found:
        yield found


def made(count, seed=0):
    """Records of words of which few are in nearly all of them; some have a title."""
    draw = random.Random(seed)
    shares = [1 / (1 + n) for n in range(len(RARE))]
    records = []
    for n in range(count):
        said = draw.choices(RARE, shares, k=draw.randint(3, 60))
        title = " ".join(draw.choices(RARE, k=2)) if n % 3 == 0 else ""
        records.append(Record(f"{n:04}", title=title, text=" ".join(said)))
    return records


def naive(records, asked):
    """BM25 by the book, with Lucene's rarity, weights of columns, and pairs as words of their own.

    A column's weight multiplies how often a word is there, as FTS5 documents it.
    """
    held = [(one.title.split(), one.text.split()) for one in records]
    sizes = [len(title) + len(text) for title, text in held]
    mean = sum(sizes) / len(sizes)
    scores = [0.0] * len(records)

    def add(phrase, weight):
        times = [
            [
                sum(words[at : at + len(phrase)] == phrase for at in range(len(words)))
                for words in one
            ]
            for one in held
        ]
        holding = sum(any(one) for one in times)
        rarity = math.log(1 + (len(records) - holding + 0.5) / (holding + 0.5))
        for place, (title, text) in enumerate(times):
            often = lexical.BODY_WEIGHT * (lexical.TITLE_WEIGHT * title + text)
            norm = K1 * (1 - B + B * sizes[place] / mean)
            scores[place] += weight * rarity * often * (K1 + 1) / (often + norm)

    for word, times in Counter(asked).items():
        add([word], times)
    for pair in dict.fromkeys(itertools.pairwise(asked)):
        add(list(pair), lexical.PAIR_WEIGHT)
    return scores


@pytest.mark.parametrize("seed", range(5))
def test_scores_are_those_of_bm25_as_it_is_written_down(memory, seed):
    records, view = made(150, seed), memory.bind()
    view.put(records, {})
    view.delete([one.id for one in records[:20]])
    memory.compact()
    records = records[20:]
    draw = random.Random(seed)
    for _ in range(8):
        asked = draw.choices(RARE, k=draw.randint(1, 7))
        wanted = naive(records, asked)
        found = view.matching(" ".join(asked), 500)
        there = {one.id: score for one, score in zip(records, wanted, strict=True) if score > 0}
        assert dict(found) == pytest.approx(there, rel=1e-6)
        order = sorted(there, key=lambda id: (-round(there[id], 6), id))
        assert [id for id, _ in sorted(found, key=lambda one: (-round(one[1], 6), one[0]))] == order
        assert view.matching(" ".join(asked), 5) == found[:5]


def test_words_are_found_in_their_other_forms_and_without_those_of_grammar(memory):
    view = memory.bind()
    texts = ["sampling the nodes", "a sampled node", "the the the of and", "unlike"]
    view.put([Record(str(n), text=text) for n, text in enumerate(texts)], {})
    assert {id for id, _ in view.matching("Samples of the node", 9)} == {"0", "1"}
    assert [id for id, _ in view.matching("of the", 9)] == ["2", "0"]


def test_words_that_follow_each_other_as_asked_go_first(memory):
    view = memory.bind()
    view.put(
        [Record("apart", text="red sea and lion"), Record("near", text="sea lion and red")], {}
    )
    assert [id for id, _ in view.matching("sea lion", 2)] == ["near", "apart"]
    assert [id for id, _ in view.matching("red sea", 2)] == ["apart", "near"]


def test_what_a_filter_leaves_is_found_however_far_down_it_stands(memory):
    view = memory.bind()
    view.put([Record(f"n{n}", text="same words", meta={"n": n}) for n in range(1000)], {})
    low = [Record(f"far{n}", text="same " + "other " * 40, meta={"n": -1}) for n in range(3)]
    view.put(low, {})
    assert [id for id, _ in view.matching("same words", 2, {"n": -1})] == ["far0", "far1"]
    assert len(view.matching("same words", 5000)) == 1003
    memory.bind(namespace=["else"]).put([Record("there", text="same other")], {})
    assert [i for i, _ in memory.bind(namespace=["else"]).matching("same words", 9)] == ["there"]


def test_where_there_is_too_much_to_read_the_rarest_words_are_heard(memory, monkeypatch):
    view = memory.bind()
    view.put([Record(f"n{n}", text="common") for n in range(50)], {})
    view.put([Record("rare", text="rare")], {})
    assert len(view.matching("common rare", 99)) == 51
    monkeypatch.setattr(lexical, "READ", 10)
    assert [id for id, _ in view.matching("common rare", 99)] == ["rare"]
    assert len(view.matching("common", 99)) == 50


def test_an_index_made_anew_counts_what_has_no_words_no_more_than_before(memory):
    view = memory.bind()
    view.put([Record("words", text="some")], {})
    picture = Media.from_bytes(b"pixels", modality="image", mime="image/png", name="a.png")
    view.put([Record("none", media=picture)], {})
    with memory.parts.catalog.writing() as db:
        lexical.rebuild(db)
    assert memory.verify() == []
    assert [id for id, _ in view.matching("some", 3)] == ["words"]


def test_an_index_without_stems_becomes_one_with_them(tmp_path):
    db = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    schema.migrate(db, "x", schema.MIGRATIONS[:1])
    db.execute("INSERT INTO body(rid, text) VALUES (7, 'running 東京都'), (8, NULL)")
    db.execute("INSERT INTO words(rowid, title, body) VALUES (7, '', 'running 東京 京都')")
    found = "SELECT rowid FROM words WHERE words MATCH ?"
    assert db.execute(found, ("runs",)).fetchall() == []
    schema.migrate(db, "x")
    assert (
        db.execute(found, ("runs",)).fetchall() == db.execute(found, ("京都",)).fetchall() == [(7,)]
    )
    assert db.execute("SELECT count(*) FROM words_docsize").fetchone() == (1,)
    db.close()


def test_a_build_of_sqlite_without_fts5_is_told_in_a_line(tmp_path, monkeypatch):
    def without(db, path):
        schema.migrate(db, path, [schema.MIGRATIONS[0].replace("fts5(", "fts5_not_built(")])

    monkeypatch.setattr(connection, "migrate", without)
    with pytest.raises(
        StoreError, match=r"built without FTS5: use another build of Python"
    ) as told:
        Memory.open(tmp_path / "m", background=False)
    assert "\n" not in str(told.value)
