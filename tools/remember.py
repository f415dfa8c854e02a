"""Keep something beyond this conversation."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from omni.errors import Retry
from omni.plugins import Component
from omni.workbench import Arguments, BenchTool

COMPONENTS = (Component("tool", "remember", "Words and media kept in the long memory."),)


class _Kept(Arguments):
    text: str = Field("", max_length=20_000, description="what to keep, in a sentence of its own")
    media: list[str] = Field(
        default_factory=list, max_length=16, description="handles to keep, such as [img-1]"
    )


class Remember(BenchTool):
    """What is kept can be recalled in every later session."""

    name: str = "remember"
    description: str = (
        "Keep a fact or media for later conversations. Write the fact so that it can be understood "
        "by itself."
    )
    args_schema: Any = _Kept

    def work(self, text: str = "", media: list[str] | None = None) -> str:
        if not text.strip() and not media:
            raise Retry("there is nothing to keep: give text, handles or both")
        found = [self.bench.open(handle) for handle in media or []]
        ids = self.bench.memory.remember(text, found)
        return f"Kept as {', '.join(ids)}." if ids else "That was kept already."


plugin = Remember
