"""Text and documents: plain text, Markdown, HTML, PDF and DOCX."""

from omni.plugins import Component

from .media import TextModality

plugin = TextModality()

COMPONENTS = (
    Component(
        "modality",
        "text",
        "Text and documents: TXT, Markdown, HTML, PDF with page and box, DOCX, with page pictures.",
    ),
)
