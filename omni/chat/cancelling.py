"""Stop an answer: one flag that a turn sets, and every model and tool under it can see."""

from __future__ import annotations

import threading
from contextvars import ContextVar
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler

STOP: ContextVar[threading.Event | None] = ContextVar("omni_stop", default=None)
"""The flag of the turn that this thread works for."""


class Cancelled(Exception):
    """Raised inside a turn that was stopped; the agent catches it."""


def cancelled() -> bool:
    """Whether the turn that this thread works for was stopped."""
    flag = STOP.get()
    return flag is not None and flag.is_set()


def check() -> None:
    """Leave, if the turn was stopped.

    Raises:
        Cancelled: if so.
    """
    if cancelled():
        raise Cancelled("stopped")


class StopHandler(BaseCallbackHandler):
    """Leave any LangChain model between two tokens, once the flag is set."""

    raise_error = True
    run_inline = True

    def __init__(self, flag: threading.Event):
        self.flag = flag

    def _check(self) -> None:
        if self.flag.is_set():
            raise Cancelled("stopped")

    def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
        self._check()

    def on_llm_new_token(self, *args: Any, **kwargs: Any) -> None:
        self._check()

    def on_tool_start(self, *args: Any, **kwargs: Any) -> None:
        self._check()
