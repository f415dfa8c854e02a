"""OpenTelemetry spans of an agent, by the conventions for generative AI; media by reference.

>>> from omni.chat.agent import Agent
>>> from omni.testing import ScriptedBrain
>>> with Agent(ScriptedBrain(script=["Hello."]), session=None, middleware=[Tracing()]) as agent:
...     agent.run("Hello?").text
'Hello.'
"""

from __future__ import annotations

import json
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from langchain.agents.middleware import AgentMiddleware, ModelRequest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langgraph.config import get_config

from omni.chat.offload import model_name, noted, own_stages
from omni.chat.spending import messages_of
from omni.chat.transcript import usage_of
from omni.extras import need
from omni.wire import block_ref, is_media

_ROLES = {HumanMessage: "user", AIMessage: "assistant", SystemMessage: "system"}


class Tracing(AgentMiddleware):
    """Makes a span of each turn, each model call and each tool call.

    What was said is left out unless `content` is asked for. Media are told of by handle, type and
    digest in any case; their bytes are in the blob store and in no span.

    Args:
        tracer: of OpenTelemetry; by default that of the provider which the program has set.
        content: write words, arguments and results into the spans.

    Raises:
        MissingExtra: if OpenTelemetry is not installed.
    """

    def __init__(self, tracer: Any = None, *, content: bool = False):
        super().__init__()
        self._otel: Any = need("opentelemetry.trace", extra="tracing")
        self._tracer = tracer or self._otel.get_tracer("omni")
        self._content = content
        self._turns: dict[str, Any] = {}
        self._lock = threading.Lock()

    def before_agent(self, state: Any, runtime: Any) -> None:
        """Begin the span of a turn; what is left of one that was cut off ends here."""
        thread = _thread()
        span = self._tracer.start_span(
            "invoke_agent omni",
            attributes={
                "gen_ai.operation.name": "invoke_agent",
                "gen_ai.agent.name": "omni",
                "gen_ai.conversation.id": thread,
            },
        )
        with self._lock:
            before, self._turns[thread] = self._turns.get(thread), span
        if before is not None:
            before.set_status(self._otel.StatusCode.ERROR, "the turn did not end")
            before.end()

    def after_agent(self, state: Any, runtime: Any) -> None:
        """End the span of the turn."""
        with self._lock:
            span = self._turns.pop(_thread(), None)
        if span is not None:
            span.end()

    async def abefore_agent(self, state: Any, runtime: Any) -> None:
        """The same in an event loop."""
        self.before_agent(state, runtime)

    async def aafter_agent(self, state: Any, runtime: Any) -> None:
        """The same in an event loop."""
        self.after_agent(state, runtime)

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Any]
    ) -> Any:
        """A span around the model call."""
        with self._model_span(request) as span:
            response = handler(request)
            self._tell_answer(span, messages_of(response))
        return response

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[Any]]
    ) -> Any:
        """The same in an event loop."""
        with self._model_span(request) as span:
            response = await handler(request)
            self._tell_answer(span, messages_of(response))
        return response

    def wrap_tool_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        """A span around the tool call."""
        with self._tool_span(request.tool_call) as span:
            result = handler(request)
            self._tell_result(span, result)
        return result

    async def awrap_tool_call(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        """The same in an event loop."""
        with self._tool_span(request.tool_call) as span:
            result = await handler(request)
            self._tell_result(span, result)
        return result

    def _model_span(self, request: ModelRequest[Any]) -> Any:
        name = model_name(request.model)
        told = request.model._get_ls_params()
        attributes = {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": name,
            "gen_ai.provider.name": str(told.get("ls_provider") or request.model._llm_type),
        }
        if self._content:
            attributes["gen_ai.input.messages"] = _written(request.messages)
        return self._span(f"chat {name}", attributes)

    def _tool_span(self, call: Mapping[str, Any]) -> Any:
        attributes = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": call["name"],
            "gen_ai.tool.call.id": str(call["id"]),
        }
        if self._content:
            attributes["gen_ai.tool.call.arguments"] = json.dumps(call["args"], default=str)
        return self._span(f"execute_tool {call['name']}", attributes)

    @contextmanager
    def _span(self, name: str, attributes: Mapping[str, Any]) -> Iterator[Any]:
        """A span under that of the turn, which another thread may have begun."""
        thread = _thread()
        turn = self._turns.get(thread)
        context = self._otel.set_span_in_context(turn) if turn is not None else None
        given = {**attributes, "gen_ai.conversation.id": thread}
        with self._tracer.start_as_current_span(name, context=context, attributes=given) as span:
            yield span

    def _tell_answer(self, span: Any, messages: Sequence[BaseMessage]) -> None:
        for message in messages:
            if isinstance(message, AIMessage):
                span.set_attributes(dict(_figures(message)))
        if self._content:
            span.set_attribute("gen_ai.output.messages", _written(messages))

    def _tell_result(self, span: Any, result: Any) -> None:
        if not isinstance(result, ToolMessage):
            return
        if result.status == "error":
            span.set_status(self._otel.StatusCode.ERROR)
            span.set_attribute("error.type", "tool_error")
        if self._content:
            span.set_attribute("gen_ai.tool.call.result", json.dumps(_parts(result)))


def _figures(message: AIMessage) -> Iterator[tuple[str, Any]]:
    """What the call took, and what our own models tell of it."""
    usage, told = usage_of(message), message.response_metadata
    yield "gen_ai.usage.input_tokens", usage.input_tokens
    yield "gen_ai.usage.output_tokens", usage.output_tokens
    for name, tokens in usage.by_modality.items():
        yield f"omni.usage.{name}.input_tokens", tokens.input_tokens
        yield f"omni.usage.{name}.output_tokens", tokens.output_tokens
    if isinstance(model := told.get("model_name"), str):
        yield "gen_ai.response.model", model
    if reason := told.get("finish_reason"):
        yield "gen_ai.response.finish_reasons", (str(reason),)
    for stage, seconds in (noted(message).get("seconds") or own_stages(message)).items():
        yield f"omni.seconds.{stage}", float(seconds)
    for name, shares in (told.get("experts") or {}).items():
        yield f"omni.experts.{name}", tuple(map(float, shares))
    selection = told.get("selection")
    if isinstance(selection, Mapping) and selection.get("items"):
        yield "omni.selection.kept", int(selection.get("kept") or 0)
        yield "omni.selection.of", sum(int(item["of"]) for item in selection["items"])


def _written(messages: Sequence[BaseMessage]) -> str:
    told = [
        {"role": _ROLES.get(type(message), "tool"), "parts": _parts(message)}
        for message in messages
    ]
    return json.dumps(told)


def _parts(message: BaseMessage) -> list[dict[str, Any]]:
    """Parts in the form of the conventions: words as they are, media as references."""
    blocks = [message.content] if isinstance(message.content, str) else message.content
    parts = [_part(block) for block in blocks if block]
    if isinstance(message, AIMessage):
        parts += [
            {"type": "tool_call", "id": call["id"], "name": call["name"], "arguments": call["args"]}
            for call in message.tool_calls
        ]
    return parts


def _part(block: str | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(block, str):
        return {"type": "text", "content": block}
    if not is_media(block):
        return {"type": "text", "content": str(block.get("text", block.get("type")))}
    ref = block_ref(block)
    if ref is None:
        return {"type": "file", "modality": str(block.get("type")), "file_id": "not kept"}
    return {
        "type": "file",
        "modality": ref.modality,
        "mime_type": ref.mime,
        "file_id": ref.handle,
        "omni.sha256": ref.digest,
        "omni.bytes": ref.size,
    }


def _thread() -> str:
    return str(get_config().get("configurable", {}).get("thread_id", ""))
