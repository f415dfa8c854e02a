"""Reads records for names and statements, checks those that were made up, and keeps the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any, Protocol

import numpy as np

from omni.errors import OmniError

from ..contracts import Embedder, Vectors
from ..record import Record
from ..view import View
from . import edges
from .agreement import Numbers, kept
from .edges import Read
from .entities import VERSION, Names, Triple, names_in

_BATCH = 256


class Reader(Protocol):
    """Finds names and statements in a text.

    Attributes:
        version: of how it reads; what another version read is read anew.
    """

    version: str

    def read(self, text: str) -> Names: ...


class Rules:
    """Reads by rules; what it says stands in the text."""

    version = VERSION

    def read(self, text: str) -> Names:
        return names_in(text)


@dataclass(slots=True)
class Related:
    """What reading records for names did.

    Attributes:
        records: that were read.
        names: that were found, each counted once a record.
        statements: that relate them.
        dropped: statements that did not agree with their sources.
        notes: what could not be read or checked.
    """

    records: int = 0
    names: int = 0
    statements: int = 0
    dropped: int = 0
    notes: list[str] = field(default_factory=list)


def relate(
    view: View, embedders: Sequence[Embedder] = (), *, reader: Reader | None = None
) -> Related:
    """Read the records of a namespace that were not read yet, some hundred at a time.

    Interrupted, it goes on where it ended. Words that stand in a document are taken as they are;
    what a model said, of media or of a text, has to agree with them (see `agreement`).

    Args:
        view: where; its principal may write there.
        embedders: of the spaces in which what was said is compared with its source.
        reader: what reads; rules if `None`.
    """
    reader, done, after = reader or Rules(), Related(), 0
    while True:
        with view.reading() as (db, ns):
            rows = [] if ns is None else edges.unread(db, ns, reader.version, after, _BATCH)
        if not rows:
            return done
        after = rows[-1][0]
        _relate_some(view, embedders, reader, dict(rows), done)


def _relate_some(
    view: View,
    embedders: Sequence[Embedder],
    reader: Reader,
    rows: Mapping[int, str],
    done: Related,
) -> None:
    records = {one.id: one for one in view.get(list(rows.values()))}
    found: dict[int, tuple[Record, Names]] = {}
    for rid, id in rows.items():
        if id not in records:
            continue  # it went, or was replaced by a row that comes later
        try:
            found[rid] = records[id], _read(reader, records[id])
        except OmniError as error:
            done.notes.append(f"{id} was not read: {error}")
    dropped = _disagreeing(view, embedders, list(found.values()), done.notes)
    read: list[Read] = []
    for rid, (record, names) in found.items():
        triples = [one for one in names.triples if (record.id, one) not in dropped]
        stated = {name for one in names.triples for name in (one.head, one.tail)}
        still = {name for one in triples for name in (one.head, one.tail)}
        # A name that only dropped statements tell of is made up as they are.
        left = [name for name in names.names if name in still or name not in stated]
        read.append(Read(rid, Names(left, triples), [1.0] * len(triples)))
        done.names += len(left)
        done.statements += len(triples)
        done.dropped += len(names.triples) - len(triples)
    with view.writing() as (db, ns):
        done.records += edges.keep(db, ns, reader.version, read)


def _read(reader: Reader, record: Record) -> Names:
    """Names of a record; what was said of media is no word of theirs, and has to be checked."""
    origin = record.provenance
    of_file = origin is not None and PurePath(origin.source).name == record.title
    text = record.text if of_file or not record.title else f"{record.title}\n\n{record.text}"
    found = reader.read(text) if text.strip() else Names((), ())
    if "said" not in record.meta or record.media is None:
        return found  # no model spoke of it
    said = " ".join(str(record.meta["said"]).split()).casefold()
    return Names(
        found.names,
        [replace(one, literal=one.literal and one.sentence in said) for one in found.triples],
    )


def _disagreeing(
    view: View,
    embedders: Sequence[Embedder],
    found: Sequence[tuple[Record, Names]],
    notes: list[str],
) -> set[tuple[str, Triple]]:
    """Statements that are not their source's words, and do not agree with it."""
    made: dict[str, list[tuple[Record, Triple]]] = {}
    for record, names in found:
        for one in names.triples:
            if not one.literal:
                made.setdefault(record.modality, []).append((record, one))
    dropped: set[tuple[str, Triple]] = set()
    for modality, pairs in made.items():
        for embedder in embedders:
            sources = _sources(view, embedder, modality, [record for record, _ in pairs])
            if sources is None:
                continue
            ids, vectors = sources
            known = [pair for pair in pairs if pair[0].id in ids]
            try:
                said = _wide(embedder.embed([one.sentence for _, one in known]))
            except OmniError as error:
                notes.append(f"statements on {modality} were not checked: {error}")
                continue
            good, bound = kept(said, _wide(vectors), [ids[record.id] for record, _ in known])
            dropped |= {
                (record.id, one)
                for (record, one), passed in zip(known, good, strict=True)
                if not passed
            }
            if bound is None or not bound.told:
                notes.append(f"statements on {modality} cannot be told from others by likeness")
            break
        else:
            notes.append(f"statements on {modality} were not checked: nothing compares them")
    return dropped


def _wide(vectors: Any) -> Numbers:
    return np.asarray(vectors, np.float64)


def _sources(
    view: View, embedder: Embedder, modality: str, records: Sequence[Record]
) -> tuple[dict[str, int], Vectors] | None:
    """Places by id, and unit vectors of what statements were made of, where a space has both."""
    if embedder.space.multi or embedder.space.metric != "cosine":
        return None
    if not {modality, "text"} <= embedder.modalities:
        return None
    ids = list(dict.fromkeys(record.id for record in records))
    stored = view.vectors(embedder.space, ids)
    found = {id: one for id, one in zip(ids, stored, strict=True) if one is not None}
    if not found:
        return None
    return {id: place for place, id in enumerate(found)}, np.stack(list(found.values()))
