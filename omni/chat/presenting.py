"""Show media to a model that may not take them as they are.

What a model has no input for, it sees as a picture, as the parts inside (a video's sound, the words
of a document) and as one line of measured facts; what it cannot see at all, it is told of.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from omni.errors import MediaError, OmniError, UnknownPlugin
from omni.media import Media
from omni.modality import Modality, modality
from omni.wire import media_block

WEB_IMAGES = ("image/png", "image/jpeg", "image/webp", "image/gif")
WEB_AUDIO = ("audio/wav", "audio/mpeg")
_SAME_TYPE = {"audio/x-wav": "audio/wav", "audio/wave": "audio/wav", "audio/mp3": "audio/mpeg"}
_PICTURE_WIDTH = 640
_TEXT_LENGTH = 24_000
_REMEMBERED = 32


class Presenter:
    """Turns media into content blocks that a model takes.

    Args:
        accepts: names of the modalities that the model takes; `pdf` for documents as they are.
        convert: recode pictures and sound that services do not take, such as TIFF and FLAC.
    """

    def __init__(self, accepts: Iterable[str], *, convert: bool = True):
        self.accepts = frozenset(accepts)
        self.convert = convert
        self._shown: OrderedDict[tuple[str, str], list[dict[str, Any]]] = OrderedDict()

    def blocks(self, media: Media) -> list[dict[str, Any]]:
        """Content blocks for one media item; never empty."""
        key = (media.digest, media.modality)
        if key not in self._shown:
            self._shown[key] = self._blocks(media)
        self._shown.move_to_end(key)
        while len(self._shown) > _REMEMBERED:
            self._shown.popitem(last=False)
        return [dict(block) for block in self._shown[key]]

    def _blocks(self, media: Media) -> list[dict[str, Any]]:
        if media.mime == "application/pdf" and "pdf" in self.accepts:
            return [media_block(media)]
        try:
            plugin = modality(media.modality)
        except UnknownPlugin:
            return [
                _words(f"a file of type {media.mime}, {media.size:,} bytes, that nothing reads")
            ]
        try:
            if media.modality in self.accepts:
                return [media_block(self._converted(media, plugin))]
            return self._substitutes(plugin, plugin.load(media), media.name)
        except MediaError as error:
            return [_words(f"{media.name} cannot be read: {error}")]

    def _converted(self, media: Media, plugin: Modality) -> Media:
        wanted = {"image": WEB_IMAGES, "audio": WEB_AUDIO}.get(media.modality)
        if not self.convert or wanted is None:
            return media
        mime = _SAME_TYPE.get(media.mime, media.mime)
        if mime in wanted:
            return replace(media, mime=mime)
        return plugin.save(plugin.load(media), name=media.name, mime=wanted[0])

    def _substitutes(self, plugin: Modality, value: Any, name: str) -> list[dict[str, Any]]:
        """A value of a modality that the model does not take, in the forms that it does."""
        words = plugin.text(value)
        if words and words.strip():
            return [_document(words, name)]
        shown = [_words(plugin.caption(value))]
        if "image" in self.accepts and plugin.name != "image":
            picture = plugin.picture(value, width=_PICTURE_WIDTH)
            shown.append(media_block(modality("image").save(picture, name=f"{name}.png")))
        for inner_name, inner in plugin.parts(value):
            shown += self._inner(inner_name, inner, name)
        return shown

    def _inner(self, inner_name: str, inner: Any, name: str) -> list[dict[str, Any]]:
        try:
            plugin = modality(inner_name)
            if inner_name in self.accepts:
                inner_media = plugin.save(inner, name=f"{inner_name} of {name}")
                return [media_block(self._converted(inner_media, plugin))]
            words = plugin.text(inner)
            return [_document(words, name)] if words else []
        except OmniError as error:
            return [_words(f"the {inner_name} in {name} cannot be shown: {error}")]


def _words(text: str) -> dict[str, Any]:
    return {"type": "text", "text": f"({text})"}


def _document(words: str, name: str) -> dict[str, Any]:
    """The words of a document, fenced as data."""
    cut = len(words) - _TEXT_LENGTH
    shown = words[:_TEXT_LENGTH].replace("</document", "</ document")
    more = f"\n… ({cut:,} more characters are left out)" if cut > 0 else ""
    safe_name = name.replace('"', "'")
    return {"type": "text", "text": f'<document name="{safe_name}">\n{shown}{more}\n</document>'}
