"""`omni ask`: one question, one answer."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omni.cli.approval import add_approve_flag, call_line
from omni.cli.opening import add_brain_flags, agent_file, new_session, open_agent, settings_of
from omni.cli.screen import Screen, one_line
from omni.errors import UsageError

if TYPE_CHECKING:
    from omni.chat.agent import Agent
    from omni.cli.overlays import Drawn
    from omni.config import Settings
    from omni.content import Answer
    from omni.media import Media

SUMMARY = "ask once, with files; the answer is printed and its media are written"
_MAX_PIPED_BYTES = 4 << 30


def configure(parser: argparse.ArgumentParser) -> None:
    """The flags of this verb."""
    parser.add_argument(
        "prompt",
        nargs="*",
        help="the question, and perhaps files; read from a pipe if there is none",
    )
    parser.add_argument(
        "-a",
        "--attach",
        nargs="+",
        action="extend",
        default=[],
        metavar="FILE",
        help="files to ask about; - takes bytes from standard input",
    )
    parser.add_argument("-o", "--out", metavar="DIR", help="write made media into this folder")
    parser.add_argument(
        "--json",
        dest="output_format",
        action="store_const",
        const="json",
        default="text",
        help="print one JSON object",
    )
    parser.add_argument(
        "--output-format",
        choices=("text", "json", "stream-json"),
        default="text",
        help="text, one JSON object, or one for each thing that happens, line by line",
    )
    parser.add_argument("--session", metavar="NAME", help="ask within this session")
    parser.add_argument(
        "--want",
        action="append",
        default=[],
        metavar="KIND",
        help="a kind of media that the answer must hold, such as image; 1 if it does not",
    )
    parser.add_argument("--memory", metavar="DIR", help="answer from what this memory holds")
    parser.add_argument(
        "--document",
        metavar="FILE",
        help="answer from this one long document: a file, or an id from omni memory search",
    )
    parser.add_argument(
        "--document-tokens",
        type=int,
        default=None,
        metavar="N",
        help="how much of the document is read for the question (2,000)",
    )
    parser.add_argument(
        "--show-selection",
        nargs="?",
        const="",
        metavar="PATH",
        help="write pictures of what the budget kept, into this folder or file",
    )
    parser.add_argument("--seed", type=int, metavar="N", help="seed of the sampling")
    add_approve_flag(parser)
    add_brain_flags(parser)


def run(arguments: argparse.Namespace) -> int:
    """Ask, print, and return 0 only if every part was delivered."""
    screen = Screen()
    if arguments.output_format == "text":
        return _ask(arguments, screen)
    try:
        return _ask(arguments, screen)
    except Exception as error:
        code = getattr(error, "exit_code", 1)
        failed = {"type": type(error).__name__, "message": one_line(str(error)), "code": code}
        form = {"type": "error"} if arguments.output_format == "stream-json" else {"parts": []}
        screen.raw(json.dumps({**form, "error": failed}, ensure_ascii=False) + "\n")
        raise


def _ask(arguments: argparse.Namespace, screen: Screen) -> int:
    from omni.cli import files
    from omni.cli.approval import Approver, person
    from omni.cli.asking import Asking, lines
    from omni.cli.documents import recalled_for
    from omni.cli.experience import Learning
    from omni.cli.overlays import in_json, make_ready, tell
    from omni.modality import modality

    settings = settings_of(arguments)
    prompt = _prompt(arguments)
    session = arguments.session or new_session("ask")
    wanted = [modality(name).name for name in arguments.want]
    attached = [_attachment(name, settings) for name in arguments.attach]
    out = files.folder(Path(arguments.out).expanduser()) if arguments.out else None
    if arguments.show_selection:
        make_ready(Path(arguments.show_selection).expanduser())
    recalled = recalled_for(arguments, prompt, attached, settings, screen)
    if recalled and recalled.notes:
        screen.notice("; ".join(recalled.notes))
    in_lines = arguments.output_format == "stream-json"
    with (
        Learning(settings, screen) as learning,
        open_agent(settings, session, learning.middleware, agent_file(arguments)) as agent,
    ):
        for media in attached:
            agent.attach(media)
        approver = Approver(screen, arguments.approve, person())
        asking: Any = Asking(agent, approver, lines(screen) if in_lines else None)
        asking.begin(settings.model)
        answer = recalled.ask(asking, wanted) if recalled else asking.run(prompt, want=wanted)
        learning.tell()
        written = _write(agent, answer, out)
        drawn = _drawn(arguments, agent, answer)
        if arguments.output_format != "text":
            told = answer.to_json(written)
            if drawn:
                told["selection"] = in_json(told["selection"], drawn)
            told = {"type": "end", "answer": told} if in_lines else told
            screen.raw(json.dumps(told, ensure_ascii=False, allow_nan=False) + "\n")
        else:
            _print(screen, answer, written)
            tell(drawn, screen, settings.graphics)
            if recalled:
                recalled.show(answer, screen, settings.graphics)
        if arguments.show_selection is not None and not drawn:
            screen.notice("nothing was selected: attach media, and ask a model of ours")
        for part in answer.failures:
            screen.error(f"{part.type} {part.status}: {part.reason or 'no reason was given'}")
        for one in answer.asked:
            screen.error(f"{call_line(one)} waits: omni chat --resume {session}")
        return 0 if answer.ok else 1


def _prompt(arguments: argparse.Namespace) -> str:
    """The question, from the command line or from a pipe.

    Raises:
        UsageError: if there is none.
    """
    attach = arguments.attach
    prompt, named = _words_and_files(arguments.prompt)
    attach[:0] = named
    if prompt is None and attach and not Path(attach[-1]).exists() and " " in attach[-1].strip():
        prompt = attach.pop()  # `-a FILE "what is this?"`: the question came after the files
    shown = arguments.show_selection
    if prompt is None and shown and " " in shown.strip() and not Path(shown).exists():
        prompt, arguments.show_selection = shown, ""  # `--show-selection "what is this?"`
    if prompt is None and "-" not in attach and not sys.stdin.isatty():
        prompt = sys.stdin.read()
    if prompt is None or not prompt.strip():
        raise UsageError('nothing was asked: omni ask "what is this?" -a FILE')
    return prompt.strip()


def _words_and_files(given: Sequence[str]) -> tuple[str | None, list[str]]:
    """What was asked, and the files that were named beside it: `omni ask "what is this?" a.png`."""
    if len(given) < 2:
        return (given[0] if given else None), []
    named = [one for one in given if os.path.exists(one) or (Path(one).suffix and " " not in one)]
    words = " ".join(one for one in given if one not in named)
    return words or None, named


def _attachment(name: str, settings: Settings) -> Media:
    """The media in a file or on standard input; bad ones are refused before a model is loaded."""
    from omni.cli.paths import to_path
    from omni.media import Access
    from omni.modality import media_from_bytes, open_media, readable

    if name == "-":
        data = sys.stdin.buffer.read(min(settings.max_bytes, _MAX_PIPED_BYTES) + 1)
        if len(data) > min(settings.max_bytes, _MAX_PIPED_BYTES):
            raise UsageError(f"standard input has more than {settings.max_bytes:,} bytes")
        return readable(media_from_bytes(data, "standard input"))
    path = to_path(name)
    if path is None:
        raise UsageError(f"not a file name: {name!r}")
    return readable(open_media(path, Access(settings.roots, settings.max_bytes)))


def _write(agent: Agent, answer: Answer, out: Path | None) -> dict[str, Path]:
    """Where each made thing lies: in the folder that was asked for, or in the store."""
    from omni.cli import files

    written: dict[str, Path] = {}
    for ref in answer.media:
        stored = agent.shelf.blobs.path(ref.digest)
        written[ref.handle] = files.export(agent.shelf, ref.handle, out) if out else stored
    return written


def _drawn(arguments: argparse.Namespace, agent: Agent, answer: Answer) -> list[Drawn]:
    """Pictures of what was kept, if they are asked for."""
    from omni.cli import overlays

    if arguments.show_selection is None or answer.selection is None:
        return []
    given = arguments.show_selection or arguments.out
    target = Path(given).expanduser() if given else overlays.usual_folder(agent.session)
    return overlays.write(agent.shelf, answer.selection, target)


def _print(screen: Screen, answer: Answer, written: dict[str, Path]) -> None:
    from omni.content import TextPart

    for part in answer.parts:
        if part.status != "delivered":
            continue
        if isinstance(part, TextPart):
            screen.line(part.text)
        elif part.ref:
            screen.line(f"{part.ref.handle}  {written[part.ref.handle]}")
