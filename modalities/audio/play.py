"""Play a sound with whatever player the machine has, without waiting for its end."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

from omni.errors import Unsupported
from omni.media import Media

from .files import read, write

PLAYERS: dict[str, tuple[str, ...]] = {
    "paplay": (),
    "pw-play": (),
    "afplay": (),
    "aplay": ("-q",),
    "ffplay": ("-nodisp", "-autoexit", "-loglevel", "error"),
    "mpv": ("--no-video", "--really-quiet"),
    "play": ("-q",),
}
"""Player commands and their options, in the order in which they are tried."""

_FAILS_WITHIN = 0.4  # seconds: a player without a sound card gives up at once


def play(media: Media) -> str:
    """Start to play and return the name of the player.

    The player is given our own WAV copy, so that a hostile file reaches our limits and no further.

    Raises:
        MediaError: if the sound cannot be read.
        Unsupported: if no player is installed, or none can play here.
    """
    found = {name: path for name in PLAYERS if (path := shutil.which(name))}
    if not found:
        raise Unsupported(
            f"no sound player is installed (looked for {', '.join(PLAYERS)}): "
            "install one, for example  apt install alsa-utils  or  brew install mpv"
        )
    copy = _copy(media)
    refusals = []
    for name, path in found.items():
        process = subprocess.Popen(
            [path, *PLAYERS[name], str(copy)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        refusal = _refusal(process)
        if refusal is None:
            threading.Thread(target=_tidy, args=(process, copy), daemon=True).start()
            return name
        refusals.append(f"{name}: {refusal}")
    copy.unlink(missing_ok=True)
    raise Unsupported(f"no sound can be played here ({'; '.join(refusals)}): save the file instead")


def _copy(media: Media) -> Path:
    """A temporary 16-bit WAV file of the sound."""
    sound = write(read(media), name=media.name, mime="audio/wav")
    with tempfile.NamedTemporaryFile(prefix="omni-", suffix=".wav", delete=False) as target:
        target.write(sound.read())
    return Path(target.name)


def _refusal(process: subprocess.Popen[bytes]) -> str | None:
    """Why the player stopped at once with an error, or `None` if it plays or has played."""
    try:
        _, words = process.communicate(timeout=_FAILS_WITHIN)
    except subprocess.TimeoutExpired:
        return None
    if process.returncode == 0:
        return None
    lines = words.decode(errors="replace").strip().splitlines()
    return lines[0][:200] if lines else f"exit code {process.returncode}"


def _tidy(process: subprocess.Popen[bytes], copy: Path) -> None:
    """Wait for the end of the sound and delete the copy."""
    with contextlib.suppress(Exception):
        process.communicate()
    copy.unlink(missing_ok=True)
