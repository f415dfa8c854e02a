"""Search by words: SQLite's FTS5, weighed by BM25, in the transaction of the record.

The index holds no text of its own. To take a row out, what was put in is computed again from the
row, which works because rows never change.

FTS5 finds the rows of each word, and how much each is about it. Words are put together here and
not by FTS5, whose BM25 takes all weight from words in half of the rows, hears a word that was
asked for twice once, and counts a pair of words as much as both. On docstrings of eight packages
that were asked for by their summaries, mean reciprocal rank rose by 0.01 to 0.03.
"""

from __future__ import annotations

import itertools
import json
import math
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .filters import Clause
from .words import spoken, spread, telling

TITLE_WEIGHT = 4.0
BODY_WEIGHT = 0.6
"""Of a word in the text. FTS5 fixes `k1` at 1.2, which a weight divides: this makes it 2."""

PAIR_WEIGHT = 0.1
"""Of two words that follow each other as they do in the question, beside theirs alone."""

READ = 50_000
"""Rows that are weighed for one question, at some microsecond each: the rarest words come first,
and of a collection so large that the others are in more rows, they are passed over."""

_LEAST_LOOKED = 64


def add(db: sqlite3.Connection, rows: Iterable[tuple[int, str, str]]) -> None:
    """Index rows of number, title and text."""
    db.executemany(
        "INSERT INTO words(rowid, title, body) VALUES (?, ?, ?)",
        ((rid, spread(title), spread(body)) for rid, title, body in rows),
    )


def remove(db: sqlite3.Connection, rows: Iterable[tuple[int, str, str]]) -> None:
    """Take rows out; they have to be given as they were indexed."""
    db.executemany(
        "INSERT INTO words(words, rowid, title, body) VALUES ('delete', ?, ?, ?)",
        ((rid, spread(title), spread(body)) for rid, title, body in rows),
    )


def rebuild(db: sqlite3.Connection) -> None:
    """Make the index anew from the rows; nothing of the old one is left in it."""
    db.execute("INSERT INTO words(words) VALUES ('delete-all')")
    rows = db.execute(
        "SELECT rid, ifnull(title, ''), ifnull(text, '') FROM body "
        "WHERE title IS NOT NULL OR text IS NOT NULL"
    )
    while some := rows.fetchmany(2000):
        add(db, some)
    tidy(db)


def tidy(db: sqlite3.Connection) -> None:
    """Merge the index into one piece, in which nothing is left of rows that were taken out."""
    db.execute("INSERT INTO words(words) VALUES ('optimize')")


def search(
    db: sqlite3.Connection, text: str, k: int, where: Clause, *, title_weight: float = TITLE_WEIGHT
) -> list[tuple[int, float]]:
    """Numbers and scores of the best `k` rows that `where` lets pass, the best first."""
    found: list[tuple[int, float]] = []
    with _one_state(db):
        rids, scores = _scored(db, spoken(text), title_weight * BODY_WEIGHT)
        for some in _from_the_top(rids, scores, max(_LEAST_LOOKED, 2 * k)):
            passed = _passing(db, rids[some], where)
            pairs = zip(rids[some].tolist(), scores[some].tolist(), strict=True)
            found += [(rid, score) for rid, score in pairs if rid in passed]
            if len(found) >= k:
                break
    return found[:k]


@contextmanager
def _one_state(db: sqlite3.Connection) -> Iterator[None]:
    """All statements see the same rows: beside a writer, a word would be in more than there are."""
    if db.in_transaction:
        yield
        return
    db.execute("BEGIN")
    try:
        yield
    finally:
        db.execute("ROLLBACK")


@dataclass(frozen=True, slots=True)
class _Postings:
    """Rows `[R]` that hold a phrase, and what each scores by it."""

    rids: NDArray[np.int64]
    scores: NDArray[np.float64]


def _scored(
    db: sqlite3.Connection, words: list[str], title_weight: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Every row that holds a word that was asked for, ascending, and its score."""
    asked = Counter(telling(words))
    (total,) = db.execute("SELECT count(*) FROM words_docsize").fetchone()
    heard = _heard(db, asked)
    parts = []
    for word in heard:
        one = _postings(db, f'"{word}"', total, title_weight)
        parts.append(_Postings(one.rids, asked[word] * one.scores))
    for pair in dict.fromkeys(itertools.pairwise(words)):
        if heard.issuperset(pair):
            one = _postings(db, '"{} {}"'.format(*pair), total, title_weight)
            parts.append(_Postings(one.rids, PAIR_WEIGHT * one.scores))
    if not parts:
        return np.empty(0, np.int64), np.empty(0)
    rids, places = np.unique(np.concatenate([one.rids for one in parts]), return_inverse=True)
    sums: NDArray[Any] = np.bincount(places, np.concatenate([one.scores for one in parts]))
    return rids, sums


def _heard(db: sqlite3.Connection, asked: Iterable[str]) -> set[str]:
    """The words that occur, the rarest of them where they are in too many rows to read."""
    counts = {}
    for word in asked:
        query = "SELECT count(*) FROM words WHERE words MATCH ?"
        (counts[word],) = db.execute(query, (f'"{word}"',)).fetchone()
    heard: set[str] = set()
    read = 0
    for word in sorted((word for word in counts if counts[word]), key=counts.__getitem__):
        read += counts[word]
        if heard and read > READ:
            break
        heard.add(word)
    return heard


def _postings(db: sqlite3.Connection, phrase: str, total: int, title_weight: float) -> _Postings:
    """The rows of a phrase by BM25 with the rarity of Lucene, which is above 0 for any word."""
    query = "SELECT rowid, -bm25(words, ?, ?) FROM words WHERE words MATCH ? ORDER BY rowid"
    rows = db.execute(query, (title_weight, BODY_WEIGHT, phrase)).fetchall()
    flat = np.fromiter(itertools.chain.from_iterable(rows), np.float64, 2 * len(rows))
    odds = (total - len(rows) + 0.5) / (len(rows) + 0.5)
    theirs = max(math.log(odds), 1e-6)  # as in FTS5
    return _Postings(flat[::2].astype(np.int64), flat[1::2] * (math.log1p(odds) / theirs))


def _from_the_top(
    rids: NDArray[np.int64], scores: NDArray[np.float64], size: int
) -> Iterator[NDArray[np.intp]]:
    """Places by falling score, among equals the oldest row first; each time four times as many."""
    left = np.arange(len(rids))
    while len(left):
        if len(left) > size:
            least = np.partition(scores[left], len(left) - size)[len(left) - size]
            high = scores[left] >= least
            some, left = left[high], left[~high]
        else:
            some, left = left, left[:0]
        yield some[np.lexsort((rids[some], -scores[some]))]
        size *= 4


def _passing(db: sqlite3.Connection, rids: NDArray[np.int64], where: Clause) -> set[int]:
    query = (
        "SELECT i.rid FROM item i NOT INDEXED "
        f"WHERE i.rid IN (SELECT value FROM json_each(?)) AND {where.sql}"
    )
    found = db.execute(query, (json.dumps(rids.tolist()), *where.values))
    return {rid for (rid,) in found}
