"""The tables of a memory, and how an older catalogue becomes one of today.

A row is never rewritten in place: to replace a record is to add a row and let the old one go. So a
row's number, its text and its vectors belong together for ever, and whatever was derived from a row
stays right until the row goes.
"""

from __future__ import annotations

import sqlite3

from omni.errors import StoreError

from .words import spread

APPLICATION = 0x4F4D4E49
"""`OMNI` in the file's header tells our catalogues from other SQLite files."""

CURRENT, SUPERSEDED, GONE = 0, 1, 2
"""What becomes of a row: searches find current ones, `as_of` also those that were superseded."""

_FIRST = """
CREATE TABLE setting(name TEXT PRIMARY KEY, value) WITHOUT ROWID;
INSERT INTO setting VALUES ('change_floor', 0);

CREATE TABLE namespace(ns INTEGER PRIMARY KEY AUTOINCREMENT, path TEXT NOT NULL UNIQUE);
CREATE TABLE access(
  principal TEXT NOT NULL, path TEXT NOT NULL, level INTEGER NOT NULL,
  PRIMARY KEY (principal, path)) WITHOUT ROWID;

CREATE TABLE item(
  rid INTEGER PRIMARY KEY AUTOINCREMENT,
  ns INTEGER NOT NULL, id TEXT NOT NULL, state INTEGER NOT NULL DEFAULT 0,
  kind TEXT NOT NULL, modality TEXT NOT NULL, media TEXT,
  created INTEGER NOT NULL, event_time INTEGER, valid_from INTEGER NOT NULL, valid_to INTEGER,
  superseded_by INTEGER, importance REAL NOT NULL, expires INTEGER, sameness BLOB NOT NULL);
CREATE UNIQUE INDEX item_id ON item(ns, id) WHERE state < 2;
CREATE INDEX item_state ON item(ns, state);
CREATE INDEX item_sameness ON item(ns, sameness);
CREATE INDEX item_media ON item(media) WHERE media IS NOT NULL;
CREATE INDEX item_expires ON item(ns, expires) WHERE expires IS NOT NULL;
CREATE INDEX item_successor ON item(superseded_by) WHERE superseded_by IS NOT NULL;

CREATE TABLE body(
  rid INTEGER PRIMARY KEY, title TEXT, text TEXT, meta TEXT, provenance TEXT, media TEXT);
CREATE TABLE tag(
  ns INTEGER NOT NULL, field TEXT NOT NULL, value NOT NULL, rid INTEGER NOT NULL,
  PRIMARY KEY (ns, field, value, rid)) WITHOUT ROWID;
CREATE TABLE twin(
  ns INTEGER NOT NULL, id TEXT NOT NULL, rid INTEGER NOT NULL, similarity REAL NOT NULL,
  provenance TEXT, created INTEGER NOT NULL, PRIMARY KEY (ns, id)) WITHOUT ROWID;
CREATE INDEX twin_rid ON twin(rid);
CREATE TABLE change(seq INTEGER PRIMARY KEY AUTOINCREMENT, ns INTEGER NOT NULL, rid INTEGER);
CREATE INDEX change_ns ON change(ns, seq);

CREATE TABLE space(
  sid INTEGER PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL, width INTEGER NOT NULL,
  metric TEXT NOT NULL, multi INTEGER NOT NULL, UNIQUE (name, digest));
CREATE TABLE segment(
  name TEXT PRIMARY KEY, sid INTEGER NOT NULL, ns INTEGER NOT NULL, kind TEXT NOT NULL,
  rows INTEGER NOT NULL, rids BLOB NOT NULL, bytes INTEGER NOT NULL, sha256 TEXT NOT NULL,
  width_of_search INTEGER NOT NULL, recall REAL NOT NULL, created INTEGER NOT NULL);
CREATE INDEX segment_of ON segment(sid, ns);

CREATE TABLE indexed(
  ns INTEGER NOT NULL, name TEXT NOT NULL, collection TEXT NOT NULL, part_of TEXT,
  updated REAL NOT NULL, PRIMARY KEY (ns, collection, name)) WITHOUT ROWID;
CREATE TABLE pair(
  ns INTEGER NOT NULL, name TEXT NOT NULL, value BLOB, media TEXT, PRIMARY KEY (ns, name));
CREATE TABLE message(
  seq INTEGER PRIMARY KEY AUTOINCREMENT, ns INTEGER NOT NULL, session TEXT NOT NULL,
  body TEXT NOT NULL);
CREATE INDEX message_session ON message(ns, session, seq);

CREATE VIRTUAL TABLE words USING fts5(
  title, body, content='', tokenize='unicode61 remove_diacritics 2');
CREATE VIRTUAL TABLE word USING fts5vocab(words, 'row');
"""

_STEMMED = """
DROP TABLE word;
DROP TABLE words;
CREATE VIRTUAL TABLE words USING fts5(
  title, body, content='', tokenize='porter unicode61 remove_diacritics 2');
INSERT INTO words(rowid, title, body)
  SELECT rid, spread(ifnull(title, '')), spread(ifnull(text, '')) FROM body
  WHERE title IS NOT NULL OR text IS NOT NULL;
"""
"""Words are found in their other forms, too: `samples` by `sampling`."""

_RELATED = """
CREATE TABLE entity(
  eid INTEGER PRIMARY KEY, ns INTEGER NOT NULL, name TEXT NOT NULL, UNIQUE (ns, name));
CREATE TABLE mention(
  eid INTEGER NOT NULL, rid INTEGER NOT NULL, PRIMARY KEY (eid, rid)) WITHOUT ROWID;
CREATE INDEX mention_rid ON mention(rid, eid);
CREATE TABLE relation(
  rid INTEGER NOT NULL, head INTEGER NOT NULL, tail INTEGER NOT NULL, said TEXT NOT NULL,
  agreement REAL NOT NULL, PRIMARY KEY (rid, head, tail)) WITHOUT ROWID;
CREATE TABLE related(rid INTEGER PRIMARY KEY, by TEXT NOT NULL);
"""
"""Names in rows, and statements that relate them; every one is of a row, and goes with it."""

MIGRATIONS: list[str] = [_FIRST, _STEMMED, _RELATED]
"""Script by script; the number of those that were run is the version of a catalogue."""


def migrate(db: sqlite3.Connection, path: str, scripts: list[str] | None = None) -> None:
    """Bring a catalogue to the version of today, each step in a transaction of its own.

    Raises:
        StoreError: if it is no catalogue of ours, or of a newer version.
    """
    scripts = MIGRATIONS if scripts is None else scripts
    (version,) = db.execute("PRAGMA user_version").fetchone()
    (application,) = db.execute("PRAGMA application_id").fetchone()
    (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION and (application or version or tables):
        raise StoreError(f"{path} is an SQLite file of another program: name an empty folder")
    if version > len(scripts):
        raise StoreError(
            f"{path} was written by a newer Omni (its tables are of version {version}, this one "
            f"knows up to {len(scripts)}): run  pip install -U omni-agent"
        )
    db.create_function("spread", 1, spread, deterministic=True)
    for number in range(version, len(scripts)):
        _step(db, number, scripts[number])


def _step(db: sqlite3.Connection, number: int, script: str) -> None:
    """One script, unless another process has run it meanwhile."""
    db.execute("BEGIN IMMEDIATE")
    try:
        if db.execute("PRAGMA user_version").fetchone() == (number,):
            for statement in script.split(";\n"):
                if statement.strip():
                    db.execute(statement)
            db.execute(f"PRAGMA application_id = {APPLICATION}")
            db.execute(f"PRAGMA user_version = {number + 1}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def table_of(sid: int) -> str:
    """Name of the table that holds the vectors of a space: `rid` and `v`, bytes of a vector."""
    return f"vector_{int(sid)}"
