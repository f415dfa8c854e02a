"""Find file names in what a person types, pastes or drops on the terminal."""

from __future__ import annotations

import glob
import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from omni.errors import UsageError

_SPACE = " \t\r\n"
_ESCAPED_IN_QUOTES = '\\"$`\n'
_TRAILING = ".,;:!?)]}"
_WORD = re.compile(r"[^ \t\r\n]+")


@dataclass(frozen=True, slots=True)
class Found:
    """A file named in a text, and the part of the text that names it."""

    path: Path
    start: int
    end: int


def words(text: str) -> list[str]:
    """The words of a command's arguments: quotes and backslashes as in a shell.

    Raises:
        UsageError: if a quote is not closed.
    """
    found, position = [], 0
    while position < len(text):
        if text[position] in _SPACE:
            position += 1
            continue
        word, position = _shell_word(text, position)
        if word is None:
            raise UsageError(f"a quote is not closed in: {text}")
        found.append(word)
    return found


def named_files(text: str) -> list[Path]:
    """The files that the arguments of `/attach` name.

    A whole line that is a file needs no quotes, `~` and `file://` are understood, and a pattern
    such as `*.png` stands for the files that match it.

    Raises:
        UsageError: if nothing is named or a pattern matches nothing.
    """
    if (whole := to_path(text.strip())) is not None and is_file(whole):
        return [whole]
    found: list[Path] = []
    for word in words(text):
        path = to_path(word)
        if path is None:
            raise UsageError(f"not a file name: {word!r}")
        if not os.path.lexists(path) and glob.has_magic(word):
            matches = sorted(glob.glob(str(path)))
            if not matches:
                raise UsageError(f"no file matches {word!r}")
            found.extend(map(Path, matches))
        else:
            found.append(path)
    if not found:
        raise UsageError("name a file: /attach PATH…")
    return found


def dropped_files(text: str) -> list[Found]:
    """The files in a message: whole paths that exist, plain, quoted or escaped.

    Only words that look like a path are tried: absolute, from the home folder, with a folder in
    them, or `file://`. A bare name is left alone, since it may be a word of the sentence.
    """
    found: list[Found] = []
    position = 0
    while match := _WORD.search(text, position):
        start = match.start()
        position = match.end()
        for end, word in _readings(text, start, match.end()):
            path = to_path(word) if _looks_like_path(word) else None
            if path is not None and is_file(path):
                found.append(Found(path, start, end))
                position = end
                break
    return found


def without_files(text: str, found: list[Found], names: list[str]) -> str:
    """The message with its paths taken out; inside a sentence, the name stands instead."""
    pieces, position = [], 0
    for one, name in zip(found, names, strict=True):
        before, after = text[position : one.start], text[one.end :]
        inside = (pieces or before.strip()) and after.strip()
        pieces.append(before + (name if inside else ""))
        position = one.end
    pieces.append(text[position:])
    joined = "".join(pieces).strip()
    return re.sub(r"[ \t]+(?=[.,;:!?])", "", joined) if found else text


def to_path(word: str) -> Path | None:
    """The path that a word names, or `None` if it cannot be one."""
    if "\0" in word or not word:
        return None
    if word.startswith("file://"):
        address = urlsplit(word)
        if address.netloc not in ("", "localhost"):
            return None
        word = unquote(address.path)
    try:
        return Path(word).expanduser()
    except RuntimeError:
        return Path(word)


def is_file(path: Path) -> bool:
    """Whether the path is a file; a name that the system refuses is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _looks_like_path(word: str) -> bool:
    return "/" in word or (os.sep != "/" and os.sep in word)


def _readings(text: str, start: int, plain_end: int):
    """What the word at `start` may be: as a shell reads it, as it stands, without its full stop."""
    word, end = _shell_word(text, start)
    if word is not None:
        yield end, word
        if bare := word.rstrip(_TRAILING):
            yield end - (len(word) - len(bare)), bare
    plain = text[start:plain_end]
    yield plain_end, plain
    if bare := plain.rstrip(_TRAILING):
        yield start + len(bare), bare


def _shell_word(text: str, position: int) -> tuple[str | None, int]:
    """The shell word at a position and where it ends; `None` if a quote stays open."""
    letters: list[str] = []
    quote = ""
    while position < len(text):
        letter = text[position]
        if quote:
            if letter == quote:
                quote = ""
            elif (
                letter == "\\"
                and quote == '"'
                and text[position + 1 : position + 2] in tuple(_ESCAPED_IN_QUOTES)
            ):
                position += 1
                letters.append(text[position])
            else:
                letters.append(letter)
        elif letter in "'\"":
            quote = letter
        elif letter == "\\" and position + 1 < len(text):
            position += 1
            letters.append(text[position])
        elif letter in _SPACE:
            break
        else:
            letters.append(letter)
        position += 1
    return (None if quote else "".join(letters)), position
