"""What a tool gives back, checked before anybody copies it: size, kind, and whether it is there."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool

from omni.errors import Failed, MediaError, StoreError
from omni.media import Media
from omni.modality import media_from_bytes, modality, open_media
from omni.wire import is_media, media_block

MOST_BYTES = 256 << 20
"""At most this much is taken from one call."""


def checked(
    tool: BaseTool, call_id: str, most: int = MOST_BYTES, blocks: list[Any] | None = None
) -> BaseTool:
    """The same tool for one call, whose results pass through `accept`.

    LangChain turns a result into a message by writing it out, which for a gigabyte of bytes takes
    several; so it is looked at where it comes from. Content blocks of types that LangChain does not
    know in tools' messages, such as audio, it would write out as JSON; they become a message here.

    Args:
        tool: that is called.
        call_id: of the call.
        most: bytes of its result.
        blocks: takes the content blocks of the result, if it is of such.
    """
    changed = tool.model_copy()
    for name in ("_run", "_arun"):
        # Set on the instance and past pydantic, since the class belongs to somebody else.
        object.__setattr__(
            changed, name, _wrapped(getattr(tool, name), tool, call_id, most, blocks)
        )
    return changed


def accept(value: Any, most: int = MOST_BYTES, *, name: str = "a tool") -> Any:
    """A result as LangChain takes it: media, bytes, pictures and paths become content blocks.

    Args:
        value: what a tool returned.
        most: bytes.
        name: of the tool.

    Raises:
        Failed: if it is too large, of no kind that a model can read, or names a file that is not
            there.
    """
    _check_size(value, most, name)
    try:
        if isinstance(value, Media):
            return [_block(value, most, name)]
        if isinstance(value, bytes | bytearray | memoryview):
            return [media_block(media_from_bytes(bytes(value), name))]
        if isinstance(value, Path):
            return [_block(open_media(value), most, name)]
        if _is_picture(value):
            return [media_block(modality("image").save(value, name=f"{name}.png"))]
    except (MediaError, StoreError, OSError) as error:
        raise Failed(f"{name} returned what cannot be used: {error}") from None
    if isinstance(value, list | tuple) and any(isinstance(one, Media | Path) for one in value):
        return [block for one in value for block in _listed(one, most, name)]
    if not _is_plain(value):
        kind = type(value).__name__
        raise Failed(
            f"{name} returned {kind}, which no model can read: return words, numbers, content "
            "blocks, media, bytes or a path"
        )
    return value


def _wrapped(
    run: Callable[..., Any], tool: BaseTool, call_id: str, most: int, blocks: list[Any] | None
) -> Callable[..., Any]:
    paired = tool.response_format == "content_and_artifact"

    def taken(value: Any) -> Any:
        if paired and isinstance(value, tuple) and len(value) == 2:
            artifact = _artifact(value[1], most, tool.name)
            return message(accept(value[0], most, name=tool.name), artifact), artifact
        return message(accept(value, most, name=tool.name))

    def message(content: Any, artifact: Any = None) -> Any:
        if not (isinstance(content, list) and content and all(map(_is_block, content))):
            return content
        if blocks is not None:
            blocks.append(content)
        return ToolMessage(content, name=tool.name, tool_call_id=call_id, artifact=artifact)

    if run.__name__ == "_arun":

        @functools.wraps(run)
        async def later(*args: Any, **more: Any) -> Any:
            return taken(await run(*args, **more))

        return later

    @functools.wraps(run)
    def now(*args: Any, **more: Any) -> Any:
        return taken(run(*args, **more))

    return now


def _is_block(value: Any) -> bool:
    return isinstance(value, Mapping) and (
        is_media(value) or value.get("type") in ("text", "non_standard")
    )


def _artifact(value: Any, most: int, name: str) -> Any:
    _check_size(value, most, name)
    items = value if isinstance(value, list | tuple) else [value]
    for one in items:
        if isinstance(one, Media) and one.data is None and not (one.path and one.path.is_file()):
            raise Failed(f"{name} returned {one.name}, whose file is not there")
    return value


def _listed(value: Any, most: int, name: str) -> list[Any]:
    found = accept(value, most, name=name)
    return found if isinstance(found, list) else [{"type": "text", "text": str(found)}]


def _block(media: Media, most: int, name: str) -> dict[str, Any]:
    if media.size > most:
        raise Failed(_too_large(name, media.size, most))
    return media_block(media)


def _check_size(value: Any, most: int, name: str) -> None:
    size = _size(value, most)
    if size > most:
        raise Failed(_too_large(name, size, most))


def _size(value: Any, most: int, depth: int = 6) -> int:
    """Bytes in the strings and byte strings of a value; counting ends where it is too much."""
    if isinstance(value, str | bytes | bytearray):
        return len(value)
    if isinstance(value, memoryview):
        return value.nbytes
    if depth == 0 or not isinstance(value, Mapping | list | tuple | set | frozenset):
        return 0
    inner = value.values() if isinstance(value, Mapping) else value
    total = 8 * len(value)
    for one in inner:
        total += _size(one, most, depth - 1)
        if total > most:
            break
    return total


def _too_large(name: str, size: int, most: int) -> str:
    return f"{name} returned {size:,} bytes or more; at most {most:,} are taken: ask for less"


def _is_picture(value: Any) -> bool:
    return any(kind.__module__ == "PIL.Image" for kind in type(value).__mro__)


def _is_plain(value: Any) -> bool:
    """Whether LangChain or JSON can write it out so that it means something.

    An object that shows itself only as `<… object at 0x…>` tells a model nothing.
    """
    if value is None or isinstance(value, str | int | float | Mapping | list | tuple | set):
        return True
    shows = type(value).__str__ is not object.__str__ or type(value).__repr__ is not object.__repr__
    return shows and not callable(value)
