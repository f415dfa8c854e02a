"""Any Hugging Face image-text-to-text or any-to-any model as a LangChain chat model."""

from __future__ import annotations

import json
import re
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.messages.tool import tool_call_chunk

from omni.chat.local import LocalChat
from omni.chat.templating import media_tokens, model_inputs
from omni.errors import UsageError

_CALLS = (
    re.compile(r"<tool_call>\s*(\{.*?\})\s*</tool_call>", re.DOTALL),
    re.compile(r"<\|call\|>\s*(\{.*?\})\s*<\|/call\|>", re.DOTALL),
)
_OPENINGS = ("<tool_call>", "<|call|>")
_loaded: dict[tuple[str, str, str], Any] = {}
_loading = threading.Lock()


@dataclass(frozen=True, slots=True)
class _Loaded:
    model: Any
    processor: Any
    inputs: frozenset[str]


class ChatTransformers(LocalChat):
    """Talks with a model of transformers, from a folder or from the hub.

    Pictures go in as they are, and so do sound and video where the processor takes them; other
    media are shown as a picture with their facts. The weights are loaded when they are first
    needed, once for all chat models of the process. Code from the hub is never run.
    """

    model: str
    """A folder with a saved model, or a hub id."""

    _CLASSES: ClassVar[tuple[str, ...]] = (
        "AutoModelForImageTextToText",
        "AutoModelForMultimodalLM",
    )

    @property
    def _llm_type(self) -> str:
        return "omni-transformers"

    @property
    def media_inputs(self) -> frozenset[str]:
        """What the processor takes; the model is loaded to know."""
        return self.load().inputs

    def _resolve_model_profile(self) -> Any:
        return {
            "name": self.model,
            "text_inputs": True,
            "image_inputs": True,
            "image_tool_message": False,
            "text_outputs": True,
            "tool_calling": True,
        }

    def load(self) -> _Loaded:
        """The model and its processor, loaded if they are not yet.

        Raises:
            UsageError: if there is no such model, or it is of no kind that takes pictures.
        """
        key = (self.model, self.device, self.dtype)
        with _loading:
            if key not in _loaded:
                _loaded[key] = _load(self.model, self.device, self.dtype, self._CLASSES)
            return _loaded[key]

    def _chunks(
        self, messages: list[BaseMessage], stop: list[str], given: Mapping[str, Any]
    ) -> Iterator[AIMessageChunk]:
        from omni.chat.stopping import StopText, Watchdog

        began = time.perf_counter()
        loaded = self.load()
        ready = time.perf_counter()
        inputs = model_inputs(loaded, messages, given.get("tools"))
        prepared = time.perf_counter()
        tokens = int(inputs["input_ids"].shape[1])
        watchdog = Watchdog(tokens, given.get("timeout", self.timeout))
        stop_text, tools = StopText(stop), StopText(_OPENINGS if given.get("tools") else ())
        said = ""
        try:
            for text in self._texts(loaded, inputs, watchdog, given):
                shown = stop_text.feed(text)
                said += shown
                if words := tools.feed(shown):
                    yield AIMessageChunk(content=words)
                if stop_text.found:
                    break
        finally:
            watchdog.stop.set()
        if watchdog.late:
            raise TimeoutError(f"no whole answer within {given.get('timeout', self.timeout)} s")
        rest = stop_text.finish()
        said += rest
        if words := tools.feed(rest) + tools.finish():
            yield AIMessageChunk(content=words)
        if tools.found:
            yield from _calls(said)
        timings = {
            "load": ready - began,
            "media": prepared - ready,
            "generate": time.perf_counter() - prepared,
        }
        full = watchdog.tokens >= (given.get("max_tokens") or self.max_tokens)
        reason = "length" if full and not stop_text.found else "stop"
        yield self._last(loaded, inputs, watchdog.tokens, timings, reason)

    def _texts(
        self, loaded: _Loaded, inputs: Any, watchdog: Any, given: Mapping[str, Any]
    ) -> Iterator[str]:
        """Bits of text from a generation in a thread of its own, whose errors are raised here."""
        from transformers import LogitsProcessorList, StoppingCriteriaList, TextIteratorStreamer

        from omni.chat.stopping import Sampler

        tokenizer = getattr(loaded.processor, "tokenizer", loaded.processor)
        streamer = TextIteratorStreamer(tokenizer, skip_prompt=True, skip_special_tokens=True)
        processors = LogitsProcessorList()
        if temperature := given.get("temperature", self.temperature):
            processors.append(Sampler(temperature, given.get("seed", self.seed)))
        failed: list[BaseException] = []

        def work() -> None:
            try:
                loaded.model.generate(
                    **inputs,
                    streamer=streamer,
                    max_new_tokens=given.get("max_tokens") or self.max_tokens,
                    do_sample=False,
                    stopping_criteria=StoppingCriteriaList([watchdog]),
                    logits_processor=processors,
                )
            except BaseException as error:  # it belongs to the reader, whatever it is
                failed.append(error)
                streamer.end()

        worker = threading.Thread(target=work, name="transformers-generate", daemon=True)
        worker.start()
        try:
            yield from streamer
        finally:
            watchdog.stop.set()
            worker.join()
        if failed:
            raise failed[0]

    def _last(
        self,
        loaded: _Loaded,
        inputs: Any,
        said: int,
        timings: Mapping[str, float],
        reason: str,
    ) -> AIMessageChunk:
        tokens = int(inputs["input_ids"].shape[1])
        read = media_tokens(loaded.model.config, inputs["input_ids"])
        read["text"] = tokens - sum(read.values())
        return AIMessageChunk(
            content="",
            usage_metadata={
                "input_tokens": tokens,
                "output_tokens": said,
                "total_tokens": tokens + said,
                "input_token_details": read,  # type: ignore[typeddict-item]
            },
            response_metadata={
                "model_name": self.model,
                "model_provider": "transformers",
                "finish_reason": reason,
                "timings": dict(timings),
            },
            chunk_position="last",
        )


def _load(name: str, device: str, dtype: str, classes: Sequence[str]) -> _Loaded:
    import transformers

    from omni.device import place

    placement = place(device, dtype)
    problem: Exception | None = None
    try:
        processor = transformers.AutoProcessor.from_pretrained(name, trust_remote_code=False)
    except (OSError, ValueError, ImportError) as error:
        raise UsageError(_unusable(name, error)) from None
    for kind in classes:
        auto = getattr(transformers, kind, None)
        if auto is None:
            continue
        try:
            model = auto.from_pretrained(
                name, dtype=placement.dtype, use_safetensors=True, trust_remote_code=False
            )
        except ValueError as error:  # not of this kind
            problem = error
            continue
        except (OSError, ImportError) as error:
            raise UsageError(_unusable(name, error)) from None
        return _Loaded(model.to(placement.device).eval(), processor, _reads(processor))
    assert problem is not None
    raise UsageError(_unusable(name, problem))


def _unusable(name: str, error: Exception) -> str:
    reason = " ".join(str(error).split())
    reason = reason if len(reason) < 300 else f"{reason[:300]}…"
    return f"cannot load {name!r} with transformers as a model that takes pictures: {reason}"


def _reads(processor: Any) -> frozenset[str]:
    """Modalities that a processor takes, told by the parts that it has."""
    parts = {
        "image": ("image_processor",),
        "audio": ("feature_extractor", "audio_processor"),
        "video": ("video_processor",),
    }
    return frozenset(
        name
        for name, attributes in parts.items()
        if any(getattr(processor, attribute, None) is not None for attribute in attributes)
    )


def _calls(said: str) -> Iterator[AIMessageChunk]:
    """Tool calls in what was said; one that is no valid JSON goes on as an invalid one."""
    found = [match[1] for pattern in _CALLS for match in pattern.finditer(said)]
    for index, text in enumerate(found or [said[min(_places(said)) :]]):
        # LangChain would take any JSON object for arguments: with the mark, it is no JSON.
        name, arguments = None, text if text.startswith(_OPENINGS) else f"{_OPENINGS[0]}{text}"
        try:
            call = json.loads(text)
            given = json.dumps(call.get("arguments", call.get("parameters", {})))
            name, arguments = call["name"], given
        except (ValueError, KeyError, AttributeError):
            pass
        chunk = tool_call_chunk(
            name=name, args=arguments, id=f"call_{uuid.uuid4().hex[:12]}", index=index
        )
        yield AIMessageChunk(content="", tool_call_chunks=[chunk])


def _places(said: str) -> list[int]:
    return [place for opening in _OPENINGS if (place := said.find(opening)) >= 0] or [0]
