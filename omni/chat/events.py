"""What happens while an agent answers, in the order in which it happens.

As JSON (`omni ask --output-format stream-json`), each is an object on a line of its own. The first
is `begin`, the last is `end` or `error`; between them, in the order in which it happens:

    {"type": "begin", "version": 1, "session": …, "model": …}
    {"type": "text", "text": …}                         the next words of the answer
    {"type": "media", "part": {…}}                      a part, as in the answer
    {"type": "tool_started", "id": …, "name": …, "args": {…}}
    {"type": "tool_ended", "id": …, "name": …, "ok": …, "text": …, "seconds": …}
    {"type": "asked", "id": …, "name": …, "args": {…}}   a call that waits for a decision
    {"type": "decided", "id": …, "name": …, "decision": "allow|edit|refuse", "args"?, "reason"?}
    {"type": "end", "answer": {…}}                      what `--json` prints
    {"type": "error", "error": {"type": …, "message": …, "code": …}}

Types and keys may be added within a version; a reader passes over those that it does not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from omni.content import Answer, Asked, MediaPart, part_json

VERSION = 1
"""Of the events as JSON; it changes when a key goes or comes to mean something else."""


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The next words of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class MediaMade:
    """A media item of the answer is finished and stored, or has failed."""

    part: MediaPart


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """The model called a tool."""

    id: str
    name: str
    args: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolEnded:
    """A tool came back.

    Attributes:
        id: of the call, as in `ToolStarted`.
        name: of the tool.
        ok: whether it worked.
        text: the words that it gave back, or what went wrong.
        seconds: how long it took.
    """

    id: str
    name: str
    ok: bool
    text: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Finished:
    """The turn is over; always the last event."""

    answer: Answer


Event = TextDelta | MediaMade | ToolStarted | ToolEnded | Asked | Finished


def event_json(event: Event, paths: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """An event as JSON.

    Args:
        event: any.
        paths: where the file of each handle lies, for the field `path` of media.
    """
    match event:
        case TextDelta(text):
            return {"type": "text", "text": text}
        case MediaMade(part):
            return {"type": "media", "part": part_json(part, paths or {})}
        case ToolStarted():
            args = dict(event.args)
            return {"type": "tool_started", "id": event.id, "name": event.name, "args": args}
        case ToolEnded():
            facts = {name: getattr(event, name) for name in ("id", "name", "ok", "text", "seconds")}
            return {"type": "tool_ended", **facts}
        case Asked():
            return {"type": "asked", **event.model_dump(mode="json")}
        case Finished(answer):
            return {"type": "end", "answer": answer.to_json(paths)}
