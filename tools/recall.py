"""What was kept in earlier conversations, or taken in from files."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from omni.errors import Retry
from omni.plugins import Component
from omni.recollection import Recalled
from omni.wire import media_block
from omni.workbench import Arguments, BenchTool, Blocks

COMPONENTS = (Component("tool", "recall", "What the long memory holds on words and media."),)

_LONGEST = 4000
_MOST_MEDIA = 4
_MOST_BYTES = 64 << 20


class _Question(Arguments):
    query: str = Field("", max_length=4000, description="what to look for, in words")
    like: str | None = Field(None, description="handle of media to look for the like of")
    most: int = Field(5, ge=1, le=20, description="how many things at most")


class Recall(BenchTool):
    """Numbers what it finds, tells where each comes from, and shows the media of the nearest."""

    name: str = "recall"
    description: str = (
        "Look into the long memory, by words, by media or both: what was kept in earlier "
        "conversations, and documents and media that were taken in."
    )
    args_schema: Any = _Question

    def work(self, query: str = "", like: str | None = None, most: int = 5) -> str | Blocks:
        if not query.strip() and not like:
            raise Retry("there is nothing to look for: give a query, a handle or both")
        media = [self.bench.open(like)] if like else []
        found = self.bench.memory.recall(query, media, most)
        if not found:
            return "The memory holds nothing on that."
        words = "\n\n".join(_told(place, one) for place, one in enumerate(found, 1))
        return [{"type": "text", "text": words}, *_media(found)]


def _told(place: int, one: Recalled) -> str:
    text = one.text if len(one.text) <= _LONGEST else f"{one.text[:_LONGEST]}…"
    return f"[{place}] {one.source} (id {one.id}):\n{text}"


def _media(found: list[Recalled]) -> Blocks:
    blocks: Blocks = []
    room = _MOST_BYTES
    for one in found:
        if one.media and one.media.modality != "text" and one.media.size <= room:
            room -= one.media.size
            blocks.append(media_block(one.media))
        if len(blocks) == _MOST_MEDIA:
            break
    return blocks


plugin = Recall
