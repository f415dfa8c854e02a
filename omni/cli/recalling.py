"""Answering from a memory: what is found goes to the brain, and its sources to the answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from omni.content import Answer, TextPart

if TYPE_CHECKING:
    from omni.chat.agent import Agent
    from omni.chat.recalling import Recalled
    from omni.cli.screen import Screen
    from omni.config import Settings
    from omni.content import Citation
    from omni.media import Media

_DRAWN = 2
"""Excerpts that are drawn under an answer; the other sources are told in words."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with what a memory holds on it, for `omni ask`.

    Attributes:
        prompt: the question.
        recalled: what was found.
        words: it, between marks, for a brain that reads.
        nano: whether the brain is the embedded one.
        told: each citation of a hit in a few words.
        excerpt: of the hit in a place, where there is anything to see.
    """

    prompt: str
    recalled: Recalled
    words: str
    nano: bool
    told: Sequence[str]
    excerpt: Callable[[int], Media | None]

    @property
    def notes(self) -> Sequence[str]:
        """What could not be done."""
        return self.recalled.notes

    def ask(self, agent: Agent, want: Sequence[str] = ()) -> Answer:
        """The answer of the brain, or of the sources' own words, with its citations."""
        found = self.recalled
        if not found.hits:
            answer = _failed("nothing in this memory is about the question")
        elif self.nano and found.quotes:
            cited = tuple(citation for _, citation, _ in found.quotes)
            answer = Answer(parts=(TextPart(text=found.quoted),), citations=cited)
        elif self.nano and (not found.shown or found.shown[0][0] > 0):
            answer = _failed(
                "what was found does not answer this in so many words, and omni-nano does not "
                "read open text: give a brain with --model"
            )
        else:
            answer = self._asked(agent, want)
        return answer.model_copy(update={"timings": {"recall": found.seconds, **answer.timings}})

    def _asked(self, agent: Agent, want: Sequence[str]) -> Answer:
        # The embedded model reads questions of its own world: one item, and no prose around it.
        shown = [media for _, media in self.recalled.shown][: 1 if self.nano else None]
        prompt = self.prompt if self.nano else f"{self.words}\n\n{self.prompt}"
        answer = agent.run(prompt, shown, want=want)
        cited = self.recalled.citations[:1] if self.nano else self.recalled.used(answer.text)
        return answer.model_copy(update={"citations": (*answer.citations, *cited)})

    def sources(self, answer: Answer) -> list[str]:
        """A line for each source of an answer."""
        return [f"[{number}] {told}" for number, told, _ in self._sources(answer.citations)]

    def show(self, answer: Answer, screen: Screen, way: str) -> None:
        """The sources of an answer, and what is to be seen of them."""
        told = self._sources(answer.citations)
        sources = [(number, said, partial(self._seen, place)) for number, said, place in told]
        show_sources(sources, screen, way)

    def _seen(self, place: int | None) -> Media | None:
        return None if place is None else self.excerpt(place)

    def _sources(self, citations: Sequence[Citation]) -> list[tuple[int, str, int | None]]:
        found = []
        for count, citation in enumerate(citations, 1):
            place = self.recalled.place(citation)
            quoted = [where for _, one, where in self.recalled.quotes if one == citation]
            if place is None:
                found.append((count, quoted[0] if quoted else citation.source, None))
            else:
                told = quoted[0] if quoted else self.told[place]
                found.append((place + 1, told, place))
        return found


def recall(folder: str, prompt: str, attached: Sequence[Media], settings: Settings) -> Asked:
    """What the memory in a folder holds on a question.

    Raises:
        UsageError: if there is no memory.
    """
    from omni.cli.memory import open_library

    return recall_from(partial(open_library, folder, settings), prompt, attached, settings)


def recall_from(
    opened: Callable[[], Any], prompt: str, attached: Sequence[Media], settings: Settings
) -> Asked:
    """What a memory, or one document, holds on a question.

    Args:
        opened: opens it, as often as something of it is looked at.
        prompt: the question.
        attached: media that are asked with.
        settings: of the brain.
    """
    from omni.chat.recalling import look, looked_at

    nano = settings.model == "nano"
    with opened() as library:
        found = look(library, prompt, attached, quote=nano)
        shown = {place for place, _ in found.shown}
        names = [
            hit.record.media.name if place in shown and looked_at(hit) else ""
            for place, hit in enumerate(found.hits)
        ]
        return Asked(
            prompt=prompt,
            recalled=found,
            words=library.fenced(found.hits, names),
            nano=nano,
            told=[library.told(one) for one in found.citations],
            excerpt=partial(_excerpt, opened, found.hits),
        )


def _excerpt(opened: Callable[[], Any], hits: Sequence[Any], place: int) -> Media | None:
    """What is to be seen of a hit; taken apart only when somebody looks."""
    from omni.errors import OmniError

    try:
        with opened() as library:
            return library.excerpt(hits[place])
    except OmniError:
        return None  # the source may be gone; the words still stand


def show_sources(
    sources: Sequence[tuple[int, str, Callable[[], Media | None]]], screen: Screen, way: str
) -> None:
    """A line for each source; under the first ones, at a terminal, the spot itself."""
    from omni.cli.preview import try_to_show

    drawn = 0
    for number, told, excerpt in sources:
        screen.notice(f"[{number}] {told}")
        if not screen.interactive or drawn >= _DRAWN:
            continue
        if (media := excerpt()) is not None:
            try_to_show(media, screen, way=way)
            drawn += 1


def _failed(reason: str) -> Answer:
    return Answer(parts=(TextPart(text="", status="failed", reason=reason),))
