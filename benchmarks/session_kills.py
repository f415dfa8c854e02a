"""Kill a process that talks, at random instants, and look whether anything it was told is lost.

    python benchmarks/session_kills.py --kills 50 --out benchmarks/results

A child holds a conversation with attachments and with pictures that a tool makes, and writes a line
for everything that it was told is done: an attachment, a turn. It is killed (SIGKILL) at a random
instant; then the session is opened again, every line is checked, and the conversation goes on in
the next child. The sizes are those of ten turns with a picture of a megabyte each.
"""

import argparse
import base64
import contextlib
import io
import json
import os
import platform
import random
import signal
import sqlite3
import tempfile
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path

from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from PIL import Image

from omni import Agent
from omni.modality import media_from_bytes
from omni.testing import ScriptedBrain

LARGE = 592  # random pixels, which no PNG can shrink: about a megabyte
LONGEST_SECONDS = 1.5


def png(side: int, seed: int) -> bytes:
    pixels = random.Random(seed).randbytes(side * side * 3)
    stream = io.BytesIO()
    Image.frombytes("RGB", (side, side), pixels).save(stream, "PNG")
    return stream.getvalue()


def block(data: bytes) -> dict:
    text = base64.b64encode(data).decode()
    return {"type": "image", "base64": text, "mime_type": "image/png"}


@tool
def draw(seed: int, side: int) -> list:
    """Draw noise."""
    return [block(png(side, seed))]


def call(number: int, **arguments: int) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": "draw", "args": arguments, "id": f"c{number}"}])


def talk(home: Path, first: int, write: int) -> None:
    """Talk until killed, and tell what is done: attachments by digest, turns by number."""
    lines = []
    for number in range(first, first + 200):
        if number % 3 == 2:
            lines.append(call(number, seed=number, side=40))
        lines.append(f"answer {number}")
    with Agent(ScriptedBrain(script=lines), tools=[draw], home=home, session="s") as agent:
        os.write(write, b"R\n")
        for number in range(first, first + 200):
            if number % 3 == 0:
                media = media_from_bytes(png(32, 10_000 + number), f"{number}.png")
                os.write(write, f"A {agent.attach(media).digest}\n".encode())
            answer = agent.run(f"question {number}")
            made = "".join(f" {ref.digest}" for ref in answer.media)
            os.write(write, f"T {number}{made}\n".encode())


def killed(home: Path, first: int, seconds: float) -> list[list[str]]:
    """Start a child, kill it after so many seconds of its talk, and return what it told."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        with contextlib.suppress(BaseException):
            talk(home, first, write)
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as stream:
        assert stream.readline() == b"R\n", "the child has not begun"
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return [line.split() for line in stream.read().decode().splitlines()]


def warm() -> None:
    """One turn here, so that no child spends its short life on imports."""
    with tempfile.TemporaryDirectory() as folder:
        lines = [call(0, seed=0, side=8), "done"]
        with Agent(ScriptedBrain(script=lines), tools=[draw], home=Path(folder)) as agent:
            agent.run("draw")


def kill_often(kills: int, seed: int) -> dict:
    """Kills, what was acknowledged before them, and what of it was lost."""
    draws = random.Random(seed)
    turns: dict[int, list[str]] = {}
    attached: set[str] = set()
    states: dict[str, int] = {}
    lost, first = [], 0
    warm()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        for _ in range(kills):
            for kind, *rest in killed(home, first, draws.uniform(0, LONGEST_SECONDS)):
                if kind == "A":
                    attached.add(rest[0])
                else:
                    turns[int(rest[0])] = rest[1:]
            found, state, asked = look(home, turns, attached)
            lost += found
            states[state] = states.get(state, 0) + 1
            first = asked + 1
        with Agent(ScriptedBrain(script=["still here"]), home=home, session="s") as agent:
            went_on = agent.run("and now?").text == "still here"
    return {
        "case": f"{kills} kills at random instants of a conversation",
        "acknowledged_turns": len(turns),
        "acknowledged_attachments": len(attached),
        "made_pictures": sum(map(len, turns.values())),
        "last_turn_after_a_kill": states,
        "lost": lost,
        "goes_on": went_on,
        "equal": not lost and went_on,
    }


def look(home: Path, turns: dict[int, list[str]], attached: set[str]) -> tuple[list, str, int]:
    """What is missing of what was acknowledged, how the last turn stands, and its number."""
    with Agent(ScriptedBrain(), home=home, session="s") as agent:
        history = agent.history()
        said = {turn.answer.text for turn in history if turn.status == "answered"}
        held = {ref.digest for ref in agent.shelf}
        lost = [f"turn {number}" for number in turns if f"answer {number}" not in said]
        made = {digest for digests in turns.values() for digest in digests}
        lost += [f"media {digest[:12]}" for digest in attached | made if digest not in held]
        agent.sessions.collect()
        for ref in agent.shelf:
            agent.shelf.blobs.verify(ref.digest)
        asked = [part.text for turn in history for part in turn.question if part.type == "text"]
    with contextlib.closing(sqlite3.connect(home / "sessions.sqlite")) as connection:
        whole = connection.execute("PRAGMA integrity_check").fetchone()[0]
        lost += [] if whole == "ok" else [whole]
    last = max((int(text.split()[1]) for text in asked), default=-1)
    return lost, history[-1].status if history else "nothing asked", last


def sizes() -> list[dict]:
    """Bytes on disk after turns with pictures, and what turns of words add."""
    with tempfile.TemporaryDirectory() as folder:
        lines = [line for n in range(10) for line in (call(n, seed=n, side=LARGE), "done")]
        with Agent(ScriptedBrain(script=lines), tools=[draw], home=Path(folder)) as agent:
            pictures = sum(agent.run(f"draw {n}").media[0].size for n in range(10))
        tools = size(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        lines = [f"answer {number} " * 20 for number in range(11)]
        with Agent(ScriptedBrain(script=lines), home=Path(folder)) as agent:
            agent.run("what is this?", [media_from_bytes(png(LARGE, 1), "x.png")])
            before = size(Path(folder))
            for number in range(10):
                agent.run(f"and question number {number}?")
        added = size(Path(folder)) - before
    return [
        {
            "case": "ten turns with a tool's picture of 1 MB each",
            "bytes": tools,
            "pictures_bytes": pictures,
            "limit_bytes": 12_000_000,
            "equal": tools < 12_000_000,
        },
        {
            "case": "ten turns of words after a picture add",
            "bytes": added,
            "limit_bytes": 200_000,
            "equal": added < 200_000,
        },
    ]


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="also write the JSON into this folder")
    given = parser.parse_args()
    figures = {
        "what": "session-kills",
        "device": f"cpu, {platform.machine()}",
        "versions": {
            "python": platform.python_version(),
            "langgraph": version("langgraph"),
            "sqlite": sqlite3.sqlite_version,
        },
        "rows": [kill_often(given.kills, given.seed), *sizes()],
    }
    text = json.dumps(figures, indent=1)
    print(text)
    if given.out:
        given.out.mkdir(parents=True, exist_ok=True)
        (given.out / f"session-kills-{date.today()}.json").write_text(text + "\n")
    return 0 if all(row["equal"] for row in figures["rows"]) else 1


if __name__ == "__main__":
    raise SystemExit(main())
