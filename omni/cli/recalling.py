"""Answering from a memory: what is found goes to the brain, and its sources to the answer."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from omni.content import Answer, Citation, TextPart

if TYPE_CHECKING:
    from omni.chat.agent import Agent
    from omni.config import Settings
    from omni.media import Media

_HITS = 6
_MEDIA = 4
_NUMBER = re.compile(r"\[(\d{1,2})\]")


@dataclass(frozen=True, slots=True)
class Recalled:
    """What a memory holds on a question.

    Attributes:
        prompt: the question.
        words: what was found, between marks, for a brain that reads.
        media: of the hits, the nearest first.
        citations: of the hits, by which the brain numbers them.
        quotes: sentences that answer, each with its source, for a brain that does not read.
        open_text: whether the answer is in words rather than in media.
        nano: whether the brain is the embedded one.
        seconds: that the search took.
        notes: what could not be done.
        told: a citation in a few words.
    """

    prompt: str
    words: str
    media: Sequence[Media]
    citations: Sequence[Citation]
    quotes: Sequence[tuple[str, Citation, str]]
    open_text: bool
    nano: bool
    seconds: float
    notes: Sequence[str] = field(default=())
    told: Callable[[Citation], str] = field(default=lambda citation: citation.source)

    def sources(self, answer: Answer) -> list[str]:
        """A line for each source of an answer."""
        numbers = {id(one): place for place, one in enumerate(self.citations, 1)}
        return [
            f"[{numbers.get(id(one), place)}] {self.told(one)}"
            for place, one in enumerate(answer.citations, 1)
        ]

    def ask(self, agent: Agent, want: Sequence[str] = ()) -> Answer:
        """The answer of the brain, or of the sources' own words, with its citations."""
        if not self.citations:
            answer = _failed("nothing in this memory is about the question")
        elif self.nano and self.open_text:
            answer = self._quoted()
        else:
            answer = self._asked(agent, want)
        return answer.model_copy(update={"timings": {"recall": self.seconds, **answer.timings}})

    def _asked(self, agent: Agent, want: Sequence[str]) -> Answer:
        # The embedded model reads questions of its own world: one item, and no prose around it.
        shown = self.media[:1] if self.nano else self.media[:_MEDIA]
        prompt = self.prompt if self.nano else f"{self.words}\n\n{self.prompt}"
        answer = agent.run(prompt, list(shown), want=want)
        given = self.citations[:1] if self.nano else self.citations
        named = {int(number) for number in _NUMBER.findall(answer.text)}
        used = [one for place, one in enumerate(given, 1) if place in named] or list(given)
        return answer.model_copy(update={"citations": (*answer.citations, *used)})

    def _quoted(self) -> Answer:
        """Sentences word for word; the embedded model does not write from open text."""
        if not self.quotes:
            return _failed(
                "what was found does not answer this in so many words, and omni-nano does not "
                "read open text: give a brain with --model"
            )
        told = [f"“{text}” ({where})" for text, _, where in self.quotes]
        text = "Quoted from memory, since omni-nano does not read open text:\n" + "\n".join(told)
        cited = tuple(citation for _, citation, _ in self.quotes)
        return Answer(parts=(TextPart(text=text),), citations=cited)


def recall(folder: str, prompt: str, attached: Sequence[Media], settings: Settings) -> Recalled:
    """What the memory in a folder holds on a question.

    Raises:
        UsageError: if there is no memory.
    """
    from omni.cli.memory import open_library

    began = time.perf_counter()
    nano = settings.model == "nano"
    with open_library(folder, settings) as library:
        found = library.search(library.query(prompt, attached), _HITS)
        hits = list(found.hits)
        with_media = [hit for hit in hits if _shown(hit)][:_MEDIA]
        names = [hit.record.media.name if hit in with_media else "" for hit in hits]
        open_text = bool(hits) and not _shown(hits[0])
        quotes = library.quotes(prompt, hits) if nano and open_text else []
        return Recalled(
            prompt=prompt,
            words=library.fenced(hits, names),
            media=[hit.record.media for hit in with_media],
            citations=[library.cite(hit) for hit in hits],
            quotes=[
                (" ".join(one.text.split()), one.citation, library.told(one.citation))
                for one in quotes
            ],
            open_text=open_text,
            nano=nano,
            seconds=time.perf_counter() - began,
            notes=[*library.notes, *found.explain.notes],
            told=library.told,
        )


def _shown(hit: Any) -> bool:
    """Whether a hit is media that a brain looks at; documents are read as words."""
    media = hit.record.media
    return media is not None and media.modality != "text"


def _failed(reason: str) -> Answer:
    return Answer(parts=(TextPart(text="", status="failed", reason=reason),))
