"""A brain that follows a script: streams words, makes media, calls tools, fails when told to.

For tests of agents and of whatever stands on them. It is strict where a fake is usually lenient: a
script that has run out is an error, and so is a call of a tool that was not given to it, or one
whose arguments are not what the tool takes.

>>> brain = ScriptedBrain(script=["A red circle.", "Two."])
>>> brain.invoke("What is this?").text
'A red circle.'
>>> "".join(chunk.text for chunk in brain.stream("How many?"))
'Two.'
>>> brain.asked[1][0].text
'How many?'
>>> brain.check_finished()
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import Field

from omni.testing.schema import problems

_NOTHING: Mapping[str, Mapping[str, Any]] = MappingProxyType({})

Line = str | AIMessage | Exception | Callable[[list[BaseMessage]], AIMessage]
"""One model call: words, a whole message, an error to raise, or a function of what was asked."""


class ScriptedBrain(BaseChatModel):
    """Answers with the lines of a script, one a call.

    Attributes:
        script: what is said, in order; each item is a `Line`.
        seconds: how long each word takes.
        asked: the messages of every call so far, for a test to look at.
        model: the name that lineage shows.
        strict: refuse calls of tools that are not there, and arguments that they do not take.
    """

    script: list[Any] = Field(default_factory=list)
    seconds: float = 0.0
    asked: list[list[BaseMessage]] = Field(default_factory=list)
    model: str = "scripted"
    strict: bool = True

    @property
    def _llm_type(self) -> str:
        return "omni-scripted"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Any:
        """Know the tools that may be called, and what they take."""
        told = [convert_to_openai_tool(tool)["function"] for tool in tools]
        takes = {tool["name"]: tool.get("parameters") or {} for tool in told}
        return self.bind(known_tools=list(takes), takes=takes, **kwargs)

    def check_finished(self) -> None:
        """Fail if a line of the script was not said."""
        left = len(self.script) - len(self.asked)
        assert left <= 0, f"{left} of {len(self.script)} lines were not said: {self.script[-left:]}"

    def _next(self, messages: list[BaseMessage], known_tools: Sequence[str]) -> AIMessage:
        self.asked.append(messages)
        number = len(self.asked)
        if number > len(self.script):
            raise AssertionError(f"the script has {len(self.script)} lines; this is call {number}")
        line = self.script[number - 1]
        if isinstance(line, Exception):
            raise line
        if not isinstance(line, str | AIMessage):
            line = line(messages)
        message: AIMessage = AIMessage(content=line) if isinstance(line, str) else line
        for call in message.tool_calls if self.strict else ():
            if call["name"] not in known_tools:
                raise AssertionError(
                    f"line {number} calls {call['name']!r}; the tools are {list(known_tools)}"
                )
        return message

    def _line(
        self,
        messages: list[BaseMessage],
        known_tools: Sequence[str],
        takes: Mapping[str, Mapping[str, Any]],
    ) -> AIMessage:
        message = self._next(messages, known_tools)
        for call in message.tool_calls if self.strict else ():
            wrong = problems(call["args"], takes.get(call["name"], {}))
            if wrong:
                raise AssertionError(
                    f"line {len(self.asked)} calls {call['name']!r}, but {'; '.join(wrong)}"
                )
        return message

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        *,
        known_tools: Sequence[str] = (),
        takes: Mapping[str, Mapping[str, Any]] = _NOTHING,
        **kwargs: Any,
    ) -> ChatResult:
        message = self._line(messages, known_tools, takes)
        return ChatResult(generations=[ChatGeneration(message=message.model_copy())])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        *,
        known_tools: Sequence[str] = (),
        takes: Mapping[str, Mapping[str, Any]] = _NOTHING,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        message = self._line(messages, known_tools, takes)
        for piece in _pieces(message):
            time.sleep(self.seconds)
            chunk = ChatGenerationChunk(message=piece)
            if run_manager:
                run_manager.on_llm_new_token(piece.text, chunk=chunk)
            yield chunk


def _pieces(message: AIMessage) -> Iterator[AIMessageChunk]:
    """The message word by word, its media whole, its calls and figures at the end."""
    listed = isinstance(message.content, list)
    blocks = message.content if isinstance(message.content, list) else [message.content]
    for block in blocks:
        if isinstance(block, dict) and block.get("type") != "text":
            yield AIMessageChunk(content=[block])
            continue
        text = block if isinstance(block, str) else block["text"]
        for word in re.findall(r"\s*\S+\s*$|\s*\S+|\s+", text):
            yield AIMessageChunk(content=[{"type": "text", "text": word}] if listed else word)
    yield AIMessageChunk(
        content=[] if listed else "",
        tool_call_chunks=[
            tool_call_chunk(
                name=call["name"], args=json.dumps(call["args"]), id=call["id"], index=index
            )
            for index, call in enumerate(message.tool_calls)
        ],
        usage_metadata=message.usage_metadata,
        response_metadata=message.response_metadata,
        additional_kwargs=message.additional_kwargs,
        chunk_position="last",
    )
