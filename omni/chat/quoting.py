"""What a model that cannot retell says of what a tool told it: the tool's own words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import BaseMessage, ToolMessage

FAILED = "It did not work: "


def quotation(messages: Sequence[BaseMessage]) -> str | None:
    """The words of the tools that were called last; `None` if the last to speak was no tool.

    A small language model reads what a tool says, but would change numbers and names in retelling
    it. So they are passed on: an answer that is dull is better than one that is wrong.
    """
    said: list[str] = []
    for message in reversed(messages):
        if not isinstance(message, ToolMessage):
            break
        said.append(_words(message))
    return "\n".join(reversed(said)) if said else None


def _words(message: ToolMessage) -> str:
    blocks = [message.content] if isinstance(message.content, str) else message.content
    texts = [block if isinstance(block, str) else block.get("text") for block in blocks]
    words = "\n".join(readable(text.strip()) for text in texts if text)
    return f"{FAILED}{words}" if message.status == "error" else words


def readable(text: str) -> str:
    """Facts of a JSON object, one a line, with what stands after it; other text as it is."""
    if not text.startswith("{"):
        return text
    try:
        facts, end = json.JSONDecoder().raw_decode(text)
    except ValueError:
        return text
    lines = [f"{name}: {_told(value)}" for name, value in facts.items()]
    return "\n".join([*lines, *filter(None, [text[end:].strip()])])


def _told(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_told(inner)}" for name, inner in value.items())
    if isinstance(value, list):
        if value and all(isinstance(inner, list) for inner in value):
            return " to ".join(f"({_told(inner)})" for inner in value)
        return ", ".join(map(_told, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "unknown" if value is None else str(value)
