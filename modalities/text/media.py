"""The modality of text and documents; each format is read in a file beside this one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from omni.errors import MediaError, UsageError
from omni.media import Media
from omni.modality import Modality
from omni.values import Document, Passage

from .decoding import peek

if TYPE_CHECKING:
    import torch
    from PIL import Image

    from .encoder import TextEncoder

TXT = "text/plain"
MD = "text/markdown"
HTML = "text/html"
PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
CHARACTERS_PER_TOKEN = 4
TOKENS_PER_PAGE_PICTURE = 144
_MARKDOWN_SUFFIXES = (".md", ".markdown")
_HTML_SUFFIXES = (".html", ".htm", ".xhtml")
_HTML_BEGINNINGS = ("<!doctype html", "<html", "<head", "<body")
_TOPICS = ("a red circle", "two beeps", "a rising curve", "a turning cube")


class TextModality(Modality):
    """Text and documents, decoded to `omni.values.Document`; a plain `str` is taken too."""

    name: ClassVar[str] = "text"
    prefix: ClassVar[str] = "doc"
    mime_types: ClassVar[tuple[str, ...]] = (TXT, MD, HTML, PDF, DOCX)
    suffixes: ClassVar[tuple[str, ...]] = (
        *(".txt", ".text", ".log", ".rst", *_MARKDOWN_SUFFIXES, *_HTML_SUFFIXES),
        *(".pdf", ".docx"),
    )
    block: ClassVar[Literal["text", "image", "audio", "video", "file"]] = "file"

    def sniff(self, head: bytes, name: str) -> str | None:
        suffix = PurePath(name).suffix.lower()
        if b"%PDF-" in head[:1024]:
            return PDF
        if head[:4] == b"PK\x03\x04":
            return DOCX if b"word/" in head or suffix == ".docx" else None
        words = peek(head)
        if words is None:
            return None
        beginning = words.lstrip("\ufeff \t\r\n").lower()
        if beginning.startswith(_HTML_BEGINNINGS) or (
            suffix in _HTML_SUFFIXES and beginning.startswith("<")
        ):
            return HTML
        return MD if suffix in _MARKDOWN_SUFFIXES else TXT

    def load(self, media: Media) -> Document:
        if media.mime == PDF:
            from .pdf import read
        elif media.mime == DOCX:
            from .docx import read
        elif media.mime == HTML:
            from .html import read
        elif media.mime in (TXT, MD):
            from .plain import read
        else:
            raise MediaError(f"{media.name}: {media.mime!r} is no document that Omni reads")
        document = read(media)
        if not document.pages and not document.text.strip():
            raise MediaError(f"{media.name} holds no text: there is nothing to read in it")
        return document

    def save(self, value: Document | str, *, name: str, mime: str | None = None) -> Media:
        mime = mime or TXT
        if mime not in (TXT, MD):
            raise UsageError(f"documents are not saved as {mime!r}; choose {TXT} or {MD}")
        data = self.text(value).encode()
        if not data.strip():
            raise UsageError(f"{name} would hold no text: give the document some words")
        return Media.from_bytes(data, modality=self.name, mime=mime, name=name)

    def facts(self, value: Document | str) -> dict[str, Any]:
        document, text = _document(value), self.text(value)
        return {
            "title": document.title,
            "pages": len(document.pages),
            "passages": len(document.passages),
            "words": len(text.split()),
            "characters": len(text),
        }

    def caption(self, value: Document | str) -> str:
        """One line such as `document "Report" of 3 pages, 512 words`."""
        found = self.facts(value)
        title = " ".join(found["title"].split())
        named = f'document "{title}"' if title else "document"
        if found["pages"]:
            named += f" of {found['pages']:,} page{'s' if found['pages'] > 1 else ''}"
        return f"{named}, {found['words']:,} words"

    def text(self, value: Document | str) -> str:
        return value if isinstance(value, str) else value.text

    def parts(self, value: Document | str) -> Iterator[tuple[str, Image.Image]]:
        """A picture of each page, drawn when it is asked for."""
        for page in _document(value).pages:
            yield "image", page

    def picture(self, value: Document | str, *, width: int = 640) -> Image.Image:
        from .rendering import first_page

        return first_page(_document(value), width)

    def sparkline(self, value: Document | str, *, width: int = 60) -> str:
        """The first words."""
        words = " ".join(self.text(value)[: 8 * width].split())
        return words if len(words) <= width else words[: width - 1] + "…"

    def estimate_tokens(self, value: Document | str) -> int:
        """Tokens of the words, or of the page pictures where there are no words."""
        characters = len(self.text(value).strip())
        if not characters:
            return max(1, len(_document(value).pages) * TOKENS_PER_PAGE_PICTURE)
        return math.ceil(characters / CHARACTERS_PER_TOKEN)

    def features(self, value: Document | str) -> dict[str, torch.Tensor]:
        """`ids`: int64 `[N]`, word pieces of the first words, end marks included; N is ≤ 32."""
        import torch

        from .encoder import piece_ids

        return {"ids": torch.tensor(piece_ids(self.text(value)))}

    def encoder(self, **config: Any) -> TextEncoder:
        """Reads a short text; longer ones are given to a language model as words."""
        from .encoder import TextEncoder

        return TextEncoder(**config)

    def example(self, seed: int = 0) -> Document:
        topic = _TOPICS[seed % len(_TOPICS)]
        return Document(
            (
                Passage(f"# Note {seed}\n"),
                Passage(f"This note is about {topic}.\n"),
                Passage("It ends here."),
            ),
            title=f"Note {seed}",
        )


def _document(value: Document | str) -> Document:
    return Document((Passage(value),)) if isinstance(value, str) else value
