"""Middleware: say when tools start and end, and stop between steps when the turn is stopped."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from langchain.agents.middleware import AgentMiddleware, ModelRequest
from langchain_core.messages import ToolMessage

from omni.chat.cancelling import check
from omni.chat.events import ToolEnded, ToolStarted


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
        settings = {**request.model_settings, **self._settings()}
        result = handler(request.override(model_settings=settings) if settings else request)
        check()
        return result

    def wrap_tool_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        """Call the tool between two events."""
        check()
        call = request.tool_call
        tell = request.runtime.stream_writer
        began = time.perf_counter()
        tell(ToolStarted(id=call["id"], name=call["name"], args=dict(call["args"])))
        result = handler(request)
        text = result.text if isinstance(result, ToolMessage) else ""
        ok = not isinstance(result, ToolMessage) or result.status != "error"
        seconds = time.perf_counter() - began
        tell(ToolEnded(id=call["id"], name=call["name"], ok=ok, text=text, seconds=seconds))
        check()
        return result
