"""The commands of `omni chat`: a line that begins with `/`."""

from __future__ import annotations

import difflib
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from omni.cli import files, paths, players, preview
from omni.cli.approval import approved_names
from omni.cli.opening import new_session, tool_names
from omni.cli.screen import fit, one_line, table
from omni.errors import UsageError
from omni.media import HANDLE

if TYPE_CHECKING:
    from omni.cli.conversation import Conversation
    from omni.content import Part


@dataclass(frozen=True, slots=True)
class Command:
    """A word after `/`: what may follow it, what it does, and the function that does it."""

    name: str
    form: str
    summary: str
    act: Callable[[Conversation, str], None]


COMMANDS: dict[str, Command] = {}
_ALIASES = {"exit": "quit", "q": "quit", "clear": "new", "?": "help"}


def command(name: str, form: str, summary: str):
    """Register the function below as a command."""

    def register(act: Callable[[Conversation, str], None]):
        COMMANDS[name] = Command(name, form, summary, act)
        return act

    return register


def run(chat: Conversation, line: str) -> None:
    """Run one command line.

    Raises:
        UsageError: if there is no such command, or its arguments are not right.
    """
    word, _, rest = line[1:].partition(" ")
    name = _ALIASES.get(word.lower(), word.lower())
    if name not in COMMANDS:
        known = [*COMMANDS, *_ALIASES]
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean /{close[0]}?" if close else "see /help"
        raise UsageError(f"unknown command /{word}: {hint}")
    COMMANDS[name].act(chat, rest.strip())


@command("attach", "PATH…", "attach files to the next message")
def _attach(chat: Conversation, rest: str) -> None:
    for path in paths.named_files(rest):
        chat.attach(path)


@command("show", "[HANDLE]", "show media in the terminal")
def _show(chat: Conversation, rest: str) -> None:
    handle = _handle(chat, rest)
    media = chat.agent.shelf.media(handle)
    preview.show(media, chat.screen, handle=handle, way=chat.settings.graphics)


@command("play", "[HANDLE]", "play sound or video")
def _play(chat: Conversation, rest: str) -> None:
    ref = chat.agent.shelf[_handle(chat, rest)]
    with files.named_copy(chat.agent.shelf, ref) as path:
        players.play(path, ref.modality)


@command("open", "[HANDLE]", "open media in the desktop's program for it")
def _open(chat: Conversation, rest: str) -> None:
    ref = chat.agent.shelf[_handle(chat, rest)]
    path = files.lasting_copy(chat.agent.shelf, ref)
    chat.screen.notice(f"{ref.handle} opened with {players.open_outside(path)}")


@command("save", "[HANDLE] [PATH]", "write media to a file or a folder")
def _save(chat: Conversation, rest: str) -> None:
    given = paths.words(rest)
    if len(given) > 2:
        raise UsageError("wanted at most a handle and a path; quote a path with spaces")
    named = bool(given) and HANDLE.fullmatch(given[0]) is not None
    handle = _handle(chat, given.pop(0) if len(given) == 2 or named else "")
    target = paths.to_path(given[0]) if given else Path()
    assert target is not None
    chat.screen.notice(f"saved {files.export(chat.agent.shelf, handle, target)}")


@command("remember", "PATH…|HANDLE|WORDS", "put files, media or a remark into memory")
def _remember(chat: Conversation, rest: str) -> None:
    chat.memory.remember(rest, chat.agent)


@command("recall", "WORDS", "find in memory; questions look there by themselves")
def _recall(chat: Conversation, rest: str) -> None:
    chat.memory.search(rest)


@command("memory", "[DIR|auto|off]", "show what memory holds, or change it")
def _memory(chat: Conversation, rest: str) -> None:
    chat.memory.tell(rest)


@command("insights", "[on|off|forget ID|…]", "learn from runs; show, forget, revise, clear")
def _insights(chat: Conversation, rest: str) -> None:
    from omni.cli import experience

    word, _, more = rest.partition(" ")
    if word in ("on", "off"):
        chat.reopen(experience="auto" if word == "on" else word)
        chat.screen.notice(f"experience: {chat.learning.told}")
    else:
        experience.act(chat.learning, word, more.strip(), chat.screen)


@command("budget", "[N|off]", "at most N media tokens a turn; what the next message reads")
def _budget(chat: Conversation, rest: str) -> None:
    if rest:
        chat.limit(_tokens(rest))
    from omni.chat.spending import expected

    told = chat.settings.budget
    chat.screen.notice(f"budget: {told} media tokens a turn" if told else "budget: no limit")
    if chat.begun and not rest:
        chat.screen.notice(f"the next message reads {expected(chat.agent)} and its own words")


def _tokens(text: str) -> int | None:
    if text == "off":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise UsageError(f"wanted a number of tokens above 0 or off, not {text!r}")
    return int(text)


@command("limits", "[NAME=N…|off]", "show or change what a turn may take: steps, money, …")
def _limits(chat: Conversation, rest: str) -> None:
    from omni.cli import limiting

    if rest:
        chat.bound(limiting.changed(chat.agent.limits, rest))
    for line in limiting.told(chat.agent):
        chat.screen.notice(line)


@command("tools", "[NAMES|all|none]", "show or change the tools that the model may call")
def _tools(chat: Conversation, rest: str) -> None:
    if rest:
        try:
            names = tool_names(rest.replace(" ", ","))
        except ArgumentTypeError as error:
            raise UsageError(str(error)) from None
        chat.reopen(tools=names)
    told = chat.settings.tools
    chat.screen.notice(f"tools: {', '.join(told)}" if told else "tools: none; /tools all for all")


@command("approve", "[NAMES|all|never]", "decide on calls that wait; allow tools that ask first")
def _approve(chat: Conversation, rest: str) -> None:
    if rest:
        try:
            chat.approver.allow(approved_names(rest.replace(" ", ",")))
        except ArgumentTypeError as error:
            raise UsageError(str(error)) from None
    if not chat.settle():
        chat.screen.notice(f"allowed: {chat.approver.told}")


@command("selection", "[TURN]", "show what the budget kept of the media")
def _selection(chat: Conversation, rest: str) -> None:
    from omni.cli import overlays, show

    if rest and not rest.isdecimal():
        raise UsageError(f"wanted the number of a turn, not {rest!r}")
    turn = show.chosen(chat.agent.history(), int(rest) if rest else None)
    assert turn.answer.selection is not None
    target = overlays.usual_folder(chat.session)
    drawn = overlays.write(chat.agent.shelf, turn.answer.selection, target)
    overlays.tell(drawn, chat.screen, chat.settings.graphics)


@command("trace", "[TURN]", "show what the turns took: time, tokens, experts")
def _trace(chat: Conversation, rest: str) -> None:
    from omni.chat.trace import trace
    from omni.cli.trace import chosen, lines

    if rest and not rest.isdecimal():
        raise UsageError(f"wanted the number of a turn, not {rest!r}")
    found = trace(chat.agent.sessions.messages(chat.session))
    for line in lines(chosen(found, int(rest) if rest else None), chat.screen.columns):
        chat.screen.line(line)


@command("lineage", "[HANDLE]", "show where media came from")
def _lineage(chat: Conversation, rest: str) -> None:
    from omni.cli import lineage

    for line in lineage.lines(chat.agent.shelf, _handle(chat, rest), chat.screen.columns):
        chat.screen.line(line)


@command("model", "[NAME]", "show or change the model")
def _model(chat: Conversation, rest: str) -> None:
    if rest:
        chat.reopen(model=rest)
    chat.screen.notice(f"model: {chat.settings.model}")


@command("fork", "[NAME]", "go on in a copy of this session")
def _fork(chat: Conversation, rest: str) -> None:
    before = chat.session
    name = rest or new_session("fork")
    chat.fork(name)
    chat.screen.notice(f"now in {name}; {before} stays as it is")


@command("new", "[NAME]", "begin an empty session; this one stays saved")
def _new(chat: Conversation, rest: str) -> None:
    chat.reopen(session=rest or new_session("chat"))
    chat.screen.notice(f"now in {chat.session}")


@command("sessions", "[WORDS]", "list the saved sessions, or search what was said in them")
def _sessions(chat: Conversation, rest: str) -> None:
    from omni.cli.sessions import found_lines, lines

    if rest:
        for line in found_lines(chat.agent.sessions.search(rest), chat.screen):
            chat.screen.raw(line + "\n")
        return
    for line in lines(chat.agent.sessions.list(), chat.screen.columns):
        chat.screen.line(line)


@command("history", "", "show what was said, and what is attached")
def _history(chat: Conversation, rest: str) -> None:
    for line in history_lines(chat) or ["nothing was said yet"]:
        chat.screen.line(line)


@command("help", "", "show this list")
def _help(chat: Conversation, rest: str) -> None:
    rows = [(f"/{one.name} {one.form}".rstrip(), one.summary) for one in COMMANDS.values()]
    for line in table(rows, chat.screen.columns):
        chat.screen.line(line)
    chat.screen.line("Drop a file on a message to attach it. Ctrl-C stops an answer, Ctrl-D quits.")


@command("quit", "", "leave; the session stays saved")
def _quit(chat: Conversation, rest: str) -> None:
    chat.ended = True


def history_lines(chat: Conversation) -> list[str]:
    """The turns so far, then every handle of the session."""
    told = []
    for turn in chat.agent.history():
        told.append(f"you: {_said(turn.question)}")
        told.append(f"omni: {_said(turn.answer.parts) or turn.status}")
    told.extend(
        f"{ref.handle}  {ref.name} ({'made' if ref.lineage else 'attached'})"
        for ref in chat.agent.shelf
    )
    return [fit(one_line(line), chat.screen.columns) for line in told]


def _said(parts: Iterable[Part]) -> str:
    from omni.content import TextPart

    words = []
    for part in parts:
        if isinstance(part, TextPart):
            words.append(part.text)
        elif part.ref:
            words.append(f"[{part.ref.handle}]")
        if part.status != "delivered":
            words.append(f"({part.status}: {part.reason})")
    return " ".join(words)


def _handle(chat: Conversation, rest: str) -> str:
    """The handle that was named, or the newest of the session."""
    if rest:
        return chat.agent.shelf[rest].handle
    handles = [ref.handle for ref in chat.agent.shelf]
    if not handles:
        raise UsageError("this session holds no media yet: /attach a file first")
    return handles[-1]
