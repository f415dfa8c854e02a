"""Refuse what OpenAI's chat completions would refuse, so that tests find it without the service."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

_ROLES = ("system", "developer", "user", "assistant", "tool")
_PARTS = {
    "system": ("text",),
    "developer": ("text",),
    "user": ("text", "image_url", "input_audio", "file"),
    "assistant": ("text", "refusal"),
    "tool": ("text",),
}
_FORMATS = ("wav", "mp3")


class Wrong(Exception):
    """The service would refuse the request."""


def check_chat(body: Mapping[str, Any]) -> None:
    """Check the body of a request for a chat completion.

    Raises:
        Wrong: with the place and what is wrong with it.
    """
    if not isinstance(body.get("model"), str) or not body["model"]:
        raise Wrong("you must provide a model parameter")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Wrong("messages: wanted a list with at least one message")
    for index, message in enumerate(messages):
        _check_message(message, f"messages[{index}]")
    _check_answers(messages)
    for index, tool in enumerate(body.get("tools") or ()):
        if tool.get("type") != "function" or not (tool.get("function") or {}).get("name"):
            raise Wrong(f"tools[{index}]: wanted a function with a name")
    if body.get("tool_choice") is not None and not body.get("tools"):
        raise Wrong("tool_choice is only allowed when tools are specified")


def _check_message(message: Any, place: str) -> None:
    role = message.get("role") if isinstance(message, Mapping) else None
    if role not in _ROLES:
        raise Wrong(f"{place}.role: {role!r} is none of {', '.join(_ROLES)}")
    content = message.get("content")
    if content is None:
        if role == "assistant" and (message.get("tool_calls") or message.get("audio")):
            return
        raise Wrong(f"{place}.content: a message of role {role!r} needs content")
    if isinstance(content, str):
        return
    if not isinstance(content, list) or not content:
        raise Wrong(f"{place}.content: wanted words or a list of parts, not {content!r}")
    for number, part in enumerate(content):
        _check_part(part, role, f"{place}.content[{number}]")


def _check_part(part: Any, role: str, place: str) -> None:
    kind = part.get("type") if isinstance(part, Mapping) else None
    if kind not in _PARTS[role]:
        raise Wrong(f"{place}: a {role} message takes {', '.join(_PARTS[role])}, not {kind!r}")
    if kind == "text" and not isinstance(part.get("text"), str):
        raise Wrong(f"{place}.text: wanted a string")
    if kind == "image_url":
        url = (part.get("image_url") or {}).get("url")
        if not isinstance(url, str) or not url.startswith(("data:image/", "http://", "https://")):
            raise Wrong(f"{place}.image_url.url: wanted a link or a data URL of a picture")
        if url.startswith("data:"):
            _check_base64(url.partition(",")[2], place)
    if kind == "input_audio":
        audio = part.get("input_audio") or {}
        if audio.get("format") not in _FORMATS:
            raise Wrong(f"{place}.input_audio.format: wanted {' or '.join(_FORMATS)}")
        _check_base64(audio.get("data"), place)


def _check_base64(text: Any, place: str) -> None:
    try:
        if not base64.b64decode(text, validate=True):
            raise Wrong(f"{place}: the media are empty")
    except (binascii.Error, TypeError, ValueError):
        raise Wrong(f"{place}: the media are no base64") from None


def _check_answers(messages: Sequence[Mapping[str, Any]]) -> None:
    """Every call is answered right after it, and nothing answers what was not called."""
    waiting: set[str] = set()
    for index, message in enumerate(messages):
        if message["role"] == "tool":
            if message.get("tool_call_id") not in waiting:
                raise Wrong(f"messages[{index}]: a tool message has to answer a call before it")
            waiting.discard(message["tool_call_id"])
            continue
        if waiting:
            raise Wrong(f"messages[{index}]: these calls were not answered: {sorted(waiting)}")
        waiting = {call["id"] for call in message.get("tool_calls") or ()}
    if waiting:
        raise Wrong(f"these calls were not answered: {sorted(waiting)}")
