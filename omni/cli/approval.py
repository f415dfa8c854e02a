"""Ask the person at the terminal whether a tool may do what the model wants."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from omni.cli.screen import Screen, one_line

if TYPE_CHECKING:
    from omni.chat.approving import Decision
    from omni.content import Asked

ALL, NEVER = "all", "never"
Ask = Callable[[str, str], str]
"""Shows words and what an answer may begin with, and returns the answer."""

_KEYS = "[y]es, [n]o, [e]dit, [a]lways in this session"


class Approver:
    """Decides on calls of tools: by what was allowed beforehand, or by asking.

    Args:
        screen: what is refused is told there.
        allowed: names of tools that need no asking; `all` or `never` for every one.
        ask: asks the person; `None` where nobody is there.
    """

    def __init__(self, screen: Screen, allowed: Iterable[str] = (), ask: Ask | None = None):
        self._screen = screen
        self._allowed = set(allowed)
        self._ask = ask

    def allow(self, names: Iterable[str]) -> None:
        """From now on, calls of these tools go without asking."""
        self._allowed |= set(names)
        if NEVER in names:
            self._allowed = {NEVER}
        else:
            self._allowed.discard(NEVER)

    @property
    def told(self) -> str:
        """What is allowed, in words."""
        return ", ".join(sorted(self._allowed)) or "nothing without asking"

    def decide(self, asked: Iterable[Asked]) -> dict[str, Decision] | None:
        """A decision for each call; `None` if the person left it open."""
        decisions: dict[str, Decision] = {}
        for one in asked:
            try:
                decisions[one.id] = self._decided(one)
            except (KeyboardInterrupt, EOFError):
                return None
        return decisions

    def _decided(self, one: Asked) -> Decision:
        from omni.chat.approving import Allow, Refuse

        if NEVER in self._allowed:
            self._refused(one, "tools that ask are never called here (--approve never)")
            return Refuse("tools of this kind are not called here")
        if ALL in self._allowed or one.name in self._allowed:
            return Allow()
        if self._ask is None:
            self._refused(one, f"nobody is here to ask; --approve {one.name} allows it")
            return Refuse("nobody is here to ask")
        return self._answered(one, self._ask)

    def _answered(self, one: Asked, ask: Ask) -> Decision:
        from omni.chat.approving import Allow, Refuse

        self._screen.notice(f"? {call_line(one)}")
        while True:
            word = ask(f"allow it? {_KEYS}: ", "").strip().lower()
            if word in ("y", "yes"):
                return Allow()
            if word in ("a", "always"):
                self.allow([one.name])
                return Allow()
            if word in ("n", "no"):
                return Refuse(ask("why not? (for the model; may be empty): ", "").strip())
            if word in ("e", "edit") and (edited := self._edited(one, ask)):
                return edited

    def _edited(self, one: Asked, ask: Ask) -> Decision | None:
        from omni.chat.approving import Edit

        text = ask("arguments: ", json.dumps(dict(one.args), ensure_ascii=False)).strip()
        try:
            args = json.loads(text)
        except ValueError as error:
            self._screen.error(f"not JSON: {error}")
            return None
        if not isinstance(args, dict):
            self._screen.error(f"wanted an object of arguments, not {text[:40]}")
            return None
        return Edit(args)

    def _refused(self, one: Asked, why: str) -> None:
        self._screen.error(f"{one.name} was refused: {why}")


def add_approve_flag(parser: argparse.ArgumentParser) -> None:
    """The flag that allows calls of tools beforehand."""
    parser.add_argument(
        "--approve",
        metavar="NAMES",
        type=approved_names,
        default=(),
        help="tools that ask first and need not: names with commas between, all or never",
    )


def approved_names(text: str) -> tuple[str, ...]:
    """Names with commas between; `all` and `never` stand alone.

    Raises:
        ArgumentTypeError: for a name that no tool could have, or for none at all.
    """
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    if not names or (len(names) > 1 and {ALL, NEVER} & set(names)):
        raise argparse.ArgumentTypeError(
            f"wanted names of tools with commas between, all or never, not {text!r}"
        )
    return names


def person() -> Ask | None:
    """Asks on standard error and reads from standard input, if a person is at both."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None

    def ask(words: str, given: str) -> str:
        if given:
            from prompt_toolkit import PromptSession
            from prompt_toolkit.output import create_output

            editor: PromptSession[str] = PromptSession(output=create_output(sys.stderr))
            return editor.prompt(words, default=given)
        sys.stderr.write(words)
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return line

    return ask


def call_line(one: Asked) -> str:
    """A call as one line: `fetch_url(url="https://…")`."""
    args = ", ".join(
        f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in one.args.items()
    )
    return one_line(f"{one.name}({args})")
