"""Sets by name: `docstrings:PACKAGE`, `digits`, `world`, or `webqa=FOLDER`."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from omni.errors import UsageError
from omni.evaluation.sets.collection import Collection

_KINDS = {
    "docstrings": ("docstrings", "docstrings", "package", False),
    "digits": ("here", "digits", "", False),
    "photographs": ("here", "photographs", "", False),
    "statsmodels": ("here", "series", "", False),
    "world": ("world", "world", "split", False),
    "webqa": ("webqa", "webqa", "", True),
    "multimodalqa": ("multimodalqa", "multimodalqa", "", True),
    "vidore": ("vidore", "vidore", "", True),
    "m2kr": ("m2kr", "m2kr", "set", True),
}
"""By name: the file beside this one, its function, what stands after a colon, if it has a folder"""

KNOWN = tuple(
    name + (f":{part.upper()}" if part else "") + ("=FOLDER" if folder else "")
    for name, (_, _, part, folder) in _KINDS.items()
)


def opened(name: str, most: int) -> Collection:
    """The set of that name with at most so many questions.

    Args:
        name: one of `KNOWN`.
        most: questions.

    Raises:
        UsageError: for an unknown name, or one without the folder or the part that it needs.
    """
    head, _, folder = name.partition("=")
    kind, _, part = head.partition(":")
    if kind not in _KINDS:
        raise UsageError(f"unknown set {kind!r}; known: {', '.join(KNOWN)}")
    file, function, wanted, needs_folder = _KINDS[kind]
    if needs_folder != bool(folder) or (part and not wanted) or (wanted == "set" and not part):
        shown = next(one for one in KNOWN if one.partition(":")[0].partition("=")[0] == kind)
        raise UsageError(f"{name!r} is not how a set is named: write {shown}")
    load: Any = getattr(importlib.import_module(f".{file}", __package__), function)
    if needs_folder:
        found = load(Path(folder).expanduser(), *([part] if part else []), most=most)
    else:
        found = load(part) if part else load()
    return found.some(most)
