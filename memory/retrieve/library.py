"""A memory in a folder with what puts things in and finds them: the wing's face to the core."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

from omni.content import Citation
from omni.errors import MissingExtra, StoreError, UsageError
from omni.media import Access, Media
from omni.plugins import Component

from ..access import OWNER
from ..contracts import Embedder, Filter, Reranker
from ..embed.opening import open_embedder
from ..knowledge.brain import BrainReader
from ..knowledge.relating import Related, relate
from ..record import Hit, Query, Record
from ..store import Memory
from .calibrate import Calibration, Known, calibrate, softened
from .citing import cite, spot
from .composing import Composer, TellingComposer
from .excerpt import excerpt
from .explain import Explain, Found
from .extract import Quote, quotes
from .fence import fenced_hits
from .filling import Thing, fill
from .fuse import Blend, Leg, fuse
from .graph import GraphLeg
from .keeping import keep_words
from .known import agreeing, questions
from .rerank import CrossEncoderReranker, MaxSimReranker
from .search import Cascade, Searcher
from .telling import TellingReranker

EMBEDDERS = ("shared", "sentences")
_WEIGHTS = "weights.json"
_MARK = "catalog.db"
_CALIBRATED = 200


class Library:
    """Opens a memory, or makes one; what is needed for one task is loaded when it is used.

    Args:
        root: folder of the memory.
        create: whether to make it if it is not there.
        embedders: names, or embedders; those whose weights are not on this machine are left out.
        principal: who looks.
        namespace: where.
        access: which files may be opened.

    Raises:
        UsageError: if there is no memory and none is to be made.
        StoreError: if it cannot be opened.
    """

    def __init__(
        self,
        root: Path | str,
        *,
        create: bool = False,
        embedders: Sequence[str | Embedder] = EMBEDDERS,
        principal: str = OWNER,
        namespace: Sequence[str] = (),
        access: Access | None = None,
    ):
        self.root = Path(root).expanduser()
        if not create and not (self.root / _MARK).is_file():
            raise UsageError(
                f"there is no memory in {self.root}: make one with  omni memory add PATH "
                f"--memory {self.root}"
            )
        self._names = tuple(embedders)
        self.access = access
        self.notes: list[str] = []
        self._rerankers: dict[str, Reranker] = {}
        self.memory = Memory.open(self.root)
        self.view = self.memory.bind(principal, namespace)

    def close(self) -> None:
        """Let go of the files."""
        self.memory.close()

    def __enter__(self) -> Library:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @cached_property
    def embedders(self) -> tuple[Embedder, ...]:
        """Those that can be had here; `notes` names the others."""
        found: list[Embedder] = []
        for one in self._names:
            try:
                found.append(open_embedder(one) if isinstance(one, str) else one)
            except MissingExtra as error:
                self.notes.append(str(error))
        return tuple(found)

    def add(self, paths: Iterable[Path | str], progress: Callable[..., None] | None = None) -> Any:
        """Take in files and folders; what became of each.

        Args:
            paths: to take in.
            progress: told of each file as it is done, how many are done, and of how many.
        """
        from ..ingest.ingester import Ingester

        ingester = Ingester(self.view, self.embedders, access=self.access, progress=progress)
        return ingester.add(paths)

    def add_media(self, media: Media, place: str) -> Any:
        """Take in media that lie in no file; `place` stands for their path. What became of them."""
        from ..ingest.ingester import Ingester

        return Ingester(self.view, self.embedders, access=self.access).add_media(media, place)

    def fill(
        self, things: Sequence[Thing], vectors: Mapping[str, Sequence[Any]] | None = None
    ) -> list[str]:
        """Store things with words and media as they are; what could not be embedded is told.

        Args:
            things: with ids of their own.
            vectors: by name of a space, one a thing, where somebody has computed them already.
        """
        return fill(self.view, self.embedders, things, vectors or {})

    def note(self, text: str) -> Record:
        """Keep a remark.

        Raises:
            UsageError: if it says nothing, or so much that it is a file.
        """
        return keep_words(self.view, self.embedders, text)

    def relate(self, brain: Any = None) -> Related:
        """Read the records that are new for names and what is said of them, for `graph` searches.

        Args:
            brain: a chat model that reads instead of the rules.
        """
        return relate(self.view, self.embedders, reader=brain and BrainReader(brain))

    def search(
        self,
        query: Query | str,
        k: int = 10,
        where: Filter | None = None,
        *,
        rerank: str | Reranker | None = None,
        compose: str | Composer | None = None,
        cascade: Cascade | None = None,
        graph: bool = False,
    ) -> Found:
        """The `k` best hits, and how they came to be.

        Args:
            query: words, media or both.
            k: how many.
            where: which records may be found.
            rerank: a reranker; `late`, `telling`, or `cross-encoder:MODEL`.
            compose: what makes one description of media and a wish; `telling` or `telling:MODEL`.
            cascade: how far stages go.
            graph: whether to go by names, too, from record to record; `relate` has read them.
        """
        plain = [one for one in self.embedders if not one.space.multi]
        multi = next((one for one in self.embedders if one.space.multi), None)
        searcher = Searcher(
            self.view,
            plain,
            late=multi,
            graph=GraphLeg(self.view) if graph else None,
            reranker=self._reranker(rerank) if isinstance(rerank, str) else rerank,
            composer=self._composer(compose) if isinstance(compose, str) else compose,
            weights=self.blend,
            cascade=cascade,
        )
        return searcher.search(query, k, where)

    @staticmethod
    def fused(legs: Mapping[str, Leg], weights: Mapping[str, float] | None = None) -> list[str]:
        """Ids in the order of what legs give them together; evenly where there are no weights."""
        return [id for id, _ in fuse(legs, weights)]

    def calibrate(
        self, most: int = _CALIBRATED, *, asked: Sequence[tuple[str, str]] = ()
    ) -> Calibration:
        """Find how legs are to be put together here, and keep it.

        Args:
            most: questions that are made from what is stored, where none are given.
            asked: questions that people asked, each with the id of the record that answers it.

        Raises:
            UsageError: if none are given and nothing here has words to ask for.
        """
        searcher = Searcher(self.view, [one for one in self.embedders if not one.space.multi])
        known = [
            Known(searcher.legs(Query(text), None, Explain(), depth=50), id)
            for text, id in asked or questions(self.view, most)
        ]
        known = agreeing(known)
        found = calibrate(known)
        if not asked:
            found = softened(found, known)
        entry = {**found.blend.to_json(), "records": len(self.view)}
        kept = {**self._kept_weights(), self._space_key: entry}
        path = self.root / _WEIGHTS
        draft = path.with_suffix(f".{os.getpid()}.tmp")
        draft.write_text(json.dumps(kept, indent=1), "utf-8")
        os.replace(draft, path)
        return found

    @property
    def blend(self) -> Blend | None:
        """How legs are put together; `None` if nobody found out with these embedders."""
        found = self._kept_weights().get(self._space_key)
        try:
            return None if found is None else Blend.from_json(found)
        except (UsageError, TypeError, AttributeError) as error:
            raise self._damaged(error) from None

    @property
    def weights(self) -> Mapping[str, float] | None:
        """Of the legs in this namespace; `None` if it was never calibrated with these embedders."""
        return None if self.blend is None else dict(self.blend.weights)

    def get(self, id: str) -> Record:
        """The record of that id.

        Raises:
            UsageError: if there is none.
        """
        found = self.view.get([id])
        if not found:
            raise UsageError(f"no record {id!r} here: omni memory search finds ids")
        return found[0]

    def forget(self, id: str) -> int:
        """Take out a record, and all pieces of it if it is of a whole file; how many went.

        Raises:
            UsageError: if there is none of that id.
        """
        ledger: Any = self.get(id).meta.get("file")
        pieces = ledger.get("pieces", ()) if isinstance(ledger, Mapping) else ()
        return self.view.delete([*pieces, id])

    def stats(self) -> dict[str, Any]:
        """What is here: records by modality and kind, files, spaces, bytes."""
        modalities: Counter[str] = Counter()
        kinds: Counter[str] = Counter()
        files, after = 0, ""
        while some := self.view.ids(limit=500, after=after):
            for record in self.view.get(some):
                modalities[record.modality] += 1
                kinds[record.kind] += 1
                files += "file" in record.meta
            after = some[-1]
        spaces = [
            {"name": one.name, "width": one.width, "multi": one.multi, "digest": one.digest[:12]}
            for one in self.view.spaces()
        ]
        sizes = (path.stat().st_size for path in self.root.rglob("*") if path.is_file())
        return {
            "memory": str(self.root),
            "records": sum(modalities.values()),
            "files": files,
            "by_modality": dict(sorted(modalities.items())),
            "by_kind": dict(sorted(kinds.items())),
            "spaces": spaces,
            "weights": self.weights,
            "bytes": sum(sizes),
        }

    def verify(self, *, repair: bool = True) -> list[dict[str, Any]]:
        """Read everything through; what is not as it should be, and whether it was mended."""
        return [asdict(problem) for problem in self.memory.verify(repair=repair)]

    @staticmethod
    def query(text: str = "", media: Sequence[Media] = ()) -> Query:
        """Words, media or both as something to look for.

        Raises:
            UsageError: if there is neither.
        """
        return Query(text, tuple(media))

    @staticmethod
    def cascade(**settings: Any) -> Cascade:
        """How far the stages of a search go."""
        return Cascade(**settings)

    def cite(self, hit: Hit) -> Citation:
        """Where a hit comes from."""
        return cite(hit)

    def excerpt(self, found: Hit | Record) -> Media | None:
        """The box of the page, the seconds or the rows that were found, as media.

        `None` where the words are all there is to see.
        """
        record = found.record if isinstance(found, Hit) else found
        origin = record.provenance
        whole = self.view.get([origin.parent]) if origin and origin.parent else []
        return excerpt(record, whole[0].media if whole else None)

    def spot(self, hit: Hit) -> str:
        """The same in a few words."""
        return spot(cite(hit))

    @staticmethod
    def told(citation: Citation) -> str:
        """A citation in a few words."""
        return spot(citation)

    def fenced(self, hits: Sequence[Hit], handles: Sequence[str] = ()) -> str:
        """What the hits say, between marks, for a model."""
        return fenced_hits(hits, handles)

    def quotes(self, question: str, hits: Sequence[Hit]) -> list[Quote]:
        """Sentences of the hits that answer; none if none does, or no text can be compared."""
        text = next((one for one in self.embedders if one.space.name == "text"), None)
        return quotes(question, hits, text) if text is not None else []

    def _reranker(self, name: str) -> Reranker:
        kind, _, model = name.partition(":")
        if kind == "late":
            return MaxSimReranker(self.view, open_embedder("late"))
        if kind == "cross-encoder" and model:
            return CrossEncoderReranker(model)
        if kind == "telling":
            if name not in self._rerankers:
                self._rerankers[name] = TellingReranker(model or "nano")
            return self._rerankers[name]
        raise UsageError(f"unknown reranker {name!r}: give late, telling or cross-encoder:MODEL")

    @staticmethod
    def _composer(name: str) -> Composer:
        kind, _, model = name.partition(":")
        if kind != "telling":
            raise UsageError(f"unknown composer {name!r}: give telling or telling:MODEL")
        return TellingComposer(model or "nano")

    @property
    def _space_key(self) -> str:
        """Weights hold for a namespace and the spaces that were weighed."""
        spaces = sorted(f"{one.space.name} {one.space.digest[:12]}" for one in self.embedders)
        return " ".join(["/".join(self.view.namespace) or "/", *spaces])

    def _kept_weights(self) -> dict[str, Any]:
        try:
            return json.loads((self.root / _WEIGHTS).read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise self._damaged(error) from None

    def _damaged(self, error: Exception) -> StoreError:
        return StoreError(
            f"{self.root / _WEIGHTS} is damaged ({error}): delete it, and run  omni memory "
            "calibrate  again"
        )


COMPONENTS = (
    Component(
        "store",
        "library",
        "A folder of memory that takes files in, finds them, and answers in their words.",
    ),
)
