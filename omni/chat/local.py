"""What chat models that run in this process have in common: their settings, and streaming."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import ConfigDict, Field


class LocalChat(BaseChatModel):
    """A chat model of this process; a subclass writes `_chunks`.

    The weights are loaded when they are first needed, once for all chat models of the process.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, populate_by_name=True)

    model: str
    """Which model."""
    device: str = "auto"
    """Where it runs; see `omni.device.place`."""
    dtype: str = "auto"
    """Number format of its weights."""
    temperature: float | None = None
    """0 or `None` takes the likeliest token; more draws at random."""
    max_tokens: int = Field(default=1024, gt=0)
    """Most tokens of an answer."""
    timeout: float | None = None
    """Most seconds of an answer."""
    max_retries: int = 0
    """Accepted for compatibility: a local model that fails would fail again."""
    stop: list[str] | None = Field(default=None, alias="stop_sequences")
    """Text that ends an answer."""
    seed: int | None = None
    """Fixes what is drawn at random."""

    costs_nothing: ClassVar[bool] = True

    @property
    def _identifying_params(self) -> Mapping[str, Any]:
        return {
            "model": self.model,
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
            "seed": self.seed,
        }

    @abstractmethod
    def _chunks(
        self, messages: list[BaseMessage], stop: list[str], given: Mapping[str, Any]
    ) -> Iterator[AIMessageChunk]:
        """The answer piece by piece; `given` holds what was bound or passed to the call."""

    def bind_tools(
        self,
        tools: Sequence[Any],
        *,
        tool_choice: str | Literal["any", "auto"] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Tell the model of tools through its chat template.

        Args:
            tools: in any form that LangChain knows.
            tool_choice: whether one is called, and which; `ChatOmni` makes sure that it is, other
                models are only told of the tools.
            kwargs: more to bind.
        """
        known = [convert_to_openai_tool(tool) for tool in tools]
        return self.bind(tools=known, tool_choice=tool_choice, **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return generate_from_stream(self._stream(messages, stop, run_manager, **kwargs))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for message in self._chunks(messages, stop or self.stop or [], kwargs):
            chunk = ChatGenerationChunk(message=message)
            if run_manager:
                run_manager.on_llm_new_token(message.text, chunk=chunk)
            yield chunk
