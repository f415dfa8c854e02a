"""Hear a turn while it runs: words as the model says them, and what its tools are about.

LangGraph can stream both, but then runs every step in a thread of its own beside one that waits for
what comes: with a model that answers at once, that is a third of the whole turn. A callback hears
the same where it happens.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, LLMResult

QUIET = "nostream"
"""LangGraph's tag of model calls that nobody is to hear."""


class Ear(BaseCallbackHandler):
    """Hears the model of one turn, and no other that works under it.

    Args:
        put: takes `("messages", message)` and `("custom", event)`, from any thread.
    """

    run_inline = True

    def __init__(self, put: Callable[[tuple[str, Any]], Any]):
        self.put = put
        self._silent: dict[UUID, bool] = {}

    def on_chat_model_start(self, *args: Any, run_id: UUID, **kwargs: Any) -> None:
        """Listen, if it is the turn's own model that is called."""
        if _CALLING.get() is self and QUIET not in (kwargs.get("tags") or ()):
            self._silent[run_id] = True

    def on_llm_new_token(
        self, token: Any, *, chunk: Any = None, run_id: UUID, **kwargs: Any
    ) -> None:
        """Pass on the next words or media."""
        if run_id in self._silent and isinstance(chunk, ChatGenerationChunk):
            self._silent[run_id] = False
            self._said(chunk.message)

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> None:
        """Pass on the whole answer of a model that does not stream."""
        if not self._silent.pop(run_id, False):
            return
        first = response.generations[0] if response.generations else []
        if first and isinstance(first[0], ChatGeneration):
            self._said(first[0].message)

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """Listen no more."""
        self._silent.pop(run_id, None)

    def tap_output_iter(self, run_id: UUID, output: Iterator[Any]) -> Iterator[Any]:
        """By this and the next method LangChain knows that a model is to stream when invoked."""
        return output

    def tap_output_aiter(self, run_id: UUID, output: Any) -> Any:
        """See `tap_output_iter`."""
        return output

    def _said(self, message: BaseMessage) -> None:
        self.put(("messages", message))


EAR: ContextVar[Ear | None] = ContextVar("omni_ear", default=None)
"""What hears the turn that this thread or task works for."""

_CALLING: ContextVar[Ear | None] = ContextVar("omni_calling", default=None)


@contextlib.contextmanager
def heard() -> Iterator[None]:
    """Around the call of a turn's own model."""
    token = _CALLING.set(EAR.get())
    try:
        yield
    finally:
        _CALLING.reset(token)


def tell(event: Any) -> None:
    """Tell the turn of an event; in a graph of somebody else, its stream; elsewhere, nobody."""
    if ear := EAR.get():
        ear.put(("custom", event))
        return
    from langgraph.config import get_stream_writer

    with contextlib.suppress(RuntimeError, LookupError):
        get_stream_writer()(event)
