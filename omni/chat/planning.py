"""A task graph: calls of tools with handles between them, those that can at the same time.

A step names a tool and its arguments; `<id>` in an argument stands for what the step of that id
gives: the handle of what it made, else its words. `<id.image>` is the first image of it. A step
waits for those that it names, and for those in `after`; where one fails, those behind it are not
run, and the others are.
"""

from __future__ import annotations

import contextvars
import re
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from langchain_core.messages import ToolMessage
from pydantic import BaseModel, ConfigDict, Field

from omni.chat.bounding import bounded
from omni.chat.events import ToolEnded, ToolStarted
from omni.chat.offload import Offload
from omni.chat.returned import checked
from omni.errors import Retry
from omni.media import MediaRef, Shelf
from omni.plugins import Component
from omni.wire import block_ref, is_media

COMPONENTS = (
    Component(
        "recipe",
        "task graph",
        "Calls of tools with handles between them, run at the same time where they can be.",
        "HuggingGPT",
    ),
)

MOST_STEPS = 32
_AT_ONCE = 4
_REFERENCE = re.compile(r"<([A-Za-z0-9_-]{1,40})(?:\.([a-z]+))?>")

Tell = Callable[[ToolStarted | ToolEnded], None]


class Step(BaseModel):
    """One call of a tool."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,40}$", description="short name, such as read")
    tool: str = Field(description="name of the tool")
    args: dict[str, Any] = Field(
        default_factory=dict, description="its arguments; <id> stands for what that step gives"
    )
    after: list[str] = Field(default_factory=list, description="steps to wait for besides")

    @property
    def needs(self) -> set[str]:
        """Ids of the steps that this one waits for."""
        return {match[1] for text in _texts(self.args) for match in _REFERENCE.finditer(text)} | {
            *self.after
        }


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a step.

    Attributes:
        step: it.
        ok: whether it worked.
        text: its words, or why it failed or was not run.
        made: what it made.
        began: seconds after the plan began; `None` if it was not run.
        seconds: how long it took.
    """

    step: Step
    ok: bool
    text: str
    made: tuple[MediaRef, ...] = ()
    began: float | None = None
    seconds: float = 0.0


@dataclass
class PlanRun:
    """Runs the steps of one plan.

    Args:
        steps: in any order.
        tools: that may be called, by name.
        shelf: where what is made is put, at once, so that the next step can name it.
        seconds: that one step may take.
        tell: is told when a step begins and ends.
        prefix: of the ids that events carry.

    Raises:
        Retry: if the plan cannot be run as it stands; the message says what to change.
    """

    steps: Sequence[Step]
    tools: Mapping[str, Any]
    shelf: Shelf
    seconds: float = 300.0
    tell: Tell = lambda event: None
    prefix: str = "plan"
    done: dict[str, Done] = field(default_factory=dict)

    def __post_init__(self):
        check(self.steps, self.tools)
        self._offload = Offload(self.shelf)

    def run(self) -> list[Done]:
        """Run all; what came of each, in the order of the plan."""
        began = time.perf_counter()
        waiting = {step.id: step for step in self.steps}
        running: dict[Future[Done], str] = {}
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="omni plan") as pool:
            while waiting or running:
                for step in [one for one in waiting.values() if one.needs <= self.done.keys()]:
                    del waiting[step.id]
                    failed = sorted(id for id in step.needs if not self.done[id].ok)
                    if failed:
                        reason = f"not run, since {', '.join(failed)} failed"
                        self.done[step.id] = Done(step, False, reason)
                        continue
                    context = contextvars.copy_context()
                    running[pool.submit(context.run, self._step, step, began)] = step.id
                if running:
                    for future in wait(running, return_when=FIRST_COMPLETED).done:
                        self.done[running.pop(future)] = future.result()
        return [self.done[step.id] for step in self.steps]

    def _step(self, step: Step, began: float) -> Done:
        start = time.perf_counter()
        try:
            args = filled(step.args, self.done)
        except Retry as error:
            return Done(step, False, str(error))
        call = {
            "name": step.tool,
            "args": args,
            "id": f"{self.prefix}.{step.id}",
            "type": "tool_call",
        }
        self.tell(ToolStarted(id=call["id"], name=step.tool, args=call["args"]))
        tool = self.tools[step.tool]

        def invoke(_: Any) -> Any:
            return bounded(lambda: checked(tool, call["id"]).invoke(call), self.seconds, step.tool)

        request = SimpleNamespace(tool_call=call, tool=tool)
        message = self._offload.wrap_tool_call(request, invoke)
        seconds = time.perf_counter() - start
        ok = isinstance(message, ToolMessage) and message.status != "error"
        text = message.text if isinstance(message, ToolMessage) else str(message)
        self.tell(ToolEnded(id=call["id"], name=step.tool, ok=ok, text=text, seconds=seconds))
        return Done(step, ok, text, tuple(_refs(message)) if ok else (), start - began, seconds)


def check(steps: Sequence[Step], tools: Mapping[str, Any]) -> None:
    """See whether a plan can be run.

    Raises:
        Retry: if an id comes twice, a tool or a step that is named does not exist, or steps wait
            for one another in a circle.
    """
    ids = [step.id for step in steps]
    if not 1 <= len(steps) <= MOST_STEPS:
        raise Retry(f"a plan has 1 to {MOST_STEPS} steps, not {len(steps)}")
    if twice := next((id for id in ids if ids.count(id) > 1), None):
        raise Retry(f"two steps are called {twice!r}: give each a name of its own")
    for step in steps:
        if step.tool not in tools:
            known = ", ".join(sorted(tools)) or "none"
            raise Retry(f"step {step.id!r} calls {step.tool!r}; the tools are {known}")
        if unknown := sorted(step.needs - {*ids}):
            raise Retry(f"step {step.id!r} waits for {unknown[0]!r}, which is no step")
    free: set[str] = set()
    while nxt := {step.id for step in steps if step.id not in free and step.needs <= free}:
        free |= nxt
    if circle := [id for id in ids if id not in free]:
        raise Retry(f"these steps wait for one another in a circle: {', '.join(circle)}")


def filled(value: Any, done: Mapping[str, Done]) -> Any:
    """Arguments with what was made in the place of references.

    Raises:
        Retry: if a step made nothing of the kind that is referred to.
    """
    if isinstance(value, str):
        return _REFERENCE.sub(lambda match: _meant(match, done), value)
    if isinstance(value, Mapping):
        return {key: filled(one, done) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [filled(one, done) for one in value]
    return value


def _meant(match: re.Match[str], done: Mapping[str, Done]) -> str:
    found = done[match[1]]
    kind = match[2]
    if kind == "text" or (kind is None and not found.made):
        return _words(found.text)
    ref = next((one for one in found.made if kind in (None, one.modality)), None)
    if ref is None:
        made = ", ".join(one.modality for one in found.made) or "words"
        raise Retry(f"{match[0]}: step {match[1]!r} made {made}, not {kind}")
    return ref.handle


def _words(text: str) -> str:
    """The words of a step without the line with which some tools say where they are from."""
    first, newline, rest = text.partition("\n")
    return rest if newline and first.endswith(":") else text


def tree(steps: Sequence[Step], state: Mapping[str, str]) -> list[str]:
    """The plan as lines: each step under the last of those that it waits for.

    Args:
        steps: of the plan.
        state: what to write behind each id.
    """
    order = {step.id: place for place, step in enumerate(steps)}
    under: dict[str | None, list[Step]] = {}
    for step in steps:
        parent = max(step.needs, key=lambda id: order[id], default=None)
        under.setdefault(parent, []).append(step)
    lines: list[str] = []

    def draw(parent: str | None, indent: str) -> None:
        for place, step in enumerate(under.get(parent, ())):
            last = place == len(under[parent]) - 1
            others = sorted(step.needs - {parent or ""}, key=lambda id: order[id])
            more = f" (and after {', '.join(others)})" if others else ""
            lines.append(f"{indent}{'└─' if last else '├─'} {step.id}: {step.tool}{more}"
                         f"{state.get(step.id, '')}")  # fmt: skip
            draw(step.id, indent + ("   " if last else "│  "))

    draw(None, "")
    return lines


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, Mapping) else value
    return [text for one in inner for text in _texts(one)] if _is_nested(value) else []


def _is_nested(value: Any) -> bool:
    return isinstance(value, Mapping | list | tuple)


def _refs(message: Any) -> list[MediaRef]:
    content = message.content if isinstance(message.content, list) else []
    found = [
        block_ref(block) for block in content if isinstance(block, Mapping) and is_media(block)
    ]
    return [ref for ref in found if ref]
