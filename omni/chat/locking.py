"""Locks between processes, on files: the system lets go of them when a process dies."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

_POLL_SECONDS = 0.02


class Held(Exception):
    """Somebody else holds the lock."""


@contextlib.contextmanager
def hold(path: Path, *, shared: bool = False, wait: bool = True) -> Iterator[None]:
    """Hold a file's lock, against other threads of this process, too.

    Args:
        path: of the file, which is made if there is none; its folder as well.
        shared: beside others that share it (where the system has no such lock: alone).
        wait: until it is free.

    Raises:
        Held: if somebody else holds it and there is no waiting.
    """
    path.parent.mkdir(exist_ok=True, mode=0o700)
    with path.open("a+b") as stream:
        _lock(stream.fileno(), shared, wait)
        yield


def _lock(handle: int, shared: bool, wait: bool) -> None:
    if os.name == "nt":
        import msvcrt

        while True:
            try:
                msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
            except OSError:
                if not wait:
                    raise Held from None
                time.sleep(_POLL_SECONDS)
                continue
            return
    import fcntl

    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(handle, kind if wait else kind | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Held from None
