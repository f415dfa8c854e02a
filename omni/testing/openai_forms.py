"""Answers in the forms of OpenAI's chat completions: whole, and in pieces."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

from langchain_core.messages import AIMessage


def completion(message: AIMessage, model: str) -> dict[str, Any]:
    """A whole answer."""
    said: dict[str, Any] = {"role": "assistant", **_content(message), "refusal": None}
    if message.tool_calls:
        said["tool_calls"] = [_call(call) for call in message.tool_calls]
    choice = {"index": 0, "message": said, "finish_reason": _reason(message), "logprobs": None}
    head = _head("chat.completion", model)
    return {**head, "choices": [choice], "usage": _usage(message)}


def chunks(message: AIMessage, model: str, *, usage: bool) -> Iterator[dict[str, Any]]:
    """The answer word by word, its media whole, arguments of calls in two halves."""
    head = _head("chat.completion.chunk", model)

    def piece(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None}
        return {**head, "choices": [choice]}

    yield piece({"role": "assistant", "content": ""})
    content = _content(message)
    if isinstance(content["content"], str):
        for word in re.findall(r"\s*\S+\s*$|\s*\S+|\s+", content["content"]):
            yield piece({"content": word})
    elif content["content"]:
        yield piece({"content": content["content"]})
    if "audio" in content:
        yield piece({"audio": content["audio"]})
    for index, call in enumerate(message.tool_calls):
        whole = _call(call)
        arguments = whole["function"]["arguments"]
        middle = len(arguments) // 2
        whole["function"]["arguments"] = arguments[:middle]
        yield piece({"tool_calls": [{"index": index, **whole}]})
        rest = {"index": index, "function": {"arguments": arguments[middle:]}}
        yield piece({"tool_calls": [rest]})
    yield piece({}, _reason(message))
    if usage:
        yield {**head, "choices": [], "usage": _usage(message)}


def _content(message: AIMessage) -> dict[str, Any]:
    """Words as a string; with pictures, a list of parts, which is how vLLM-Omni answers them."""
    if isinstance(message.content, str):
        return {"content": message.content or None}
    found: dict[str, Any] = {}
    parts: list[dict[str, Any]] = []
    for block in message.content:
        if isinstance(block, str):
            parts.append({"type": "text", "text": block})
        elif block.get("type") == "audio":
            found["audio"] = {
                "id": f"audio_{uuid.uuid4().hex[:12]}",
                "data": block["base64"],
                "transcript": message.text,
                "expires_at": 0,
            }
        elif block.get("type") == "image":
            url = f"data:{block.get('mime_type', 'image/png')};base64,{block['base64']}"
            parts.append({"type": "image_url", "image_url": {"url": url}})
        else:
            parts.append(dict(block))
    if all(part["type"] == "text" for part in parts):
        words = "".join(part["text"] for part in parts)
        return {"content": None if "audio" in found else words or None, **found}
    return {"content": parts, **found}


def _call(call: Any) -> dict[str, Any]:
    function = {"name": call["name"], "arguments": json.dumps(call["args"])}
    return {"id": call["id"], "type": "function", "function": function}


def _reason(message: AIMessage) -> str:
    return "tool_calls" if message.tool_calls else "stop"


def _usage(message: AIMessage) -> dict[str, int]:
    told = message.usage_metadata
    read = told["input_tokens"] if told else 10
    said = told["output_tokens"] if told else max(1, len(message.text) // 4)
    return {"prompt_tokens": read, "completion_tokens": said, "total_tokens": read + said}


def _head(kind: str, model: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{uuid.uuid4().hex[:16]}", "object": kind, "created": 0, "model": model}
