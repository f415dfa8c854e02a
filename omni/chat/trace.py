"""What a conversation took: seconds by stage and tokens by modality, call by call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, ToolMessage
from pydantic import BaseModel, ConfigDict

from omni.chat.offload import noted
from omni.chat.transcript import split, usage_of
from omni.content import Selection, Usage
from omni.media import MediaRef
from omni.wire import block_ref, is_media


class Step(BaseModel):
    """One call of the model or of a tool.

    Attributes:
        kind: which of the two.
        name: of the model or the tool.
        seconds: by stage.
        usage: tokens, of a model call.
        estimated: tokens by modality that were expected before the call, if somebody counted.
        experts: share of each expert, by modality, in what the model saw of media.
        selection: what the budget kept of media.
        media: handles of what was made.
        calls: names of the tools that the model called.
        status: how it ended.
        reason: why it did not end well.
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["model", "tool"]
    name: str
    seconds: Mapping[str, float] = {}
    usage: Usage = Usage()
    estimated: Mapping[str, int] | None = None
    experts: Mapping[str, tuple[float, ...]] = {}
    selection: Selection | None = None
    media: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    status: Literal["done", "failed", "interrupted"] = "done"
    reason: str = ""


class TurnTrace(BaseModel):
    """The calls of one turn, in order.

    Attributes:
        turn: its number, from 1.
        at: when it was asked, in UTC, in ISO form.
        question: its words.
        steps: the calls.
    """

    model_config = ConfigDict(frozen=True)

    turn: int
    at: str
    question: str
    steps: tuple[Step, ...] = ()

    @property
    def seconds(self) -> dict[str, float]:
        """All calls together, by stage."""
        found: dict[str, float] = {}
        for step in self.steps:
            for stage, seconds in step.seconds.items():
                found[stage] = found.get(stage, 0.0) + seconds
        return found

    @property
    def usage(self) -> Usage:
        """Tokens of all calls."""
        total = Usage()
        for step in self.steps:
            total += step.usage
        return total

    def to_json(self) -> dict[str, Any]:
        """What `omni trace --json` prints of a turn."""
        told = self.model_dump(mode="json", exclude_none=True)
        return {**told, "seconds": self.seconds, "usage": self.usage.model_dump(mode="json")}


def trace(messages: Sequence[AnyMessage]) -> list[TurnTrace]:
    """The trace of every turn of a conversation, from what its messages tell."""
    return [
        TurnTrace(
            turn=number,
            at=str(noted(question).get("at", "")),
            question=question.text,
            steps=tuple(_steps(rest)),
        )
        for number, (question, rest) in enumerate(split(messages), 1)
    ]


def _steps(messages: Sequence[AnyMessage]) -> Iterator[Step]:
    for message in messages:
        ours = noted(message)
        common: dict[str, Any] = {
            "seconds": {name: round(took, 6) for name, took in (ours.get("seconds") or {}).items()},
            "media": tuple(ref.handle for ref in _made(message)),
        }
        if isinstance(message, AIMessage):
            told = message.response_metadata
            report = told.get("selection")
            yield Step(
                kind="model",
                name=str(told.get("model_name") or told.get("model") or "model"),
                usage=usage_of(message),
                estimated=ours.get("estimated"),
                experts=told.get("experts") or {},
                selection=Selection.model_validate(report) if report else None,
                calls=tuple(call["name"] for call in message.tool_calls),
                status=ours.get("status") or "done",
                reason=str(ours.get("reason") or ""),
                **common,
            )
        elif isinstance(message, ToolMessage):
            failed = message.status == "error"
            yield Step(
                kind="tool",
                name=message.name or "tool",
                status="failed" if failed else "done",
                reason=message.text if failed else "",
                **common,
            )


def _made(message: BaseMessage) -> Iterator[MediaRef]:
    for block in message.content if isinstance(message.content, list) else ():
        if isinstance(block, Mapping) and is_media(block):
            ref = block_ref(block)
            if ref and (ref.lineage or isinstance(message, AIMessage)):
                yield ref
