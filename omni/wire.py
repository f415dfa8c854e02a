"""Parts as LangChain content blocks and as OpenAI chat parts, both ways and without loss.

A block that stands for one of our media carries its whole `MediaRef` under `extras["omni"]` (OpenAI
parts: under the key `omni`), and the handle as `file_id` while its bytes stay at home. Given a
shelf, bytes travel: outgoing media are read from it, incoming ones are put on it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote_to_bytes

from pydantic import ValidationError

from omni.content import MediaPart, Part, TextPart
from omni.errors import MediaError, UnknownPlugin, UsageError
from omni.media import HANDLE, Lineage, Media, MediaRef, Shelf
from omni.modality import media_from_bytes, modality

OUR_KEY = "omni"
FILE_PREFIX = "fil"
"""Handles of files that no modality reads begin with this."""

_AUDIO_FORMATS = {"audio/wav": "wav", "audio/x-wav": "wav", "audio/mpeg": "mp3", "audio/mp3": "mp3"}
_DATA_TYPES = ("image", "audio", "video", "file")
_URL_TYPES = ("image_url", "audio_url", "video_url")


def to_langchain(parts: Iterable[Part], shelf: Shelf | None = None) -> list[dict[str, Any]]:
    """Parts as LangChain content blocks; with a shelf, the media's bytes go along."""
    return [_text_block(p) if isinstance(p, TextPart) else _block(p, shelf) for p in parts]


def from_langchain(
    content: str | Sequence[str | Mapping[str, Any]], shelf: Shelf | None = None
) -> list[Part]:
    """Parts from LangChain content, whose blocks may also be of the OpenAI forms.

    Blocks that are neither words nor media, such as reasoning and tool calls, are left out.

    Raises:
        MediaError: for media that cannot be read, or is a link to somewhere else.
        UsageError: for a handle that the shelf does not have.
    """
    if isinstance(content, str):
        return [TextPart(text=content)] if content else []
    try:
        parts = [_part(block, shelf) for block in content]
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise UsageError(f"a content block has a wrong {field!r}: {first['msg']}") from None
    return [part for part in parts if part is not None]


def to_openai(
    parts: Iterable[Part], shelf: Shelf | None = None, *, plain: bool = False
) -> list[dict[str, Any]]:
    """Parts as OpenAI chat parts.

    Args:
        parts: what to convert.
        shelf: where the bytes are; without it, media are `file` parts that name their handle.
        plain: leave out our own key `omni`, which strict servers refuse; handles, lineage and
            statuses are lost then.
    """
    converted = []
    for part in parts:
        if isinstance(part, TextPart):
            form, ours = {"type": "text", "text": part.text}, _status(part)
        else:
            form, ours = _openai_media(part, shelf), _ours(part)
        converted.append(form if plain or not ours else {**form, OUR_KEY: ours})
    return converted


def from_openai(
    content: str | Sequence[str | Mapping[str, Any]], shelf: Shelf | None = None
) -> list[Part]:
    """Parts from the content of an OpenAI chat message; see `from_langchain`."""
    return from_langchain(content, shelf)


def take(media: Media, shelf: Shelf, lineage: Lineage | None = None) -> MediaRef:
    """Put media on a shelf under the prefix of its modality."""
    return shelf.add(media, prefix=prefix(media.modality), lineage=lineage)


def prefix(name: str) -> str:
    """What the handles of a modality begin with."""
    try:
        return modality(name).prefix
    except UnknownPlugin:
        return FILE_PREFIX


def media_block(media: Media, **ours: Any) -> dict[str, Any]:
    """A LangChain block that carries the bytes of media; `ours` goes under our own key."""
    extras: dict[str, Any] = {"filename": media.name}
    if ours:
        extras[OUR_KEY] = ours
    return {
        "type": block_type(media.modality),
        "base64": base64.b64encode(media.read()).decode("ascii"),
        "mime_type": media.mime,
        "extras": extras,
    }


def failed_block(name: str, reason: str, status: str = "failed") -> dict[str, Any]:
    """A LangChain block for media that was to be made and was not."""
    return {
        "type": "non_standard",
        "value": {OUR_KEY: {"type": name, "status": status, "reason": reason}},
    }


def block_type(name: str) -> str:
    """The LangChain block type that carries a modality."""
    try:
        found = modality(name).block
    except UnknownPlugin:
        return "file"
    return "file" if found == "text" else found


def is_media(block: Any) -> bool:
    """Whether a content block holds media: bytes, a link or a handle."""
    if not isinstance(block, Mapping):
        return False
    kind = block.get("type")
    return kind in _DATA_TYPES or kind in _URL_TYPES or kind == "input_audio"


def block_ref(block: Mapping[str, Any]) -> MediaRef | None:
    """The handle that a block carries, if it is well formed."""
    try:
        return MediaRef.model_validate(_our_fields(block).get("ref"))
    except ValidationError:
        return None


def has_bytes(block: Mapping[str, Any]) -> bool:
    """Whether a media block carries its bytes."""
    return _encoded(block) is not None


def block_media(block: Mapping[str, Any], *, strict: bool = True, stem: str = "unnamed") -> Media:
    """The media whose bytes a block carries: LangChain's forms, old and new, and OpenAI's.

    Args:
        block: a content block for which `is_media` holds.
        strict: refuse what no modality reads; else it is media of the modality `file`.
        stem: begins the name of media that come without one.

    Raises:
        MediaError: if there are no bytes, they are not base64, or nothing reads them.
    """
    encoded = _encoded(block)
    if encoded is None:
        raise MediaError(_no_bytes(block))
    data, mime = encoded
    name = _file_name(block, mime, stem)
    try:
        return media_from_bytes(data, name)
    except MediaError:
        if strict or not data:
            raise
        mime = mime or "application/octet-stream"
        return Media.from_bytes(data, modality="file", mime=mime, name=name)


def _part(block: str | Mapping[str, Any], shelf: Shelf | None) -> Part | None:
    if isinstance(block, str):
        return TextPart(text=block)
    ours = _our_fields(block)
    state = {key: ours[key] for key in ("status", "reason") if key in ours}
    kind = block.get("type")
    if kind in ("text", "text-plain") and "text" in block and "ref" not in ours:
        if "type" in ours:
            return MediaPart(type=ours["type"], ref=None, **state)
        return TextPart(text=block["text"], **state)
    if kind == "non_standard" and "type" in ours:
        return MediaPart(type=ours["type"], ref=None, **state)
    if not is_media(block):
        return None
    ref = _resolve(block, shelf)
    return MediaPart(type=ours.get("type", ref.modality), ref=ref, **state)


def _resolve(block: Mapping[str, Any], shelf: Shelf | None) -> MediaRef:
    """The handle of an incoming block, whose bytes are put on the shelf if it carries any."""
    ref = block_ref(block)
    if shelf is None:
        if ref is None:
            raise MediaError("media without a handle needs a shelf to be put on")
        return ref
    if ref is not None and ref.handle in shelf and shelf[ref.handle] == ref:
        return ref
    if has_bytes(block):
        return take(block_media(block), shelf, ref.lineage if ref else None)
    handle = ref.handle if ref else _file_id(block)
    if handle is None or not HANDLE.fullmatch(handle):
        raise MediaError(_no_bytes(block))
    known = shelf[handle]
    if ref is not None and known.digest != ref.digest:
        raise MediaError(f"{handle} stands for other bytes in this session: attach the file again")
    return known


def _text_block(part: TextPart) -> dict[str, Any]:
    block: dict[str, Any] = {"type": "text", "text": part.text}
    if ours := _status(part):
        block["extras"] = {OUR_KEY: ours}
    return block


def _block(part: MediaPart, shelf: Shelf | None) -> dict[str, Any]:
    ref = part.ref
    if ref is None:
        return {"type": "non_standard", "value": {OUR_KEY: _ours(part)}}
    if shelf is not None:
        return media_block(shelf.media(ref.handle), **_ours(part))
    return {
        "type": block_type(ref.modality),
        "file_id": ref.handle,
        "mime_type": ref.mime,
        "extras": {"filename": ref.name, OUR_KEY: _ours(part)},
    }


def _openai_media(part: MediaPart, shelf: Shelf | None) -> dict[str, Any]:
    ref = part.ref
    if ref is None:
        return {
            "type": "text",
            "text": f"({part.type} {part.status}: {part.reason or 'no reason'})",
        }
    if shelf is None:
        return {"type": "file", "file": {"file_id": ref.handle}}
    encoded = base64.b64encode(shelf.media(ref.handle).read()).decode("ascii")
    url = f"data:{ref.mime};base64,{encoded}"
    if block_type(ref.modality) == "image":
        return {"type": "image_url", "image_url": {"url": url}}
    if ref.mime in _AUDIO_FORMATS:
        data = {"data": encoded, "format": _AUDIO_FORMATS[ref.mime]}
        return {"type": "input_audio", "input_audio": data}
    return {"type": "file", "file": {"filename": ref.name, "file_data": url}}


def _status(part: Part) -> dict[str, Any]:
    ours = {"status": part.status} if part.status != "delivered" else {}
    return ours if part.reason is None else {**ours, "reason": part.reason}


def _ours(part: MediaPart) -> dict[str, Any]:
    ours: dict[str, Any] = _status(part)
    if part.ref is None or part.type != part.ref.modality:
        ours["type"] = part.type
    if part.ref is not None:
        ours["ref"] = part.ref.model_dump(mode="json", exclude_none=True)
    return ours


def _our_fields(block: Mapping[str, Any]) -> Mapping[str, Any]:
    for place in (block, block.get("extras"), block.get("value")):
        if isinstance(place, Mapping) and isinstance(place.get(OUR_KEY), Mapping):
            return place[OUR_KEY]
    return {}


def _encoded(block: Mapping[str, Any]) -> tuple[bytes, str | None] | None:
    """The bytes in a block and their declared type, or `None` if there are none."""
    inner = block.get(str(block.get("type")))
    inner = inner if isinstance(inner, Mapping) else {"url": inner} if inner else {}
    source = block.get("source") if isinstance(block.get("source"), Mapping) else {}
    mime = block.get("mime_type") or (source or {}).get("media_type")
    for place in (block, inner, source or {}):
        for key in ("base64", "data"):
            if isinstance(place.get(key), str):
                return _decode(place[key]), mime or _audio_mime(place)
        for key in ("url", "file_data"):
            if isinstance(place.get(key), str) and place[key].startswith("data:"):
                return _decode_url(place[key])
    return None


def _audio_mime(place: Mapping[str, Any]) -> str | None:
    return f"audio/{place['format']}" if isinstance(place.get("format"), str) else None


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise MediaError(f"media data is not base64 (it begins with {text[:24]!r})") from None


def _decode_url(url: str) -> tuple[bytes, str | None]:
    head, comma, body = url[len("data:") :].partition(",")
    if not comma:
        raise MediaError(f"a data URL holds a comma before its data, not {url[:40]!r}")
    mime = head.partition(";")[0] or None
    data = _decode(body) if head.endswith(";base64") else unquote_to_bytes(body)
    return data, mime


def _file_id(block: Mapping[str, Any]) -> str | None:
    inner = block.get("file")
    found = block.get("file_id") or (inner.get("file_id") if isinstance(inner, Mapping) else None)
    return found if isinstance(found, str) else None


def _file_name(block: Mapping[str, Any], mime: str | None, stem: str) -> str:
    for place in (block, block.get("extras"), block.get("metadata"), block.get("file")):
        if isinstance(place, Mapping) and isinstance(place.get("filename"), str):
            return place["filename"].replace("\\", "/").rpartition("/")[2] or stem
    suffix = (mime or "").partition("/")[2].partition("+")[0].removeprefix("x-")
    return f"{stem}.{suffix}" if suffix.isalnum() else stem


def _no_bytes(block: Mapping[str, Any]) -> str:
    inner = block.get(str(block.get("type")))
    url = block.get("url") or (inner.get("url") if isinstance(inner, Mapping) else inner)
    if isinstance(url, str):
        return f"links are not fetched ({url[:60]!r}): download it and attach the file"
    given = _file_id(block)
    return (
        f"no bytes and no known handle in the {block.get('type')} part"
        + (f" (it names {given!r})" if given else "")
        + ": send base64 data"
    )


__all__ = [
    "block_media",
    "block_ref",
    "block_type",
    "failed_block",
    "from_langchain",
    "from_openai",
    "has_bytes",
    "is_media",
    "media_block",
    "prefix",
    "take",
    "to_langchain",
    "to_openai",
]
