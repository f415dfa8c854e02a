"""Search by words: SQLite's FTS5, weighed by BM25, in the transaction of the record.

The index holds no text of its own. To take a row out, what was put in is computed again from the
row, which works because rows never change.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable

from .filters import Clause

TITLE_WEIGHT = 4.0
COMMON = 0.2
"""Words in more than this share of all records are passed over if rarer ones are asked for."""

_WORD = re.compile(r"[^\W_]+")
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff"  # Thai, Lao, Burmese, Khmer, kana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af"  # Chinese characters, Hangul
)
_RUN = re.compile(f"[{_UNSPACED}]+")
"""Scripts that put no spaces between words (Hangul does, but glues particles to them)."""


def spread(text: str) -> str:
    """Text in which a run of a script without spaces stands as its overlapping pairs."""
    if text.isascii():
        return text
    return _RUN.sub(lambda run: f" {_pairs(run[0])} ", text)


def _pairs(run: str) -> str:
    if len(run) == 1:
        return run
    return " ".join(run[place : place + 2] for place in range(len(run) - 1))


def words_of(text: str) -> list[str]:
    """The different words of a question, in its order."""
    return list(dict.fromkeys(_WORD.findall(spread(text).lower())))


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
    rows = db.execute("SELECT rid, ifnull(title, ''), ifnull(text, '') FROM body")
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
    asked = telling(db, words_of(text))
    if not asked:
        return []
    query = " OR ".join(f'"{word}"' for word in asked)
    rows = db.execute(
        f"SELECT i.rid, -bm25(words, {float(title_weight)}, 1.0) AS score FROM words "
        f"CROSS JOIN item i NOT INDEXED ON i.rid = words.rowid WHERE words MATCH ? AND {where.sql} "
        "ORDER BY score DESC, i.rid LIMIT ?",
        (query, *where.values, k),
    )
    return rows.fetchall()


def telling(db: sqlite3.Connection, asked: list[str]) -> list[str]:
    """The words that occur, without those that tell nothing because nearly every record has them.

    Leaving them out hardly changes the order, since BM25 gives them next to no weight, but spares
    reading the longest lists (on the documentation of Python: a third of the time).
    """
    if len(asked) < 2:
        return asked
    counts = {}
    for word in asked:
        row = db.execute("SELECT doc FROM word WHERE term = ?", (_folded(word),)).fetchone()
        # A word that the tokenizer writes otherwise is not found here, and is kept.
        counts[word] = row[0] if row else 0
    (total,) = db.execute("SELECT count(*) FROM words_docsize").fetchone()
    rare = [word for word in asked if counts[word] <= max(COMMON * total, 50)]
    return rare or asked


def _folded(word: str) -> str:
    import unicodedata

    if word.isascii():
        return word
    plain = unicodedata.normalize("NFKD", word)
    return "".join(sign for sign in plain if not unicodedata.combining(sign))
