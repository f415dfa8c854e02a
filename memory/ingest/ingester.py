"""Files into memory: taken apart, embedded, and stored file by file, each in one transaction."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from omni.errors import MediaError, OmniError
from omni.media import Access, Media, hash_file
from omni.plugins import Component

from ..contracts import Backend, Embedder, Space, Vectors
from ..record import Record
from . import likeness
from .outcome import FileOutcome, Outcome, Progress, Status
from .piece import Piece, Source
from .plan import Plan
from .pool import Engine, Processes
from .reading import Taken, abilities, take_media
from .vectors import embedded
from .walking import files

Captioner = Callable[[Media], str]
"""Says what media show; usually the brain."""

_UNREADABLE = "is of no kind that Omni reads"
_CANDIDATES = 4
_CAPTIONED = frozenset({"image", "video", "points", "series"})


@dataclass(frozen=True, slots=True)
class _Known:
    """What memory holds of a file.

    Attributes:
        digest: of the content that was taken in.
        mark: of content and plan.
        pieces: ids of its pieces.
        stale: ids that its last change has left to be removed.
        of: what it is linked to, and that one's digest.
    """

    digest: str
    mark: str
    pieces: tuple[str, ...]
    stale: tuple[str, ...]
    of: tuple[str, str] | None


class Ingester:
    """Takes in files and folders.

    A file is stored in one transaction with all its pieces: a kill at any instant leaves it whole
    or not at all, and adding again goes on where it ended. What was taken in before and has not
    changed is left as it is. A changed file replaces its pieces and removes those that are gone.

    The record of a file's whole has an id made of its path, and in its meta what there is to know:
    `file` holds digest, mark and ids of the pieces. A picture that is nearly the same as one that
    is there, or a file of the same bytes, is not taken in twice: its record has no vectors and
    says in `duplicate_of` which it is like.

    Args:
        backend: where records go.
        embedders: each puts what it takes of a record into its space; media before words.
        plan: how files are taken apart.
        engine: who does it; if `None`, as many processes as there are cores and files.
        access: which files may be opened.
        captioner: says what media show; its words are added to their records.
        progress: told of each file as it is done.
    """

    def __init__(
        self,
        backend: Backend,
        embedders: Sequence[Embedder] = (),
        *,
        plan: Plan | None = None,
        engine: Engine | None = None,
        access: Access | None = None,
        captioner: Captioner | None = None,
        progress: Progress | None = None,
    ):
        self.backend, self.embedders = backend, tuple(embedders)
        self.plan, self.access = plan or Plan(), access
        self.engine = engine
        self.captioner, self.progress = captioner, progress
        spaces = sorted(f"{one.space.name} {one.space.digest}" for one in self.embedders)
        self._ways = f"{abilities(self.plan)} {spaces} {captioner is not None}"

    def add(self, paths: Iterable[Path | str]) -> Outcome:
        """Take in files, and all files in folders; the trouble of one file does not stop others."""
        outcome = Outcome()
        named: dict[Path, bool] = dict(files(paths))
        fresh: list[Path] = []
        for path in named:
            kept = self._as_before(path)
            if kept is None:
                fresh.append(path)
            else:
                self._tell(outcome, kept, len(named))
        for path, taken in self._engine(len(fresh)).run(fresh, self.plan, self.access):
            self._tell(outcome, self._keep(path, taken, named[path]), len(named))
        return outcome

    def add_media(self, media: Media, place: str) -> FileOutcome:
        """Take in media that lie in no file of a person's.

        Args:
            media: such as an attachment of a conversation.
            place: stands for their path, and ends in their name; the same place is replaced.
        """
        path, source = Path(place), Source(place, media.mime, media.digest)
        known = self._known(source.root)
        if known is not None and known.mark == mark_of(media.digest, self._ways):
            return FileOutcome(path, "kept", 1 + len(known.pieces), source.root)
        return self._keep(path, take_media(media, self.plan, path), True, source)

    def remove(self, paths: Iterable[Path | str]) -> int:
        """Take files out of memory, which need not exist any more; how many records went."""
        removed = 0
        for given in paths:
            root = _source(Path(given).expanduser(), None).root
            known = self._known(root)
            if known is not None:
                removed += self.backend.delete([*known.pieces, *known.stale, root])
        return removed

    def _engine(self, count: int) -> Engine:
        if self.engine is not None:
            return self.engine
        return Processes(min(count, os.cpu_count() or 1))

    def _tell(self, outcome: Outcome, one: FileOutcome, total: int) -> None:
        outcome.files.append(one)
        if self.progress is not None:
            self.progress(one, len(outcome.files), total)

    def _as_before(self, path: Path) -> FileOutcome | None:
        """The outcome of a file that is there as it is now; `None` if it has to be taken in."""
        try:
            checked = (self.access or Access()).check(path)
            root = _source(path, None).root
            known = self._known(root)
            if known is None or hash_file(checked)[0] != known.digest:
                return None
        except MediaError as error:
            return FileOutcome(path, "failed", reason=str(error))
        except OSError as error:
            return FileOutcome(path, "failed", reason=f"cannot read {path}: {error.strerror}")
        if known.mark != mark_of(known.digest, self._ways):
            return None
        if known.of is not None and not self._still(known.of):
            return None
        if known.stale:
            self.backend.delete(known.stale)  # a kill came between replacing and removing
        return FileOutcome(path, "kept", 1 + len(known.pieces), root)

    def _known(self, root: str) -> _Known | None:
        found = self.backend.get([root])
        ledger: Any = found[0].meta.get("file") if found else None
        if not isinstance(ledger, Mapping):
            return None
        of = ledger.get("of")
        return _Known(
            str(ledger["digest"]),
            str(ledger["mark"]),
            tuple(ledger.get("pieces", ())),
            tuple(ledger.get("stale", ())),
            (str(of[0]), str(of[1])) if of else None,
        )

    def _still(self, of: tuple[str, str]) -> bool:
        other = self._known(of[0])
        return other is not None and other.digest == of[1] and other.of is None

    def _keep(
        self, path: Path, taken: Taken, named: bool, source: Source | None = None
    ) -> FileOutcome:
        if taken.media is None or not taken.pieces:
            skip = not named and _UNREADABLE in taken.error
            status: Status = "skipped" if skip else "failed"
            return FileOutcome(path, status, reason=taken.error or f"{path} holds nothing")
        try:
            return self._store(path, source or _source(path, taken.media), taken)
        except OmniError as error:
            return FileOutcome(path, "failed", reason=str(error))

    def _store(self, path: Path, source: Source, taken: Taken) -> FileOutcome:
        pieces = taken.pieces
        known = self._known(source.root)
        twin = self._twin(source, pieces)
        notes = [*pieces[0].meta.get("notes", ()), *taken.notes]
        kept = pieces if twin is None else pieces[:1]
        pieces = kept if twin else tuple(self._captioned(piece, notes) for piece in kept)
        mark = mark_of(source.digest, self._ways)
        ids = [source.piece(mark, number) for number in range(1, len(pieces))]
        stale = sorted({*known.pieces, *known.stale} - set(ids)) if known is not None else []
        ledger: dict[str, Any] = {"digest": source.digest, "mark": mark, "pieces": ids}
        if stale:
            ledger["stale"] = stale
        whole = pieces[0].record(source, source.root, None)
        meta = {**whole.meta, "file": ledger}
        if twin is not None:
            ledger["of"] = [twin.id, twin.meta["file"]["digest"]]
            meta["duplicate_of"] = twin.id
            like = f"{path.name}: nearly the same as {twin.title or twin.id}"
            whole = replace(whole, text=like, media=None, modality="text")
        elif pieces[0].key:
            meta["likeness"] = pieces[0].key.hex()
        whole = replace(whole, meta=meta)
        parts = [
            piece.record(source, id, source.root) for id, piece in zip(ids, pieces[1:], strict=True)
        ]
        records = [whole, *parts]
        given = taken.vectors if pieces == taken.pieces else {}
        vectors = {} if twin else self._vectors(records, pieces[0].key, given, notes)
        self.backend.put(records, vectors)
        if stale:
            self.backend.delete(stale)
        if twin is not None:
            status: Status = "linked"
        else:
            status = "replaced" if known is not None else "added"
        of = twin.id if twin is not None else ""
        return FileOutcome(path, status, len(records), source.root, notes=tuple(notes), of=of)

    def _vectors(
        self,
        records: Sequence[Record],
        key: bytes,
        given: Mapping[Space, Sequence[Vectors | None]],
        notes: list[str],
    ) -> dict[Space, Sequence[Vectors | None]]:
        """Vectors of a file's records; those that came with it are not made again."""
        found: dict[Space, Sequence[Vectors | None]] = {}
        for one in self.embedders:
            there = given.get(one.space)
            found[one.space] = there if there is not None else embedded(one, records, notes)
        if key:
            found[likeness.SPACE] = [likeness.vector(key), *[None] * (len(records) - 1)]
        return found

    def _twin(self, source: Source, pieces: Sequence[Piece]) -> Record | None:
        """What is there and nearly the same: alike in looks, and saying the same."""
        key = pieces[0].key
        if not key:
            return None
        near = self.backend.nearest(likeness.SPACE, likeness.vector(key), _CANDIDATES)
        ids = [id for id, score in near if score >= likeness.LEAST and id != source.root]
        for record in self.backend.get(ids):
            kept = record.meta.get("likeness")
            same = isinstance(kept, str) and likeness.alike(bytes.fromhex(kept), key)
            said = record.meta.get("said", record.text)
            if same and _plain(said) == _plain(pieces[0].text) and "file" in record.meta:
                return record
        return None

    def _captioned(self, piece: Piece, notes: list[str]) -> Piece:
        """With the captioner's words, where there is one and it has something to say."""
        if self.captioner is None or piece.media is None or piece.modality not in _CAPTIONED:
            return piece
        try:
            said = self.captioner(piece.media).strip()
        except OmniError as error:
            notes.append(f"no caption for {piece.media.name}: {error}")
            return piece
        if not said:
            return piece
        text = f"{said}\n{piece.text}" if piece.text else said
        meta = {**piece.meta, "caption": said, "said": piece.text}
        made = f"{piece.extractor} and captioner" if piece.extractor else "captioner"
        return replace(piece, text=text, meta=meta, extractor=made)


def mark_of(digest: str, ways: str) -> str:
    """The mark of content that was taken in in these ways."""
    return Source("", "", digest).mark(ways)


def _source(path: Path, media: Media | None) -> Source:
    """A file under its absolute path, so that it is the same from wherever it is named."""
    uri = os.path.abspath(path)
    return Source(uri, media.mime, media.digest) if media else Source(uri, "", "")


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


COMPONENTS = (
    Component(
        kind="store",
        name="ingestion",
        summary="Files of every kind into records that know their page, box, seconds or rows.",
    ),
)
