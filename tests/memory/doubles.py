"""Doubles of what ingestion stands between: a backend in memory, and an embedder of bytes."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from omni.memory.contracts import Space
from omni.memory.embed.grouping import GroupedEmbedder


class Shelf:
    """A `Backend` in a dictionary; searches are exact. It counts what is written."""

    def __init__(self):
        self.records, self.stored, self.puts = {}, {}, 0

    def put(self, records, vectors):
        ids = [record.id for record in records]
        assert len(set(ids)) == len(ids)
        for id in ids:
            self._forget(id)
        self.records |= {record.id: record for record in records}
        for space, given in vectors.items():
            rows = self.stored.setdefault(space, {})
            for id, vector in zip(ids, given, strict=True):
                if vector is not None:
                    rows[id] = vector
        self.puts += 1
        return ids

    def get(self, ids):
        return [self.records[id] for id in ids if id in self.records]

    def delete(self, ids):
        there = [id for id in ids if id in self.records]
        for id in there:
            self._forget(id)
        return len(there)

    def nearest(self, space, vector, k, where=None):
        rows = self.stored.get(space, {})
        scored = [(id, float(np.dot(row, vector))) for id, row in rows.items()]
        return sorted(scored, key=lambda pair: -pair[1])[:k]

    def matching(self, words, k, where=None):
        return []

    def vectors(self, space, ids):
        return [self.stored.get(space, {}).get(id) for id in ids]

    def spaces(self):
        return [space for space, rows in self.stored.items() if rows]

    def _forget(self, id):
        self.records.pop(id, None)
        for rows in self.stored.values():
            rows.pop(id, None)

    def of(self, name):
        """Records of a file, the whole first."""
        mine = [one for one in self.records.values() if one.provenance.source.endswith("/" + name)]
        return sorted(mine, key=lambda one: one.id)


class Digests(GroupedEmbedder):
    """Vectors drawn from the bytes of what is embedded."""

    def __init__(self, *modalities, name="digests"):
        self.modalities = frozenset(modalities)
        self.space = Space(name, 8, "0" * 64)
        self.seen = []

    def read(self, modality: str, items: Sequence[Any]) -> Any:
        self.seen += [(modality, item) for item in items]
        named: list[Any] = [item if isinstance(item, str) else item.digest for item in items]
        return [self._vector(one) for one in named]

    def _vector(self, text: str):
        bits = np.frombuffer(hashlib.sha256(text.encode()).digest()[:8], np.uint8)
        found = bits.astype(np.float32) - 127.5
        return found / np.linalg.norm(found)
