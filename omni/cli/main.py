"""The command `omni`: one verb a file, gathered here.

A verb is a module with `SUMMARY`, `configure(parser)` and `run(arguments) -> exit code`. Its heavy
imports stand inside `run`, so that `omni --help` stays quick.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import importlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from omni import __version__
from omni.cli.screen import Screen, one_line
from omni.errors import OmniError, UsageError
from omni.redacting import redact, redact_logs

VERBS = (
    "chat",
    "ask",
    "tour",
    "memory",
    "show",
    "sessions",
    "trace",
    "models",
    "catalog",
    "doctor",
    "eval",
    "bench",
    "mcp",
)

INTERRUPTED = 130
BROKEN_PIPE = 141
_LOG_BYTES = 1 << 20

_EPILOG = """examples:
  omni chat
  omni ask "what is this?" -a photo.jpg
  omni ask "draw a blue square" -o out/
  omni doctor

environment: OMNI_HOME, OMNI_CONFIG, OMNI_MODEL, OMNI_DEVICE, OMNI_BUDGET, OMNI_SELECTOR,
OMNI_GRAPHICS, NO_COLOR; OMNI_DEBUG=1 shows the traceback of an unexpected error."""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, as all of ours are."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see  {self.prog} --help")


def build_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    parser = Parser(
        prog="omni",
        description="Chat with any file: text, images, video, audio, 3D and time series.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"omni {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB")
    for name in VERBS:
        verb = importlib.import_module(f"omni.cli.{name}")
        child = verbs.add_parser(name, help=verb.SUMMARY, description=verb.SUMMARY)
        verb.configure(child)
        child.set_defaults(run=verb.run)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 failed, 2 bad input."""
    _never_fail_to_print()
    redact_logs()
    screen = Screen()
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        parser = build_parser()
        _check_verb(given)
        parsed = parser.parse_args(given)
        if parsed.verb is None:
            parser.print_help()
            return 2
        code = parsed.run(parsed)
        sys.stdout.flush()
        return code
    except SystemExit as stop:  # --help and --version
        return stop.code if isinstance(stop.code, int) else 0
    except BrokenPipeError:
        _close_quietly()
        return BROKEN_PIPE
    except KeyboardInterrupt:
        return INTERRUPTED
    except OmniError as error:
        screen.error(str(error))
        return error.exit_code
    except Exception as error:
        if os.environ.get("OMNI_DEBUG"):
            raise
        screen.error(unexpected(error))
        return 1


def _check_verb(given: list[str]) -> None:
    if given and not given[0].startswith("-") and given[0] not in VERBS:
        close = difflib.get_close_matches(given[0], VERBS, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise UsageError(f"unknown verb {given[0]!r}: {hint}there is {', '.join(VERBS)}")


def unexpected(error: BaseException) -> str:
    """One line for an error that nobody foresaw; its traceback goes into a log in the home."""
    import time
    import traceback

    from omni.config import home

    told = redact(one_line(f"{type(error).__name__}: {error}"))
    trace = redact("".join(traceback.format_exception(error)))
    log = home() / "errors.log"
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        mode = "w" if log.exists() and log.stat().st_size > _LOG_BYTES else "a"
        with log.open(mode, encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} omni {__version__}\n{trace}\n")
    except OSError:
        return f"unexpected {told} (OMNI_DEBUG=1 shows where)"
    return f"unexpected {told} (the traceback is in {log})"


def _never_fail_to_print() -> None:
    """A terminal that lacks a character shows `?` rather than stopping the program."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def _close_quietly() -> None:
    """Nobody reads any more: let the interpreter's last flush go nowhere."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
