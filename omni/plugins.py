"""One door for plug-ins, which the built-ins use too.

A *group* is a package of this distribution whose files or folders are plug-ins, named as they are:
`modalities/image/` is the plug-in `image` of the group `modalities`. Another distribution adds to a
group through the entry point group `omni.<group>`. A plug-in's module holds the object under the
name `plugin`; an entry point names its object itself.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from omni.errors import DuplicatePlugin, UnknownPlugin

GROUPS = (
    "adapters",
    "chat",
    "compression",
    "compression.dropping",
    "makers",
    "memory",
    "modalities",
    "routing",
    "tools",
)


@dataclass(frozen=True, slots=True)
class Component:
    """What a component says of itself in `omni catalog`.

    A module that offers components lists them in a tuple called `COMPONENTS`.

    Attributes:
        kind: modality, encoder, adapter, router, selector, decoder, tool, embedder, reranker,
            store, objective, recipe or diagnostic.
        name: the name under which it is loaded.
        summary: one sentence.
        system: the published system whose idea this is, spelled as the system spells itself.
        paper: where it was published.
    """

    kind: str
    name: str
    summary: str
    system: str = ""
    paper: str = ""


def names(group: str) -> list[str]:
    """Every plug-in name of a group, sorted."""
    return sorted({*_builtin(group), *_outside(group)})


def load(group: str, name: str) -> Any:
    """The plug-in `name` of a group.

    Raises:
        UnknownPlugin: if there is none of that name.
        DuplicatePlugin: if two distributions offer it.
    """
    builtin, outside = _builtin(group), _outside(group)
    if name in builtin and name in outside:
        raise DuplicatePlugin(
            f"{group} {name!r} is built in and also offered by {outside[name][0].value!r}: "
            "rename or uninstall the latter"
        )
    if name in builtin:
        return importlib.import_module(builtin[name]).plugin
    if name in outside:
        found = outside[name]
        if len(found) > 1:
            values = " and ".join(repr(point.value) for point in found)
            raise DuplicatePlugin(f"{group} {name!r} is offered twice, by {values}: uninstall one")
        return found[0].load()
    known = ", ".join(names(group)) or "none"
    raise UnknownPlugin(f"unknown {group} plug-in {name!r}; known: {known}")


def load_all(group: str) -> Iterator[tuple[str, Any]]:
    """Every plug-in of a group with its name."""
    for name in names(group):
        yield name, load(group, name)


@cache
def _builtin(group: str) -> dict[str, str]:
    """Module name of every built-in plug-in, found without importing it."""
    if group not in GROUPS:
        raise UnknownPlugin(f"unknown plug-in group {group!r}; known: {', '.join(GROUPS)}")
    package = importlib.import_module(f"omni.{group}")
    found = {}
    for module in pkgutil.iter_modules(package.__path__):
        if not module.name.startswith("_") and _holds_plugin(f"omni.{group}.{module.name}"):
            found[module.name] = f"omni.{group}.{module.name}"
    return found


def _holds_plugin(module: str) -> bool:
    """Whether the source assigns `plugin` at its top level."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.loader is None:
        return False
    source = spec.loader.get_source(module)  # type: ignore[attr-defined]
    return any(line.startswith(("plugin =", "plugin:")) for line in source.splitlines())


def _outside(group: str) -> dict[str, list[EntryPoint]]:
    return _scan(group, tuple(sys.path), entry_points)


@cache
def _scan(group: str, path: tuple[str, ...], read: Any) -> dict[str, list[EntryPoint]]:
    """Entry points by name. Reading them costs 50 ms, so once for each search path."""
    found: dict[str, list[EntryPoint]] = {}
    for point in read(group=f"omni.{group}"):
        found.setdefault(point.name, []).append(point)
    return found
