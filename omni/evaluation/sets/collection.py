"""What a retrieval is measured on: things to be found, and questions with what answers them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from omni.errors import UsageError
from omni.media import Media


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to be found.

    Attributes:
        id: unique in its collection.
        text: what it says, or what is said of it.
        title: its heading.
        media: what it shows.
    """

    id: str
    text: str = ""
    title: str = ""
    media: Media | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """One question.

    Attributes:
        id: unique in its collection.
        text: words; may be empty if there is media.
        media: what it shows.
        relevant: grade above 0 of each item that answers it.
        answers: short answers, any of which is right; for measuring what is said.
        kind: of the set's own kinds, such as `TextQ`.
    """

    id: str
    text: str
    relevant: Mapping[str, float]
    media: tuple[Media, ...] = ()
    answers: tuple[str, ...] = ()
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Collection:
    """A set to measure on.

    Attributes:
        name: of the set, with its part.
        items: all that can be found.
        questions: with what answers them.
        metrics: what the set is officially measured by, such as `recall@5`, the first one first.
        source: where it comes from, in words.
    """

    name: str
    items: Sequence[Item]
    questions: Sequence[Question]
    metrics: Sequence[str] = ("mrr@10", "ndcg@10", "recall@1", "recall@10")
    source: str = ""
    notes: Sequence[str] = field(default=())

    def checked(self) -> Collection:
        """Itself.

        Raises:
            UsageError: if ids are not unique, or questions are answered by what is not there.
        """
        ids = {item.id for item in self.items}
        if len(ids) != len(self.items):
            raise UsageError(f"{self.name} has {len(self.items) - len(ids)} ids twice")
        if not self.questions:
            raise UsageError(f"{self.name} has no questions")
        for question in self.questions:
            lost = sorted(set(question.relevant) - ids)
            if lost or not question.relevant:
                told = f"names {lost[0]!r}, which is no item" if lost else "has no answer"
                raise UsageError(f"question {question.id!r} of {self.name} {told}")
        return self

    def some(self, most: int, *, seed: int = 0) -> Collection:
        """The same items with at most so many questions, drawn evenly."""
        if len(self.questions) <= most:
            return self
        drawn = sorted(random.Random(seed).sample(range(len(self.questions)), most))
        return replace(self, questions=[self.questions[place] for place in drawn])
