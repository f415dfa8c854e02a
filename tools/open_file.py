"""Open a file of the allowed folders: it gets a handle, and text is read out."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from omni.errors import Retry
from omni.modality import modality
from omni.plugins import Component
from omni.wire import media_block
from omni.workbench import Arguments, BenchTool, Blocks

COMPONENTS = (Component("tool", "open_file", "A file of the allowed folders, with a handle."),)

_LONGEST = 8000


class _File(Arguments):
    path: str = Field(description="path of the file, as find_files lists it, or a handle")
    start: int = Field(0, ge=0, description="of a text: from which character on")


class OpenFile(BenchTool):
    """Reads text out in parts; other media are shown and get a handle."""

    name: str = "open_file"
    description: str = (
        "Open a file: a picture, film, recording, solid or series gets a handle for other tools; "
        f"a text is read out, {_LONGEST} characters at a time."
    )
    args_schema: Any = _File

    def work(self, path: str, start: int = 0) -> str | Blocks:
        media = self.bench.open(path)
        kind = modality(media.modality)
        value = self.bench.value(path)
        text = kind.text(value)
        if text is None:
            words = f"{media.name}: {media.modality}, {kind.caption(value)}"
            return [{"type": "text", "text": words}, media_block(media)]
        if start and start >= len(text):
            raise Retry(f"{media.name} has {len(text)} characters: there is none at {start}")
        end = min(len(text), start + _LONGEST)
        rest = f"; go on with start={end}" if end < len(text) else ""
        head = f"Characters {start} to {end} of {len(text)} of {media.name}{rest}:"
        return f"{head}\n{text[start:end]}"


plugin = OpenFile
