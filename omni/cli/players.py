"""Programs of this machine that open a file or play it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from pathlib import Path

from omni.errors import UsageError

_PLAYERS: dict[str, tuple[tuple[str, ...], ...]] = {
    "audio": (
        ("ffplay", "-nodisp", "-autoexit", "-loglevel", "quiet"),
        ("mpv", "--no-video", "--really-quiet"),
        ("afplay",),
        ("paplay",),
        ("pw-play",),
        ("aplay", "-q"),
        ("play", "-q"),
    ),
    "video": (
        ("mpv", "--really-quiet"),
        ("ffplay", "-autoexit", "-loglevel", "quiet"),
        ("vlc", "--play-and-exit", "--quiet"),
    ),
}
_VIEWERS = (("open",),) if sys.platform == "darwin" else (("xdg-open",), ("gio", "open"))


def player(modality: str) -> list[str] | None:
    """The command that plays this kind of media here, or `None`."""
    return _first(_PLAYERS.get(modality, ()))


def viewer() -> list[str] | None:
    """The command that opens a file in the program the desktop has for it, or `None`."""
    return _first(_VIEWERS)


def play(path: Path, modality: str) -> None:
    """Play sound or video and return when it ends.

    Raises:
        UsageError: if this kind cannot be played, or no player is installed, or it fails.
    """
    if modality not in _PLAYERS:
        raise UsageError(f"media of kind {modality!r} cannot be played: use /open or /show")
    command = player(modality)
    if command is None:
        names = ", ".join(names[0] for names in _PLAYERS[modality])
        raise UsageError(f"no player found: install one of {names}, or use /save")
    finished = subprocess.run([*command, str(path)], stdin=subprocess.DEVNULL, check=False)
    if finished.returncode > 0:
        raise UsageError(f"{command[0]} could not play {path.name} (exit {finished.returncode})")


def open_outside(path: Path) -> str:
    """Open a file in the desktop's program for it, and return the opener's name.

    Raises:
        UsageError: if there is no opener here.
    """
    command = viewer()
    if command is None:
        names = " or ".join(names[0] for names in _VIEWERS)
        raise UsageError(f"nothing here opens files (wanted {names}): use /show or /save")
    process = subprocess.Popen(
        [*command, str(path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    threading.Thread(target=process.wait, daemon=True).start()  # it may live longer than the chat
    return command[0]


def _first(commands: tuple[tuple[str, ...], ...]) -> list[str] | None:
    for command in commands:
        if shutil.which(command[0]):
            return list(command)
    return None
