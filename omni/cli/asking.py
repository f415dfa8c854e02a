"""Ask an agent once, tell what happens, and settle what its tools may do."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from omni.chat.events import VERSION, Event, Finished, event_json
from omni.content import Answer, Asked

if TYPE_CHECKING:
    from omni.chat.agent import Agent
    from omni.cli.approval import Approver
    from omni.cli.screen import Screen

Tell = Callable[[Mapping[str, Any]], object]
"""Takes one line of a stream of JSON."""


class Asking:
    """Stands in for an agent where one answer is wanted: `run` goes on until there is one.

    Args:
        agent: who is asked.
        approver: decides on calls of tools.
        tell: takes what happens, line by line; `None` where nobody follows.
    """

    def __init__(self, agent: Agent, approver: Approver, tell: Tell | None = None):
        self._agent = agent
        self._approver = approver
        self._tell = tell

    def begin(self, model: str) -> None:
        """Tell which agent is asked."""
        if self._tell:
            session = self._agent.session
            self._tell({"type": "begin", "version": VERSION, "session": session, "model": model})

    def run(self, text: str, attach: Sequence[Any] = (), *, want: Sequence[str] = ()) -> Answer:
        """The answer to a question; it waits for a decision only if the person left one open."""
        answer = self._followed(self._agent.stream(text, attach, want=want))
        while answer.asked:
            decisions = self._approver.decide(answer.asked)
            if decisions is None:
                return answer
            for one in answer.asked:
                self._decided(one, decisions[one.id])
            answer = self._followed(self._agent.stream_resumed(decisions, want=want))
        return answer

    def _followed(self, events: Any) -> Answer:
        answer = Answer()
        for event in events:
            if isinstance(event, Finished):
                answer = event.answer
            elif self._tell:
                self._tell(event_json(event, self._path_of(event)))
        return answer

    def _path_of(self, event: Event) -> dict[str, str]:
        ref = getattr(getattr(event, "part", None), "ref", None)
        return {ref.handle: str(self._agent.shelf.blobs.path(ref.digest))} if ref else {}

    def _decided(self, one: Asked, decision: Any) -> None:
        if self._tell:
            name = type(decision).__name__.lower()
            more = {key: getattr(decision, key, None) for key in ("args", "reason")}
            told = {key: value for key, value in more.items() if value}
            self._tell(
                {"type": "decided", "id": one.id, "name": one.name, "decision": name, **told}
            )


def lines(screen: Screen) -> Tell:
    """Prints each thing that happens as one line of JSON, at once."""

    def tell(told: Mapping[str, Any]) -> None:
        screen.raw(json.dumps(told, ensure_ascii=False, allow_nan=False, default=str) + "\n")

    return tell
