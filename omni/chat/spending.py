"""Middleware: what a model call will take, told before it is made and checked after."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from langchain.agents.middleware import AgentMiddleware, ModelRequest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from omni.chat.counting import Counter, Estimate, counter
from omni.chat.offload import note
from omni.chat.returning import Returning
from omni.content import MediaPart
from omni.errors import UsageError
from omni.wire import to_langchain

if TYPE_CHECKING:
    from omni.chat.agent import Agent


class Spending(AgentMiddleware):
    """Counts every model call before it is made, and keeps the estimate beside the exact usage.

    Give it to an agent: `Agent(middleware=[Spending(most=20_000, tell=print)])`.

    Args:
        most: tokens that one call may read; by default what the model's window holds.
        tell: called with the estimate before each call.
        counter: how tokens are counted; by default what is right for the model.
    """

    def __init__(
        self,
        *,
        most: int | None = None,
        tell: Callable[[Estimate], object] | None = None,
        counter: Counter | None = None,
    ):
        super().__init__()
        self.most = most
        self._tell = tell
        self._counter = counter
        self._counters: dict[int, tuple[Any, Counter]] = {}
        self._returning: Returning | None = None

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Any]
    ) -> Any:
        """Count, tell and check; then call.

        Raises:
            UsageError: if the call would read more than it may; nothing is sent then.
        """
        estimate = self._checked(request)
        return _noted(handler(request), estimate)

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[Any]]
    ) -> Any:
        """The same in an event loop."""
        estimate = self._checked(request)
        return _noted(await handler(request), estimate)

    def estimate(self, request: ModelRequest[Any]) -> Estimate:
        """Tokens of a call, with media as the model will see them."""
        messages: list[Any] = list(request.messages)
        shelf = getattr(request.runtime.context, "shelf", None) if request.runtime else None
        if shelf is not None:
            if self._returning is None or self._returning.shelf is not shelf:
                self._returning = Returning(shelf)
            messages = self._returning.messages(messages, request.model)
        if request.system_message is not None:
            messages.insert(0, request.system_message)
        return self._counter_of(request.model).count(messages, request.tools)

    def _counter_of(self, model: Any) -> Counter:
        if self._counter is not None:
            return self._counter
        known = self._counters.get(id(model))
        if known is None or known[0] is not model:
            self._counters[id(model)] = known = (model, counter(model))
        return known[1]

    def _checked(self, request: ModelRequest[Any]) -> Estimate:
        estimate = self.estimate(request)
        if self._tell:
            self._tell(estimate)
        most = self.most or estimate.window
        if most and estimate.tokens > most:
            raise UsageError(
                f"this call would read {estimate}, and {most:,} are allowed: attach less, "
                "begin a new session, or take a model with a larger window"
            )
        return estimate


def expected(agent: Agent) -> Estimate:
    """What the next message of an agent will read with its attachments, apart from its words."""
    waiting = to_langchain(MediaPart.of(ref) for ref in agent.pending)
    messages: list[Any] = list(agent.sessions.messages(agent.session))
    if waiting:
        messages.append(HumanMessage(waiting))  # type: ignore[arg-type]
    shown = Returning(agent.shelf).messages(messages, agent.brain)
    return counter(agent.brain).count(shown)


def _noted(response: Any, estimate: Estimate) -> Any:
    for message in messages_of(response):
        if isinstance(message, AIMessage):
            note(message, estimated=dict(estimate.by_modality))
    return response


def messages_of(response: Any) -> list[BaseMessage]:
    """The messages in what a model call gave back, in any of the forms of LangChain."""
    if isinstance(response, BaseMessage):
        return [response]
    inner = getattr(response, "model_response", response)
    return list(getattr(inner, "result", []))
