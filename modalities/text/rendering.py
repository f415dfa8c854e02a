"""The picture of a document: its first page, or its first words on a sheet."""

from __future__ import annotations

import textwrap

from PIL import Image, ImageDraw, ImageFont

from omni.values import Document

LINES = 32
SIGNS_PER_LINE = 64
_PAPER, _INK = (253, 253, 251), (34, 34, 38)


def first_page(document: Document, width: int) -> Image.Image:
    """An RGB picture, `width` pixels wide."""
    if document.pages:
        page = document.pages[0]
        height = max(1, min(4 * width, round(page.height * width / page.width)))
        return page.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    return _sheet(document.text, width)


def _sheet(text: str, width: int) -> Image.Image:
    lines: list[str] = []
    for line in text[: 2 * LINES * SIGNS_PER_LINE].expandtabs(4).split("\n"):
        lines += textwrap.wrap(line, SIGNS_PER_LINE, drop_whitespace=False) or [""]
        if len(lines) >= LINES:
            break
    margin, step = width / 16, width / 30
    sheet = Image.new("RGB", (width, max(1, round(2 * margin + LINES * step))), _PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=max(1.0, width / 40))
    for index, line in enumerate(lines[:LINES]):
        draw.text((margin, margin + index * step), line, fill=_INK, font=font)
    return sheet
