"""What the tools of an agent have at hand: the media of the session, by handle.

A tool of ours is a LangChain tool that is given a workbench. It takes handles such as `img-1`,
answers with content blocks, and what it makes gets a handle with its lineage when the agent keeps
it. The class, not an instance, is the plug-in: the agent puts its own workbench into it.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from langchain_core.tools import BaseTool
from pydantic import BaseModel, ConfigDict

from omni.errors import MediaError, ModelError, OmniError, Retry
from omni.making import Made, Makers
from omni.media import HANDLE, Access, Media, Shelf
from omni.modality import modality, open_media
from omni.recollection import Recollection
from omni.wire import media_block

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

Blocks = list[dict[str, Any]]


class Workbench:
    """The media of one session, as tools see them.

    Args:
        shelf: media by handle.
        access: which files may be opened by name. Without roots none may: a name comes from a
            model, which may have it from a page that it was told to read.
        makers: who makes media, if not the usual ones.
        memory: what is remembered beyond the session, if anything can be.
        brain: the model of the session, for tools that ask it about media.
    """

    def __init__(
        self,
        shelf: Shelf,
        access: Access | None = None,
        *,
        makers: Makers | None = None,
        memory: Recollection | None = None,
        brain: BaseChatModel | None = None,
    ):
        self.shelf = shelf
        self.access = access or Access()
        self.makers = makers or Makers()
        self._memory = memory
        self.brain = brain

    @property
    def memory(self) -> Recollection:
        """What is remembered beyond the session.

        Raises:
            Retry: if nothing is.
        """
        if self._memory is None:
            raise Retry("this session has no memory beside it: go on without")
        return self._memory

    def open(self, name: str, *kinds: str) -> Media:
        """The media behind a handle, or in a file within the allowed folders.

        Args:
            name: what the model says.
            kinds: modalities that will do; any if none is named.

        Raises:
            Retry: if there is no such thing, or it is of another kind.
        """
        media = self._found(name.strip())
        if kinds and media.modality not in kinds:
            wanted = " or ".join(kinds)
            raise Retry(
                f"{name} is {_a(media.modality)}, and this needs {_a(wanted)}: {self._known(kinds)}"
            )
        return media

    def value(self, name: str, *kinds: str) -> Any:
        """The decoded value of `open`."""
        media = self.open(name, *kinds)
        try:
            return modality(media.modality).load(media)
        except MediaError as error:
            raise Retry(str(error)) from None

    def _found(self, name: str) -> Media:
        if name in self.shelf:
            return self.shelf.media(name)
        if HANDLE.fullmatch(name) or not self.access.roots:
            raise Retry(f"there is no {name!r}: {self._known(())}")
        try:
            return open_media(Path(name), self.access)
        except MediaError as error:
            raise Retry(f"{error}; {self._known(())}") from None

    def _known(self, kinds: Sequence[str]) -> str:
        found = [ref.handle for ref in self.shelf if not kinds or ref.modality in kinds]
        kind = " or ".join(kinds) if kinds else "media"
        return f"there is {', '.join(found)}" if found else f"there is no {kind} in this session"


class BenchTool(BaseTool):
    """Base of our tools: arguments are checked, errors tell the model what to do.

    A subclass sets `name`, `description`, `args_schema` and, if it makes media, `makes`; it writes
    `work`, which takes the arguments by name. One that touches more than the media of the session
    sets `asks`, and is then never among `all`; one that may take long says with `patience` how many
    seconds that is.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    bench: Workbench
    makes: ClassVar[str | None] = None
    asks: ClassVar[bool] = False
    patience: ClassVar[float | None] = None

    def model_post_init(self, context: Any) -> None:
        super().model_post_init(context)
        said = {"makes": self.makes, "seconds": self.patience}
        said = {name: value for name, value in said.items() if value is not None}
        if said:
            self.metadata = {**(self.metadata or {}), **said}

    @abstractmethod
    def work(self, *args: Any, **arguments: Any) -> str | Blocks:
        """What the tool is for, with its arguments by name; words, or content blocks."""

    def _run(self, **arguments: Any) -> str | Blocks:
        try:
            return self.work(**arguments)
        except OmniError as error:
            # Of a person's error the model needs no class, only what to do.
            raise error if isinstance(error, ModelError) else Retry(str(error)) from None


class Arguments(BaseModel):
    """Base of the arguments of a tool; what is not known is refused rather than passed over."""

    model_config = ConfigDict(extra="forbid")


def made(
    kind: str, value: Any, *, name: str, words: str = "", mime: str | None = None, **ours: Any
) -> Blocks:
    """Words, and a thing that was made, as content blocks.

    Args:
        kind: its modality.
        value: it, decoded.
        name: a file name.
        words: what to say of it; before it.
        mime: how it is encoded, if not as its modality likes best.
        ours: facts that go under our own key, such as `lineage`.
    """
    media = modality(kind).save(value, name=name, mime=mime)
    said: Blocks = [{"type": "text", "text": words}] if words else []
    return [*said, media_block(media, **ours)]


def shown(made: Made, words: str = "") -> Blocks:
    """Words, and what a maker made, as content blocks."""
    said = words or made.words
    first: Blocks = [{"type": "text", "text": said}] if said else []
    return [*first, made.block()]


def told(facts: Mapping[str, Any]) -> str:
    """Facts as JSON that is short enough for a model to read."""
    return json.dumps(facts, ensure_ascii=False, separators=(", ", ": "), default=str)


def _a(word: str) -> str:
    return f"an {word}" if word[:1] in "aeiou" else word if word.endswith("s") else f"a {word}"
