"""Show media in the terminal: a caption always, a picture or a line of signs where that works.

How pictures are drawn is decided once, by `graphics`, and can be forced with `OMNI_GRAPHICS`.
"""

from __future__ import annotations

import io
import logging
import os
import sys
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from omni.cli.screen import Screen, clean, colourful, fit, one_line, size
from omni.errors import OmniError, UsageError

if TYPE_CHECKING:
    from PIL import Image

    from omni.media import Media

WAYS = ("auto", "kitty", "sixel", "blocks", "none")
_SHADES = " ░▒▓█"
_MAX_COLUMNS = 60
_CELL_PIXELS = (10, 20)


@dataclass(frozen=True, slots=True)
class Graphics:
    """How pictures are drawn here, and why so."""

    way: str
    reason: str


@cache
def graphics(forced: str = "auto") -> Graphics:
    """Decide how pictures are drawn: `forced`, or what this terminal can do.

    Raises:
        UsageError: if `forced` is no known way.
    """
    if forced not in WAYS:
        raise UsageError(f"unknown graphics {forced!r}: wanted {', '.join(WAYS)}")
    if forced != "auto":
        return Graphics(forced, "asked for")
    if not sys.stdout.isatty():
        return Graphics("none", "standard output is no terminal")
    terminal = os.environ.get("TERM", "")
    if terminal == "dumb":
        return Graphics("none", "TERM is dumb")
    if os.environ.get("KITTY_WINDOW_ID") or terminal == "xterm-kitty":
        return Graphics("kitty", "this is kitty")
    if terminal in ("foot", "mlterm"):
        return Graphics("sixel", f"this is {terminal}")
    if terminal == "linux" or not sys.stdin.isatty():
        return Graphics("blocks", "this terminal cannot be asked for more")
    return _asked()


def _asked() -> Graphics:
    """Ask the terminal, which the library does as it is imported."""
    logging.getLogger("textual_image").setLevel(logging.CRITICAL)
    from textual_image import renderable

    if renderable.Image is renderable.SixelImage:
        return Graphics("sixel", "the terminal says so")
    if renderable.Image is renderable.TGPImage:
        return Graphics("kitty", "the terminal says so")
    return Graphics("blocks", "the terminal knows no inline pictures")


def caption(media: Media, handle: str = "") -> str:
    """One line: handle, name, kind and the facts that its modality measures."""
    from omni.modality import modality

    plugin = modality(media.modality)
    facts = plugin.caption(plugin.load(media))
    head = f"{handle}  " if handle else ""
    return one_line(f"{head}{media.name}: {media.modality}, {facts} ({size(media.size)})")


def show(media: Media, screen: Screen, *, handle: str = "", way: str = "auto") -> None:
    """Write the caption, and under it what a person would see; only the caption when piped.

    Raises:
        OmniError: if the media cannot be read.
    """
    from omni.modality import modality

    if not screen.interactive:
        screen.line(caption(media, handle))
        return
    screen.line(fit(clean(caption(media, handle)), screen.columns))
    drawn = graphics(way)
    if drawn.way == "none":
        return
    plugin = modality(media.modality)
    value = plugin.load(media)
    columns = max(8, min(screen.columns, _MAX_COLUMNS))
    line = plugin.sparkline(value, width=columns)
    if line:
        screen.line("\n".join(fit(part, columns) for part in line.splitlines()))
        return
    show_picture(plugin.picture(value, width=columns * _CELL_PIXELS[0]), screen, way=way)


def show_picture(picture: Image.Image, screen: Screen, *, way: str = "auto") -> None:
    """Draw a picture, where the terminal can."""
    drawn = graphics(way)
    if drawn.way == "none" or not screen.interactive:
        return
    columns = max(8, min(screen.columns, _MAX_COLUMNS))
    rows = max(4, min(screen.rows - 6, columns // 3))
    screen.raw(draw(picture, drawn.way, columns, rows, colour=colourful(screen.out)))


def try_to_show(media: Media, screen: Screen, *, handle: str = "", way: str = "auto") -> None:
    """`show`, where a preview that fails is a line and not an end."""
    try:
        show(media, screen, handle=handle, way=way)
    except OmniError as error:
        screen.error(f"no preview of {handle or media.name}: {error}")


def draw(picture: Image.Image, way: str, columns: int, rows: int, *, colour: bool = True) -> str:
    """The characters that draw a picture within so many columns and rows."""
    if way in ("kitty", "sixel"):
        return _inline(picture, way, columns, rows)
    return _blocks(picture, columns, rows) if colour else _shades(picture, columns, rows)


def _fitted(picture: Image.Image, columns: int, rows: int) -> tuple[int, int]:
    """Columns and half rows that keep its shape: two half rows make a row."""
    scale = min(columns / picture.width, 2 * rows / picture.height)
    wide = max(1, round(picture.width * scale))
    high = max(2, round(picture.height * scale))
    return min(wide, columns), min(high + high % 2, 2 * rows)


def _blocks(picture: Image.Image, columns: int, rows: int) -> str:
    """Two pixels a character: the upper one is its colour, the lower one its background."""
    wide, high = _fitted(picture, columns, rows)
    pixels = picture.convert("RGB").resize((wide, high)).tobytes()
    lines = []
    for row in range(0, high, 2):
        cells = []
        for column in range(wide):
            upper = 3 * (row * wide + column)
            lower = upper + 3 * wide
            front = ";".join(map(str, pixels[upper : upper + 3]))
            back = ";".join(map(str, pixels[lower : lower + 3]))
            cells.append(f"\x1b[38;2;{front};48;2;{back}m▀")
        lines.append("".join(cells) + "\x1b[0m\n")
    return "".join(lines)


def _shades(picture: Image.Image, columns: int, rows: int) -> str:
    """Brightness only, for terminals and people without colours."""
    wide, high = _fitted(picture, columns, rows)
    pixels = picture.convert("L").resize((wide, high // 2)).tobytes()
    signs = "".join(_SHADES[pixel * len(_SHADES) // 256] for pixel in pixels)
    return "".join(signs[at : at + wide].rstrip() + "\n" for at in range(0, len(signs), wide))


def _inline(picture: Image.Image, way: str, columns: int, rows: int) -> str:
    logging.getLogger("textual_image").setLevel(logging.CRITICAL)
    from rich.console import Console
    from textual_image import renderable

    wide, high = _fitted(picture, columns, rows)
    kind = renderable.TGPImage if way == "kitty" else renderable.SixelImage
    out = io.StringIO()
    console = Console(
        file=out, force_terminal=True, color_system="truecolor", width=columns, height=rows + 2
    )
    console.print(kind(picture.convert("RGB"), width=wide, height=high // 2))
    return out.getvalue()
