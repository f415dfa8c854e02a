"""A memory on disk: SQLite holds the truth, files hold the media, FAISS makes it quick."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from omni.errors import StoreError
from omni.plugins import Component

from .access import OWNER
from .blobs import BlobStore
from .connection import Catalog, Durability
from .index import Index
from .sealer import Sealer
from .sealing import Sealing, drop
from .segments import Damaged, Seal
from .view import View

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
    """

    def __init__(
        self, root: Path, catalog: Catalog, blobs: BlobStore, plan: Sealing, background: bool
    ):
        self.root = root
        self.catalog = catalog
        self.blobs = blobs
        self.segments = root / "segments"
        self.damage: list[str] = []
        self.sealer = Sealer(catalog, self.segments, plan, root / "lock", background=background)
        self.index = Index(catalog, self.segments, self._damaged)

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
        return View(self.catalog, self.blobs, self.index, self.sealer, principal, namespace)

    def seal(self, *, everything: bool = True) -> int:
        """Seal what is in memory only; how many segments were made."""
        return self.sealer.run(everything=everything)

    def close(self) -> None:
        """Stop what runs and close the files. Nothing that was acknowledged depends on it."""
        self.sealer.close()
        self.catalog.close()

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
            if drop(self.catalog, self.segments, [seal.name]):
                self.damage.append(str(error))


plugin = Memory
