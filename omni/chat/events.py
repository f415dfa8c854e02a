"""What happens while an agent answers, in the order in which it happens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from omni.content import Answer, Asked, MediaPart


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
