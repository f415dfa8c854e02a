"""What an answer says that it made, held against what was made.

A model that has no picture to show will say that it shows one. Four ways of saying so are looked
for: a handle, a link or a path to a file, a place that was left to be filled in, and a sentence in
the first person. Whatever is claimed and is not there becomes a failed part of the answer.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Sequence
from functools import cache
from pathlib import PurePosixPath

from omni import plugins
from omni.content import MediaPart, Part, TextPart
from omni.media import HANDLE

Claim = tuple[str, str, str]
"""A modality, what is claimed, and what is wrong with that."""

_CODE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_SENTENCE = re.compile(r"(?:[^.!?\n]|[.!?](?=\S))+[.!?]?")
_NOT = re.compile(
    r"\b(?:not|never|cannot|unable|failed|could|would|should|if|once|when|no)\b|n't\b",
    re.IGNORECASE,
)
_WEB = re.compile(r"(?:https?|data|mailto):|#", re.IGNORECASE)

_LINK = re.compile(r"(!?)\[[^\]\n]*\]\(\s*<?([^)\s>]+)[^)]*\)")
_TAG = re.compile(
    r"<(?:img|audio|video|source)\b[^>]*\bsrc\s*=\s*[\"']?([^\"'\s>]+)", re.IGNORECASE
)
_LOCAL = re.compile(r"\b((?:sandbox|attachment|file):[^\s)\]>\"'`]+)", re.IGNORECASE)
_SAVED = re.compile(
    r"\b(?:saved|stored|wrote|written|exported|rendered|created|generated|made|drew|drawn)\b"
    r"[^\n]{0,60}?[\s\"'`(](?P<file>[\w~./\\-]*[\w-]+\.[A-Za-z][A-Za-z0-9]{1,4})\b",
    re.IGNORECASE,
)
_BLANK = re.compile(
    r"(?:[:,]|\b(?:at|is|see|here|in|to|as|under))\s*[\"'(]?(?P<blank>\[(?:the |your )?"
    r"(?:(?P<kind>image|picture|photo|drawing|plot|audio|recording|video|clip)"
    r"(?: path| url| link| file| here| attached)?|(?:file )?path|file ?name|link|url)\])"
    r"|(?P<insert>[\[<{](?:insert|attach|attached|generated|placeholder(?: for)?)[ :_-]"
    r"[^\]>}\n]{0,40}?(?P<inserted>image|picture|photo|drawing|plot|audio|recording|video|clip)"
    r"[^\]>}\n]{0,20}[\]>}])",
    re.IGNORECASE,
)
_MADE = (
    r"\b(?:i|we)(?:'ve| have)?\s+(?:(?:just|now|also|already)\s+)*"
    r"(?:made|created|generated|drawn|drew|painted|rendered|produced|recorded|synthesi[sz]ed|"
    r"plotted|attached|prepared)\s+(?:you\s+|for you\s+)?(?:a|an|the|your|this|that|one)\s+"
    r"(?:[\w'-]+\s+){0,3}?(?P<noun>"
)
_HERE = (
    r"\b(?:here(?:'s| is)|enjoy|find attached|attached is)\s+(?:the|your)\s+"
    r"(?:(?:new|final|finished|generated|requested|edited|brighter|darker)\s+){0,2}(?P<noun>"
)
_VAGUE = frozenset(
    (
        *("3d", "solid", "cloud", "scan", "model", "data", "table", "column", "csv", "curve"),
        *("sound", "voice", "speech", "song", "music", "noise", "diagram"),
    )
)
"""Nouns for media that stand for something else as often: a table may be one in words."""


def claimed(question: str, parts: Sequence[Part], handles: Container[str]) -> list[MediaPart]:
    """A failed part for everything that the words of an answer claim and that is not there.

    Args:
        question: what was asked: handles and files that it names are no claims of the answer.
        parts: of the answer.
        handles: those that exist.
    """
    held = [part for part in parts if isinstance(part, MediaPart)]
    names = {part.ref.name for part in held if part.ref}
    kinds = {part.type for part in held}
    found: dict[str, MediaPart] = {}
    for part in parts:
        if not isinstance(part, TextPart) or not part.text:
            continue
        prose = _CODE.sub(" ", part.text)
        for kind, what, why in (
            *_handles(part.text, question, handles),
            *_files(prose, question, names),
            *_blanks(prose, kinds),
            *_sentences(prose, kinds, handles),
        ):
            reason = f"the answer {why}"
            found.setdefault(what, MediaPart(type=kind, ref=None, status="failed", reason=reason))
    return list(found.values())


def _handles(text: str, question: str, handles: Container[str]) -> Iterator[Claim]:
    asked = {match[0] for match in HANDLE.finditer(question)}
    for match in HANDLE.finditer(text):
        kind = _kinds_by_prefix().get(match[1])
        if kind and match[0] not in handles and match[0] not in asked:
            yield kind, match[0], f"names {match[0]}, which was not made"


def _files(prose: str, question: str, names: set[str]) -> Iterator[Claim]:
    """Links to media that are no web addresses, and files that are said to have been written."""
    targets = [match[2] for match in _LINK.finditer(prose) if match[1] or _of_suffix(match[2])]
    targets += [match[1] for pattern in (_TAG, _LOCAL) for match in pattern.finditer(prose)]
    for sentence in _SENTENCE.finditer(prose):
        if not _NOT.search(sentence[0]):
            saved = [match["file"] for match in _SAVED.finditer(sentence[0])]
            targets += [file for file in saved if _of_suffix(file)]
    for target in targets:
        name = PurePosixPath(target.replace("\\", "/")).name
        if not _WEB.match(target) and name not in names and name not in question:
            yield _of_suffix(name) or "file", target, f"names the file {target}, which was not made"


def _blanks(prose: str, kinds: set[str]) -> Iterator[Claim]:
    for match in _BLANK.finditer(prose):
        blank = match["blank"] or match["insert"]
        noun = match["kind"] or match["inserted"]
        kind = _kinds_by_noun().get(noun.lower(), "image") if noun else "file"
        if kind not in kinds and not (kind == "file" and kinds):
            yield kind, blank, f"has {blank} where something was to be, and nothing was made"


def _sentences(prose: str, kinds: set[str], handles: Container[str]) -> Iterator[Claim]:
    """Sentences such as "I have drawn a picture" in an answer that holds none.

    Where the session holds media of the kind, it may be those that are spoken of.
    """
    for sentence in _SENTENCE.finditer(prose):
        said = " ".join(sentence[0].split())
        if said.endswith("?") or _NOT.search(said):
            continue
        match = next(filter(None, (pattern.search(said) for pattern in _claims())), None)
        if match is None:
            continue
        kind = _kinds_by_noun()[match["noun"].lower()]
        if not kinds and not _any_of(kind, handles):
            yield kind, kind, f"says {match[0]!r}, and no {kind} was made"


def _any_of(kind: str, handles: Container[str]) -> bool:
    prefixes = [prefix for prefix, name in _kinds_by_prefix().items() if name == kind]
    return any(f"{one}-{number}" in handles for one in prefixes for number in range(1, 100))


def _of_suffix(name: str) -> str | None:
    """The modality that a file name promises; text is none, since an answer is text."""
    return _kinds_by_suffix().get(PurePosixPath(name.split("?")[0]).suffix.lower())


@cache
def _claims() -> tuple[re.Pattern[str], ...]:
    nouns = "|".join(map(re.escape, sorted(_kinds_by_noun(), key=len, reverse=True)))
    return tuple(re.compile(rf"{one}{nouns})\b", re.IGNORECASE) for one in (_MADE, _HERE))


@cache
def _kinds_by_prefix() -> dict[str, str]:
    return {plugin.prefix: name for name, plugin in plugins.load_all("modalities")}


@cache
def _kinds_by_suffix() -> dict[str, str]:
    return {
        suffix: name
        for name, plugin in plugins.load_all("modalities")
        if name != "text"
        for suffix in plugin.suffixes
    }


@cache
def _kinds_by_noun() -> dict[str, str]:
    return {
        noun: name
        for name, plugin in plugins.load_all("modalities")
        if name not in ("text", "points", "series")
        for noun in (name, *plugin.words)
        if noun not in _VAGUE
    }
