"""The assembled model as a LangChain chat model: any media in, text and media out."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.messages.tool import tool_call_chunk
from pydantic import Field, PrivateAttr

from omni import plugins
from omni.chat.choosing import chosen
from omni.chat.local import LocalChat
from omni.chat.quoting import quotation
from omni.compression.budget import Budget
from omni.modality import modality
from omni.wire import failed_block, media_block

if TYPE_CHECKING:
    from omni.chat.prompting import Prompt
    from omni.chat.stopping import Watchdog
    from omni.model.loading import Loaded

_MAX_TOKENS = 512
_loaded: dict[tuple[str, str, str], Any] = {}
_loading = threading.Lock()


class ChatOmni(LocalChat):
    """Talks with an `OmniModel`: the embedded one, or one that was saved to a folder.

    The weights are loaded when they are first needed, once for all chat models of the process.
    """

    model: str = "nano"
    """`nano`, or the folder of a saved model."""
    budget: Budget | None = None
    """How many media tokens a call may use; the model's window is the limit if it is `None`."""
    selector: str | None = None
    """Which method keeps tokens, by its name in `omni catalog`; the model's own if it is `None`."""
    stash_bytes: int = Field(default=256 << 20, ge=0)
    """How much of encoded media is kept for the next turn, which then need not encode again."""
    max_tokens: int = Field(default=_MAX_TOKENS, gt=0)
    """Most tokens of an answer."""

    media_in_place: ClassVar[bool] = True
    _lock: threading.Lock = PrivateAttr(default_factory=threading.Lock)
    _prompter: Any = PrivateAttr(None)

    @property
    def _llm_type(self) -> str:
        return "omni"

    @property
    def media_inputs(self) -> frozenset[str]:
        """Every modality: what the model has no encoder for is shown in another form."""
        return frozenset(plugins.names("modalities"))

    @property
    def reads_plain(self) -> bool:
        """Whether results of tools are shown without marks, as a model that quotes was taught."""
        return bool(self._config().get("quotes"))

    def _resolve_model_profile(self) -> Any:
        config = self._config()
        reads = config.get("modalities") or {}
        window = (config.get("text_config") or {}).get("max_position_embeddings")
        makes = config.get("codes") or {}
        profile = {
            "name": self.model,
            "open_weights": True,
            "text_inputs": True,
            "image_inputs": "image" in reads,
            "audio_inputs": "audio" in reads,
            "video_inputs": "video" in reads,
            "image_tool_message": "image" in reads,
            "text_outputs": True,
            "image_outputs": "image" in makes,
            "audio_outputs": "audio" in makes,
            "video_outputs": "video" in makes,
            "tool_calling": True,
        }
        return profile | ({"max_input_tokens": window} if window else {})

    def _config(self) -> dict[str, Any]:
        """The saved configuration, if it is there; looking into it loads nothing."""
        from importlib import resources

        nano = self.model == "nano"
        folder = resources.files("omni.nano") / "weights" if nano else Path(self.model)
        try:
            return json.loads((folder / "config.json").read_text("utf-8"))
        except (OSError, ValueError):
            return {}

    def load(self) -> Loaded:
        """The model and its processor, loaded if they are not yet.

        Raises:
            UsageError: if there is no such model or device.
        """
        key = (self.model, self.device, self.dtype)
        with _loading:
            if key not in _loaded:
                from omni.device import place
                from omni.model.loading import load

                _loaded[key] = load(self.model, place(self.device, self.dtype))
            return _loaded[key]

    def _chunks(
        self, messages: list[BaseMessage], stop: list[str], given: Mapping[str, Any]
    ) -> Iterator[AIMessageChunk]:
        from omni.chat.prompting import Prompt
        from omni.chat.stopping import StopText, Watchdog
        from omni.model.pieces import CallPiece, TextPiece

        clock = _Clock()
        loaded = self.load()
        clock.lap("load")
        if loaded.model.config.quotes and (words := quotation(messages)) is not None:
            yield AIMessageChunk(content=words)
            yield self._last(loaded, Prompt({}, (), 0, {}, 0, {}), 0, {}, clock, "stop")
            return
        max_tokens = given.get("max_tokens") or self.max_tokens
        tools, must = chosen(given.get("tools"), given.get("tool_choice"))
        prompt = self._prompts(loaded).prompt(
            messages,
            budget=given.get("budget") or self.budget,
            selector=given.get("selector") or self.selector,
            tools=tools,
            max_tokens=max_tokens,
        )
        clock.lap("media")
        watchdog = Watchdog(prompt.tokens, given.get("timeout", self.timeout))
        stop_text = StopText(stop)
        out: dict[str, int] = {}
        calls = 0
        cancelled = False
        pieces = self._pieces(loaded, prompt, watchdog, given, must)
        try:
            for piece in pieces:
                clock.lap("generate")
                if isinstance(piece, TextPiece):
                    if text := stop_text.feed(piece.text):
                        yield AIMessageChunk(content=text)
                    if stop_text.found:
                        break
                    continue
                if text := stop_text.finish():
                    yield AIMessageChunk(content=text)
                if isinstance(piece, CallPiece):
                    yield _call(piece, calls)
                    calls += 1
                else:
                    out[piece.modality] = out.get(piece.modality, 0) + len(piece.codes)
                    yield AIMessageChunk(content=[self._make(loaded, piece, given)])
                    clock.lap("make")
            cancelled = watchdog.stopped
        finally:
            watchdog.stop.set()
            pieces.close()
        clock.lap("generate")
        if watchdog.late:
            raise TimeoutError(f"no whole answer within {given.get('timeout', self.timeout)} s")
        if text := stop_text.finish():
            yield AIMessageChunk(content=text)
        full = watchdog.tokens >= prompt.room and not stop_text.found
        reason = "cancelled" if cancelled else "length" if full else "stop"
        yield self._last(loaded, prompt, watchdog.tokens, out, clock, reason)

    def _prompts(self, loaded: Loaded) -> Any:
        from omni.chat.prompting import Prompter

        with self._lock:
            key = (loaded, self.stash_bytes)
            held: Any = self._prompter
            if held is None or (held.loaded, held.seen.stash.limit) != key:
                self._prompter = Prompter(loaded, self.stash_bytes)
            return self._prompter

    def _pieces(
        self,
        loaded: Loaded,
        prompt: Prompt,
        watchdog: Watchdog,
        given: Mapping[str, Any],
        must: bool,
    ) -> Any:
        from transformers import LogitsProcessorList

        from omni.chat.stopping import Sampler
        from omni.model.calling import CallGrammar
        from omni.model.streaming import stream_parts

        temperature = given.get("temperature", self.temperature)
        processors = LogitsProcessorList()
        config: Any = loaded.model.config
        if prompt.tools and config.call_token_id is not None:
            tokenizer = loaded.processor.tokenizer
            processors.append(
                CallGrammar(config, tokenizer, prompt.tools, start=prompt.tokens, must=must)
            )
        if temperature:
            processors.append(Sampler(temperature, given.get("seed", self.seed)))
        return stream_parts(
            loaded.model,
            loaded.processor,
            prompt.inputs,
            cancel=watchdog.stop,
            stopping_criteria=[watchdog],
            logits_processor=processors,
            max_new_tokens=prompt.room,
            do_sample=False,
        )

    def _make(self, loaded: Loaded, piece: Any, given: Mapping[str, Any]) -> dict[str, Any]:
        """The media that codes stand for, or why there is none."""
        import torch

        name = piece.modality
        if not piece.complete:
            return failed_block(name, f"it was cut off after {len(piece.codes)} codes")
        plugin = modality(name)
        try:
            value = loaded.model.decode_media(name, torch.tensor(piece.codes))
            media = plugin.save(value, name=f"{name}{plugin.suffixes[0]}")
        except Exception as error:  # whatever a decoder raises, the answer goes on and says so
            return failed_block(name, f"its decoder failed: {type(error).__name__}: {error}")
        lineage = {
            "model": self.model,
            "seed": given.get("seed", self.seed),
            "parameters": {"temperature": given.get("temperature", self.temperature) or 0.0},
        }
        return media_block(media, lineage=lineage)

    def _last(
        self,
        loaded: Loaded,
        prompt: Prompt,
        said_tokens: int,
        out: Mapping[str, int],
        clock: _Clock,
        reason: str,
    ) -> AIMessageChunk:
        """The end of the answer: what it took."""
        said = {**out, "text": max(0, said_tokens - sum(out.values()))}
        read = {**prompt.media, "text": prompt.tokens - sum(prompt.media.values())}
        names = dict.fromkeys([*read, *said])
        return AIMessageChunk(
            content="",
            usage_metadata={
                "input_tokens": prompt.tokens,
                "output_tokens": said_tokens,
                "total_tokens": prompt.tokens + said_tokens,
                "input_token_details": read,  # type: ignore[typeddict-item]
                "output_token_details": said,  # type: ignore[typeddict-item]
            },
            response_metadata={
                "model_name": self.model,
                "model_provider": "omni",
                "finish_reason": reason,
                "by_modality": {
                    name: {
                        "input_tokens": read.get(name, 0),
                        "output_tokens": said.get(name, 0),
                    }
                    for name in names
                },
                "timings": clock.seconds,
                "selection": prompt.selection,
                "experts": _experts(loaded) if prompt.media else {},
            },
            chunk_position="last",
        )


class _Clock:
    """Seconds by stage."""

    def __init__(self):
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        """What has passed since the last lap belongs to this stage."""
        now = time.perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._last
        self._last = now


def _experts(loaded: Loaded) -> dict[str, list[float]]:
    """Share of each expert in the media that the model looked at last, by modality."""
    router: Any = getattr(loaded.model.mixture, "router", None)
    found = router.load() if hasattr(router, "load") else {}
    return {name: [round(share, 4) for share in shares] for name, shares in found.items()}


def _call(piece: Any, index: int) -> AIMessageChunk:
    """A tool call; one that is none goes on as an invalid one, with what was said."""
    valid = piece.complete and piece.name is not None
    # LangChain would take any JSON object for arguments: with the mark before it, it is no JSON.
    arguments = json.dumps(dict(piece.arguments)) if valid else f"<|call|>{piece.text}"
    name = piece.name if valid else None
    call = tool_call_chunk(
        name=name, args=arguments, id=f"call_{uuid.uuid4().hex[:12]}", index=index
    )
    return AIMessageChunk(content="", tool_call_chunks=[call])
