"""What is written in a picture, and where."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from omni.modality import modality
from omni.plugins import Component
from omni.recognition.writing import NAME, read
from omni.workbench import Arguments, BenchTool

COMPONENTS = (Component("tool", "read_text", "Words in a picture or a document, with boxes."),)

_PAGES = 20


class _Picture(Arguments):
    image: str = Field(description="handle of a picture or a document, such as img-1 or txt-1")
    boxes: bool = Field(False, description="also say where each line stands")
    page: int | None = Field(None, ge=1, description="of a document: only this page")


class ReadText(BenchTool):
    """Reads pictures by character recognition, and documents by the words they hold."""

    name: str = "read_text"
    description: str = (
        "Read the words in a picture (a scan, a sign, a screenshot) or in a document. With boxes, "
        "each line has its left, top, right and bottom in pixels."
    )
    args_schema: Any = _Picture

    def work(self, image: str, boxes: bool = False, page: int | None = None) -> str:
        media = self.bench.open(image, "image", "text")
        value = modality(media.modality).load(media)
        if media.modality == "text":
            return self._document(image, value, page)
        lines = read(value)
        if not lines:
            return f"No writing was found in {image} (by {NAME})."
        width, height = value.size
        told = []
        for line in lines:
            left, top, right, bottom = line.box
            corners = (
                f"{left * width:.0f},{top * height:.0f},{right * width:.0f},{bottom * height:.0f}"
            )
            told.append(f"[{corners}] {line.text}" if boxes else line.text)
        return f"Written in {image}:\n" + "\n".join(told)

    def _document(self, name: str, document: Any, page: int | None) -> str:
        wanted = [one for one in document.passages if page is None or one.page == page]
        text = "\n".join(one.text for one in wanted).strip()
        if text:
            return f"Written in {name}:\n{text}"
        pages = list(document.pages)[: _PAGES if page is None else None]
        chosen = pages if page is None else pages[page - 1 : page]
        lines = [line.text for picture in chosen for line in read(picture)]
        if not lines:
            return f"No writing was found in {name} (by {NAME})."
        return f"Written in {name}, read from its pages by {NAME}:\n" + "\n".join(lines)


plugin = ReadText
