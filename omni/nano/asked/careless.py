"""How a question is typed in a hurry: it means the same, but its letters are others."""

from __future__ import annotations

import random
import re

AMERICAN = 0.15
SHORT = 0.12
MISSING, DOUBLED, MARKED = 0.04, 0.03, 0.03
"""How often a question has American spelling or short forms, lacks an article, has a space twice
or ends with another mark."""

_AMERICAN = (
    *(("colour", "color"), ("Colour", "Color"), ("favour", "favor"), ("centre", "center")),
    *(("grey", "gray"), ("ognise", "ognize"), ("marise", "marize"), ("Analyse", "Analyze")),
    *(("analyse", "analyze"), ("alise", "alize"), ("terise", "terize"), ("atalogue", "atalog")),
)
_SHORT = (
    *(("What is", "What's"), ("what is", "whats"), ("Where is", "Where's"), ("I would", "I'd")),
    *(("Please", "Pls"), ("please", "pls"), ("It is", "It's"), ("cannot", "can't")),
    *(("picture", "pic"), ("there is", "there's"), ("thanks", "thx"), ("could you", "could u")),
)
_BRACES = re.compile(r"(\{[^}]*\})")
_ARTICLE = re.compile(r"(?<= )(?:the|a|an) ")


def hurried(rng: random.Random, question: str) -> str:
    """The question as it may be typed in a hurry; mostly it stays as it is."""
    if rng.random() < AMERICAN:
        question = _replaced(question, _AMERICAN)
    if rng.random() < SHORT:
        question = _replaced(question, (rng.choice(_SHORT),))
    if rng.random() < MISSING:
        question = _changed_once(rng, question, _ARTICLE, "")
    if rng.random() < DOUBLED:
        question = _changed_once(rng, question, re.compile(" "), "  ")
    if rng.random() < MARKED and question[-1] in ".?":
        question = question[:-1] + rng.choice(("??", "!", " ?", "...", "?!"))
    return question


def thinned(rng: random.Random, question: str, lost: float) -> str:
    """The question without this share of its words, but never without all of them."""
    words = question.split()
    kept = [word for word in words if rng.random() >= lost]
    return " ".join(kept) or rng.choice(words)


def _replaced(question: str, spellings: tuple[tuple[str, str], ...]) -> str:
    """Other spellings everywhere but in braces, which name what is yet to be filled in."""
    parts = _BRACES.split(question)
    for place in range(0, len(parts), 2):
        for usual, other in spellings:
            parts[place] = parts[place].replace(usual, other)
    return "".join(parts)


def _changed_once(rng: random.Random, question: str, pattern: re.Pattern[str], instead: str) -> str:
    """The question with something else at one of the places where the pattern fits, if any."""
    places = list(pattern.finditer(question))
    if not places:
        return question
    start, end = rng.choice(places).span()
    return question[:start] + instead + question[end:]
