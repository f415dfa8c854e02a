"""Who may do what where: the one gate through which every operation on a memory goes.

A namespace is a path of labels, such as `("acme", "ann")`. A right that was given on a path holds
for everything below it. Nobody has a right that was not given: what is not known is refused.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from enum import IntEnum

from omni.errors import StoreError, UsageError

OWNER = "owner"
"""Whoever can open the files; has every right from the start."""

Path = tuple[str, ...]

_END = "\x1f"  # after each label, so that no path is a prefix of another by spelling


class Right(IntEnum):
    """Each includes those before it."""

    READ = 1
    WRITE = 2
    ADMIN = 3


class AccessDenied(StoreError):
    """This principal has no such right there; says nothing of what lies there."""


def spelled(path: Sequence[str]) -> str:
    """A path as it is stored.

    Raises:
        UsageError: if a label is empty, no string, over-long, or holds a control character.
    """
    if isinstance(path, str):
        raise UsageError(f"a namespace is a tuple of labels, such as ({path!r},), not {path!r}")
    for label in path:
        if not isinstance(label, str) or not label or len(label) > 256 or _END in label:
            raise UsageError(
                "a label of a namespace is a string of 1 to 256 characters without U+001F, "
                f"not {label!r}"
            )
    return "".join(label + _END for label in path)


def labels(path: str) -> Path:
    """The inverse of `spelled`."""
    return tuple(path.split(_END)[:-1])


def ancestry(path: str) -> list[str]:
    """The path and all those above it, the shortest first."""
    parts = path.split(_END)[:-1]
    return ["".join(part + _END for part in parts[:depth]) for depth in range(len(parts) + 1)]


def check(db: sqlite3.Connection, principal: str, path: str, right: Right) -> int | None:
    """Number of the namespace, `None` if nothing was ever put there.

    Raises:
        AccessDenied: if the principal lacks the right.
    """
    above = ancestry(path)
    marks = ",".join("?" * len(above))
    level, ns = db.execute(
        f"SELECT (SELECT max(level) FROM access WHERE principal = ? AND path IN ({marks})), "
        "(SELECT ns FROM namespace WHERE path = ?)",
        (principal, *above, path),
    ).fetchone()
    if principal == OWNER:
        level = Right.ADMIN
    if level is None or level < right:
        raise AccessDenied(
            f"{principal!r} may not {right.name.lower()} {'/'.join(labels(path)) or 'the root'!r}: "
            "ask whoever administers it for a grant"
        )
    return ns


def below(db: sqlite3.Connection, path: str) -> list[int]:
    """Numbers of a namespace and of all under it."""
    rows = db.execute("SELECT ns FROM namespace WHERE substr(path, 1, ?) = ?", (len(path), path))
    return [ns for (ns,) in rows]


def enter(db: sqlite3.Connection, path: str) -> int:
    """Number of a namespace, which is made if need be."""
    db.execute("INSERT OR IGNORE INTO namespace(path) VALUES (?)", (path,))
    return db.execute("SELECT ns FROM namespace WHERE path = ?", (path,)).fetchone()[0]


def grant(db: sqlite3.Connection, principal: str, path: str, right: Right | None) -> None:
    """Set the right of a principal on a path and below; `None` takes away what was given there."""
    if not principal or principal == OWNER:
        raise UsageError(f"rights are given to a named principal other than {OWNER!r}")
    db.execute("DELETE FROM access WHERE principal = ? AND path = ?", (principal, path))
    if right is not None:
        db.execute("INSERT INTO access VALUES (?, ?, ?)", (principal, path, int(right)))


def granted(db: sqlite3.Connection, path: str) -> Iterable[tuple[str, Path, Right]]:
    """Every grant on a path and below it."""
    rows = db.execute(
        "SELECT principal, path, level FROM access WHERE substr(path, 1, ?) = ? ORDER BY 1, 2",
        (len(path), path),
    )
    return [(principal, labels(where), Right(level)) for principal, where, level in rows]
