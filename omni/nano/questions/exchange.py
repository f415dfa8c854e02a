"""One question and its one right answer, and how words are put together in both."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Labels = Mapping[str, Any]
"""What is true of one thing; the keys differ by modality, see `omni.nano.corpus`."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question and its answer; `makes` names the modality that the answer is made in.

    Attributes:
        question: in one of many wordings.
        answer: exact words; of a picture the key in `omni.nano.drawing`; of sound what is said.
        makes: `text`, `image` or `audio`.
        also: other answers that are as right, such as the same things in another order.
        exact: whether the answer copies letters from the question, which is then asked as it is.
        absent: answers in words that must not be taught as wrong, see `omni.nano.absent`.
    """

    question: str
    answer: str
    makes: str = "text"
    also: tuple[str, ...] = ()
    exact: bool = False
    absent: tuple[str, ...] = ()

    @property
    def right(self) -> tuple[str, ...]:
        """Every answer that is right; the first is the one that is taught."""
        return (self.answer, *self.also)


OUTSIDE = (
    "This is outside of what I know: I see and hear only a small world of coloured shapes, sounds, "
    "solids and curves. Choose a larger model with --model."
)
"""What is said of a photograph, a song, or anything else that is not of the world."""

_OPENINGS = (
    *("Please {}", "Please, {}", "Can you tell me: {}", "Tell me, {}", "I want to know: {}"),
    *("Could you say {}", "Hey, {}", "OK, {}", "Now, {}", "So, {}", "Let me know: {}"),
)
_FRAMED = re.compile(r"[.?!:] |^(?:Please|Could|Can|Would|May|Kindly|Tell|Now|And|So|OK)\b")
"""What nothing goes before: two sentences, and what is polite or abrupt already."""

_ENDINGS = ("{}, please", "{} please", "{}, thanks", "{} Thanks", "{} Be brief.", "{} Tell me.")


def article(words: str) -> str:
    """The words with their indefinite article."""
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def sentence(words: str) -> str:
    """The words as a sentence."""
    return f"{words[0].upper()}{words[1:]}."


def listing(things: Sequence[str]) -> str:
    """Things as one speaks of them: `a, b and c`."""
    return " and ".join((", ".join(things[:-1]), things[-1])) if len(things) > 1 else things[0]


def vary(rng: random.Random, question: str) -> str:
    """The question as people type it: with a please, in lower case, or without its mark."""
    roll = rng.random()
    if roll < 0.12 and question[1:2].islower() and not _FRAMED.search(question):
        lowered = question[0].lower() + question[1:]
        question = rng.choice(_OPENINGS).format(lowered)
    elif roll < 0.2 and question[-1] in ".?":
        ending = rng.choice(_ENDINGS)
        bare = question if ending[2] == " " and ending[3:4].isupper() else question[:-1]
        question = ending.format(bare)
    if rng.random() < 0.3:
        question = question.lower()
    if rng.random() < 0.35:
        question = question.rstrip("?.")
    return question
