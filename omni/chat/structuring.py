"""Middleware: an answer that is an object, checked against the class that it has to fit."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from langchain.agents.middleware import AgentMiddleware, ModelRequest
from langchain.agents.middleware.types import ModelResponse
from langchain.agents.structured_output import StructuredOutputError
from langchain_core.messages import AIMessage, AnyMessage, ToolMessage
from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_jsonable_python

from omni.chat.offload import note
from omni.chat.transcript import split

ATTEMPTS = 3
"""How often a model may give an object before the answer counts as failed."""


class Structuring(AgentMiddleware):
    """Keeps the object as JSON in the answer's words, where every model can read it again.

    The class itself is not in the state: what is stored is plain data, and an answer becomes an
    object of the class when it is handed out.

    Args:
        response_format: what LangChain's `create_agent` takes under this name.
    """

    def __init__(self, response_format: Any):
        super().__init__()
        self.schemas = schemas(response_format)

    def wrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], ModelResponse[Any]],
    ) -> ModelResponse[Any]:
        """Call the model; an object that fits ends the turn, and so do too many that do not."""
        try:
            return self._read(request, handler(request))
        except StructuredOutputError as error:
            return ModelResponse(result=[self._failed(error.ai_message, told(error))])

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any]:
        """The same."""
        try:
            return self._read(request, await handler(request))
        except StructuredOutputError as error:
            return ModelResponse(result=[self._failed(error.ai_message, told(error))])

    def _read(self, request: ModelRequest[Any], response: ModelResponse[Any]) -> ModelResponse[Any]:
        message = next((one for one in response.result if isinstance(one, AIMessage)), None)
        if message is None:
            return response
        if response.structured_response is not None:
            return ModelResponse(result=[_valued(message, response.structured_response)])
        if not message.tool_calls:
            reason = "the model answered in words"
            return ModelResponse(result=[self._failed(message, reason)])
        refused = self._refused(response.result)
        if refused and len(self._refused(_turn(request))) + 1 >= ATTEMPTS:
            return ModelResponse(result=[self._failed(message, self._unfit(message))])
        return response

    def _unfit(self, message: AIMessage) -> str:
        given = [call for call in message.tool_calls if call["name"] in self.schemas]
        if len(given) > 1:
            return f"{len(given)} were given"
        try:
            TypeAdapter(self.schemas[given[0]["name"]]).validate_python(given[0]["args"])
        except ValidationError as error:
            return told(error)
        return "it could not be read"

    def _refused(self, messages: Sequence[Any]) -> list[ToolMessage]:
        return [
            one for one in messages if isinstance(one, ToolMessage) and one.name in self.schemas
        ]

    def _failed(self, message: AIMessage, reason: str) -> AIMessage:
        wanted = " or ".join(self.schemas)
        failed = message.model_copy(update={"tool_calls": [], "invalid_tool_calls": []})
        note(failed, status="failed", reason=f"the answer is no {wanted}: {reason}")
        return failed


def schemas(response_format: Any) -> dict[str, Any]:
    """Each class that an answer may fit, by its name."""
    from langchain.agents.structured_output import AutoStrategy, ProviderStrategy, ToolStrategy

    if isinstance(response_format, ProviderStrategy):
        return {response_format.schema_spec.name: response_format.schema_spec.schema}
    if isinstance(response_format, AutoStrategy):
        response_format = response_format.schema
    if not isinstance(response_format, ToolStrategy):
        response_format = ToolStrategy(response_format)
    return {spec.name: spec.schema for spec in response_format.schema_specs}


def typed(value: Any, known: dict[str, Any]) -> Any:
    """The object of a class that the stored data fit; the data, if they fit none any more."""
    for schema in known.values():
        if isinstance(schema, dict):
            continue
        try:
            return TypeAdapter(schema).validate_python(value)
        except ValidationError:
            continue
    return value


def told(error: BaseException) -> str:
    """What is wrong with an object, field by field, on one line."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ValidationError):
        cause = getattr(cause, "source", None) or cause.__cause__
    if cause is None:
        return " ".join(str(error).split())
    return "; ".join(
        f"{'.'.join(str(step) for step in one['loc']) or 'it'}: {one['msg']}"
        for one in cause.errors()
    )


def _valued(message: AIMessage, value: Any) -> AIMessage:
    """The message with the object in words in place of the call that carried it."""
    data = to_jsonable_python(value)
    carried = bool(message.tool_calls)
    update: dict[str, Any] = {"tool_calls": [], "invalid_tool_calls": []}
    if carried:
        words = json.dumps(data, ensure_ascii=False)
        before = message.content
        if isinstance(before, str):
            update["content"] = f"{before.rstrip()}\n\n{words}" if before.strip() else words
        else:
            update["content"] = [*before, {"type": "text", "text": words}]
    valued = message.model_copy(update=update)
    note(valued, value=data)
    return valued


def _turn(request: ModelRequest[Any]) -> Sequence[AnyMessage]:
    turns = split(request.messages)
    return turns[-1][1] if turns else []
