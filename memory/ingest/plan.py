"""How files are taken apart: the limits, and what is looked for in them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

from omni.errors import UsageError


@dataclass(frozen=True, slots=True)
class Plan:
    """Settings of the extractors; they reach processes and machines as plain values.

    Attributes:
        passage: characters of a passage, about.
        ocr: whether to read words in pictures, pages without text and films.
        speech: `auto`, `whisper`, `pocketsphinx` or `none`; `auto` takes whisper where its weights
            are on disk, else pocketsphinx, else none.
        page_pictures: keep a picture of every page of a PDF, not only of those without text.
        most_pieces: of a file; what is beyond is left out and said so.
        most_bytes: of media that are made of one file's pieces, such as clips and figures.
        most_read: pictures of a file in which words are looked for.
        figure_words: whether words in the figures of a PDF are read too, at about a second each.
        speech_seconds: of a recording that are given to the recogniser.
        shot_seconds: a film is looked at for words this often.
        window_rows: rows of a window of a series, at least.
        most_windows: windows of a series.
        seconds: that one file may take.
    """

    passage: int = 1200
    ocr: bool = True
    speech: str = "auto"
    page_pictures: bool = False
    most_pieces: int = 20_000
    most_bytes: int = 512 << 20
    most_read: int = 200
    speech_seconds: float = 3600.0
    shot_seconds: float = 5.0
    window_rows: int = 256
    most_windows: int = 64
    seconds: float = 900.0
    figure_words: bool = False

    def __post_init__(self) -> None:
        if self.speech not in ("auto", "whisper", "pocketsphinx", "none"):
            raise UsageError(
                f"unknown recogniser {self.speech!r}: wanted auto, whisper, pocketsphinx or none"
            )
        for one in fields(self):
            value = getattr(self, one.name)
            if not isinstance(value, bool | str) and not value > 0:
                raise UsageError(f"{one.name} of a plan is a number above 0, not {value}")

    @property
    def mark(self) -> str:
        """What changes the pieces of a file; the time that it may take does not."""
        kept = {name: value for name, value in asdict(self).items() if name != "seconds"}
        if not self.figure_words:
            del kept["figure_words"]  # came later: what was taken apart without it stays as it is
        return json.dumps(kept, sort_keys=True)

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> Plan:
        return cls(**found)
