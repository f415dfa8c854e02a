"""Any LangChain `Embeddings` as a space of texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.embeddings import Embeddings

from omni.errors import OmniError, UsageError
from omni.plugins import Component

from ..contracts import Space, Vectors
from .grouping import TEXT, GroupedEmbedder, Progress, refuse_blank, unit
from .weights import digest_of

NAME = "langchain"
_NAMES = ("model", "model_name", "model_id", "deployment", "repo_id", "dimensions", "size")


class LangChainEmbedder(GroupedEmbedder):
    """Texts as a LangChain `Embeddings` sees them; its weights are not seen.

    Args:
        model: an `Embeddings`, or what `init_embeddings` of `langchain` takes, such as
            `openai:text-embedding-3-small`.
        identity: what tells this model from others; found in its attributes if it is empty. A
            model that changes under the same name has to be told apart here.
        width: of its vectors; found by embedding a word if it is `None`.
        batch: most texts a call.
        progress: told how many are done, and of how many.

    Raises:
        UsageError: if it is neither an `Embeddings` nor the name of one.
    """

    modalities = frozenset({TEXT})

    def __init__(
        self,
        model: Embeddings | str,
        *,
        identity: str = "",
        width: int | None = None,
        batch: int = 64,
        progress: Progress | None = None,
    ):
        self.model = _named(model) if isinstance(model, str) else model
        if not isinstance(self.model, Embeddings):
            raise UsageError(
                f"wanted a LangChain Embeddings or its name, not {type(model).__name__}"
            )
        self.batch, self.progress = batch, progress
        if width is None:
            width = len(self.model.embed_query("width"))
        named = {"identity": identity} if identity else _identity(self.model)
        self.space = Space(NAME, width, digest_of({**named, "width": width}))

    def read(self, modality: str, items: Sequence[str]) -> Sequence[Vectors]:
        refuse_blank(items)
        found = self.model.embed_documents(list(items))
        if len(found) != len(items):
            raise OmniError(
                f"{type(self.model).__name__} made {len(found)} vectors of {len(items)} texts"
            )
        return [unit(vector) for vector in found]

    def read_queries(self, modality: str, items: Sequence[str]) -> Sequence[Vectors]:
        refuse_blank(items)
        return [unit(self.model.embed_query(text)) for text in items]


def _named(name: str) -> Embeddings:
    from langchain.embeddings import init_embeddings

    try:
        found: Any = init_embeddings(name)
    except (ValueError, ImportError) as error:
        raise UsageError(f"no LangChain embeddings {name!r}: {error}") from None
    return found


def _identity(model: Embeddings) -> dict[str, Any]:
    """Its class, and what its attributes say of the model behind it."""
    kind = type(model)
    known = {name: getattr(model, name, None) for name in _NAMES}
    return {"class": f"{kind.__module__}.{kind.__qualname__}"} | {
        name: value for name, value in known.items() if isinstance(value, str | int)
    }


COMPONENTS = (
    Component(
        kind="embedder",
        name="langchain",
        summary="Texts through any LangChain Embeddings, by object or by provider:name.",
    ),
)
