"""A memory on disk: SQLite holds the truth, files hold the media, FAISS makes it quick."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from omni.errors import StoreError
from omni.plugins import Component

from . import compacting, verify
from .access import OWNER
from .blobs import BlobStore
from .compacting import Compacted
from .connection import Catalog, Durability
from .contracts import Space
from .index import Index
from .record import Record
from .sealer import Sealer
from .sealing import Sealing, drop
from .segments import Damaged, Seal
from .stats import Stats, stats
from .vectors import maxsim
from .verify import Problem
from .view import Parts, View

COMPONENTS = (
    Component(
        "store",
        "store",
        "Records, vectors and words in one transaction; searched by FAISS, exact under filters.",
    ),
)


class Memory:
    """Everything under one folder. Open it in as many processes as you like.

    It is handed its parts; `Memory.open` makes them. What it holds is reached through `bind`.

    Attributes:
        Record: what it holds, at hand for who reached the memory by name.
        Space: where vectors lie, likewise.
        Sealing: how vectors go into segments, likewise.
        maxsim: late interaction, likewise.
    """

    Record = Record
    Space = Space
    Sealing = Sealing
    maxsim = staticmethod(maxsim)

    def __init__(
        self, root: Path, catalog: Catalog, blobs: BlobStore, plan: Sealing, background: bool
    ):
        self.root = root
        self.damage: list[str] = []
        folder = root / "segments"
        self.parts = Parts(
            catalog,
            blobs,
            folder,
            Index(folder, self._damaged),
            Sealer(catalog, folder, plan, root / "lock", background=background),
        )

    @classmethod
    def open(
        cls,
        root: Path | str,
        *,
        durability: Durability = "full",
        sealing: Sealing | None = None,
        background: bool = True,
        timeout: float = 30.0,
    ) -> Memory:
        """Open a memory, or make one.

        Args:
            root: its folder.
            durability: `full` survives a loss of power; `normal` only the death of the process,
                and writes a little faster.
            sealing: when and how vectors go from memory into segments.
            background: whether that is done by a thread of this process.
            timeout: seconds to wait for another writer.

        Raises:
            StoreError: if it cannot be opened, lies on a network file system, or was written by a
                newer version.
        """
        root = Path(root)
        try:
            root.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StoreError(f"cannot make the folder {root}: {error.strerror}") from None
        catalog = Catalog(root / "catalog.db", durability=durability, timeout=timeout)
        return cls(root, catalog, BlobStore(root / "media"), sealing or Sealing(), background)

    def bind(self, principal: str = OWNER, namespace: Sequence[str] = ()) -> View:
        """What a principal may see and do in a namespace.

        Rights are looked up at each use, not here. The owner has all; others those that
        `View.grant` gave them.
        """
        return View(self.parts, principal, namespace)

    def seal(self, *, everything: bool = True) -> int:
        """Seal what is in memory only; how many segments were made."""
        return self.parts.sealer.run(everything=everything)

    def compact(self) -> Compacted:
        """Clear away what was deleted, superseded segments and media that nothing refers to.

        Others may read and write meanwhile; another compaction is waited for.
        """
        catalog, before = self.parts.catalog, compacting.size_of(self.root)
        with self.parts.sealer.leading(wait=True):
            expired = compacting.expire(catalog)
            rows = compacting.purge_gone(catalog)
            media = compacting.release_media(catalog, self.parts.blobs)
            segments = self.parts.sealer.seal_due(everything=True)
            compacting.shrink(catalog)
        freed = before - compacting.size_of(self.root)
        return Compacted(expired, rows, media, segments, freed)

    def verify(self, *, repair: bool = True) -> list[Problem]:
        """Read everything through and compare; what is not as it should be.

        Args:
            repair: whether to make anew what is derived.
        """
        return verify.verify(
            self.parts.catalog, self.parts.blobs, self.parts.segments, repair=repair
        )

    def stats(self) -> Stats:
        """How much there is, over all namespaces."""
        return stats(self.parts.catalog, self.root)

    def close(self) -> None:
        """Stop what runs and close the files. Nothing that was acknowledged depends on it."""
        self.parts.sealer.close()
        self.parts.catalog.close()

    def __enter__(self) -> Memory:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _damaged(self, seal: Seal, error: Damaged) -> None:
        """Forget a segment that is not what was sealed; its rows are in the catalogue."""
        # If another writes without end, whoever looks at the segment next does it.
        with contextlib.suppress(StoreError):
            if drop(self.parts.catalog, self.parts.segments, [seal.name]):
                self.damage.append(str(error))


plugin = Memory
