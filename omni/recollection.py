"""What tools and middleware see of a long memory: remember, recall, forget.

The memory wing is reached by name and only when something is asked of it; anything else that has
these three methods will do.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from omni import plugins
from omni.content import Citation
from omni.errors import Failed, UsageError
from omni.media import Access, Media


@dataclass(frozen=True, slots=True)
class Recalled:
    """One thing that a memory holds.

    Attributes:
        id: by which it, and what it is a piece of, can be forgotten.
        text: what it says, or what was said of it.
        source: where it comes from, in a few words.
        media: what it is about.
        score: how near it is to what was asked; comparable within one search only.
        citation: where it comes from, to the spot.
    """

    id: str
    text: str
    source: str
    media: Media | None = None
    score: float = 0.0
    citation: Citation | None = None


class Recollection(Protocol):
    """A memory, as tools see it."""

    def remember(self, text: str, media: Sequence[Media] = ()) -> list[str]:
        """Keep words and media durably; their ids.

        Raises:
            OmniError: if they cannot be kept.
        """
        ...

    def recall(self, text: str, media: Sequence[Media] = (), k: int = 5) -> list[Recalled]:
        """The `k` things that are nearest to words, media or both; none in an empty memory."""
        ...

    def forget(self, id: str) -> int:
        """Take out what has this id; how many records went.

        Raises:
            UsageError: if there is nothing of this id.
        """
        ...


class FolderRecollection:
    """The memory in a folder, which is made when something is first remembered.

    It is opened for each use, so that `omni memory` and other processes see what was kept.

    Args:
        root: the folder.
        access: which files may be opened.
    """

    def __init__(self, root: Path | str, access: Access | None = None):
        self.root = Path(root).expanduser()
        self.access = access
        self._using = threading.Lock()

    def remember(self, text: str, media: Sequence[Media] = ()) -> list[str]:
        with self._using, self._library(create=True) as library:
            ids = [library.note(text).id] if text.strip() else []
            for one in media:
                outcome = library.add_media(one, f"remembered/{one.digest[:16]}/{one.name}")
                if outcome.status == "failed":
                    raise Failed(f"{one.name} was not remembered: {outcome.reason}")
                ids += [outcome.id] if getattr(outcome, "id", None) else []
        return ids

    def recall(self, text: str, media: Sequence[Media] = (), k: int = 5) -> list[Recalled]:
        try:
            opened = self._library(create=False)
        except UsageError:
            return []
        with self._using, opened as library:
            found = library.search(library.query(text, media), k)
            return [self._recalled(library, hit) for hit in found.hits]

    def forget(self, id: str) -> int:
        with self._using, self._library(create=False) as library:
            return library.forget(id)

    def _library(self, *, create: bool) -> Any:
        return plugins.load("memory", "retrieve")(self.root, create=create, access=self.access)

    def _recalled(self, library: Any, hit: Any) -> Recalled:
        record = hit.record
        origin = record.provenance
        return Recalled(
            id=(origin.parent if origin else None) or record.id,
            text=record.text,
            source=library.spot(hit),
            media=_in_memory(record.media),
            score=float(hit.score),
            citation=library.cite(hit),
        )


def _in_memory(media: Media | None) -> Media | None:
    """The media with their bytes: the folder may be closed, or the record forgotten, soon."""
    if media is None or media.data is not None:
        return media
    return Media.from_bytes(media.read(), modality=media.modality, mime=media.mime, name=media.name)
