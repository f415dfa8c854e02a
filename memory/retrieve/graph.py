"""A leg of the search that goes by names: from those of the question over records to others.

A record that answers in the second step, such as who founded the firm that makes a pump, may share
no word with the question and mean something else. It shares a name with a record that does.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from omni.errors import UsageError
from omni.plugins import Component

from ..contracts import Filter
from ..knowledge import edges
from ..knowledge.entities import asked_in
from ..knowledge.walking import visits
from ..searching import ids_of, passing, seen
from ..view import View
from .explain import Stage

GRAPH = "graph"
"""Name of the leg."""

SHARE = 0.6
"""Of the lead of the record that the walk sets out from, as the nearest to it inherits it. With
more, answers of one step lose places to neighbours; see `benchmarks/memory_graph.py`."""

HUB = 200
"""Records from which a name is in too many to lead anywhere."""

_NEAR = 0.9
"""Share of the best walk's score from which a record is one that the walk sets out from."""

_MOST_ROWS = 4_000
_MOST_SEEDS = 32


@dataclass(slots=True)
class _Around:
    """What lies around the names of a question.

    Attributes:
        rarity: of each name, by number; hubs are not there.
        mentions: number of a name and of a record that has it.
        steps: of each name, how many records lie between it and the question.
    """

    rarity: dict[int, float] = field(default_factory=dict)
    mentions: set[tuple[int, int]] = field(default_factory=set)
    steps: dict[int, int] = field(default_factory=dict)


class GraphLeg:
    """Scores records by how often a walk from the question's names comes to them.

    Only names in records that can be seen are walked over, so that what another namespace holds, or
    was deleted, leads nowhere. A filter says what may be found, not what may be walked over.

    Args:
        view: where to look; `relate` has read its records.
        hops: names between one of the question and one of the record that is found.
        share: of the lead of what the walk sets out from, which what it comes to inherits.

    Raises:
        UsageError: for fewer than 0 hops or more than 3.
    """

    name = GRAPH

    def __init__(self, view: View, *, hops: int = 2, share: float = SHARE):
        if not 0 <= hops <= 3:
            raise UsageError(f"a graph is walked over 0 to 3 hops, not {hops}")
        self.view, self.hops, self.share = view, hops, share

    def lifted(
        self, ranked: Sequence[tuple[str, float]], reached: Mapping[str, float]
    ) -> list[tuple[str, float]]:
        """The ranking of all other legs, with what the walk came to behind what it set out from.

        To what answers in the second step, other legs are right to give little: it is about
        something else. So scores are not added. The best of the records that the walk sets out
        from stands above the middle of all by its lead; a record inherits a share of that, the
        less the farther it is, unless its own score is higher.

        Args:
            ranked: ids and scores, the best first.
            reached: scores of the walk.
        """
        if not ranked or not reached:
            return list(ranked)
        found, most = dict(ranked), max(reached.values())
        starts = [
            found[id] for id, score in reached.items() if id in found and score >= _NEAR * most
        ]
        middle = ranked[len(ranked) // 2][1]
        lead = max(starts, default=middle) - middle
        if lead <= 0:  # what has the names of the question is not about it
            return list(ranked)
        for id, score in reached.items():
            inherited = middle + self.share * score / most * lead
            found[id] = max(found.get(id, inherited), inherited)
        return sorted(found.items(), key=lambda pair: -pair[1])

    def scores(
        self, text: str, where: Filter | None, stage: Stage, *, depth: int
    ) -> dict[str, float]:
        """The `depth` best records, by id; none if nothing here has a name of the question."""
        asked = asked_in(text)
        with self.view.reading() as (db, ns):
            if ns is None or not asked:
                return {}
            db.execute("BEGIN")  # all that follows sees one state
            seeds = self._seeds(db, ns, asked, stage)
            if not seeds:
                stage.notes += _why_nothing(db, ns)
                return {}
            around = self._around(db, ns, seeds)
            found = self._walked(db, around, seeds)
            allowed = passing(db, ns, where) if where else seen(ns)
            ids = ids_of(db, allowed, list(found))
        best = sorted(
            ((found[rid], id) for rid, id in ids.items()), key=lambda one: (-one[0], one[1])
        )
        return {id: score for score, id in best[:depth]}

    def _seeds(
        self, db: sqlite3.Connection, ns: int, asked: Sequence[str], stage: Stage
    ) -> dict[int, float]:
        """Names of the question that lead somewhere, with their rarity."""
        found = db.execute(
            "SELECT name, eid FROM entity "
            "WHERE ns = ? AND name IN (SELECT value FROM json_each(?))",
            (ns, json.dumps(asked)),
        ).fetchall()
        rarity = _rarity(db, ns, [eid for _, eid in found])
        names = {eid: name for name, eid in found if eid in rarity}
        # Of a name and the parts of it, only the whole is meant.
        parts = {
            eid
            for eid, name in names.items()
            if any(name != other and f" {name} " in f" {other} " for other in names.values())
        }
        kept = sorted(names.keys() - parts, key=lambda eid: (-rarity[eid], eid))[:_MOST_SEEDS]
        if kept:
            stage.notes.append(f"from {', '.join(names[eid] for eid in kept[:5])}")
        return {eid: rarity[eid] for eid in kept}

    def _around(self, db: sqlite3.Connection, ns: int, seeds: dict[int, float]) -> _Around:
        around = _Around(dict(seeds), steps=dict.fromkeys(seeds, 0))
        frontier: list[int] = list(seeds)
        known: set[int] = set()
        for step in range(self.hops + 1):
            mentions = _mentions(db, ns, frontier, _MOST_ROWS - len(known))
            around.mentions |= mentions
            fresh = {rid for _, rid in mentions} - known
            known |= fresh
            if step == self.hops or not fresh:
                break
            inside = db.execute(
                "SELECT eid, rid FROM mention WHERE rid IN (SELECT value FROM json_each(?))",
                (json.dumps(sorted(fresh)),),
            ).fetchall()
            new = sorted({eid for eid, _ in inside} - around.rarity.keys())
            around.rarity |= _rarity(db, ns, new)
            around.mentions |= {pair for pair in inside if pair[0] in around.rarity}
            frontier = [eid for eid in new if eid in around.rarity]
            around.steps |= dict.fromkeys(frontier, step + 1)
        return around

    def _walked(
        self, db: sqlite3.Connection, around: _Around, seeds: dict[int, float]
    ) -> dict[int, float]:
        """Scores of records by number: the logarithm of how often they are come to, from 0 up."""
        if not around.mentions:  # what had these names cannot be seen any more
            return {}
        eids, rids = sorted(around.rarity), sorted({rid for _, rid in around.mentions})
        place = {eid: n for n, eid in enumerate(eids)}
        row_place = {rid: len(eids) + n for n, rid in enumerate(rids)}
        ends = [(place[eid], row_place[rid], around.rarity[eid]) for eid, rid in around.mentions]
        said = db.execute(
            "SELECT head, tail, agreement FROM relation "
            "WHERE rid IN (SELECT value FROM json_each(?))",
            (json.dumps(rids),),
        )
        ends += [
            (place[head], place[tail], agreement * min(around.rarity[head], around.rarity[tail]))
            for head, tail, agreement in said
            if head in place and tail in place and agreement > 0
        ]
        table = np.array(sorted(ends), np.float64)
        starts = np.zeros(len(eids) + len(rids))
        for eid, rarity in seeds.items():
            starts[place[eid]] = rarity
        often = visits(
            table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2], starts
        )[len(eids) :]
        reached = often > 0
        low = math.log(often[reached].min()) if reached.any() else 0.0
        return {
            rid: math.log(one) - low + 1.0
            for rid, one in zip(rids, often.tolist(), strict=True)
            if one > 0
        }


def _mentions(
    db: sqlite3.Connection, ns: int, eids: Iterable[int], most: int
) -> set[tuple[int, int]]:
    """Names with the current records that have them; the rarest names first, up to a limit."""
    if most < 1:
        return set()
    visible = seen(ns)
    found = db.execute(
        "SELECT m.eid, m.rid FROM json_each(?) j CROSS JOIN mention m ON m.eid = j.value "
        f"CROSS JOIN item i NOT INDEXED ON i.rid = m.rid WHERE {visible.sql} LIMIT ?",
        (json.dumps(list(eids)), *visible.values, most),
    )
    return set(found.fetchall())


def _rarity(db: sqlite3.Connection, ns: int, eids: Sequence[int]) -> dict[int, float]:
    """How much each name tells: the logarithm of how few records have it; hubs are left out."""
    if not eids:
        return {}
    (rows,) = db.execute("SELECT count(*) FROM item WHERE ns = ? AND state = 0", (ns,)).fetchone()
    found = db.execute(
        "SELECT j.value, (SELECT count(*) FROM (SELECT 1 FROM mention m WHERE m.eid = j.value "
        "LIMIT ?)) FROM json_each(?) j",
        (HUB + 1, json.dumps(list(eids))),
    )
    return {eid: math.log(1 + rows / count) for eid, count in found if 0 < count <= HUB}


def _why_nothing(db: sqlite3.Connection, ns: int) -> list[str]:
    read, _, _ = edges.counts(db, ns)
    return [] if read else ["no record was read for names: omni memory relate"]


COMPONENTS: tuple[Any, ...] = (
    Component(
        "store",
        "graph leg",
        "From the names of a question over records that share them to those that answer.",
        system="VaLiK",
        paper="VaLiK (arXiv 2503.12972), HippoRAG (arXiv 2405.14831)",
    ),
)
