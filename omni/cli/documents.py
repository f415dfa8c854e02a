"""Answering from one long document, or from a memory: what `omni ask` looks into first."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omni.errors import UsageError

if TYPE_CHECKING:
    from omni.cli.recalling import Asked
    from omni.cli.screen import Screen
    from omni.config import Settings
    from omni.media import Media


def recalled_for(
    arguments: argparse.Namespace,
    prompt: str,
    attached: Sequence[Media],
    settings: Settings,
    screen: Screen,
) -> Asked | None:
    """What the document or the memory that was named holds on a question; `None` if none was.

    Raises:
        UsageError: if there is no such document or memory, or a budget without a document.
    """
    from omni.cli.recalling import recall, recall_from

    budget = arguments.document_tokens
    if arguments.document:
        given: dict[str, Any] = {"order": "near" if settings.model == "nano" else "reading"}
        given |= {} if budget is None else {"budget": budget}
        opened = partial(open_document, arguments.document, arguments.memory, settings, **given)
        screen.notice(f"reading {Path(arguments.document).name} …")
        return recall_from(opened, prompt, attached, settings)
    if budget is not None:
        raise UsageError("--document-tokens says how much of a document is read: give --document")
    return recall(arguments.memory, prompt, attached, settings) if arguments.memory else None


@contextmanager
def open_document(
    document: str, memory: str | None, settings: Settings, **given: Any
) -> Iterator[Any]:
    """One document: by its file, or by the id of a record in a memory.

    A file that is in the memory is asked there. Any other is taken apart once, and its index kept
    in the home until many others have been asked.

    Args:
        document: a file or an id.
        memory: folder of a memory; if `None` the one in the home, where there is one.
        settings: which files may be opened.
        given: as `OneDocument.open` takes it.
    """
    from omni import plugins
    from omni.cli.memory import open_library
    from omni.config import home
    from omni.media import Access

    access = Access(settings.roots, settings.max_bytes)
    kind = plugins.load("memory", "one_document")
    with ExitStack() as opened:
        library = None
        try:
            library = opened.enter_context(open_library(memory, settings))
        except UsageError:
            if memory is not None:
                raise
        cache = kind.Cache(home() / "documents", access=access)
        one = kind.open(document, library=library, cache=cache, access=access, **given)
        yield opened.enter_context(one)
