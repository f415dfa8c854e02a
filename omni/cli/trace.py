"""`omni trace`: what the turns of a session took, call by call."""

from __future__ import annotations

import argparse
import json
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from omni.cli.screen import Screen, fit, one_line, table
from omni.errors import UsageError

if TYPE_CHECKING:
    from omni.chat.trace import Step, TurnTrace
    from omni.content import Usage

SUMMARY = "show what the turns of a session took: time by stage, tokens by modality, experts"


def configure(parser: argparse.ArgumentParser) -> None:
    """The flags of this verb."""
    parser.add_argument("session", nargs="?", default="", help="by default the one used last")
    parser.add_argument("--turn", type=int, metavar="N", help="only this question, from 1")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Print the trace from what was stored with the session."""
    from omni.chat.sessions import Sessions
    from omni.chat.trace import trace
    from omni.cli.sessions import find

    screen = Screen()
    name = find(arguments.session)
    with Sessions() as sessions:
        found = chosen(trace(sessions.messages(name)), arguments.turn)
    if arguments.json:
        told = {"session": name, "turns": [turn.to_json() for turn in found]}
        screen.raw(json.dumps(told, ensure_ascii=False) + "\n")
        return 0
    for line in lines(found, screen.columns):
        screen.line(line)
    return 0


def chosen(found: Sequence[TurnTrace], number: int | None) -> Sequence[TurnTrace]:
    """All turns, or the one of that number.

    Raises:
        UsageError: if there is no such turn.
    """
    if number is None:
        return found
    if not 1 <= number <= len(found):
        raise UsageError(f"there is no turn {number}: this session has {len(found)}")
    return [found[number - 1]]


def lines(found: Sequence[TurnTrace], columns: int) -> list[str]:
    """A heading a turn, a line a call, and what only our own models tell."""
    if not found:
        return ["nothing was asked yet"]
    told: list[str] = []
    for turn in found:
        told.append(fit(one_line(f"{turn.turn}  {turn.question or '(attachments)'}"), columns))
        rows = [_row(step) for step in turn.steps] or [("", "", "nothing came")]
        told += [f"   {line}" for line in table(rows, max(columns - 3, 8))]
        for line in (line for step in turn.steps for line in _more(step)):
            told += textwrap.wrap(line, columns, initial_indent="   ", subsequent_indent="     ")
    return told


def _row(step: Step) -> tuple[str, str, str]:
    """Its name, its seconds, and what it was."""
    parts = [part for part in (_tokens(step), _stages(step), _outcome(step)) if part]
    return one_line(step.name), f"{_whole(step):.2f} s", "; ".join(parts) or "done"


def _whole(step: Step) -> float:
    """Seconds of the call; the stages of a model of ours are within `model`."""
    seconds = step.seconds
    if "model" in seconds:
        return seconds.get("prepare", 0.0) + seconds["model"]
    return sum(seconds.values())


def _stages(step: Step) -> str:
    inner = {name: took for name, took in step.seconds.items() if name not in ("model", "tools")}
    return ", ".join(f"{name} {took:.2f}" for name, took in inner.items() if took >= 0.005)


def _tokens(step: Step) -> str:
    usage = step.usage
    if not (usage.input_tokens or usage.output_tokens):
        return ""
    read = _side(usage, "input_tokens")
    expected = sum((step.estimated or {}).values())
    guess = f", {expected} expected" if expected else ""
    return f"read {read}{guess}, said {_side(usage, 'output_tokens')}"


def _side(usage: Usage, side: str) -> str:
    """One side of the tokens: the whole, and by modality where there are several."""
    counts = {name: getattr(tokens, side) for name, tokens in usage.by_modality.items()}
    parts = [f"{name} {count}" for name, count in counts.items() if count]
    whole = str(getattr(usage, side))
    return f"{whole} ({', '.join(parts)})" if len(parts) > 1 else whole


def _outcome(step: Step) -> str:
    made = f"made {', '.join(step.media)}" if step.media else ""
    called = f"called {', '.join(step.calls)}" if step.calls else ""
    state = "" if step.status == "done" else f"{step.status}: {one_line(step.reason)}".rstrip(": ")
    return "; ".join(part for part in (made, called, state) if part)


def _more(step: Step) -> Iterator[str]:
    for name, shares in step.experts.items():
        yield f"experts for {name}: {' '.join(f'{share:.0%}' for share in shares)}"
    if step.selection and step.selection.items:
        kept = ", ".join(f"{one.handle} {one.kept} of {one.of}" for one in step.selection.items)
        yield f"kept {kept}"
