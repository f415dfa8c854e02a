"""Real text that is on every machine: what packages say of their functions and classes.

The first paragraph of a docstring is the question, and the rest of it what is to be found. Both
were written by people who did not know of this.
"""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

from omni.errors import MissingExtra
from omni.evaluation.sets.collection import Collection, Item, Question

_FEWEST_WORDS = 5
_LEAST_REST = 200
_LONGEST_REST = 2_000
_PARAGRAPH = re.compile(r"\n\s*\n")


def docstrings(package: str, *, most: int = 3_000) -> Collection:
    """Summaries of a package's functions, and the docstrings without them.

    Args:
        package: its importable name; it is read and not imported.
        most: functions and classes at most, in the order of their files.

    Raises:
        MissingExtra: if it is not installed.
    """
    items, questions = [], []
    asked: set[str] = set()
    for name, text in _documented(package):
        summary, rest = _halves(text)
        # Some methods share their docstrings; only the first of them can be meant.
        if summary in asked or rest in asked or not summary:
            continue
        asked |= {summary, rest}
        items.append(Item(name, rest))
        questions.append(Question(name, summary, {name: 1.0}))
        if len(items) == most:
            break
    source = f"docstrings of {package}: first paragraph → the rest"
    return Collection(f"docstrings/{package}", items, questions, source=source).checked()


def _halves(text: str) -> tuple[str, str]:
    """A summary and the rest, both empty if either says too little."""
    head, *rest = _PARAGRAPH.split(text, maxsplit=1)
    summary, body = " ".join(head.split()), (rest[0].strip() if rest else "")[:_LONGEST_REST]
    if len(summary.split()) < _FEWEST_WORDS or len(body) < _LEAST_REST or summary in body:
        return "", ""
    return summary, body


def _documented(package: str) -> Iterator[tuple[str, str]]:
    """Qualified names of public things with their docstrings."""
    for path, module in _files(package):
        try:
            tree = ast.parse(path.read_text("utf-8"))
        except (SyntaxError, UnicodeDecodeError):
            continue
        for name, node in _public(tree, module):
            if text := ast.get_docstring(node):
                yield name, text


def _public(
    node: ast.Module | ast.ClassDef, prefix: str
) -> Iterator[tuple[str, ast.FunctionDef | ast.ClassDef]]:
    for child in node.body:
        if isinstance(child, ast.FunctionDef | ast.ClassDef) and not child.name.startswith("_"):
            name = f"{prefix}.{child.name}"
            yield name, child
            if isinstance(child, ast.ClassDef):
                yield from _public(child, name)


def _files(package: str) -> Iterator[tuple[Path, str]]:
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise MissingExtra(f"the docstrings of {package} need it: run  pip install {package}")
    root = Path(next(iter(found.submodule_search_locations)))
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        if not {"tests", "externals", "_vendor"} & set(parts):
            yield path, ".".join((package, *parts))
