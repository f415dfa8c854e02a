"""Read a conversation out of its messages: turns, answers, and what they cost."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage, ToolMessage

from omni.chat.claims import claimed
from omni.chat.offload import noted
from omni.content import (
    Answer,
    Citation,
    MediaPart,
    Part,
    Selection,
    TextPart,
    Tokens,
    Usage,
)
from omni.media import MediaRef
from omni.wire import from_langchain, is_media

TurnStatus = Literal["answered", "interrupted", "failed", "unanswered", "waiting"]
_SHOWN = 80
USAGE = "omni_usage"
_KINDS = ("image", "audio", "video", "points", "series", "file")


@dataclass(frozen=True, slots=True)
class Turn:
    """One question and what came of it.

    Attributes:
        number: from 1.
        question: the parts of the question, attachments first.
        answer: what came; without parts if nothing did.
        status: `unanswered` if nothing came (it is being answered, or the process died);
            `interrupted` if it was stopped; `failed` if a part of it failed; `waiting` if a call
            of a tool waits for a decision.
        at: when it was asked, in UTC, in ISO form.
    """

    number: int
    question: tuple[Part, ...]
    answer: Answer
    status: TurnStatus
    at: str


def turns(messages: Sequence[AnyMessage], handles: Container[str]) -> list[Turn]:
    """The turns of a conversation."""
    found: list[Turn] = []
    for question, rest in split(messages):
        answer = answer_of(question, rest, handles)
        found.append(
            Turn(
                number=len(found) + 1,
                question=tuple(from_langchain(question.content)),
                answer=answer,
                status=_status(answer, rest),
                at=str(noted(question).get("at", "")),
            )
        )
    return found


def split(messages: Sequence[AnyMessage]) -> list[tuple[HumanMessage, list[AnyMessage]]]:
    """Each question with the messages that follow it."""
    found: list[tuple[HumanMessage, list[AnyMessage]]] = []
    for message in messages:
        if isinstance(message, HumanMessage):
            found.append((message, []))
        elif found:
            found[-1][1].append(message)
    return found


def answer_of(
    question: HumanMessage, messages: Sequence[AnyMessage], handles: Container[str]
) -> Answer:
    """What the messages after a question amount to.

    Args:
        question: what was asked.
        messages: of the model and its tools, in order.
        handles: those that exist; an answer that names another as made is found out.
    """
    parts = list(_parts(messages))
    parts += claimed(question.text, parts, handles)
    states = [noted(message) for message in messages]
    usage = Usage()
    timings: dict[str, float] = {}
    for message, state in zip(messages, states, strict=True):
        usage += usage_of(message)
        for stage, seconds in (state.get("seconds") or {}).items():
            timings[stage] = timings.get(stage, 0.0) + seconds
    return Answer(
        parts=tuple(parts),
        usage=usage,
        timings=timings,
        citations=tuple(_citations(messages)),
        selection=_selection(messages),
        interrupted=any(state.get("status") == "interrupted" for state in states),
        value=next((state["value"] for state in reversed(states) if "value" in state), None),
    )


def usage_of(message: BaseMessage) -> Usage:
    """Tokens of one model call, by modality as far as the model says.

    A tool that asks models says in its artifact, under `USAGE`, what they took; a middleware that
    asks one because of a message notes it there as `asked`.
    """
    asked = noted(message).get("asked")
    own = _own_usage(message)
    return own + Usage.model_validate(asked) if asked else own


def _own_usage(message: BaseMessage) -> Usage:
    if isinstance(message, ToolMessage) and isinstance(message.artifact, Mapping):
        return Usage.model_validate(message.artifact.get(USAGE) or {})
    meta = getattr(message, "usage_metadata", None)
    if not meta:
        return Usage()
    counted = message.response_metadata.get("by_modality")
    if isinstance(counted, Mapping):
        by_modality = {name: Tokens.model_validate(found) for name, found in counted.items()}
    else:
        by_modality = _from_details(meta)
    return Usage(
        input_tokens=meta["input_tokens"],
        output_tokens=meta["output_tokens"],
        by_modality=by_modality,
    )


def _from_details(meta: Mapping[str, Any]) -> dict[str, Tokens]:
    sides: dict[str, dict[str, int]] = {}
    for side in ("input", "output"):
        details = meta.get(f"{side}_token_details") or {}
        counts = {name: details[name] for name in _KINDS if details.get(name)}
        counts["text"] = max(0, meta[f"{side}_tokens"] - sum(counts.values()))
        for name, count in counts.items():
            sides.setdefault(name, {})[f"{side}_tokens"] = count
    return {name: Tokens(**found) for name, found in sides.items()}


def _parts(messages: Iterable[AnyMessage]) -> Iterable[Part]:
    """Words and media of the model, and what its tools made, each once."""
    seen: set[str] = set()
    last: BaseMessage | None = None
    for message in messages:
        last = message
        if isinstance(message, AIMessage):
            found: Iterable[Part] = _joined(from_langchain(_shown(message)))
        elif isinstance(message, ToolMessage):
            found = _made(message)
        else:
            continue
        for part in found:
            handle = part.ref.handle if isinstance(part, MediaPart) and part.ref else None
            if handle not in seen:
                yield part
            if handle:
                seen.add(handle)
        state = noted(message)
        if isinstance(message, AIMessage) and state.get("status") == "failed":
            yield TextPart(text="", status="failed", reason=str(state.get("reason")))
    if isinstance(last, AIMessage) and not noted(last).get("status"):
        if last.invalid_tool_calls and not last.tool_calls:
            yield TextPart(text="", status="failed", reason=_unreadable(last))
        elif _is_empty(last):
            yield TextPart(text="", status="failed", reason="the model gave an empty answer")


def _unreadable(message: AIMessage) -> str:
    call = message.invalid_tool_calls[0]
    given = " ".join(str(call.get("args") or "").split())
    shown = given if len(given) <= _SHOWN else f"{given[:_SHOWN]}…"
    return f"the model ended in a call of {call.get('name') or 'a tool'} that is no JSON: {shown!r}"


def _is_empty(message: AIMessage) -> bool:
    return not message.tool_calls and not _joined(from_langchain(_shown(message)))


def _shown(message: BaseMessage) -> Any:
    """The content without links and unknown files, which are no media of ours."""
    if isinstance(message.content, str):
        return message.content
    return [
        block
        for block in message.content
        if not (isinstance(block, Mapping) and is_media(block) and not _is_ours(block))
    ]


def _is_ours(block: Mapping[str, Any]) -> bool:
    extras = block.get("extras")
    return isinstance(extras, Mapping) and "ref" in (extras.get("omni") or {})


def _joined(parts: Sequence[Part]) -> list[Part]:
    """Neighbouring delivered words as one part, without empty ones."""
    joined: list[Part] = []
    for part in parts:
        before = joined[-1] if joined else None
        if (
            isinstance(part, TextPart)
            and isinstance(before, TextPart)
            and part.status == before.status == "delivered"
        ):
            joined[-1] = TextPart(text=before.text + part.text)
        else:
            joined.append(part)
    return [
        part
        for part in joined
        if not isinstance(part, TextPart) or part.text.strip() or part.status != "delivered"
    ]


def _made(message: ToolMessage) -> Iterable[Part]:
    """Media that a tool made, or was to make."""
    state = noted(message)
    if (refused := state.get("refused")) is not None:
        reason = f"{message.name} was not allowed" + (f": {refused}" if refused else "")
        yield TextPart(text="", status="refused", reason=reason)
    if makes := state.get("makes"):
        yield MediaPart(type=str(makes), ref=None, status="failed", reason=message.text)
    if not isinstance(message.content, str):
        for part in from_langchain(_shown(message)):
            if isinstance(part, MediaPart) and (part.ref is None or part.ref.lineage):
                yield part
    artifacts = message.artifact if isinstance(message.artifact, list) else [message.artifact]
    for artifact in artifacts:
        if isinstance(artifact, Mapping) and {"handle", "digest", "lineage"} <= artifact.keys():
            yield MediaPart.of(MediaRef.model_validate(artifact))


def _citations(messages: Iterable[AnyMessage]) -> Iterable[Citation]:
    for message in messages:
        for found in message.response_metadata.get("citations") or ():
            yield Citation.model_validate(found)
        blocks = message.content if isinstance(message.content, list) else ()
        for block in blocks:
            notes = block.get("annotations") if isinstance(block, Mapping) else None
            for found in notes or ():
                if found.get("type") == "citation" and (found.get("url") or found.get("title")):
                    yield Citation(source=found.get("url") or found["title"])


def _selection(messages: Iterable[AnyMessage]) -> Selection | None:
    """What the last model call that reports it kept of the media."""
    reports = [message.response_metadata.get("selection") for message in messages]
    found = [report for report in reports if isinstance(report, Mapping)]
    return Selection.model_validate(found[-1]) if found else None


def _status(answer: Answer, messages: Sequence[AnyMessage]) -> TurnStatus:
    if answer.interrupted:
        return "interrupted"
    last = messages[-1] if messages else None
    if not isinstance(last, AIMessage) or last.tool_calls:
        return "interrupted" if answer.parts else "unanswered"
    return "failed" if answer.failures else "answered"
