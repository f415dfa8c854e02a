"""Typed, ordered parts of a message, and what an answer is.

A part says what became of it: `delivered`, `failed`, `refused` or `unsupported`. Media parts hold a
handle, never bytes. `omni.wire` turns parts into LangChain content blocks and OpenAI chat parts and
back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_jsonable_python

from omni.media import Lineage, MediaRef

Status = Literal["delivered", "failed", "refused", "unsupported"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TextPart(_Frozen):
    """Words."""

    type: Literal["text"] = "text"
    text: str
    status: Status = "delivered"
    reason: str | None = None


class MediaPart(_Frozen):
    """One media item, or the place where one was to be.

    Attributes:
        type: name of the modality; `document` in JSON where that name is `text`.
        ref: the handle and what it stands for; `None` if nothing was made.
        status: what became of it.
        reason: why it was not delivered.
    """

    type: str
    ref: MediaRef | None
    status: Status = "delivered"
    reason: str | None = None

    @classmethod
    def of(cls, ref: MediaRef) -> MediaPart:
        """A delivered part for a handle."""
        return cls(type=ref.modality, ref=ref)


Part = TextPart | MediaPart


class Tokens(_Frozen):
    """Tokens of one modality, in and out."""

    input_tokens: int = 0
    output_tokens: int = 0


class Usage(_Frozen):
    """Tokens that an answer took, over all model calls of the turn."""

    input_tokens: int = 0
    output_tokens: int = 0
    by_modality: Mapping[str, Tokens] = Field(default_factory=dict)

    def __add__(self, other: Usage) -> Usage:
        names = dict.fromkeys([*self.by_modality, *other.by_modality])
        none = Tokens()
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            by_modality={
                name: Tokens(
                    input_tokens=self.by_modality.get(name, none).input_tokens
                    + other.by_modality.get(name, none).input_tokens,
                    output_tokens=self.by_modality.get(name, none).output_tokens
                    + other.by_modality.get(name, none).output_tokens,
                )
                for name in names
            },
        )


class Citation(_Frozen):
    """Where a statement comes from, to the spot."""

    source: str
    page: int | None = None
    box: tuple[float, float, float, float] | None = None
    span: tuple[int, int] | None = None
    seconds: tuple[float, float] | None = None
    rows: tuple[int, int] | None = None
    score: float | None = None


class Kept(_Frozen):
    """How many tokens of one media item the model saw, of how many it has.

    Attributes:
        modality: as the model read it.
        grid: how its tokens lie: times, rows and columns.
        dropped: share of the selector's score that was not kept.
        near: how near it is to what was asked, if that decided its share.
        places: kept tokens, ascending; `None` also where all are kept.
    """

    handle: str
    kept: int
    of: int
    modality: str | None = None
    grid: tuple[int, int, int] | None = None
    dropped: float | None = None
    near: float | None = None
    places: tuple[int, ...] | None = None


class Selection(_Frozen):
    """What the token budget left of the media of a request.

    Attributes:
        budget: the total that was allowed.
        kept: how many tokens there were in the end.
        items: each of them, in order.
        method: name of the selector, if it had anything to do.
        seconds: how long it took.
        merged: whether kept tokens were put together from several.
    """

    budget: int | None = None
    kept: int = 0
    items: tuple[Kept, ...] = ()
    method: str | None = None
    seconds: float | None = None
    merged: bool | None = None

    def to_json(self) -> dict[str, Any]:
        """What is known, and the budget in any case."""
        return {"budget": None, **self.model_dump(mode="json", exclude_none=True)}


class Asked(_Frozen):
    """A call of a tool that waits until somebody allows it.

    Attributes:
        id: of the call.
        name: of the tool.
        args: what the model wants to call it with.
    """

    id: str
    name: str
    args: Mapping[str, Any] = Field(default_factory=dict)


class Answer(_Frozen):
    """What came of one turn: parts in order, what they cost, and where they come from.

    Attributes:
        parts: words and media in the order in which they were given.
        usage: tokens, over all model calls of the turn.
        timings: seconds by stage; `total` is the whole turn.
        citations: sources of what is said.
        selection: what the token budget kept; `None` if the model reports none.
        interrupted: whether the answer was stopped before its end.
        asked: calls of tools that wait for a decision; the turn goes on once there is one.
        value: the answer as an object, of an agent that was given a `response_format`.
    """

    parts: tuple[Part, ...] = ()
    usage: Usage = Usage()
    timings: Mapping[str, float] = Field(default_factory=dict)
    citations: tuple[Citation, ...] = ()
    selection: Selection | None = None
    interrupted: bool = False
    asked: tuple[Asked, ...] = ()
    value: Any = None

    @property
    def text(self) -> str:
        """All delivered words."""
        texts = (
            part.text
            for part in self.parts
            if isinstance(part, TextPart) and part.status == "delivered"
        )
        return "\n\n".join(text for text in texts if text)

    @property
    def media(self) -> list[MediaRef]:
        """Handles of all delivered media."""
        return [
            part.ref
            for part in self.parts
            if isinstance(part, MediaPart) and part.ref and part.status == "delivered"
        ]

    @property
    def failures(self) -> list[Part]:
        """The parts that were not delivered."""
        return [part for part in self.parts if part.status != "delivered"]

    @property
    def ok(self) -> bool:
        """Whether there is an answer, it is whole, and every part of it was delivered."""
        whole = not self.interrupted and not self.asked
        return whole and bool(self.parts) and not self.failures

    def to_json(self, out_paths: Mapping[str, Path | str] | None = None) -> dict[str, Any]:
        """What `omni ask --json` prints.

        Args:
            out_paths: where each handle's file was written, for the field `path`.
        """
        selection = self.selection or Selection()
        answer = {
            "parts": [part_json(part, out_paths or {}) for part in self.parts],
            "usage": self.usage.model_dump(),
            "timings": dict(self.timings),
            "citations": [_without_none(item, keep=("source", "score")) for item in self.citations],
            "selection": selection.to_json(),
        }
        if self.interrupted:
            answer["interrupted"] = True
        if self.asked:
            answer["asked"] = [one.model_dump(mode="json") for one in self.asked]
        if self.value is not None:
            answer["value"] = to_jsonable_python(self.value)
        return answer


def missing(wanted: Iterable[str], parts: Iterable[Part]) -> list[MediaPart]:
    """A failed part for every asked-for modality that no part of an answer speaks of."""
    held = {part.type for part in parts if isinstance(part, MediaPart)}
    return [
        MediaPart(
            type=name,
            ref=None,
            status="failed",
            reason=f"the model answered without the {name} that was asked for",
        )
        for name in dict.fromkeys(wanted)
        if name != "text" and name not in held
    ]


def part_json(part: Part, out_paths: Mapping[str, Path | str]) -> dict[str, Any]:
    """A part as JSON; media with the path of their file, where there is one."""
    reason = {} if part.reason is None else {"reason": part.reason}
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text, "status": part.status} | reason
    ref = part.ref
    path = out_paths.get(ref.handle) if ref else None
    return {
        "type": "document" if part.type == "text" else part.type,
        "handle": ref.handle if ref else None,
        "path": None if path is None else str(path),
        "mime": ref.mime if ref else None,
        "status": part.status,
        **reason,
        "lineage": ((ref.lineage if ref else None) or Lineage()).model_dump(mode="json"),
    }


def _without_none(item: BaseModel, keep: Iterable[str]) -> dict[str, Any]:
    fields = item.model_dump(mode="json")
    return {key: value for key, value in fields.items() if value is not None or key in keep}
