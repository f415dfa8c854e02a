"""Embedders by name, as they stand in settings: `shared`, `sentences`, `clip:FOLDER` and others."""

from __future__ import annotations

import importlib
from typing import Any

from omni.errors import UsageError

from ..contracts import Embedder

_KINDS = {
    "shared": ("shared", "SharedEmbedder", False),
    "sentences": ("sentences", "SentenceEmbedder", False),
    "sentence-transformers": ("sentence_transformers", "SentenceTransformerEmbedder", True),
    "clip": ("clip", "PairEmbedder", True),
    "langchain": ("langchain", "LangChainEmbedder", True),
    "instructed": ("instructed", "InstructedEmbedder", True),
    "late": ("late", "LateEmbedder", False),
}
"""By name: the file beside this one, its class, and whether it has to be told which model."""

KNOWN = tuple(_KINDS)


def open_embedder(name: str, **options: Any) -> Embedder:
    """The embedder of that name.

    Args:
        name: one of `KNOWN`, and after a colon which model: a folder, or a name in the hub's
            cache; for `langchain`, what `langchain.embeddings.init_embeddings` takes.
        options: for its class.

    Raises:
        UsageError: for an unknown name, or one without the model that it needs.
    """
    kind, _, model = name.partition(":")
    if kind not in _KINDS:
        raise UsageError(f"unknown embedder {kind!r}; known: {', '.join(KNOWN)}")
    file, title, needs_model = _KINDS[kind]
    if needs_model and not model:
        raise UsageError(f"the embedder {kind!r} needs a model: write {kind}:FOLDER or {kind}:NAME")
    module = importlib.import_module(f".{file}", __package__)
    build = getattr(module, title)
    if not model:
        return build(**options)
    return build(model, **options)
