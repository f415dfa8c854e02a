"""Which files lie in the folders that the agent may read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from fnmatch import fnmatch
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import Field

from omni.errors import Retry
from omni.plugins import Component
from omni.workbench import Arguments, BenchTool

COMPONENTS = (Component("tool", "find_files", "Files in the allowed folders, by a pattern."),)

_MOST = 200
_LOOKED_AT = 50_000


class _Pattern(Arguments):
    pattern: str = Field("*", description="name with * and ?, such as *.png or report*")
    folder: str | None = Field(
        None, description="only in this folder; all allowed ones if left out"
    )


class FindFiles(BenchTool):
    """Sees nothing outside the roots that a person has set; without roots it sees nothing."""

    name: str = "find_files"
    description: str = "List files that may be opened, by a pattern of their names."
    args_schema: Any = _Pattern

    def work(self, pattern: str = "*", folder: str | None = None) -> str:
        roots = allowed(self.bench.access.roots, folder)
        looked_at = islice(_walked(roots), _LOOKED_AT)
        found = [path for path in looked_at if fnmatch(path.name.lower(), pattern.lower())]
        lines = [f"{path}  {_size(path)}" for path in sorted(found)[:_MOST]]
        if not lines:
            return f"No file matches {pattern!r} in {', '.join(map(str, roots))}."
        more = f"\n(and {len(found) - _MOST} more: ask for a narrower pattern)"
        return "\n".join(lines) + (more if len(found) > _MOST else "")


def allowed(roots: tuple[Path, ...], folder: str | None) -> list[Path]:
    """The folders to look into.

    Raises:
        Retry: if none may be read, or the one that is named lies outside of them.
    """
    if not roots:
        raise Retry("no folder may be read: a person has to allow some with the setting `roots`")
    known = [root.expanduser().resolve() for root in roots]
    if folder is None:
        return known
    wanted = Path(folder).expanduser()
    places = (
        [wanted.resolve()] if wanted.is_absolute() else [(one / wanted).resolve() for one in known]
    )
    for place in places:
        if place.is_dir() and any(place.is_relative_to(root) for root in known):
            return [place]
    raise Retry(f"{folder!r} is no folder within {', '.join(map(str, known))}")


def _walked(roots: list[Path]) -> Iterator[Path]:
    for root in roots:
        for here, folders, names in os.walk(root):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                path = Path(here) / name
                # A link may lead out of the folders that are allowed.
                if not name.startswith(".") and not path.is_symlink():
                    yield path


def _size(path: Path) -> str:
    try:
        return f"{path.stat().st_size:,} bytes"
    except OSError:
        return "gone"


plugin = FindFiles
