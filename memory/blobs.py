"""Bytes on disk under their SHA-256: each stored once, written by rename, shared by processes."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from omni.errors import MediaError, StoreError, UsageError
from omni.media import Media, hash_file
from omni.plugins import Component

COMPONENTS = (
    Component("store", "blobs", "Content-addressed files: each media item is kept once."),
)

_DIGEST = re.compile(r"[0-9a-f]{64}")
_CHUNK_BYTES = 1 << 20
_STALE_SECONDS = 3600.0


class BlobStore:
    """Files under `root/ab/cd/<digest>`; what is there is whole, for it came by rename.

    Writers need no lock: two of the same bytes write the same file. A file is never changed.
    """

    def __init__(self, root: Path | str):
        self.root = Path(root)
        self._incoming = self.root / "incoming"

    def put(self, media: Media) -> str:
        """Store the bytes durably and return the digest.

        Raises:
            MediaError: if the bytes are not those that were hashed when the media was opened.
            StoreError: if they cannot be written, for example because the disk is full.
        """
        target = self._target(media.digest)
        if _size(target) == media.size:
            return media.digest
        try:
            self._write(media, target)
        except OSError as error:
            reason = error.strerror or str(error)
            raise StoreError(
                f"cannot store {media.name} ({media.size:,} bytes) in {self.root}: {reason}"
            ) from None
        return media.digest

    def path(self, digest: str) -> Path:
        """The file that holds the bytes.

        Raises:
            StoreError: if it is not there.
        """
        target = self._target(digest)
        if not target.is_file():
            raise StoreError(f"no blob {digest[:12]}… in {self.root}: it was deleted or never kept")
        return target

    def verify(self, digest: str) -> Path:
        """The file that holds the bytes, after reading it through.

        Raises:
            StoreError: if it is not there, or not what its name says.
        """
        target = self.path(digest)
        found, size = hash_file(target)
        if found != digest:
            raise StoreError(
                f"blob {digest[:12]}… in {self.root} is damaged ({size:,} bytes hash to "
                f"{found[:12]}…): delete it and attach the original again"
            )
        return target

    def delete(self, digest: str) -> None:
        """Forget the bytes; nothing happens if they are not there."""
        self._target(digest).unlink(missing_ok=True)

    def digests(self) -> Iterator[str]:
        """Every digest in the store, sorted."""
        for path in sorted(self.root.glob("??/??/*")):
            if _DIGEST.fullmatch(path.name):
                yield path.name

    def _target(self, digest: str) -> Path:
        if not _DIGEST.fullmatch(digest):
            raise UsageError(f"a digest is 64 hexadecimal digits, not {digest[:80]!r}")
        return self.root / digest[:2] / digest[2:4] / digest

    def _write(self, media: Media, target: Path) -> None:
        self._incoming.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._sweep()
        incoming = self._incoming / f"{media.digest[:16]}-{uuid.uuid4().hex}"
        try:
            digest = _copy(media, incoming)
            if digest != media.digest:
                raise MediaError(f"{media.name} changed while it was read: attach it again")
            _make_folder(target.parent, self.root)
            os.replace(incoming, target)
            _sync_folder(target.parent)
        finally:
            incoming.unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Remove what writers that were killed left behind."""
        oldest = time.time() - _STALE_SECONDS
        for path in self._incoming.iterdir():
            with contextlib.suppress(OSError):
                if path.stat().st_mtime < oldest:
                    path.unlink(missing_ok=True)


plugin = BlobStore


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _copy(media: Media, target: Path) -> str:
    """Write the bytes to disk, through to the disk, and return their digest."""
    digest = hashlib.sha256()
    with media.open() as source, target.open("xb") as sink:
        while chunk := source.read(_CHUNK_BYTES):
            digest.update(chunk)
            sink.write(chunk)
        sink.flush()
        os.fsync(sink.fileno())
    return digest.hexdigest()


def _make_folder(folder: Path, root: Path) -> None:
    """Make the folders of a blob; each new one is made durable in its parent."""
    for path in (root, folder.parent, folder):
        if not path.is_dir():
            path.mkdir(exist_ok=True, mode=0o700)
            _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make a rename durable, where the system lets a folder be opened."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)
