"""Keep a C library's remarks off the terminal."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

TALKATIVE = frozenset({"audio/mpeg"})
"""MIME types whose decoder (mpg123) writes about damaged files to standard error by itself."""

_ONE_AT_A_TIME = threading.RLock()
_STANDARD_ERROR = 2


@contextmanager
def quiet(wanted: bool = True) -> Iterator[None]:
    """Throw away what is written to the process's standard error meanwhile."""
    if not wanted:
        yield
        return
    with _ONE_AT_A_TIME:
        try:
            kept = os.dup(_STANDARD_ERROR)
        except OSError:  # the process has none
            yield
            return
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, _STANDARD_ERROR)
            yield
        finally:
            os.dup2(kept, _STANDARD_ERROR)
            os.close(kept)
            os.close(nowhere)
