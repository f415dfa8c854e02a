"""Pictures of what a selection kept, written to files and shown in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omni.cli import files, preview
from omni.cli.screen import Screen, fit
from omni.errors import OmniError, UsageError

if TYPE_CHECKING:
    from PIL import Image

    from omni.content import Kept, Selection
    from omni.media import Shelf

_WIDTH = 640
_PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp"})


@dataclass(frozen=True, slots=True)
class Drawn:
    """One item of a selection, its picture, and the file that it lies in.

    Attributes:
        item: what was kept of it.
        picture: `None` where there is none, and then there is no path.
        path: of the file.
        reason: why there is no picture.
    """

    item: Kept
    picture: Image.Image | None = None
    path: Path | None = None
    reason: str = ""

    @property
    def line(self) -> str:
        """Which item, how much was kept, why, and the file."""
        item = self.item
        told = [f"{item.kept} of {item.of} tokens kept"]
        if item.dropped and item.kept < item.of:
            told.append(f"{item.dropped:.0%} of the score dropped")
        if item.near is not None:
            told.append(f"nearness {item.near:.2f}")
        where = self.path or f"no picture: {self.reason}"
        return f"{item.handle or item.modality}  {', '.join(told)}  {where}"


def write(shelf: Shelf, selection: Selection, target: Path) -> list[Drawn]:
    """Draw every item of a selection, into a folder or into a file.

    Several items have several files, with their handles behind the name of that file. Nothing is
    ever overwritten.

    Raises:
        UsageError: if it cannot be written.
    """
    alone = len(selection.items) == 1
    found = []
    for item in selection.items:
        try:
            picture = draw(shelf, item)
        except OmniError as error:
            found.append(Drawn(item, reason=str(error)))
            continue
        path = target if alone and is_file(target) else _free(target, item)
        found.append(Drawn(item, picture, _saved(picture, path)))
    return found


def is_file(target: Path) -> bool:
    """Whether a path is meant as a file of a picture rather than as a folder."""
    return target.suffix.lower() in _PICTURES and not target.is_dir()


def make_ready(target: Path) -> None:
    """Find out early whether pictures can be written there.

    Raises:
        UsageError: if the file exists, or its folder cannot be made.
    """
    if not is_file(target):
        files.folder(target)
        return
    if target.exists():
        raise UsageError(f"{target} exists: name another file")
    files.folder(target.parent)


def draw(shelf: Shelf, item: Kept) -> Image.Image:
    """The picture of one item.

    Raises:
        OmniError: if the media are gone, or nobody knows which tokens were kept.
    """
    from omni.compression.budget import Grid
    from omni.modality import modality

    if item.grid is None or (item.places is None and item.kept < item.of):
        raise UsageError("its model does not tell which tokens were kept")
    media = shelf.media(item.handle)
    plugin = modality(media.modality)
    value = plugin.load(media)
    if item.modality and item.modality != media.modality:
        # The model reads no such media, and was shown a picture of them.
        value, plugin = plugin.picture(value), modality(item.modality)
    places = range(item.of) if item.places is None else item.places
    return plugin.overlay(value, Grid(*item.grid), places, width=_WIDTH)


def tell(drawn: Sequence[Drawn], screen: Screen, way: str) -> None:
    """A line for each item, and the picture above it where the terminal can show it."""
    for one in drawn:
        if one.picture is not None:
            preview.show_picture(one.picture, screen, way=way)
        screen.line(fit(one.line, screen.columns) if screen.interactive else one.line)


def in_json(told: dict[str, Any], drawn: Sequence[Drawn]) -> dict[str, Any]:
    """A selection as JSON, with the file of each picture as `overlay`."""
    rows = [
        row if one.path is None else {**row, "overlay": str(one.path)}
        for row, one in zip(told["items"], drawn, strict=True)
    ]
    return {**told, "items": rows}


def usual_folder(session: str) -> Path:
    """Where pictures of a session lie if nobody says where."""
    from omni.config import home

    return home() / "selections" / session


def _free(target: Path, item: Kept) -> Path:
    name = item.handle or item.modality or "item"
    if is_file(target):
        return files.free_name(target.with_name(f"{target.stem}-{name}{target.suffix}"))
    return files.free_name(files.folder(target) / f"{name}-selection.png")


def _saved(picture: Image.Image, path: Path) -> Path:
    try:
        with path.open("xb") as stream:
            picture.save(stream, path.suffix.lower()[1:].replace("jpg", "jpeg"))
    except FileExistsError:
        raise UsageError(f"{path} exists: name another file") from None
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from None
    return path
