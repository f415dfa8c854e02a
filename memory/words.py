"""What counts as a word, in what is stored and in what is asked."""

from __future__ import annotations

import re

_WORD = re.compile(r"[^\W_]+")
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff"  # Thai, Lao, Burmese, Khmer, kana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af"  # Chinese characters, Hangul
)
_RUN = re.compile(f"[{_UNSPACED}]+")
"""Scripts that put no spaces between words (Hangul does, but glues particles to them)."""

GRAMMAR = frozenset(
    _WORD.findall(
        "a an and are as at be but by for if in into is it no not of on or such that the their "
        "then there these they this to was will with"
    )
)
"""English words that hold a sentence together and tell nothing of what it is about."""


def spread(text: str) -> str:
    """Text in which a run of a script without spaces stands as its overlapping pairs."""
    if text.isascii():
        return text
    return _RUN.sub(lambda run: f" {_pairs(run[0])} ", text)


def _pairs(run: str) -> str:
    if len(run) == 1:
        return run
    return " ".join(run[place : place + 2] for place in range(len(run) - 1))


def spoken(text: str) -> list[str]:
    """The words of a text in small letters, as they follow each other."""
    return _WORD.findall(spread(text).lower())


def words_of(text: str) -> list[str]:
    """The different words of a question, in its order."""
    return list(dict.fromkeys(spoken(text)))


def telling(words: list[str]) -> list[str]:
    """Words without those of grammar, unless there are no others."""
    return [word for word in words if word not in GRAMMAR] or words
