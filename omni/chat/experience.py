"""Experience: a run that succeeded leaves a lesson, which later runs of like tasks are shown.

After ICAL (arXiv 2406.14596): what was done is put into the shortest form that helps, found again
by the task, shown to the model as an example, and weighed by how the runs went that had it at hand.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain.agents.middleware import AgentMiddleware, ModelRequest
from langchain_core.messages import AnyMessage, HumanMessage

from omni.chat.abstracting import Call, calls_of, mends, task_of, way
from omni.chat.insights import Insight, InsightBook, fenced
from omni.chat.offload import note
from omni.chat.transcript import answer_of, split
from omni.content import Usage, missing
from omni.errors import OmniError
from omni.plugins import Component

COMPONENTS = (
    Component(
        "recipe",
        "experience",
        "Runs that succeeded leave lessons, which later runs of like tasks are shown.",
        "ICAL",
    ),
)

Retell = Callable[[Insight, Sequence[Call]], Insight]
"""Puts a way into more general words; what it cannot, it gives back as it is."""

_REMEMBERED = 64


@dataclass(slots=True)
class _Turn:
    """What is known of a question while it is answered."""

    shown: list[Insight] = field(default_factory=list)
    tools: set[str] = field(default_factory=set)


class Experience(AgentMiddleware):
    """Learns from runs, and shows what was learnt to the model that has a like task.

    A run leaves the way in which it was done only if its answer is whole and tools had a part in
    it. Calls that failed and were mended are kept apart, and whatever came of the run: the mend is
    borne out by its own result. A model that says that it `reads_plain` is shown nothing, since it
    was taught no marks.

    Give it to an agent: `Agent(middleware=[Experience(InsightBook("insights"))])`.

    Args:
        book: where lessons are kept.
        most: lessons that a model is shown.
        retell: puts ways into more general words, such as `Retelling(brain)`; what one takes that
            says it, by a method `retold`, counts to the answer.

    Attributes:
        last: the lessons that were shown with the last question.
        notes: what could not be kept, and why; a run never fails of it.
    """

    def __init__(self, book: InsightBook, *, most: int = 4, retell: Retell | None = None):
        super().__init__()
        self.book = book
        self.most = most
        self.last: list[Insight] = []
        self.notes: list[str] = []
        self._retell = retell
        self._turns: OrderedDict[str, _Turn] = OrderedDict()
        self._looking = threading.Lock()

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Any]
    ) -> Any:
        """Call the model with what was learnt from tasks like its own."""
        return handler(self._shown(request))

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[Any]]
    ) -> Any:
        """The same, with the search in a thread."""
        return await handler(await asyncio.to_thread(self._shown, request))

    def after_agent(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        """Learn from the run that has just ended, and write to its answer what that took."""
        turns = split(state["messages"])
        if not turns:
            return None
        question, rest = turns[-1]
        took = self._learn(question, rest, getattr(runtime, "context", None))
        if not took.input_tokens + took.output_tokens:
            return None
        answer = rest[-1].model_copy()
        note(answer, asked=took.model_dump(mode="json"))
        return {"messages": [answer]}

    async def aafter_agent(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        """The same in a thread."""
        return await asyncio.to_thread(self.after_agent, state, runtime)

    def _shown(self, request: ModelRequest[Any]) -> ModelRequest[Any]:
        messages: list[AnyMessage] = list(request.messages)
        place = max(
            (n for n, one in enumerate(messages) if isinstance(one, HumanMessage)), default=-1
        )
        if place < 0:
            return request
        question = messages[place]
        assert isinstance(question, HumanMessage)
        reads_plain = getattr(request.model, "reads_plain", False)
        turn = self._turn(question, look=not reads_plain)
        turn.tools |= {name for tool in request.tools if (name := getattr(tool, "name", None))}
        self.last = turn.shown
        if not turn.shown:
            return request
        messages[place] = _with_words(question, fenced(turn.shown))
        return request.override(messages=messages)

    def _turn(self, question: HumanMessage, *, look: bool) -> _Turn:
        """What is known of a question: looked up once, however often the model is called."""
        key = question.id or question.text
        with self._looking:
            if key not in self._turns:
                self._turns[key] = _Turn()
                while len(self._turns) > _REMEMBERED:
                    self._turns.popitem(last=False)
                if look:
                    self._turns[key].shown = self._recalled(task_of(question))
            return self._turns[key]

    def _recalled(self, task: str) -> list[Insight]:
        try:
            return self.book.recall(task, self.most)
        except OmniError as error:
            self.notes.append(f"nothing was recalled: {error}")
            return []

    def _learn(self, question: HumanMessage, messages: Sequence[AnyMessage], context: Any) -> Usage:
        with self._looking:
            turn = self._turns.pop(question.id or question.text, None) or _Turn()
        calls = calls_of(messages, turn.tools or None)
        whole = _is_whole(question, messages, context)
        task = task_of(question)
        found, took = mends(task, calls), Usage()
        if whole and (done := way(task, calls)):
            done, took = self._retold(done, calls)
            found.append(done)
        shown = [one.id for one in turn.shown]
        try:
            kept = {one.id for one in self.book.learn(found)} if found else set()
            self.book.settle([id for id in shown if id not in kept], helped=whole)
        except OmniError as error:
            self.notes.append(f"nothing was learnt: {error}")
        return took

    def _retold(self, done: Insight, calls: Sequence[Call]) -> tuple[Insight, Usage]:
        if self._retell is None:
            return done, Usage()
        if retold := getattr(self._retell, "retold", None):
            return retold(done, calls)
        return self._retell(done, calls), Usage()


def _is_whole(question: HumanMessage, messages: Sequence[AnyMessage], context: Any) -> bool:
    """Whether the answer holds all that was asked for, and nothing of it failed."""
    shelf = getattr(context, "shelf", None)
    answer = answer_of(question, messages, {ref.handle for ref in shelf} if shelf else set())
    return answer.ok and not missing(getattr(context, "want", ()), answer.parts)


def _with_words(question: HumanMessage, words: str) -> HumanMessage:
    """The question with words before its own; what is attached stays first."""
    if isinstance(question.content, str):
        return question.model_copy(update={"content": f"{words}\n\n{question.content}"})
    blocks = list(question.content)
    place = next((n for n, one in enumerate(blocks) if _is_text(one)), len(blocks))
    added = {"type": "text", "text": f"{words}\n\n"}
    return question.model_copy(update={"content": [*blocks[:place], added, *blocks[place:]]})


def _is_text(block: Any) -> bool:
    return isinstance(block, str) or (isinstance(block, dict) and block.get("type") == "text")
