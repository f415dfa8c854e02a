"""What is written of a turn: its question, what came before it was stopped, what is missing."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langgraph.types import Interrupt

from omni.chat.asking import Question
from omni.chat.offload import note, noted, tool_failure
from omni.chat.sessions import Sessions, SessionShelf, now
from omni.chat.transcript import answer_of, split
from omni.content import Answer, MediaPart, missing
from omni.errors import UsageError
from omni.media import MediaRef
from omni.wire import to_langchain

INTERRUPT = "__interrupt__"
"""The channel under which LangGraph writes what a task stopped for."""

_CUT = "stopped before it ended"
_UNDECIDED = "not called: nobody allowed it before the next question"


class TurnWriter:
    """Writes the turns of one session; what a method wrote is durable when it returns.

    Args:
        sessions: where they are kept.
        name: of the session.
        shelf: its media.
        graph: the agent's graph, through which its state is written.
    """

    def __init__(
        self, sessions: Sessions, name: str, shelf: SessionShelf, graph: Callable[[], Any]
    ):
        self.sessions = sessions
        self.name = name
        self.shelf = shelf
        self._graph = graph
        self._read: tuple[str | None, list[AnyMessage]] = (None, [])

    @property
    def config(self) -> Any:
        """Which thread of the graph it is."""
        return {"configurable": {"thread_id": self.name, "checkpoint_ns": ""}}

    def messages(self) -> list[AnyMessage]:
        """Everything that was said; read again only if something was written since."""
        newest = self._newest()
        if newest is None or newest != self._read[0]:
            self._read = (newest, list(self.sessions.messages(self.name)))
        return list(self._read[1])

    def learn(self, messages: Sequence[AnyMessage]) -> None:
        """Know what a run has just written without reading it."""
        self._read = (self._newest(), list(messages))

    def handles(self) -> set[str]:
        """Every media item that there is."""
        return {ref.handle for ref in self.shelf}

    def interrupts(self) -> list[Interrupt]:
        """What the graph stopped for, as the last checkpoint has it, whatever tools there are now.

        Looked up only where a call of a tool stands last.
        """
        messages = self.messages()
        if not messages or not getattr(messages[-1], "tool_calls", None):
            return []
        found = self.sessions.checkpoints.get_tuple(self.config)
        writes = (found.pending_writes if found else None) or []
        return [one for _, channel, value in writes if channel == INTERRUPT for one in value]

    def ask(self, text: str, refs: Sequence[MediaRef], model: str) -> Question:
        """A question with the attachments that wait for it and these, for a run to write.

        Raises:
            UsageError: if nothing is asked.
        """
        waiting = self.sessions.refs(self.name, pending=True)
        refs = list({ref.handle: ref for ref in [*waiting, *refs]}.values())
        if not text.strip() and not refs:
            raise UsageError("nothing was asked: give a question, an attachment or both")
        content = to_langchain(MediaPart.of(ref) for ref in refs)
        if text.strip():
            content.append({"type": "text", "text": text})
        question = HumanMessage(content=content, id=uuid.uuid4().hex)  # type: ignore[arg-type]
        note(question, at=now(), stamp=time.time_ns())
        title = text.strip() or refs[0].name

        def beside() -> None:
            self.sessions.asked(self.name)
            self.sessions.touch(self.name, model=model, title=title, turn=True)

        return Question([*self._closing(self.messages()), question], beside)

    def keep(self, question: Question) -> None:
        """Write a question that its run did not come to write."""
        self._write(question.messages, "__start__")
        question.beside()

    def end(self, partial: list[dict[str, Any]], status: str = "", reason: str = "") -> None:
        """Write what a stopped turn left, and keep only its last checkpoint."""
        try:
            if status and not is_answered(messages := self.messages()):
                kept = stopped_message(partial, status, reason)
                self._write([*_cut(messages, _CUT), kept], "model")
        finally:
            self._prune()

    def answer(self, want: Sequence[str] = ()) -> Answer:
        """The answer to the last question; what was wanted and is missing is written to it."""
        question, rest = split(self.messages())[-1]
        answer = answer_of(question, rest, self.handles())
        absent = missing(want, answer.parts)
        if not absent or not isinstance(rest[-1], AIMessage) or rest[-1].tool_calls:
            return answer
        content = rest[-1].content
        words = [{"type": "text", "text": content}] if isinstance(content, str) else content
        words = [block for block in words if not isinstance(block, dict) or block.get("text", 1)]
        changed = rest[-1].model_copy(update={"content": [*words, *to_langchain(absent)]})
        self._write([changed], "model")
        self._prune()
        return answer_of(question, [*rest[:-1], changed], self.handles())

    def reconcile(self) -> None:
        """After a kill between two writes: attachments of the last question wait no more."""
        questions = [message for message, _ in split(self.messages())]
        if questions:
            stamp = int(noted(questions[-1]).get("stamp", 0))
            self.sessions.settle(self.name, stamp=stamp, turns=len(questions))

    def _closing(self, messages: Sequence[AnyMessage]) -> list[AnyMessage]:
        """What has to stand before the next question where a turn did not end."""
        if not messages or is_answered(messages):
            return []
        reason = _UNDECIDED if self.interrupts() else _CUT
        return [*_cut(messages, reason), stopped_message([], "interrupted")]

    def _newest(self) -> str | None:
        """The last checkpoint, by its id."""
        with self.sessions.checkpoints.cursor(transaction=False) as cursor:
            found = cursor.execute(
                "SELECT MAX(checkpoint_id) FROM checkpoints "
                "WHERE thread_id = ? AND checkpoint_ns = ''",
                (self.name,),
            )
            return found.fetchone()[0]

    def _prune(self) -> None:
        """Keep the last checkpoint only, and see it through to the disk."""
        with self.sessions.checkpoints.through():
            self.sessions.checkpoints.prune([self.name])

    def _write(self, messages: Sequence[AnyMessage], node: str) -> None:
        self._graph().update_state(self.config, {"messages": list(messages)}, as_node=node)


def stopped_message(content: list[dict[str, Any]], status: str, reason: str = "") -> AIMessage:
    """What is kept of an answer that was stopped or failed."""
    message = AIMessage(content=content or "")  # type: ignore[arg-type]
    note(message, status=status, **({"reason": reason} if reason else {}))
    return message


def is_answered(messages: Sequence[AnyMessage]) -> bool:
    """Whether the last thing that was said is an answer."""
    last = messages[-1] if messages else None
    return isinstance(last, AIMessage) and not last.tool_calls


def _cut(messages: Sequence[AnyMessage], reason: str) -> list[AnyMessage]:
    """An answer to every tool call that has none: services insist on it."""
    rest = split(messages)[-1][1] if messages else []
    answered = {getattr(message, "tool_call_id", None) for message in rest}
    return [
        tool_failure(dict(call), reason)
        for message in rest
        if isinstance(message, AIMessage)
        for call in message.tool_calls
        if call["id"] not in answered
    ]
