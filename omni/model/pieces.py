"""What a model said, in order: text, codes of media, calls of tools."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class TextPiece:
    """Plain text; while streaming, what is new of it."""

    text: str


@dataclass(frozen=True, slots=True)
class CodesPiece:
    """Codes of one media item.

    Attributes:
        modality: whose decoder understands them.
        codes: the codes.
        complete: whether the end mark was said; an item that was cut off cannot be decoded.
    """

    modality: str
    codes: tuple[int, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class CallPiece:
    """A call of a tool.

    Attributes:
        text: what was said between the marks.
        name: the tool, or `None` where the text is not a call in JSON.
        arguments: the tool's arguments.
        complete: whether the end mark was said.
    """

    text: str
    name: str | None
    arguments: Mapping[str, Any]
    complete: bool


Piece = TextPiece | CodesPiece | CallPiece


def parse_call(text: str, complete: bool) -> CallPiece:
    """A call from its text, `{"name": …, "arguments": {…}}`; anything else has no name."""
    try:
        call = json.loads(text)
    except ValueError:
        call = None
    if not isinstance(call, dict) or not isinstance(call.get("name"), str):
        return CallPiece(text, None, {}, complete)
    arguments = call.get("arguments", {})
    if not isinstance(arguments, dict):
        return CallPiece(text, None, {}, complete)
    return CallPiece(text, call["name"], arguments, complete)


class Scanner:
    """Turns token ids into pieces, one id at a time.

    Text comes out as soon as its bytes make whole characters; codes and calls come out when they
    are finished. Marks are never shown.

    Args:
        decode: token ids to text.
        codes: modality name → `{"begin", "end", "first", "count"}`.
        call: ids of the marks around a call, or `None`.
        hidden: ids of marks that say nothing, such as the end of a turn.
    """

    def __init__(
        self,
        decode: Callable[[list[int]], str],
        codes: Mapping[str, Mapping[str, int]],
        call: tuple[int, int] | None,
        hidden: Iterable[int],
    ):
        self.decode = decode
        self.codes = codes
        self.call = call
        self.hidden = frozenset(hidden)
        self.begins = {code["begin"]: name for name, code in codes.items()}
        self.modality: str | None = None
        self.said: list[int] = []
        self.calling = False
        self.text: list[int] = []
        self.shown = self.read = 0

    def feed(self, token: int) -> list[Piece]:
        """The pieces that this token finishes or adds to."""
        if self.modality is not None:
            return self._code(token)
        if self.calling:
            return self._called(token)
        if token in self.begins:
            pieces = self._flush()
            self.modality, self.said = self.begins[token], []
            return pieces
        if self.call and token == self.call[0]:
            pieces = self._flush()
            self.calling, self.said = True, []
            return pieces
        if token in self.hidden:
            return self._flush()
        return self._text(token)

    def finish(self) -> list[Piece]:
        """What is left when nothing more comes."""
        if self.modality is not None:
            return self._close_codes(complete=False)
        if self.calling:
            return self._close_call(complete=False)
        return self._flush()

    def _code(self, token: int) -> list[Piece]:
        assert self.modality is not None
        code = self.codes[self.modality]
        value = token - code["first"]
        if 0 <= value < code["count"]:
            self.said.append(value)
            return []
        pieces = self._close_codes(complete=token == code["end"])
        return pieces if token == code["end"] else pieces + self.feed(token)

    def _close_codes(self, *, complete: bool) -> list[Piece]:
        assert self.modality is not None
        piece = CodesPiece(self.modality, tuple(self.said), complete)
        self.modality = None
        return [piece]

    def _called(self, token: int) -> list[Piece]:
        assert self.call is not None
        if token == self.call[1]:
            return self._close_call(complete=True)
        if token in self.hidden or token in self.begins:
            return self._close_call(complete=False) + self.feed(token)
        self.said.append(token)
        return []

    def _close_call(self, *, complete: bool) -> list[Piece]:
        self.calling = False
        return [parse_call(self.decode(self.said), complete)]

    def _text(self, token: int) -> list[Piece]:
        self.text.append(token)
        return self._show(self.decode(self.text[self.shown :]), final=False)

    def _flush(self) -> list[Piece]:
        pieces = self._show(self.decode(self.text[self.shown :]), final=True) if self.text else []
        self.text, self.shown, self.read = [], 0, 0
        return pieces

    def _show(self, window: str, *, final: bool) -> list[Piece]:
        # The token before is decoded along: some tokenizers drop a space at the beginning.
        known = self.decode(self.text[self.shown : self.read])
        unfinished = window.endswith("�") and not final
        if len(window) <= len(known) or unfinished:
            return []
        self.shown, self.read = self.read, len(self.text)
        return [TextPiece(window[len(known) :])]


def merge(pieces: Iterable[Piece]) -> list[Piece]:
    """The same pieces with neighbouring text in one."""
    merged: list[Piece] = []
    for piece in pieces:
        last = merged[-1] if merged else None
        if isinstance(piece, TextPiece) and isinstance(last, TextPiece):
            merged[-1] = replace(last, text=last.text + piece.text)
        else:
            merged.append(piece)
    return merged
