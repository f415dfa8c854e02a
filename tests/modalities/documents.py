"""Documents for the tests of text: read from bytes, and their words."""

from omni.modality import media_from_bytes, modality
from omni.values import Document

TEXT = modality("text")


def load(data: bytes, name: str) -> Document:
    media = media_from_bytes(data, name)
    assert media.modality == "text"
    return TEXT.load(media)


def words_of(document: Document) -> list[str]:
    return [passage.text for passage in document.passages]
