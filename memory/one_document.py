"""Questions about one long document: the few passages and figures that answer, with their pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path, PurePath
from typing import Any, Literal, cast

from omni.content import Citation
from omni.errors import UsageError
from omni.media import Access, Media
from omni.modality import open_media
from omni.plugins import Component

from .contracts import Filter
from .document_cache import DocumentCache
from .record import Hit, Query, Record
from .retrieve.citing import cite, spot
from .retrieve.explain import Found
from .retrieve.extract import Quote
from .retrieve.fence import fenced, fenced_hits
from .retrieve.library import Library
from .retrieve.sampling import Sample, sampled
from .retrieve.search import Cascade, file_of

BUDGET = 2_000
"""Tokens, some three pages."""

MOST = 8
_DEPTH = 50
_CANDIDATES = 40


class OneDocument(AbstractContextManager["OneDocument"]):
    """A document that is asked; it answers what a `Library` does, of this document alone.

    Args:
        library: in which the document is; closed with this object if `owned`.
        root: id of the document's whole.
        source: what citations call it, if not as it is called in there.
        budget: tokens of what is read for one question.
        order: how hits come: as a reader meets them in the document, or the nearest first.
        tokens: what a hit takes of the budget; by default about what models of the hub take.
        owned: whether nobody else closes the library.

    Attributes:
        Cache: of documents that are in no memory, at hand for who reached this by name.
        whole: the record of the document's whole.
        source: what citations call it.

    Raises:
        UsageError: if there is no such document.
    """

    Cache = DocumentCache

    def __init__(
        self,
        library: Library,
        root: str,
        *,
        source: str = "",
        budget: int = BUDGET,
        order: Literal["reading", "near"] = "reading",
        tokens: Callable[[Hit], int] | None = None,
        owned: bool = False,
    ):
        self.library, self.budget, self.order = library, budget, order
        self.whole = _whole(library, root)
        origin = self.whole.provenance
        self.source = source or (origin.source if origin else self.whole.id)
        self._tokens = tokens or hub_tokens
        self._owned = owned

    @classmethod
    def open(
        cls,
        document: Path | str | Media,
        *,
        library: Library | None = None,
        cache: DocumentCache | None = None,
        access: Access | None = None,
        **settings: Any,
    ) -> OneDocument:
        """A document as a file, as media, or by the id of a record of it.

        Where a memory is given that holds it, that is asked; else it is taken apart once.

        Args:
            document: it.
            library: a memory that may hold it, whatever its file is called there.
            cache: of documents that are in no memory; one of this process if `None`.
            access: which files may be opened.
            settings: as the class takes them.

        Raises:
            MediaError: if it cannot be read.
            UsageError: if it is neither a file nor in the memory.
        """
        if isinstance(document, str) and library is not None and library.view.get([document]):
            return cls(library, document, **settings)
        if isinstance(document, Media):
            media, source = document, document.name
        else:
            media = open_media(Path(document).expanduser(), access)
            source = str(Path(document).expanduser().absolute())
        root = held(library, media) if library is not None else None
        if library is not None and root is not None:
            return cls(library, root, source=source, **settings)
        opened, root = (cache or _shared_cache()).open(media)
        try:
            return cls(opened, root, source=source, owned=True, **settings)
        except UsageError:
            opened.close()
            raise

    @property
    def notes(self) -> list[str]:
        """What could not be done when the document was taken apart, and with which embedders."""
        told: Any = self.whole.meta.get("notes", ())
        return [*self.library.notes, *map(str, told)]

    def sample(self, query: Query | str, most: int = MOST, where: Filter | None = None) -> Sample:
        """The pieces that are nearest to a question and fit into the budget."""
        return self._sampled(query, most, where)[0]

    def search(
        self,
        query: Query | str,
        k: int = MOST,
        where: Filter | None = None,
        **settings: Any,
    ) -> Found:
        """The same as hits in the order that was chosen, with what every stage did."""
        sample, found = self._sampled(query, k, where, **settings)
        return Found(sample.in_order if self.order == "reading" else sample.hits, found.explain)

    def _sampled(
        self, query: Query | str, most: int, where: Filter | None, **settings: Any
    ) -> tuple[Sample, Found]:
        mine: list[Mapping[str, Any]] = [self.filter, *([where] if where else [])]
        settings.setdefault("cascade", Cascade(depth=max(_DEPTH, most)))
        found = self.library.search(query, _CANDIDATES + most, {"$and": mine}, **settings)
        with found.explain.stage("sample") as stage:
            sample = sampled(found.hits, self._tokens, budget=self.budget, most=most)
            stage.scores = dict(
                zip((hit.record.id for hit in sample.hits), sample.tokens, strict=True)
            )
            over = sum(why == "budget" for _, why in sample.left)
            if over:
                stage.notes.append(
                    f"{over} nearer pieces did not fit into {self.budget:,} tokens"
                    if sample.hits
                    else f"no piece fits into {self.budget:,} tokens: allow more"
                )
        return sample, found

    @property
    def filter(self) -> Filter:
        """What lets the pieces of this document pass, and nothing else."""
        origin = self.whole.provenance
        source = origin.source if origin else ""
        return {"$and": [{"@source": source}, {"@id": {"$ne": self.whole.id}}]}

    def cite(self, hit: Hit) -> Citation:
        """Where a hit stands, under the name by which the document was given."""
        return cite(hit).model_copy(update={"source": self.source})

    def spot(self, hit: Hit) -> str:
        """The same in a few words."""
        return spot(self.cite(hit))

    def fenced(self, hits: Sequence[Hit], handles: Sequence[str] = ()) -> str:
        """What hits say, between marks, for a model."""
        return fenced_hits(hits, handles, self.cite)

    def quotes(self, question: str, hits: Sequence[Hit]) -> list[Quote]:
        """Sentences of the hits that answer."""
        found = self.library.quotes(question, hits)
        return [
            Quote(one.text, one.citation.model_copy(update={"source": self.source}), one.likeness)
            for one in found
        ]

    def excerpt(self, found: Hit | Record) -> Media | None:
        """The box of the page, or the figure, as media."""
        return self.library.excerpt(found)

    query = staticmethod(Library.query)
    cascade = staticmethod(Library.cascade)
    told = staticmethod(Library.told)

    def close(self) -> None:
        """Close the index, if it was opened for this document."""
        if self._owned:
            self.library.close()

    def __exit__(self, *_: object) -> None:
        self.close()


def held(library: Library, media: Media) -> str | None:
    """Id of the whole of a document that a memory holds under whatever name; `None` if it does not.

    What was linked to another of the same bytes is that one.
    """
    for record in library.view.get(library.view.ids({"file.digest": media.digest})):
        ledger: Any = record.meta["file"]
        if not isinstance(ledger, Mapping):
            continue
        of = cast(Mapping[str, Any], ledger).get("of")
        root = str(of[0]) if of else record.id
        if _pieces(library, root):
            return root
    return None


def hub_tokens(hit: Hit) -> int:
    """What a hit takes of a model of the hub: its fenced words, and its picture by size."""
    from omni.chat.counting import Counter, letters

    words = letters(fenced(hit.record.text, source=spot(cite(hit)), number=1))
    media = hit.record.media
    if media is None or media.modality == "text":
        return words
    return words + Counter().media(media)


def _whole(library: Library, id: str) -> Record:
    """The record of the whole that a record is of.

    Raises:
        UsageError: if there is none, or nothing was taken out of it.
    """
    root = file_of(library.get(id))
    record = library.get(root)
    ledger: Any = record.meta.get("file")
    if isinstance(ledger, Mapping) and (of := cast(Mapping[str, Any], ledger).get("of")):
        record = library.get(str(of[0]))
    if not _pieces(library, record.id):
        name = PurePath(record.provenance.source).name if record.provenance else record.id
        raise UsageError(f"{name} has no pieces that could be read: give a document")
    return record


def _pieces(library: Library, root: str) -> bool:
    found = library.view.get([root])
    ledger: Any = found[0].meta.get("file") if found else None
    return isinstance(ledger, Mapping) and bool(cast(Mapping[str, Any], ledger).get("pieces"))


_SHARED: list[DocumentCache] = []


def _shared_cache() -> DocumentCache:
    if not _SHARED:
        _SHARED.append(DocumentCache())
    return _SHARED[0]


plugin = OneDocument

COMPONENTS = (
    Component(
        "store",
        "one document",
        "The few passages and figures of one long document that answer, within a budget.",
        system="PDF-WuKong",
        paper="PDF-WuKong (arXiv 2410.05970)",
    ),
)
