"""Any file into pieces, by what it holds; its trouble is its own and never that of others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from omni.errors import MediaError, OmniError
from omni.media import Access, Media
from omni.modality import modality, open_media
from omni.recognition import writing

from ..contracts import Space, Vectors
from . import documents, films, pictures, solids, sounds, tables
from .likeness import key_of_bytes
from .piece import Piece
from .plan import Plan

_EXTRACTORS: dict[str, Callable[[Media, Plan], Iterator[Piece]]] = {
    "text": documents.extract,
    "image": pictures.extract,
    "audio": sounds.extract,
    "video": films.extract,
    "series": tables.extract,
    "points": solids.extract,
}


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a file: its media and pieces, the whole first; or why there are none.

    Attributes:
        vectors: of all pieces, where whoever took it apart has embedded them too.
        notes: of what could not be embedded.
    """

    pieces: tuple[Piece, ...] = ()
    media: Media | None = None
    error: str = ""
    vectors: Mapping[Space, Sequence[Vectors | None]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def take(path: Path, plan: Plan, access: Access | None = None) -> Taken:
    """Open a file and take it apart; whatever is wrong with it is in the answer.

    The file is looked at again at the end: one that changed meanwhile is refused, so that digest
    and pieces are of the same bytes.
    """
    try:
        media = open_media(path, access)
        taken = take_media(media, plan, path)
        if not taken.error and open_media(path, access).digest != media.digest:
            return Taken(error=f"{path} changed while it was read: add it again")
        return taken
    except OmniError as error:
        return Taken(error=str(error))
    except FileNotFoundError:
        return Taken(error=f"{path} vanished while it was read")


def take_media(media: Media, plan: Plan, path: Path) -> Taken:
    """Take media apart; whatever is wrong with them is in the answer, under the name of a path."""
    try:
        return Taken(tuple(_within(extract(media, plan), plan, media.name)), media)
    except OmniError as error:
        return Taken(error=str(error))
    except FileNotFoundError:
        return Taken(error=f"{path} vanished while it was read")
    except MemoryError:
        return Taken(error=f"{path} needs more memory than there is")
    except Exception as error:
        # Decoders raise whatever a hostile file provokes; the file is named and others go on.
        reason = " ".join(str(error).split())[:200]
        return Taken(error=f"{path} cannot be taken apart ({type(error).__name__}: {reason})")


def extract(media: Media, plan: Plan) -> Iterator[Piece]:
    """The whole of a file, and its pieces in their order.

    Raises:
        MediaError: if it cannot be read.
    """
    return _EXTRACTORS.get(media.modality, _plainly)(media, plan)


def abilities(plan: Plan) -> str:
    """The plan, and what of it can be done here.

    A recogniser that is installed later is a reason to take files apart again.
    """
    reads = writing.reader() if plan.ocr else ""
    return f"{plan.mark} {reads} {sounds.scribe_name(sounds.recogniser(plan.speech))}"


def _plainly(media: Media, plan: Plan) -> Iterator[Piece]:
    """A modality of another distribution: as a whole, with its caption and the words in it."""
    kind = modality(media.modality)
    value = kind.load(media)
    caption = kind.caption(value)
    yield Piece(
        text=kind.text(value) or caption,
        modality=media.modality,
        media=media,
        title=media.name,
        meta={"caption": caption},
        extractor="omni",
        key=key_of_bytes(media.digest),
    )


def _within(pieces: Iterator[Piece], plan: Plan, name: str) -> Iterator[Piece]:
    """Pieces up to the limits; the whole says what was left out.

    Raises:
        MediaError: if the time is up.
    """
    began = time.monotonic()
    kept: list[Piece] = []
    made = 0
    for piece in pieces:
        if time.monotonic() - began > plan.seconds:
            raise MediaError(
                f"{name} took longer than {plan.seconds:g} s: split it, or allow more seconds"
            )
        if piece.media is not None and piece.media.data is not None:
            made += piece.media.size
        if len(kept) > plan.most_pieces:
            kept[0] = _noted(kept[0], f"only the first {plan.most_pieces:,} pieces are kept")
            break
        if kept and made > plan.most_bytes:
            note = f"only pieces up to {plan.most_bytes:,} bytes of media are kept"
            kept[0] = _noted(kept[0], note)
            break
        if piece.text.strip() or piece.media is not None:
            kept.append(piece)
    yield from kept


def _noted(whole: Piece, note: str) -> Piece:
    notes = [*whole.meta.get("notes", ()), note]
    return replace(whole, meta={**whole.meta, "notes": notes})
