"""Media: bytes with a name, a type and a digest; handles that a model can say; lineage."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from pydantic import BaseModel, ConfigDict, Field

from omni.errors import MediaError, StoreError, UsageError

HANDLE = re.compile(r"\b([a-z]{3})-([1-9]\d*)\b")
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Media:
    """One file of one modality, encoded as it came; decode it with its modality's `load`.

    Attributes:
        modality: name of the modality plug-in, such as `image`.
        mime: MIME type found in the content, not taken from the name.
        name: file name to show; never a path.
        digest: SHA-256 of the bytes, in hexadecimal.
        size: number of bytes.
    """

    modality: str
    mime: str
    name: str
    digest: str
    size: int
    data: bytes | None = field(default=None, repr=False)
    path: Path | None = field(default=None, repr=False)

    @classmethod
    def from_bytes(cls, data: bytes, *, modality: str, mime: str, name: str) -> Media:
        """Take bytes that are in memory."""
        digest = hashlib.sha256(data).hexdigest()
        return cls(modality, mime, name, digest, len(data), data=data)

    @classmethod
    def from_path(cls, path: Path, *, modality: str, mime: str, name: str | None = None) -> Media:
        """Take a file on disk; its bytes are read in pieces for the digest and not kept."""
        digest, size = hash_file(path)
        return cls(modality, mime, name or path.name, digest, size, path=path)

    def read(self) -> bytes:
        """All bytes."""
        if self.data is not None:
            return self.data
        assert self.path is not None
        return self.path.read_bytes()

    def open(self) -> BinaryIO:
        """A binary stream from the start."""
        if self.data is not None:
            import io

            return io.BytesIO(self.data)
        assert self.path is not None
        return self.path.open("rb")


def hash_file(path: Path) -> tuple[str, int]:
    """SHA-256 in hexadecimal and size in bytes of a file, in bounded memory."""
    digest = hashlib.sha256()
    size = 0
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
    return digest.hexdigest(), size


class Lineage(BaseModel):
    """Where a made thing came from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    parents: tuple[str, ...] = ()
    prompt: str = ""
    model: str = ""
    seed: int | None = None
    parameters: Mapping[str, Any] = Field(default_factory=dict)


class MediaRef(BaseModel):
    """A handle and what it stands for: what messages, checkpoints and traces hold.

    The bytes are in a blob store under `digest`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    handle: str
    modality: str
    mime: str
    name: str
    digest: str
    size: int
    lineage: Lineage | None = None


class BlobStore(Protocol):
    """Bytes under their SHA-256, each stored once."""

    def put(self, media: Media) -> str:
        """Store the bytes durably and return the digest."""
        ...

    def path(self, digest: str) -> Path:
        """The file that holds the bytes; raises `StoreError` if it is not there."""
        ...

    def delete(self, digest: str) -> None:
        """Forget the bytes; nothing happens if they are not there."""
        ...

    def digests(self) -> Iterable[str]:
        """Every digest in the store."""
        ...


class Shelf:
    """The media of one session: short handles such as `img-1`, in the order of arrival."""

    def __init__(self, blobs: BlobStore, refs: Iterable[MediaRef] = ()):
        self.blobs = blobs
        self._refs = {ref.handle: ref for ref in refs}

    def add(self, media: Media, *, prefix: str, lineage: Lineage | None = None) -> MediaRef:
        """Store the bytes and give them a handle; the same attached bytes keep their handle."""
        digest = self.blobs.put(media)
        if lineage is None:
            for ref in self._refs.values():
                if ref.digest == digest and ref.modality == media.modality and not ref.lineage:
                    return ref
        ref = MediaRef(
            handle=self._next(prefix),
            modality=media.modality,
            mime=media.mime,
            name=media.name,
            digest=digest,
            size=media.size,
            lineage=lineage,
        )
        self._refs[ref.handle] = ref
        return ref

    def _next(self, prefix: str) -> str:
        numbers = [
            int(match[2])
            for handle in self._refs
            if (match := HANDLE.fullmatch(handle)) and match[1] == prefix
        ]
        return f"{prefix}-{max(numbers, default=0) + 1}"

    def __getitem__(self, handle: str) -> MediaRef:
        try:
            return self._refs[handle]
        except KeyError:
            known = ", ".join(self._refs) or "none yet"
            raise UsageError(
                f"no media called {handle!r} in this session; there is: {known}"
            ) from None

    def __contains__(self, handle: object) -> bool:
        return handle in self._refs

    def __iter__(self):
        return iter(self._refs.values())

    def __len__(self) -> int:
        return len(self._refs)

    def media(self, handle: str) -> Media:
        """The media behind a handle, read from the blob store when used.

        Raises:
            UsageError: if the session has no such handle.
            StoreError: if the bytes are gone from the store.
        """
        ref = self[handle]
        try:
            path = self.blobs.path(ref.digest)
        except StoreError as error:
            raise StoreError(f"{handle} ({ref.name}) is listed but lost: {error}") from None
        return Media(ref.modality, ref.mime, ref.name, ref.digest, ref.size, path=path)


@dataclass(frozen=True, slots=True)
class Access:
    """Which files may be opened, and how large they may be.

    Attributes:
        roots: folders that files must lie in; empty allows every folder.
        max_bytes: largest file that is opened.
    """

    roots: tuple[Path, ...] = ()
    max_bytes: int = 4 << 30

    def check(self, path: Path) -> Path:
        """Return the resolved path of a readable regular file, or say why it is not one.

        Raises:
            MediaError: for a missing file, a folder, a device, an empty or over-large file, a file
                that may not be read, or one outside the allowed roots.
        """
        shown = str(path)
        try:
            resolved = path.expanduser().resolve(strict=True)
            if self.roots and not any(
                resolved.is_relative_to(root.resolve()) for root in self.roots
            ):
                allowed = ", ".join(str(root) for root in self.roots)
                raise MediaError(f"{shown} is outside the allowed folders ({allowed})")
            status = resolved.stat()
        except FileNotFoundError:
            raise MediaError(f"no such file: {shown}") from None
        except (OSError, RuntimeError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise MediaError(f"cannot open {shown!r}: {reason}") from None
        if resolved.is_dir():
            raise MediaError(f"{shown} is a folder: name a file in it")
        if not resolved.is_file():
            raise MediaError(f"{shown} is a device or a pipe, not a file")
        if status.st_size == 0:
            raise MediaError(f"{shown} is empty (0 bytes)")
        if status.st_size > self.max_bytes:
            raise MediaError(
                f"{shown} has {status.st_size:,} bytes; the limit is {self.max_bytes:,}"
            )
        return resolved
