"""Every component that is installed: read from the sources, without importing them.

A module lists what it offers in a tuple `COMPONENTS`, and that list is all that is looked at. So
the catalogue is quick, shows parts whose optional packages are missing, and runs nobody's code. A
list that is not written out literally is asked for by importing its module.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import entry_points
from pathlib import Path

from omni import plugins
from omni.errors import OmniError
from omni.plugins import Component

KINDS = (
    "modality",
    "encoder",
    "adapter",
    "router",
    "selector",
    "decoder",
    "tool",
    "embedder",
    "reranker",
    "store",
    "objective",
    "recipe",
    "diagnostic",
)
_WINGS = ("modalities", "tools", "memory")
_KIND_OF_GROUP = {
    "adapters": "adapter",
    "compression": "selector",
    "compression.dropping": "selector",
    "makers": "decoder",
    "modalities": "modality",
    "routing": "router",
    "tools": "tool",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the catalogue: a component and the module that offers it."""

    kind: str
    name: str
    system: str
    paper: str
    module: str
    summary: str


def catalog() -> list[Entry]:
    """All components, in the order of `KINDS` and then by name.

    Raises:
        OmniError: if a module lists something that is no component.
    """
    found = [
        Entry(one.kind, one.name, one.system, one.paper, module, one.summary)
        for module, path in (*_modules(), *_outside_modules())
        for one in _components(module, path)
    ]
    found.extend(_bare_plugins({(entry.kind, entry.name) for entry in found}))
    return sorted(set(found), key=lambda entry: (KINDS.index(entry.kind), entry.name, entry.module))


def to_json(entries: Iterable[Entry]) -> dict[str, list[dict[str, str]]]:
    """What `omni catalog --json` prints."""
    return {"components": [asdict(entry) for entry in entries]}


def _modules() -> Iterator[tuple[str, Path]]:
    """Every module of this distribution; the wings may lie outside the core's folder."""
    seen: set[str] = set()
    for package in ("omni", *(f"omni.{wing}" for wing in _WINGS)):
        spec = importlib.util.find_spec(package)
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            for path in sorted(Path(folder).rglob("*.py")):
                inner = path.relative_to(folder).with_suffix("").parts
                name = ".".join((package, *inner)).removesuffix(".__init__")
                if name not in seen:
                    seen.add(name)
                    yield name, path


def _outside_modules() -> Iterator[tuple[str, Path]]:
    """The modules that other distributions name as plug-ins."""
    for group in plugins.GROUPS:
        for point in entry_points(group=f"omni.{group}"):
            try:
                spec = importlib.util.find_spec(point.module)
            except ImportError:
                continue
            if spec is not None and spec.origin and spec.origin.endswith(".py"):
                yield point.module, Path(spec.origin)


def _components(module: str, path: Path) -> tuple[Component, ...]:
    source = path.read_text("utf-8")
    if not any(line.startswith(("COMPONENTS =", "COMPONENTS:")) for line in source.splitlines()):
        return ()
    try:
        listed = _literal(source)
    except ValueError:
        listed = importlib.import_module(module).COMPONENTS
    for one in listed:
        if not isinstance(one, Component) or one.kind not in KINDS:
            raise OmniError(f"{module} lists {one!r} in COMPONENTS: wanted a kind of {KINDS}")
    return tuple(listed)


def _literal(source: str) -> list[Component]:
    """The components, if they are written out; `ValueError` if they are computed."""
    for node in ast.parse(source).body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and target.id == "COMPONENTS":
            value = node.value  # type: ignore[union-attr]
            if not isinstance(value, ast.Tuple | ast.List):
                raise ValueError("computed")
            return [_component(call) for call in value.elts]
    raise ValueError("computed")


def _component(call: ast.expr) -> Component:
    is_component = isinstance(call, ast.Call) and ast.unparse(call.func).endswith("Component")
    if not is_component or not isinstance(call, ast.Call):
        raise ValueError("computed")
    values = [ast.literal_eval(value) for value in call.args]
    named = {word.arg: ast.literal_eval(word.value) for word in call.keywords if word.arg}
    return Component(*values, **named)


def _bare_plugins(listed: set[tuple[str, str]]) -> Iterator[Entry]:
    """Plug-ins of other distributions that list no component of their own."""
    for group, kind in _KIND_OF_GROUP.items():
        for point in entry_points(group=f"omni.{group}"):
            if (kind, point.name) not in listed:
                distribution = point.dist.name if point.dist else "another distribution"
                yield Entry(kind, point.name, "", "", point.module, f"from {distribution}")
