"""Write media of a session to files that other programs know by their names."""

from __future__ import annotations

import mimetypes
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from omni.errors import UsageError
from omni.media import MediaRef, Shelf

_SUFFIXES = {
    "audio/wav": ".wav",
    "audio/x-wav": ".wav",
    "audio/flac": ".flac",
    "audio/ogg": ".ogg",
    "audio/mpeg": ".mp3",
    "image/jpeg": ".jpg",
    "model/ply": ".ply",
}


def suffix_of(ref: MediaRef) -> str:
    """The file name ending for a handle's type, else that of its name."""
    known = _SUFFIXES.get(ref.mime) or mimetypes.guess_extension(ref.mime)
    return known or Path(ref.name).suffix


def export(shelf: Shelf, handle: str, target: Path) -> Path:
    """Copy the bytes of a handle to a file or into a folder; nothing is ever overwritten.

    Raises:
        UsageError: if the file is there already or cannot be written.
    """
    ref = shelf[handle]
    source = shelf.media(handle).path
    assert source is not None
    try:
        if target.is_dir():
            target = free_name(target / f"{handle}{suffix_of(ref)}")
        elif not target.suffix:
            target = target.with_name(target.name + suffix_of(ref))
        with source.open("rb") as taken, target.open("xb") as written:
            shutil.copyfileobj(taken, written)
    except FileExistsError:
        raise UsageError(f"{target} exists: name another file") from None
    except OSError as error:
        raise UsageError(f"cannot write {target}: {error.strerror}") from None
    return target


def folder(path: Path) -> Path:
    """The folder to write into, made if it is not there.

    Raises:
        UsageError: if it cannot be one.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make the folder {path}: {error.strerror}") from None
    return path


def free_name(path: Path) -> Path:
    """The path, with a number added while a file of that name exists."""
    candidate, number = path, 2
    while candidate.exists():
        candidate = path.with_name(f"{path.stem}-{number}{path.suffix}")
        number += 1
    return candidate


@contextmanager
def named_copy(shelf: Shelf, ref: MediaRef) -> Iterator[Path]:
    """A copy with a telling name, gone when the block ends."""
    with tempfile.TemporaryDirectory(prefix="omni-") as folder_name:
        yield export(shelf, ref.handle, Path(folder_name))


def lasting_copy(shelf: Shelf, ref: MediaRef) -> Path:
    """A copy with a telling name that stays, for a program that opens it some time later."""
    from omni.config import home

    kept = folder(home() / "opened" / ref.digest[:12])
    target = kept / f"{ref.handle}{suffix_of(ref)}"
    return target if target.exists() else export(shelf, ref.handle, kept)
