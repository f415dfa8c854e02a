"""A serialiser for any LangGraph checkpointer: media lie in a blob store, checkpoints name them.

A stock agent writes every message at every step, with all the base64 in it: ten turns with a
picture of a megabyte each make a database of hundreds of megabytes. With this serialiser the same
agent and the same saver keep each picture once, and the state that is read back is the same.

    media = MediaByReference("media")
    saver = SqliteSaver(connection, serde=media)
    agent = create_agent(model, tools, checkpointer=saver)
    ...
    media.collect(saver)        # now and then: delete what no checkpoint names any more
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import copy
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.types import Send
from pydantic import BaseModel

from omni import plugins
from omni.chat.locking import hold
from omni.errors import UsageError
from omni.media import BlobStore, Media

LEAST_BYTES = 1024
"""What is shorter stays where it is: a name is about as long."""

MOST_REMEMBERED = 64 << 20
"""Letters and bytes that are remembered, so that each step does not hash all media again."""

_MARK = "\x00omni-blob:"
_TEXT, _BYTES, _PLAIN = "t", "b", "p"
_TYPE = "omni:"
"""Before the type of what was written here; what was written before is read as it is."""
_URL = ";base64,"
_LONGEST_PREFIX = 200


class MediaByReference:
    """Keeps base64 and bytes of checkpoints in a blob store, and puts them back when they are read.

    It looks at strings, not at the kinds of content blocks: whatever is base64 in its canonical
    form, also within a `data:` URL, is kept as bytes, wherever it stands, and comes back letter by
    letter. A text that only looks like one of our names is marked, and stays that text.

    The store has to be this serialiser's own (savers may share it): `collect` deletes from it.

    Args:
        blobs: the store, or its folder.
        inner: writes what is left; LangGraph's own by default. Encryption goes in here, too; media
            themselves lie in the store as they are.
        least: bytes from which on something is kept apart.
    """

    def __init__(
        self,
        blobs: BlobStore | Path | str,
        *,
        inner: SerializerProtocol | None = None,
        least: int = LEAST_BYTES,
    ):
        is_folder = isinstance(blobs, Path | str)
        self.blobs: BlobStore = plugins.load("memory", "blobs")(blobs) if is_folder else blobs
        self.inner = inner or JsonPlusSerializer()
        self.least = least
        self._names = _Remembered()
        self._values = _Remembered()
        self._seen = threading.local()

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        """Write an object; its media are in the store, through to the disk, on return.

        Raises:
            StoreError: if they cannot be stored.
        """
        with self._storing(shared=True):
            named = _walked(obj, self._named)
        kind, data = self.inner.dumps_typed(named)
        return f"{_TYPE}{kind}", data

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        """Read an object with its media.

        Raises:
            StoreError: if the store has lost one of them.
        """
        kind, written = data
        if not kind.startswith(_TYPE):
            return self.inner.loads_typed(data)
        return _walked(self.inner.loads_typed((kind.removeprefix(_TYPE), written)), self._valued)

    def held(self, *savers: BaseCheckpointSaver[Any]) -> set[str]:
        """Digests that the checkpoints of savers name; their media are not read.

        Raises:
            UsageError: if a saver does not write through this serialiser.
        """
        found: set[str] = set()
        with self._looking(found):
            for saver in savers:
                if saver.serde is not self:
                    raise UsageError(
                        f"{type(saver).__name__} does not write through this serialiser: give it "
                        "as serde=…, and name all savers that share the store"
                    )
                for _ in saver.list(None):
                    pass
        return found

    def collect(self, *savers: BaseCheckpointSaver[Any], older: float = 3600.0) -> int:
        """Delete from the store what no checkpoint names, and return how many items that were.

        Agents may run meanwhile, in other processes, too: media are stored before the checkpoint
        that names them, so what was stored or named anew in the last while is left alone.

        Args:
            savers: all that share the store.
            older: seconds since something was last written; longer than the longest single write.

        Raises:
            UsageError: if no saver is given, or one does not write through this serialiser.
        """
        if not savers:
            raise UsageError("name the savers that share the store: collect(saver, …)")
        # Whatever is named from now on is young from then on, and looked at once more below.
        before = time.time() - older
        old = [digest for digest in self.blobs.digests() if self._age(digest) < before]
        loose = set(old) - self.held(*savers)
        with self._storing():
            loose = {digest for digest in loose if self._age(digest) < before}
            for digest in loose:
                self.blobs.delete(digest)
        return len(loose)

    def _named(self, value: Any) -> Any:
        """The name of what is kept apart; other strings and bytes as they are."""
        if isinstance(value, str) and value.startswith(_MARK):
            return f"{_MARK}{_PLAIN}:{value}"
        if len(value) < self.least:
            return value
        if (known := self._names.get(value)) and self._touched(known):
            return known
        prefix, data = ("", value) if isinstance(value, bytes) else _decoded(value)
        if data is None or len(data) < self.least:
            return value
        mime = "application/octet-stream"
        media = Media.from_bytes(data, modality="file", mime=mime, name="media of a checkpoint")
        kind = _BYTES if isinstance(value, bytes) else _TEXT
        name = f"{_MARK}{kind}:{self.blobs.put(media)}:{prefix}"
        self._touched(name)
        self._names.keep(value, name, len(value))
        return name

    def _valued(self, value: Any) -> Any:
        """What a name stands for; other strings and bytes as they are."""
        if not isinstance(value, str) or not value.startswith(_MARK):
            return value
        kind, _, rest = value.removeprefix(_MARK).partition(":")
        if kind == _PLAIN:
            return rest
        digest, _, prefix = rest.partition(":")
        if (seen := getattr(self._seen, "digests", None)) is not None:
            seen.add(digest)
            return value
        if (known := self._values.get(value)) is not None:
            return known
        data = self.blobs.path(digest).read_bytes()
        found = data if kind == _BYTES else f"{prefix}{base64.b64encode(data).decode()}"
        self._values.keep(value, found, len(found))
        self._names.keep(found, value, len(found))
        return found

    def _touched(self, name: str) -> bool:
        """Mark a blob as written now, so that it is not collected; whether it is still there."""
        digest = name.removeprefix(_MARK).split(":")[1]
        with contextlib.suppress(Exception):
            os.utime(self.blobs.path(digest))
            return True
        return False

    def _storing(self, *, shared: bool = False) -> contextlib.AbstractContextManager[None]:
        """Between processes: nothing is deleted while others store."""
        root = getattr(self.blobs, "root", None)
        if root is None:
            return contextlib.nullcontext()
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        return hold(root / "locks" / "naming.lock", shared=shared)

    def _age(self, digest: str) -> float:
        """When a blob was last written; one that is gone is as young as can be."""
        with contextlib.suppress(Exception):
            return self.blobs.path(digest).stat().st_mtime
        return float("inf")

    @contextlib.contextmanager
    def _looking(self, digests: set[str]) -> Iterator[None]:
        """In this thread, gather names in place of reading media."""
        self._seen.digests = digests
        try:
            yield
        finally:
            self._seen.digests = None


class _Remembered:
    """The values that were used last, up to a size."""

    def __init__(self, most: int = MOST_REMEMBERED):
        self._most = most
        self._held: OrderedDict[Any, tuple[Any, int]] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def get(self, key: Any) -> Any:
        with self._lock:
            if key not in self._held:
                return None
            self._held.move_to_end(key)
            return self._held[key][0]

    def keep(self, key: Any, value: Any, size: int) -> None:
        with self._lock:
            self._size += size - self._held.pop(key, (None, 0))[1]
            self._held[key] = (value, size)
            while self._size > self._most:
                self._size -= self._held.popitem(last=False)[1][1]


def _decoded(text: str) -> tuple[str, bytes | None]:
    """What stands before base64 in a text, and the bytes; `None` if it would not come back."""
    place = text.find(_URL, 0, _LONGEST_PREFIX) if text.startswith("data:") else -1
    start = place + len(_URL) if place >= 0 else 0
    letters = text[start:]
    try:
        data = binascii.a2b_base64(letters.encode("ascii"), strict_mode=True)
    except (ValueError, UnicodeEncodeError):
        return "", None
    same = base64.b64encode(data).decode() == letters
    return (text[:start], data) if same else ("", None)


def _walked(value: Any, change: Callable[[Any], Any]) -> Any:
    """The value with its strings and bytes changed, however deep; the same object if none is."""
    if isinstance(value, str | bytes):
        return change(value)
    if isinstance(value, dict):
        items = {key: _walked(one, change) for key, one in value.items()}
        return items if any(items[key] is not value[key] for key in value) else value
    if isinstance(value, list | tuple):
        ones = [_walked(one, change) for one in value]
        if all(new is old for new, old in zip(ones, value, strict=True)):
            return value
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return type(value)(*ones)
        return type(value)(ones)
    if isinstance(value, BaseModel):
        fields = {**value.__dict__, **(value.__pydantic_extra__ or {})}
        new = {key: _walked(one, change) for key, one in fields.items()}
        changed = {key: one for key, one in new.items() if one is not fields[key]}
        return value.model_copy(update=changed) if changed else value
    if isinstance(value, Send):
        arg = _walked(value.arg, change)
        if arg is not value.arg:
            value = copy.copy(value)
            value.arg = arg
    return value
