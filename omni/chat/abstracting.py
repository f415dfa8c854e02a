"""From a run that ended to its lessons: which calls did it, and how those that failed were mended.

Nothing is taken from what tools said but the first line of an error: a lesson is told again in
later conversations, and must not carry along what a page or a file wanted to have said.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage

from omni.chat.insights import Insight
from omni.media import HANDLE
from omni.redacting import redact
from omni.wire import block_ref

_MOST_CALLS = 12
_MOST_VALUE, _MOST_ERROR = 120, 160
_NUMBERS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool that came back.

    Attributes:
        name: of the tool.
        args: that it was given.
        step: of the model, from 0; calls of one step were made at once.
        error: first line of what went wrong; `None` if nothing did.
    """

    name: str
    args: Mapping[str, Any]
    step: int
    error: str | None = None

    def __str__(self) -> str:
        """For people and models: `crop_image(image="img-N", box=[0, 0, 1, 1])`."""
        shown = ", ".join(f"{name}={_value(value)}" for name, value in self.args.items())
        return f"{self.name}({shown})"


def calls_of(messages: Sequence[AnyMessage], tools: Iterable[str] | None = None) -> list[Call]:
    """The calls after a question that came back, in order.

    Args:
        messages: after the question.
        tools: names that count; all of them by default. A structured answer is a call, too.
    """
    results = {one.tool_call_id: one for one in messages if isinstance(one, ToolMessage)}
    known = None if tools is None else set(tools)
    found: list[Call] = []
    step = 0
    for message in messages:
        if not isinstance(message, AIMessage):
            continue
        for call in message.tool_calls:
            result = results.get(call["id"] or "")
            if result is not None and (known is None or call["name"] in known):
                error = _first_line(result.text) if result.status == "error" else None
                found.append(Call(call["name"], call["args"], step, error))
        step += 1
    return found


def task_of(question: HumanMessage) -> str:
    """What was asked, with the kinds of what was attached."""
    blocks = question.content if isinstance(question.content, list) else []
    refs = [ref for block in blocks if isinstance(block, dict) and (ref := block_ref(block))]
    words = HANDLE.sub(r"\1-N", " ".join(question.text.split()))
    kinds = ", ".join(dict.fromkeys(ref.modality for ref in refs))
    return redact(f"{words} (with {kinds})" if kinds and words else words or kinds)


def way(task: str, calls: Sequence[Call]) -> Insight | None:
    """The way in which a task was done; `None` if no tool had a part in it."""
    worked = [call for call in calls if call.error is None]
    if not worked or not task:
        return None
    lines = [f"{number}. {call}" for number, call in enumerate(worked[:_MOST_CALLS], 1)]
    if len(worked) > _MOST_CALLS:
        lines.append(f"… and {len(worked) - _MOST_CALLS} more calls")
    tools = tuple(call.name for call in worked)
    return Insight("way", task, "\n".join(lines), tools, key=task)


def mends(task: str, calls: Sequence[Call]) -> list[Insight]:
    """Calls that failed, each with what mended it in a later step.

    A call is mended by the next one of the same tool that worked, or, if there is none, by another
    tool that worked in the very next step. What nothing mended teaches nothing.
    """
    found: dict[str, Insight] = {}
    for place, failed in enumerate(calls):
        if failed.error is None or not task:
            continue
        mend = _mend(failed, calls[place + 1 :])
        if mend is None:
            continue
        told = f"{failed} failed: {failed.error}\n"
        same = mend.name == failed.name
        told += f"{mend} worked." if same else f"{mend} worked in its place."
        key = f"{failed.name}: {_NUMBERS.sub('#', failed.error.lower())}"
        insight = Insight("mend", task, told, tuple({failed.name: 0, mend.name: 0}), key=key)
        found[insight.id] = insight  # of several tries with one error, the last before it worked
    return list(found.values())


def _mend(failed: Call, later: Sequence[Call]) -> Call | None:
    after = [call for call in later if call.step > failed.step]
    again = next((c for c in after if c.name == failed.name and c.error is None), None)
    if again is not None:
        return again if again.args != failed.args else None
    return next((c for c in after if c.step == failed.step + 1 and c.error is None), None)


def _value(value: Any) -> str:
    told = json.dumps(value, ensure_ascii=False, default=str)
    told = HANDLE.sub(r"\1-N", redact(told))
    return told if len(told) <= _MOST_VALUE else f"{told[: _MOST_VALUE - 1]}…"


def _first_line(text: str) -> str:
    line = next((line.strip() for line in text.splitlines() if line.strip()), "it did not say why")
    line = redact(line)
    return line if len(line) <= _MOST_ERROR else f"{line[: _MOST_ERROR - 1]}…"
