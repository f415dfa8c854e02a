"""Answers in the words of what was found, for a brain that cannot write from open text.

Shapes: S sentences, W width.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from omni.content import Citation

from ..contracts import Embedder
from ..record import Hit
from ..words import words_of
from .citing import cite
from .threshold import near_the_best

_PARAGRAPH = re.compile(r"(?:[^\n]|\n(?!\s*\n))+")
_HEADING = re.compile(r"\s*#{1,6}\s[^\n]*(?:\n|$)")
_SENTENCE = re.compile(r"\S.*?(?:[.!?…。！？]+[\"'»”)\]]*(?=\s|$)|\Z)", re.DOTALL)
_FEWEST_LETTERS = 12
_LEAST = 0.3
"""Likeness below which a sentence is no answer; on all-MiniLM-L6-v2 unrelated ones stay below."""


@dataclass(frozen=True, slots=True)
class Quote:
    """A sentence that answers, and where it stands.

    Attributes:
        text: word for word as in the source.
        citation: its spot, to the character where the source's text is known.
        likeness: to the question.
    """

    text: str
    citation: Citation
    likeness: float


def quotes(
    question: str, hits: Sequence[Hit], embedder: Embedder, *, most: int = 2, share: float = 0.8
) -> list[Quote]:
    """The sentences of the hits that answer best; none if none is near to the question.

    A sentence is measured alone and behind the one before it, which says what its "it" is, and by
    the share of the question's words that it holds, rare ones counting more.

    Args:
        question: words.
        hits: whose text is looked through; not the captions that tell of a whole file.
        embedder: of texts, by cosine.
        most: sentences.
        share: of the best one's score that further ones must have.
    """
    said = [hit for hit in hits if hit.record.text != hit.record.meta.get("caption")]
    found = {
        text: (hit, start, context)
        for hit in reversed(said)
        for start, text, context in sentences(hit.record.text)
    }
    if not found:
        return []
    texts = list(found)
    contexts = [context for _, _, context in found.values()]
    asked = np.asarray(embedder.embed_queries([question]))[0]
    vectors = np.asarray(embedder.embed([*texts, *contexts]))
    near = (vectors @ asked).reshape(2, -1).max(axis=0)
    score = np.maximum(near, 0) * (1 + coverage(question, texts))
    kept = near_the_best(score.tolist(), share, most)
    return [
        Quote(texts[place], _within(*found[texts[place]][:2], texts[place]), float(near[place]))
        for place in kept
        if near[place] >= _LEAST
    ]


def coverage(question: str, texts: Sequence[str]) -> NDArray[np.float64]:
    """The share 0…1 of the question's words that each text holds, weighed by their rarity."""
    held = [set(words_of(text)) for text in texts]
    weights = {}
    for word in words_of(question):
        count = sum(word in words for words in held)
        if count:
            weights[word] = math.log(1 + len(texts) / count)
    total = sum(weights.values()) or 1.0
    return np.array([sum(weights[w] for w in weights.keys() & words) / total for words in held])


def sentences(text: str) -> list[tuple[int, str, str]]:
    """Each sentence: where it begins, it, and it behind the one before; headings are none."""
    found = []
    for paragraph in _PARAGRAPH.finditer(text):
        heading = _HEADING.match(text, paragraph.start(), paragraph.end())
        start = heading.end() if heading else paragraph.start()
        before = ""
        for match in _SENTENCE.finditer(text, start, paragraph.end()):
            sentence = match[0].rstrip()
            if sum(map(str.isalnum, sentence)) >= _FEWEST_LETTERS:
                found.append((match.start(), sentence, f"{before} {sentence}".strip()))
            before = sentence
    return found


def _within(hit: Hit, start: int, sentence: str) -> Citation:
    """The spot of a sentence in a hit whose text is a slice of its source's."""
    whole = cite(hit)
    if whole.span is None or whole.span[1] - whole.span[0] != len(hit.record.text):
        return whole
    first = whole.span[0] + start
    return whole.model_copy(update={"span": (first, first + len(sentence))})
