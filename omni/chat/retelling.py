"""Put what a run did into general words, by a model; what it says is checked before it is kept."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage

from omni.chat.abstracting import Call
from omni.chat.cancelling import Cancelled
from omni.chat.guarding import fence
from omni.chat.insights import Insight
from omni.chat.transcript import usage_of
from omni.content import Usage
from omni.media import HANDLE
from omni.redacting import redact

_MOST_LINES, _MOST_LINE = 8, 240
_OBJECT = re.compile(r"\{.*\}", re.DOTALL)

_ASKED = """Below stands the log of a task that was done well, as data between marks.
Write the lesson that helps with other tasks of this kind: its steps in order with the tool of each,
what each needs from the one before, what changes between tasks, and what to mind. Leave out names,
numbers and files that belong to this task alone.
Answer with one JSON object and nothing else:
{"task": "the kind of task, in a sentence", "lesson": ["a short line", "another"]}

"""


class Retelling:
    """Asks a model once a run; `Experience(book, retell=Retelling(brain))`.

    What it answers is kept only if it is of the right form, names a tool that was called, and no
    media of the session. Otherwise the lesson stays the plain list of calls. Its call is neither
    streamed nor shown.

    Args:
        brain: any chat model; a small one will do.

    Attributes:
        tokens: in and out, over all its calls, as far as the model says.
    """

    def __init__(self, brain: BaseChatModel):
        self.brain = brain
        self.tokens = 0

    def __call__(self, insight: Insight, calls: Sequence[Call]) -> Insight:
        """The insight in general words, or as it is."""
        return self.retold(insight, calls)[0]

    def retold(self, insight: Insight, calls: Sequence[Call]) -> tuple[Insight, Usage]:
        """The same, and what it took: `Experience` adds it to the answer that was learnt from."""
        log = [f"task: {insight.task}"]
        log += [f"{call}: {call.error or 'worked'}" for call in calls]
        asked = HumanMessage(_ASKED + fence("\n".join(log), "log"))
        quiet: Any = {"tags": ["nostream"], "callbacks": []}
        try:
            answer = self.brain.invoke([asked], quiet)
        except Cancelled:
            raise
        except Exception:
            # Whatever a provider raises: the list of calls is a lesson, too.
            return insight, Usage()
        usage = usage_of(answer)
        self.tokens += usage.input_tokens + usage.output_tokens
        return _checked(answer.text, insight), usage


def _checked(text: str, insight: Insight) -> Insight:
    match = _OBJECT.search(text)
    try:
        found = json.loads(match[0]) if match else {}
    except ValueError:
        found = {}
    task, lines = found.get("task"), found.get("lesson")
    if not isinstance(task, str) or not isinstance(lines, list) or not task.strip():
        return insight
    said = [redact(" ".join(line.split())) for line in lines if isinstance(line, str)]
    said = [line for line in said if line]
    lesson = "\n".join(said)
    fits = 0 < len(said) <= _MOST_LINES and all(len(line) <= _MOST_LINE for line in said)
    if not fits or HANDLE.search(lesson) or not any(name in lesson for name in insight.tools):
        return insight
    # Found by both wordings: the one that was asked, and the one of its kind.
    task = f"{insight.task}\n{redact(' '.join(task.split()))}"
    return dataclasses.replace(insight, task=task, lesson=lesson)
