"""Search over past sessions: what was asked, answered and attached, by words.

The index (FTS5) is a cache of the messages. A session is indexed anew when it is searched and its
newest checkpoint is another than the one that was indexed: asking costs nothing, and a process that
is killed leaves nothing behind that is wrong.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from omni.content import MediaPart, Part, TextPart
from omni.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from omni.chat.sessions import Sessions
    from omni.chat.transcript import Turn

OPEN, CLOSE = "\x02", "\x03"
"""What stands before and after a found word in `Found.text`."""

TABLES = """
CREATE VIRTUAL TABLE IF NOT EXISTS said USING fts5 (
    text, session UNINDEXED, turn UNINDEXED, at UNINDEXED,
    tokenize = "unicode61 remove_diacritics 2"
);
CREATE TABLE IF NOT EXISTS indexed (session TEXT PRIMARY KEY, checkpoint TEXT NOT NULL);
"""
_EXCERPT_WORDS = 16
_STALE = """
SELECT name, MAX(checkpoint_id) FROM sessions
JOIN checkpoints ON thread_id = name AND checkpoint_ns = ''
LEFT JOIN indexed ON session = name
GROUP BY name HAVING MAX(checkpoint_id) IS NOT MAX(indexed.checkpoint)
"""


@dataclass(frozen=True, slots=True)
class Found:
    """A turn in which the words were said.

    Attributes:
        session: its name.
        turn: its number, from 1.
        at: when it was asked, in UTC, in ISO form.
        text: an excerpt, in which found words stand between `OPEN` and `CLOSE`.
    """

    session: str
    turn: int
    at: str
    text: str


def search(sessions: Sessions, words: str, limit: int) -> list[Found]:
    """Turns that hold all the words (or words that begin so), the best first.

    Where no word begins so, as in scripts that put no spaces between words, the text is searched
    for the words as they stand.

    Raises:
        UsageError: if no word is given.
    """
    given = [word for word in words.split() if any(map(str.isalnum, word))]
    if not given:
        raise UsageError("name the words to search for: omni sessions search WORDS")
    _refresh(sessions)
    asked = " AND ".join('"{}"*'.format(word.replace('"', '""')) for word in given)
    columns = "SELECT session, turn, at, "
    with sessions.checkpoints.cursor(transaction=False) as cursor:
        rows = cursor.execute(
            f"{columns} snippet(said, 0, ?, ?, '…', {_EXCERPT_WORDS}) FROM said "
            "WHERE said MATCH ? ORDER BY bm25(said), at DESC LIMIT ?",
            (OPEN, CLOSE, asked, limit),
        ).fetchall()
        if not rows:
            holds = " AND ".join("instr(lower(text), ?)" for _ in given)
            rows = cursor.execute(
                f"{columns} text FROM said WHERE {holds} ORDER BY at DESC LIMIT ?",
                (*map(str.lower, given), limit),
            ).fetchall()
            rows = [(*row[:3], _around(row[3], given[0])) for row in rows]
    return [Found(session, int(turn), at, text) for session, turn, at, text in rows]


def forget(cursor: sqlite3.Cursor, session: str) -> None:
    """Take a session out of the index, in the transaction of the caller."""
    for table in ("said", "indexed"):
        cursor.execute(f"DELETE FROM {table} WHERE session = ?", (session,))


def _refresh(sessions: Sessions) -> None:
    from omni.chat.transcript import turns

    with sessions.checkpoints.cursor(transaction=False) as cursor:
        stale = cursor.execute(_STALE).fetchall()
    for name, checkpoint in stale:
        handles = {ref.handle for ref in sessions.refs(name)}
        found = turns(sessions.messages(name), handles)
        with sessions.checkpoints.cursor() as cursor:
            forget(cursor, name)
            cursor.executemany(
                "INSERT INTO said (text, session, turn, at) VALUES (?, ?, ?, ?)",
                [(_text(turn), name, turn.number, turn.at) for turn in found],
            )
            cursor.execute("INSERT INTO indexed VALUES (?, ?)", (name, checkpoint))


def _text(turn: Turn) -> str:
    return "\n".join((*_said(turn.question), *_said(turn.answer.parts)))


def _said(parts: Iterable[Part]) -> Iterator[str]:
    """Words, and names and prompts of media."""
    for part in parts:
        if isinstance(part, TextPart):
            yield part.text
        elif isinstance(part, MediaPart) and part.ref:
            prompt = part.ref.lineage.prompt if part.ref.lineage else ""
            yield f"[{part.ref.handle}: {part.ref.name}{': ' if prompt else ''}{prompt}]"


def _around(text: str, word: str) -> str:
    """An excerpt around a word, which is marked."""
    at = text.lower().find(word.lower())
    if at < 0:  # a letter whose small form is longer came before it
        return text[:80]
    end = at + len(word)
    before = f"…{text[at - 40 : at]}" if at > 40 else text[:at]
    after = f"{text[end : end + 40]}…" if len(text) > end + 40 else text[end:]
    return f"{before}{OPEN}{text[at:end]}{CLOSE}{after}"
