"""Paths into files: folders are walked, in order, without hidden files and without going round."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

MOST_FILES = 1_000_000


def files(paths: Iterable[Path | str]) -> Iterator[tuple[Path, bool]]:
    """Each file once, and whether it was named itself rather than found in a folder.

    What does not exist is passed on as a file, so that it is answered with the reason. Links to
    folders are not followed; hidden files and folders are passed over unless they are named.
    """
    seen: set[str] = set()
    for given in paths:
        path = Path(given).expanduser()
        found = ((path, True),) if not path.is_dir() else _inside(path)
        for one, named in found:
            key = os.path.realpath(one)
            if key not in seen and len(seen) < MOST_FILES:
                seen.add(key)
                yield one, named


def _inside(folder: Path) -> Iterator[tuple[Path, bool]]:
    for parent, folders, names in os.walk(folder, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(parent, name)
            if not name.startswith(".") and (path.is_file() or path.is_symlink()):
                yield path, False
