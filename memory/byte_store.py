"""Bytes by name, as LangChain's `ByteStore`: small ones in the catalogue, large ones as files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from langchain_core.stores import ByteStore

from omni.media import Media
from omni.plugins import Component

from .view import View

INLINE = 1 << 16
"""Bytes up to which a value lies in the catalogue."""

COMPONENTS = (
    Component(
        "store",
        "byte_store",
        "Bytes by name, as LangChain's ByteStore.",
    ),
)


class OmniByteStore(ByteStore):
    """Pairs of a namespace; each call is one transaction."""

    def __init__(self, view: View):
        self._view = view

    def mget(self, keys: Sequence[str]) -> list[bytes | None]:
        """Values, `None` where there is none.

        Raises:
            StoreError: if the file of a large one is gone.
        """
        with self._view.reading() as (db, ns):
            found = db.execute(
                "SELECT name, value, media FROM pair WHERE ns = ? "
                "AND name IN (SELECT value FROM json_each(?))",
                (ns, json.dumps(list(keys))),
            ).fetchall()
            blobs = self._view.parts.blobs
            known = {
                name: blobs.path(media).read_bytes() if media else value
                for name, value, media in found
            }
        return [known.get(key) for key in keys]

    def mset(self, key_value_pairs: Sequence[tuple[str, bytes]]) -> None:
        """Store pairs; what was there under a name is replaced."""
        large = {key: _file(key, value) for key, value in key_value_pairs if len(value) > INLINE}
        with self._view.writing() as (db, ns):
            for media in large.values():
                self._view.parts.blobs.put(media)
            rows = [
                (ns, key, None, large[key].digest)
                if len(value) > INLINE
                else (ns, key, bytes(value), None)
                for key, value in key_value_pairs
            ]
            db.executemany("INSERT OR REPLACE INTO pair VALUES (?, ?, ?, ?)", rows)

    def mdelete(self, keys: Sequence[str]) -> None:
        """Take pairs out; names that are not there are no error."""
        with self._view.writing() as (db, ns):
            db.executemany(
                "DELETE FROM pair WHERE ns = ? AND name = ?", [(ns, key) for key in keys]
            )

    def yield_keys(self, *, prefix: str | None = None) -> Iterator[str]:
        """Names that begin so, sorted."""
        begin = prefix or ""
        with self._view.reading() as (db, ns):
            found = db.execute(
                "SELECT name FROM pair WHERE ns = ? AND substr(name, 1, ?) = ? ORDER BY name",
                (ns, len(begin), begin),
            ).fetchall()
        for (name,) in found:
            yield name


def _file(name: str, value: bytes) -> Media:
    return Media.from_bytes(
        bytes(value), modality="file", mime="application/octet-stream", name=name
    )


plugin = OmniByteStore
