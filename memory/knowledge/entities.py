"""Names in a text, and which of them a sentence tells of together; by rules, without a model.

The rules know English and scripts with capitals. They take for a name: capitalised words that
follow each other, signs such as `KX-4471` and `fit_transform`, what stands in quotes, years,
numbers with a unit, and pairs of words that grammar does not break. What is no name is found
often, and what is found often leads nowhere, because it is weighed by its rarity.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..words import GRAMMAR

VERSION = "names 1"
"""Of the rules; another one has texts read anew."""

READ = 20_000
"""Characters of a text in which names are looked for."""

MOST_NAMES = 64
MOST_TRIPLES = 128
LONGEST = 80
"""Characters of a name; what is longer is none."""

_REACH = 4
"""A name is related to as many that follow it in its sentence."""

_SENTENCE = re.compile(
    r"(?<=[.!?…])(?<!\b[A-Z]\.)(?<!\bDr\.)(?<!\bMr\.)(?<!\bSt\.)(?<!\bMrs\.)[\"'”»)]*\s+"
    r"|\n\s*\n|(?<=[。！？])"
)
_TOKEN = re.compile(r"\w+(?:[.'’/-]\w+)*|[“\"`][^“”\"`\n]{2,60}[”\"`]")
_UNITS = (
    "kg|g|mg|t|km|m|cm|mm|nm|µm|l|ml|s|ms|min|h|hours?|days?|years?|hz|khz|mhz|ghz|v|kv|mv|a|ma|w|kw|"
    "mw|gw|kwh|n|nm|j|kj|pa|hpa|kpa|mpa|bar|k|°c|°f|%|percent|kb|mb|gb|tb|metres?|meters?|miles|eur|"
    "usd|€|\\$|£"
)
_MEASURE = re.compile(
    rf"(?<![\w.,])(\d{{1,12}}(?:[.,]\d{{1,12}}){{0,3}})\s?({_UNITS})(?!\w)", re.IGNORECASE
)
_YEAR = re.compile(r"(?:1[0-9]|20)\d\d")
_LINKS = frozenset({"de", "la", "van", "von", "der", "du", "del", "al"})
_COMMON = GRAMMAR | frozenset(
    re.findall(
        r"\w+",
        "dr mr mrs prof about above after again all also although always among an another any "
        "because been before being below between both can cannot could did do does during each "
        "either every few first from further had has have having he her here hers him his how "
        "however i if its itself just last later like many may me might more most much must my "
        "neither never no nor now off often once one only or other our out over own per same "
        "see several she should since so some still than them those though three through thus "
        "too two under until up upon us use used using very via we were what when where whether "
        "which while who whom whose why within without would yet you your",
    )
)
_FEWEST_LETTERS = 4


@dataclass(frozen=True, slots=True)
class Triple:
    """A statement that relates two names.

    Attributes:
        head: a name, as `plain` writes it.
        relation: what is said of them; may be empty.
        tail: the other name.
        literal: whether the source says it in these words, so that there is nothing to check.
    """

    head: str
    relation: str
    tail: str
    literal: bool = True

    @property
    def sentence(self) -> str:
        """It as words."""
        return " ".join(f"{self.head} {self.relation} {self.tail}".split())


@dataclass(frozen=True, slots=True)
class Names:
    """What was found in a text: its names, each once, and statements that relate them."""

    names: Sequence[str]
    triples: Sequence[Triple]


@dataclass(frozen=True, slots=True)
class _Spot:
    start: int
    end: int
    name: str


def names_in(text: str) -> Names:
    """Names and statements of a text; at most some dozens, those that come first."""
    text = text[:READ]
    small = {word for word in re.findall(r"\w+", text) if word.islower()}
    sentences = [
        (part, list(_spots(part, small))) for part in _SENTENCE.split(text) if part.strip()
    ]
    whole = _whole_names([spot.name for _, spots in sentences for spot in spots])
    names: dict[str, None] = {}
    triples: dict[tuple[str, str], Triple] = {}
    for sentence, spots in sentences:
        kept: list[_Spot] = []
        for spot in spots:
            name = whole.get(spot.name, spot.name)
            if name in names or len(names) < MOST_NAMES:
                names[name] = None
                kept.append(_Spot(spot.start, spot.end, name))
        for place, one in enumerate(kept):
            for other in kept[place + 1 : place + 1 + _REACH]:
                key = (one.name, other.name)
                if one.name != other.name and len(triples) < MOST_TRIPLES and key not in triples:
                    between = " ".join(sentence[one.end : other.start].split())
                    triples[key] = Triple(one.name, between[:LONGEST], other.name)
    return Names(list(names), list(triples.values()))


def plain(name: str) -> str:
    """A name as it is stored: in small letters, without the possessive, the last word singular."""
    words = re.sub(r"['’]s\b", "", name.strip("“”\"`'’ ").casefold()).split()
    if words and len(words[-1]) > _FEWEST_LETTERS and re.search(r"[^sui]s$", words[-1]):
        words[-1] = words[-1][:-1]
    return " ".join(words)


def asked_in(question: str, *, most: int = 256) -> list[str]:
    """What may be a name in a question, which people write in small letters, too: runs of words."""
    words = [match[0] for match in _TOKEN.finditer(question[:READ])][: most // 4]
    found = dict.fromkeys(names_in(question).names)
    for size in range(4, 0, -1):
        for start in range(len(words) - size + 1):
            run = words[start : start + size]
            if run[0].lower() not in _COMMON and run[-1].lower() not in _COMMON:
                found[plain(" ".join(run))] = None
    return [name for name in found if name][:most]


def _spots(sentence: str, small: set[str]) -> Iterator[_Spot]:
    """Names where they stand in a sentence, in their order."""
    taken: list[_Spot] = []
    for match in _MEASURE.finditer(sentence):
        taken.append(_Spot(match.start(), match.end(), f"{match[1]} {match[2].casefold()}"))
    run: list[re.Match[str]] = []
    kind = ""
    for token in _TOKEN.finditer(sentence):
        its = _kind(token[0], first=not sentence[: token.start()].strip(), small=small)
        gap = sentence[run[-1].end() : token.start()] if run else ""
        joined = bool(run) and gap.isspace() and len(gap) < 3
        if kind == "name" and joined and its == "link":
            run.append(token)
            continue
        if run and joined and its == kind and its in ("name", "word"):
            run.append(token)
            continue
        taken += _closed(run, kind)
        run, kind = ([token], its) if its not in ("link", "") else ([], "")
    taken += _closed(run, kind)
    end = -1
    for spot in sorted(taken, key=lambda one: (one.start, -one.end)):
        if spot.start >= end and spot.name:
            end = spot.end
            yield spot


def _closed(run: Sequence[re.Match[str]], kind: str) -> list[_Spot]:
    """The name that a run of tokens is; none if it is too long, or a single common word."""
    while run and run[-1][0] in _LINKS:
        run = run[:-1]
    if not run or (kind == "word" and not 2 <= len(run) <= 3):
        return []
    name = plain(" ".join(token[0] for token in run))
    if not 2 <= len(name) <= LONGEST:
        return []
    return [_Spot(run[0].start(), run[-1].end(), name)]


def _kind(token: str, *, first: bool, small: set[str]) -> str:
    """`name`, `word` for one that may be part of a phrase, `link`, or nothing."""
    if len(token) > LONGEST:
        return ""
    if token[0] in '“"`':
        return "sign"
    lower = token.lower()
    if token in _LINKS:
        return "link"
    if lower in _COMMON:
        return ""
    if _YEAR.fullmatch(token):
        return "sign"
    if "_" in token or re.search(r"[^\W\d]\d|\d[^\W\d]|[^\W\d]\.[^\W\d]", token):
        return "sign"
    if token[0].isupper():
        return "" if first and lower in small else "name"
    return "word" if token.isalpha() and len(token) >= _FEWEST_LETTERS else ""


def _whole_names(names: Sequence[str]) -> dict[str, str]:
    """What a single word stands for, where one longer name of the text begins or ends with it."""
    longer: dict[str, set[str]] = {}
    for name in dict.fromkeys(names):
        first, *rest = name.split()
        if rest:
            for part in (first, rest[-1]):
                longer.setdefault(part, set()).add(name)
    return {part: next(iter(whole)) for part, whole in longer.items() if len(whole) == 1}
