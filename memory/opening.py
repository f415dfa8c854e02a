"""One address opens a memory, wherever it lies: a folder, LanceDB, or Qdrant."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from omni.errors import UsageError
from omni.plugins import Component

from .access import OWNER
from .remote.engine import Engine
from .remote.view import RemoteView
from .store import Memory

_KNOWN = (
    "a folder, lance:///folder, lance+s3://bucket/prefix (or +gs, +az), qdrant:///folder, "
    "qdrant://host:6333/collection or qdrant+https://host/collection"
)
_CLOUDS = ("s3", "gs", "az")
_COLLECTION = "omni"

COMPONENTS = (
    Component("store", "opening", "Opens a memory by its address: a folder, LanceDB or Qdrant."),
)


class RemoteMemory:
    """A memory in another engine; what it holds is reached through `bind`, as that of `Memory`."""

    def __init__(self, engine: Engine, media: Path | None):
        self.engine = engine
        self._media = media

    def bind(self, principal: str = OWNER, namespace: Sequence[str] = ()) -> RemoteView:
        """What a principal may see and do in a namespace; rights are looked up at each use."""
        return RemoteView(self.engine, self._media, principal, namespace)

    def compact(self) -> None:
        """Merge what many small writes left behind, and bring indices up to date."""
        self.engine.tidy()

    def close(self) -> None:
        """Let go of files and connections."""
        self.engine.close()

    def __enter__(self) -> RemoteMemory:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_memory(address: str | Path, **options: Any) -> Memory | RemoteMemory:
    """The memory at an address; it is made if it is not there.

    Media of a memory in another engine lie in a folder beside it, or in the one that the address
    names as `?media=/folder`.

    Args:
        address: a folder or a URL.
        options: of `Memory.open`, for a folder.

    Raises:
        UsageError: for an address of no known kind.
        MissingExtra: if the engine's package is not installed.
        StoreError: if it cannot be opened.
    """
    text = str(address)
    if "://" not in text:
        return Memory.open(address, **options)
    if options:
        raise UsageError(f"only a memory in a folder takes {', '.join(options)}, not {text}")
    parts = urlsplit(text)
    known = parse_qs(parts.query)
    if set(known) - {"media"}:
        raise UsageError(f"an address takes ?media=/folder and nothing else, not ?{parts.query}")
    media = Path(known["media"][0]) if known else None
    base, _, transport = parts.scheme.partition("+")
    if base == "lance":
        return _lance(text, transport, parts.netloc, unquote(parts.path), media)
    if base == "qdrant":
        return _qdrant(text, transport, parts.netloc, unquote(parts.path), media)
    raise UsageError(f"no memory can be opened at {text!r}; known: {_KNOWN}")


def _lance(text: str, cloud: str, host: str, path: str, media: Path | None) -> RemoteMemory:
    from .remote.lance import LanceEngine

    if cloud in _CLOUDS and host:
        return RemoteMemory(LanceEngine(f"{cloud}://{host}{path}"), media)
    if cloud or host or path in ("", "/"):
        raise UsageError(f"{text!r} is no address of LanceDB; known: {_KNOWN}")
    return RemoteMemory(LanceEngine(path), media or Path(path) / "media")


def _qdrant(text: str, transport: str, host: str, path: str, media: Path | None) -> RemoteMemory:
    from .remote.qdrant import QdrantEngine

    if transport not in ("", "http", "https") or (not host and path in ("", "/")):
        raise UsageError(f"{text!r} is no address of Qdrant; known: {_KNOWN}")
    if not host:
        engine = QdrantEngine(_COLLECTION, folder=Path(path))
        return RemoteMemory(engine, media or Path(path) / "media")
    collection = path.strip("/") or _COLLECTION
    if "/" in collection:
        raise UsageError(f"a collection of Qdrant has no slash in its name: {text!r}")
    return RemoteMemory(QdrantEngine(collection, url=f"{transport or 'http'}://{host}"), media)


plugin = open_memory
