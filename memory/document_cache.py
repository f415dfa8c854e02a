"""Indexes of documents that are in no memory, each in a folder that is named by its content."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from omni.errors import MediaError, StoreError, UsageError
from omni.media import Access, Media

from .contracts import Embedder
from .ingest.ingester import Ingester
from .ingest.plan import Plan
from .retrieve.library import EMBEDDERS, Library

PLAN = Plan(figure_words=True)
"""One document is worth a closer look: words in its figures are read, too."""

_IN_USE = 3600.0
"""Seconds for which an index is not cleared away after somebody asked it."""


class DocumentCache:
    """Takes a document apart once, so that the second question about it is quick.

    Documents are known by their content: a copy under another name, or in another process if the
    folder is a lasting one, is the same. Those that were asked longest ago are cleared away.

    Args:
        folder: where the indexes lie; if `None` they go with this object.
        keep: how many documents.
        embedders: names, or embedders.
        access: which files may be opened.

    Raises:
        UsageError: for a number of documents below 1.
    """

    def __init__(
        self,
        folder: Path | str | None = None,
        *,
        keep: int = 16,
        embedders: Sequence[str | Embedder] = EMBEDDERS,
        access: Access | None = None,
    ):
        if keep < 1:
            raise UsageError(f"a cache keeps 1 document or more, not {keep}")
        self._temporary = None if folder else tempfile.TemporaryDirectory(prefix="omni-documents-")
        self.folder = Path(folder or getattr(self._temporary, "name", "")).expanduser()
        self.keep, self.access = keep, access
        self._embedders = tuple(embedders)

    def open(self, media: Media) -> tuple[Library, str]:
        """The index of a document, and the id of its whole in there; it has to be closed.

        Raises:
            MediaError: if the document cannot be read.
            StoreError: if there is no room for its index.
        """
        place = self.folder / media.digest[:32]
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StoreError(f"cannot make the folder {self.folder}: {error.strerror}") from None
        library = Library(place, create=True, embedders=self._embedders, access=self.access)
        try:
            taken = Ingester(library.view, library.embedders, plan=PLAN, access=self.access)
            # The name of a copy must not make it another document.
            outcome = taken.add_media(media, f"{media.digest[:32]}/document")
            if outcome.status == "failed":
                raise MediaError(outcome.reason or f"{media.name} cannot be taken apart")
        except BaseException:
            library.close()
            if not any(library.root.glob("*/*")):
                shutil.rmtree(place, ignore_errors=True)
            raise
        with contextlib.suppress(OSError):
            os.utime(place)
        self._clear(place)
        return library, outcome.id

    def close(self) -> None:
        """Clear away indexes that were not to last."""
        if self._temporary is not None:
            self._temporary.cleanup()

    def _clear(self, but: Path) -> None:
        """Remove the indexes that are too many, those that were asked longest ago first."""
        ages: list[tuple[float, Path]] = []
        for path in self.folder.iterdir():
            with contextlib.suppress(OSError):
                ages.append((path.stat().st_mtime, path))
        idle = time.time() - _IN_USE
        for then, path in sorted(ages)[: max(0, len(ages) - self.keep)]:
            if path != but and then < idle:
                shutil.rmtree(path, ignore_errors=True)
