"""Short texts of people, which the text encoder reads beside the language model.

Before the words of a user stands one media item of the modality `text`, whose features are these
words: `<|open|><|media|>…<|close|>words`. It is part of the text: no budget touches it, no selector
shortens it and no report lists it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

TEXT = "text"
"""Name of the modality."""

MOST_WORDS = 40
"""Longer texts are passages more than questions, and are read as words alone."""


def is_short(text: str) -> bool:
    """Whether a user's text is given to the text encoder too."""
    return 0 < len(text.split(maxsplit=MOST_WORDS + 1)) <= MOST_WORDS


def is_item(part: Mapping[str, Any]) -> bool:
    """Whether a part of a message is a media item rather than words or codes."""
    if part.get("type") == TEXT:
        return part.get("features") is not None or part.get("tokens") is not None
    return "codes" not in part


def with_items(
    dialogue: Sequence[Mapping[str, Any]], features: Callable[[str], Any]
) -> list[dict[str, Any]]:
    """The messages, with an item before each short text of a user that has none yet.

    Args:
        dialogue: messages; they are not changed.
        features: makes the features of a text.
    """
    return [
        {**message, "content": _with_items(message.get("content"), features)}
        if message.get("role") == "user"
        else dict(message)
        for message in dialogue
    ]


def _with_items(content: Any, features: Callable[[str], Any]) -> Any:
    if isinstance(content, str):
        content = [{"type": TEXT, "text": content}]
    parts: list[Any] = []
    for part in content or ():
        given = bool(parts) and parts[-1].get("type") == TEXT and is_item(parts[-1])
        if part.get("type") == TEXT and not is_item(part) and not given:
            text = str(part.get("text", ""))
            if is_short(text):
                parts.append({"type": TEXT, "features": features(text)})
        parts.append(part)
    return parts
