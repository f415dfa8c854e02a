"""What one model has seen of media: read once, encoded once, and looked at again in every turn."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

from omni.compression.stash import Stash
from omni.errors import UsageError
from omni.media import Media
from omni.modality import modality

if TYPE_CHECKING:
    from omni.model.loading import Loaded

_REMEMBERED = 64


class Seen:
    """Features and encoder tokens of media, by their content.

    The tokens are all that an item has. What a turn keeps of them is for its own question, so that
    the next turn can keep others; encoding, which is most of the work, is not done again.

    Args:
        loaded: the model that encodes.
        limit: how many bytes of tokens are kept; those used longest ago go first.
    """

    def __init__(self, loaded: Loaded, limit: int):
        self.loaded = loaded
        self.stash = Stash(limit)
        self._features: OrderedDict[tuple[str, str], Any] = OrderedDict()
        self._lock = threading.Lock()

    def part(self, media: Media, handle: str) -> dict[str, Any]:
        """A part of a message: encoder tokens if they are kept, else features."""
        plain = {"type": media.modality, "handle": handle, "digest": media.digest}
        with self._lock:
            return plain | (self._kept(plain) or {"features": self._read(media)})

    def encoded(self, dialogue: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The messages with encoder tokens in place of features.

        Raises:
            UsageError: if an encoder answers with what is no number.
        """
        parts = [part for one in dialogue for part in one["content"] if "digest" in part]
        with self._lock:
            fresh = {_key(part): part for part in parts if "features" in part}
            made = self._encode(list(fresh.values()))
        return [
            {
                **message,
                "content": [
                    _with(part, made.get(_key(part), {})) if "digest" in part else part
                    for part in message["content"]
                ],
            }
            for message in dialogue
        ]

    def codes(self, media: Media) -> list[int]:
        """What the model said when it made this: media of its own turns stay in its own words."""
        key = (media.digest, f"codes of {media.modality}")
        with self._lock:
            if key not in self._features:
                decoder: Any = self.loaded.model.decoders[media.modality]
                with torch.no_grad():
                    codes = decoder.encode(modality(media.modality).load(media)).tolist()
                self._remember(key, codes)
            self._features.move_to_end(key)
            return self._features[key]

    def _encode(self, parts: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
        processor = self.loaded.processor
        items = [processor.item(part) for part in parts]
        with torch.no_grad():
            tokens = self.loaded.model.encode_media(items) if items else []
        made = {}
        for part, own in zip(parts, tokens, strict=True):
            if not bool(own.isfinite().all()):
                raise UsageError(
                    f"the encoder made tokens of {part['handle'] or part['type']} that are no "
                    "numbers (NaN or infinite): try another file, or --device cpu"
                )
            grid = processor.encoded_grid(part["type"], part["features"])
            made[_key(part)] = {"tokens": own, "grid": grid}
            self.stash.put(_key(part), own, grid)
            if _key(part) in self.stash:
                self._features.pop((part["digest"], part["type"]), None)
        return made

    def _kept(self, part: Mapping[str, Any]) -> dict[str, Any] | None:
        if _key(part) not in self.stash:
            return None
        found = self.stash.tokens([_key(part)])
        return {"tokens": found.x, "grid": found.grids[0]}

    def _read(self, media: Media) -> Any:
        key = (media.digest, media.modality)
        if key not in self._features:
            plugin = modality(media.modality)
            self._remember(key, plugin.features(plugin.load(media)))
        self._features.move_to_end(key)
        return self._features[key]

    def _remember(self, key: tuple[str, str], value: Any) -> None:
        self._features[key] = value
        while len(self._features) > _REMEMBERED:
            self._features.popitem(last=False)


def _key(part: Mapping[str, Any]) -> str:
    return f"{part['type']}:{part['digest']}"


def _with(part: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in part.items() if name != "features" or not found}
    return rest | dict(found)
