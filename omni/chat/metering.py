"""Middleware: before a model is called, see what the turn has taken and whether it may go on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from langchain.agents.middleware import AgentMiddleware, ModelRequest
from langchain_core.messages import AIMessage, AnyMessage, ToolMessage

from omni.chat.limits import Limits, Spent
from omni.chat.offload import model_name
from omni.chat.transcript import split, usage_of

_LETTERS_A_TOKEN = 4
_MOST_LETTERS_A_TOKEN = 8


class Meter(AgentMiddleware):
    """Keeps a turn within its limits.

    What was taken is read from the messages of the turn, so that it counts on after a restart.

    Args:
        limits: those of now.
    """

    def __init__(self, limits: Callable[[], Limits]):
        super().__init__()
        self._limits = limits

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Any]
    ) -> Any:
        """Call the model, if the turn may go on."""
        self._check(request)
        return handler(request)

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[Any]]
    ) -> Any:
        """The same."""
        self._check(request)
        return await handler(request)

    def _check(self, request: ModelRequest[Any]) -> None:
        turns = split(request.messages)
        turn = turns[-1][1] if turns else []
        ahead, limits = 0, self._limits()
        if limits.tokens is not None:
            ahead = _letters(request.messages) // _MOST_LETTERS_A_TOKEN
        limits.check(spent(turn, limits, model_name(request.model)), ahead)


def spent(messages: Sequence[AnyMessage], limits: Limits, model: str) -> Spent:
    """What the messages of a turn have taken.

    Args:
        messages: after the question.
        limits: whose prices count.
        model: by whose price those are counted that do not say who made them.
    """
    steps, tokens, money, counted = 0, 0, 0.0, True
    for place, message in enumerate(messages):
        if not isinstance(message, AIMessage | ToolMessage):
            continue
        usage = usage_of(message)
        taken, given = usage.input_tokens, usage.output_tokens
        if isinstance(message, AIMessage):
            steps += 1
            if not taken and not given:
                taken, given = _estimate(messages[:place]), _estimate([message])
                counted = False
        tokens += taken + given
        named = message.response_metadata.get("model_name")
        if price := limits.price(str(named)) or limits.price(model):
            money += price.of(taken, given)
    return Spent(steps, tokens, money, counted)


def _estimate(messages: Sequence[AnyMessage]) -> int:
    return _letters(messages) // _LETTERS_A_TOKEN


def _letters(messages: Sequence[AnyMessage]) -> int:
    return sum(len(message.text) for message in messages)
