"""Middleware: say when tools start and end, and stop between steps when the turn is stopped."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

from langchain.agents.middleware import AgentMiddleware, ModelRequest
from langchain_core.messages import ToolMessage

from omni.chat.cancelling import check
from omni.chat.events import ToolEnded, ToolStarted
from omni.chat.listening import heard, tell


class Watch(AgentMiddleware):
    """The outermost middleware of an agent: what it sees is what has become of a call."""

    def __init__(self, settings: Callable[[], dict[str, Any]] = dict):
        super().__init__()
        self._settings = settings

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Any]
    ) -> Any:
        """Call the model with the settings of now, unless the turn was stopped."""
        check()
        with heard():
            result = handler(self._set(request))
        check()
        return result

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[Any]]
    ) -> Any:
        """The same."""
        check()
        with heard():
            result = await handler(self._set(request))
        check()
        return result

    def wrap_tool_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        """Call the tool between two events."""
        check()
        began = _tell_start(request)
        result = handler(request)
        _tell_end(request, result, began)
        check()
        return result

    async def awrap_tool_call(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        """The same."""
        check()
        began = _tell_start(request)
        result = await handler(request)
        _tell_end(request, result, began)
        check()
        return result

    def _set(self, request: ModelRequest[Any]) -> ModelRequest[Any]:
        settings = {**request.model_settings, **self._settings()}
        return request.override(model_settings=settings) if settings else request


def _tell_start(request: Any) -> float:
    call = request.tool_call
    started = ToolStarted(id=call["id"], name=call["name"], args=dict(call["args"]))
    tell(started)
    return time.perf_counter()


def _tell_end(request: Any, result: Any, began: float) -> None:
    call = request.tool_call
    text = result.text if isinstance(result, ToolMessage) else ""
    ok = not isinstance(result, ToolMessage) or result.status != "error"
    seconds = time.perf_counter() - began
    ended = ToolEnded(id=call["id"], name=call["name"], ok=ok, text=text, seconds=seconds)
    tell(ended)
