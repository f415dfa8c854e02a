"""A thread that seals while the memory is used; at most one in all processes works at a time."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

from omni.errors import OmniError

from .choosing import Interrupted, Sealing
from .connection import Catalog
from .sealing import due, seal, sweep

try:
    import fcntl
except ImportError:  # a system without it: swaps are checked, so that two builders only waste work
    fcntl = None

_STALE_SECONDS = 3600.0


class Sealer:
    """Seals what is due, when told that rows were written.

    Args:
        catalog: of the memory.
        folder: of the segments.
        plan: when and how.
        lock: file by which processes agree on who works.
        background: whether to work by itself.
    """

    def __init__(
        self, catalog: Catalog, folder: Path, plan: Sealing, lock: Path, *, background: bool
    ):
        self.plan = plan
        self.failure: str | None = None
        self._catalog = catalog
        self._folder = folder
        self._lock = lock
        self._background = background
        self._written = 0
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    def nudge(self, rows: int) -> None:
        """Rows were written: look whether it is time, every now and then."""
        self._written += rows
        if not self._background or self._written < self.plan.tail // 2:
            return
        with self._guard:
            if self._stopping.is_set() or (self._thread and self._thread.is_alive()):
                return
            self._written = 0
            self._thread = threading.Thread(target=self._work, name="omni-sealer", daemon=True)
            self._thread.start()

    def run(self, *, everything: bool = False) -> int:
        """Seal what is due; how many segments were made.

        Another process that is at it is left to it, and nothing is done here.
        """
        with self.leading() as mine:
            return self.seal_due(everything=everything) if mine else 0

    def seal_due(self, *, everything: bool) -> int:
        """The same for who leads already; also clears away what was left half done."""
        # Who leads is the only one that makes files, so all that are not known are left over.
        sweep(self._catalog, self._folder, older_than=0.0 if fcntl else _STALE_SECONDS)
        with self._catalog.reading() as db:
            works = due(db, self.plan, everything=everything)
        made = [
            seal(self._catalog, self._folder, work, self.plan, self._stopping.is_set)
            for work in works
        ]
        return sum(one is not None for one in made)

    @contextlib.contextmanager
    def leading(self, *, wait: bool = False) -> Iterator[bool]:
        """Whether no other process seals or compacts; holds while the block runs."""
        if fcntl is None:
            yield True
            return
        with self._lock.open("ab") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
                return
            yield True  # closing the file lets go of the lock

    def close(self) -> None:
        """Give up what is being built and wait for the thread."""
        self._stopping.set()
        thread: threading.Thread | None = self._thread
        if thread and thread.is_alive() and thread is not threading.current_thread():
            thread.join()

    def _work(self) -> None:
        try:
            self.run()
            self.failure = None
        except Interrupted:
            pass
        except OmniError as error:
            self.failure = str(error)  # searches do without; stats and verify tell it
