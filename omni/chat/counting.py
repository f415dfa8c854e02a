"""What a model call will take, before it is made: tokens by modality.

Media are counted by what they are to the model (`omni.chat.token_rules`), never by the length of
their base64: a megabyte of sound is about 800 tokens, not 250,000.
"""

from __future__ import annotations

import io
import json
import math
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage

from omni.chat.returning import MEDIA_KEY
from omni.chat.token_rules import USUAL, Family, family
from omni.errors import MediaError, UnknownPlugin
from omni.media import Media
from omni.modality import modality
from omni.wire import block_media, is_media

_MESSAGE = 4
"""Tokens that tell who speaks, and that a message ends."""

_TOLD = 30
"""Tokens of a line that tells of media which are not shown."""

_REMEMBERED = 256
_WIDE = re.compile(r"[\u0e00-\u0fff\u1100-\u11ff\u2e80-\ud7ff\uf900-\ufaff\U0001f000-\U0002ffff]")


@dataclass(frozen=True, slots=True)
class Estimate:
    """Tokens that a model call is expected to read.

    Attributes:
        by_modality: of them.
        window: how many the model can read at most, if it says so.
    """

    by_modality: Mapping[str, int]
    window: int | None = None

    @property
    def tokens(self) -> int:
        """All of them."""
        return sum(self.by_modality.values())

    def __str__(self) -> str:
        """For people: `about 1,240 tokens (image 1,020, text 220)`."""
        parts = ", ".join(f"{name} {count:,}" for name, count in self.by_modality.items() if count)
        return f"about {self.tokens:,} tokens" + (f" ({parts})" if parts else "")


class Counter:
    """Counts what messages are to one model.

    Args:
        rules: what media are to it.
        words: how many tokens a text is; by default from the number of its letters.
        own: media that the model counts itself; what this answers `None` to goes by the rules.
        window: how many tokens the model can read at most.
    """

    def __init__(
        self,
        rules: Family = USUAL,
        *,
        words: Callable[[str], int] | None = None,
        own: Callable[[Media], int | None] | None = None,
        window: int | None = None,
    ):
        self.rules = rules
        self.window = window
        self._words = words or letters
        self._own = own or (lambda media: None)
        self._known: OrderedDict[Any, tuple[str, int]] = OrderedDict()

    def count(self, messages: Sequence[BaseMessage], tools: Iterable[Any] = ()) -> Estimate:
        """Tokens of messages that carry their bytes, as they go to the model.

        Args:
            messages: with bytes, or with the media themselves for a model of this process.
            tools: those that the model is told of.
        """
        counts = {"text": sum(self._words(described) for described in map(_described, tools))}
        for message in messages:
            counts["text"] += _MESSAGE
            if isinstance(message, AIMessage):
                for call in message.tool_calls:
                    counts["text"] += self._words(f"{call['name']} {json.dumps(call['args'])}")
            blocks = [message.content] if isinstance(message.content, str) else message.content
            for block in blocks:
                name, tokens = self._block(block)
                counts[name] = counts.get(name, 0) + tokens
        return Estimate(counts, self.window)

    def media(self, media: Media) -> int:
        """Tokens of one media item."""
        own = self._own(media)
        return self._ruled(media) if own is None else own

    def _block(self, block: str | Mapping[str, Any]) -> tuple[str, int]:
        if isinstance(block, str):
            return "text", self._words(block)
        if not is_media(block):
            text = block.get("text")
            return "text", self._words(text) if isinstance(text, str) else 0
        key, read = _source(block)
        if key is None:
            return str(block.get("type")).removesuffix("_url"), _TOLD
        if key not in self._known:
            try:
                media = read()
                self._known[key] = media.modality, self.media(media)
            except MediaError:
                self._known[key] = "text", _TOLD
        self._known.move_to_end(key)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return self._known[key]

    def _ruled(self, media: Media) -> int:
        if media.modality == "image":
            return self.rules.picture(*_pixels(media))
        if media.modality == "audio" and self.rules.sound:
            return self.rules.sound(_seconds(media))
        try:
            value = modality(media.modality).load(media)
        except UnknownPlugin:
            return _TOLD
        if media.modality == "video" and self.rules.film:
            frames, height, width = value.frames.shape[:3]
            return self.rules.film(frames, width, height)
        words = modality(media.modality).text(value)
        return self._words(words) if words else _TOLD


def counter(model: Any) -> Counter:
    """The counter for a chat model: by its own account, its processor, its provider or as usual."""
    window = (getattr(model, "profile", None) or {}).get("max_input_tokens")
    kind = model._llm_type
    if kind == "omni":
        return Counter(own=_own_tokens, window=window)
    if kind == "omni-transformers":
        config, processor = _saved(model.model)
        return Counter(family(str(config.get("model_type")), processor, config), window=window)
    provider = next((name for name in _PROVIDERS if name in kind), "openai")
    return Counter(family(_PROVIDERS.get(provider, provider)), window=window)


_PROVIDERS = {"anthropic": "anthropic", "google": "google", "gemini": "google", "vertex": "google"}


def letters(text: str) -> int:
    """Tokens of a text, of which one is about four letters, or one sign of a wide script."""
    wide = len(_WIDE.findall(text))
    return wide + math.ceil((len(text) - wide) / 4)


def _own_tokens(media: Media) -> int | None:
    """What our own encoders make of it."""
    try:
        plugin = modality(media.modality)
    except UnknownPlugin:
        return None
    return plugin.estimate_tokens(plugin.load(media))


def _saved(model: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Configuration of a model and of its processor, from its folder or the cache of the hub."""
    return _json(model, "config.json"), {
        **_json(model, "preprocessor_config.json"),
        **(_json(model, "processor_config.json").get("image_processor") or {}),
    }


def _json(model: str, name: str) -> Mapping[str, Any]:
    path: Any = Path(model) / name
    if not Path(model).is_dir():
        from huggingface_hub import try_to_load_from_cache

        path = try_to_load_from_cache(model, name)
    try:
        found = json.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def _source(block: Mapping[str, Any]) -> tuple[Any, Callable[[], Media]]:
    """What a block's media are known by, and how they are read; `None` if they are not here."""
    extras = block.get("extras")
    media = extras.get(MEDIA_KEY) if isinstance(extras, Mapping) else None
    if isinstance(media, Media):
        return (media.digest, media.modality), lambda: media
    given = _carried(block)
    return (len(given), hash(given)) if given else None, lambda: block_media(block)


def _carried(block: Mapping[str, Any]) -> str:
    """The encoded bytes of a block, in whichever form, without decoding them; a link has none."""
    kind = str(block.get("type"))
    place = block.get(kind) if isinstance(block.get(kind), Mapping) else block
    found = (place.get(key) for key in ("base64", "data", "file_data", "url") if place)
    given = next((value for value in found if isinstance(value, str) and value), "")
    return "" if given.startswith(("http://", "https://")) else given


def _described(tool: Any) -> str:
    from langchain_core.utils.function_calling import convert_to_openai_tool

    return json.dumps(convert_to_openai_tool(tool))


def _pixels(media: Media) -> tuple[int, int]:
    """Width and height, from the head of the file."""
    from PIL import Image, UnidentifiedImageError

    try:
        with media.open() as stream, Image.open(stream) as picture:
            return picture.size
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        return modality("image").load(media).size


def _seconds(media: Media) -> float:
    import soundfile

    try:
        with media.open() as stream:
            return soundfile.info(io.BytesIO(stream.read())).duration
    except (soundfile.SoundFileError, RuntimeError):
        waveform = modality("audio").load(media)
        return len(waveform.samples) / waveform.sample_rate
