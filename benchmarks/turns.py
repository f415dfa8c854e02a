"""Turns of our agent beside those of a bare `create_agent`, with a model that answers at once.

What is measured is the agent around the model: the time of a turn in words, with a picture of a
megabyte that the user attaches, and with one that a tool makes; and what lies on the disk after ten
turns. Either side answers in turn, in one process, each with a SQLite checkpointer in a folder of
its own; words are measured beside a bare agent that keeps nothing on the disk, too. Before every
turn the operating system writes out what waits, so that neither side pays for the other's bytes.
"""

import base64
import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from PIL import Image

from omni import Agent
from omni.testing.scripted import ScriptedBrain

TURNS = 10
SIDE = 592  # random pixels, which no PNG can shrink: about a megabyte
QUESTION = "What is this?"
LIMIT_SECONDS = 0.005
"""How much longer than the bare agent ours may take for a turn in words."""


def measure(repeats: int) -> list[dict]:
    """Median seconds of one turn on either side, and bytes kept after ten turns."""
    with tempfile.TemporaryDirectory() as folder:
        pictures = make_pictures(Path(folder))
        return [
            row("a turn in words", repeats, [None] * TURNS, by_tool=False),
            row("a turn in words", repeats, [None] * TURNS, by_tool=False, kept_nowhere=True),
            row("a turn with a picture that is attached", repeats, pictures, by_tool=False),
            row("a turn with a picture that a tool makes", repeats, pictures, by_tool=True),
        ]


def row(
    case: str, repeats: int, pictures: list[Any], *, by_tool: bool, kept_nowhere: bool = False
) -> dict:
    """One case, measured `repeats` times over ten turns."""
    ours, rival, kept, equal = [], [], [], True
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            mine, bare, sizes, same = ten_turns(Path(folder), pictures, by_tool, kept_nowhere)
        ours += mine
        rival += bare
        kept.append(sizes)
        equal = equal and same
    mine, bare = statistics.median(ours), statistics.median(rival)
    found = {
        "case": f"{case}, {TURNS} turns",
        "seconds": round(mine, 5),
        "spread": [round(value, 5) for value in statistics.quantiles(ours, n=4)],
        "rival": f"create_agent with {'InMemorySaver' if kept_nowhere else 'SqliteSaver'}",
        "rival_seconds": round(bare, 5),
        "rival_spread": [round(value, 5) for value in statistics.quantiles(rival, n=4)],
        "ratio": round(bare / mine, 3),
        "more_seconds": round(statistics.median(map(float.__sub__, ours, rival)), 5),
        "bytes": statistics.median(pair[0] for pair in kept),
        "rival_bytes": statistics.median(pair[1] for pair in kept),
        "equal": equal,
    }
    return found if pictures[0] else {**found, "limit_more_seconds": LIMIT_SECONDS}


def ten_turns(
    folder: Path, pictures: list[Any], by_tool: bool, kept_nowhere: bool
) -> tuple[Any, Any, Any, bool]:
    """Seconds of each turn on either side, bytes kept, and whether both said the same."""
    mine, bare, equal = [], [], True
    with Agent(script(by_tool), home=folder / "ours", tools=tools(pictures, by_tool)) as agent:
        connection = sqlite3.connect(folder / "bare.sqlite", check_same_thread=False)
        saver = InMemorySaver() if kept_nowhere else SqliteSaver(connection)
        graph = create_agent(script(by_tool), tools(pictures, by_tool), checkpointer=saver)
        for picture in pictures:
            attached = None if by_tool else picture
            said, seconds = timed(lambda at=attached: ask_ours(agent, at))
            mine.append(seconds)
            told, seconds = timed(lambda at=attached: ask_bare(graph, at))
            bare.append(seconds)
            equal = equal and said == told
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
    sizes = size(folder / "ours"), (folder / "bare.sqlite").stat().st_size
    return mine, bare, sizes, equal


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    os.sync()
    began = time.perf_counter()
    return work(), time.perf_counter() - began


def ask_ours(agent: Agent, picture: Path | None) -> str:
    return agent.run(QUESTION, attach=[picture] if picture else []).text


def ask_bare(graph: Any, picture: Path | None) -> str:
    content: list[Any] = [{"type": "text", "text": QUESTION}]
    if picture:
        data = base64.b64encode(picture.read_bytes()).decode()
        content.insert(0, {"type": "image", "base64": data, "mime_type": "image/png"})
    thread = {"configurable": {"thread_id": "one"}}
    state = graph.invoke({"messages": [HumanMessage(content=content)]}, thread)
    return state["messages"][-1].text


def tools(pictures: list[Any], by_tool: bool) -> list[Any]:
    """A tool that gives out one picture after the other."""
    waiting = iter(pictures)

    @tool
    def draw() -> list:
        """Draw a picture."""
        data = base64.b64encode(next(waiting).read_bytes()).decode()
        return [{"type": "image", "base64": data, "mime_type": "image/png"}]

    return [draw] if by_tool else []


def script(by_tool: bool) -> ScriptedBrain:
    lines: list[Any] = []
    for number in range(TURNS):
        call = {"name": "draw", "args": {}, "id": f"call-{number}"}
        lines += [AIMessage("", tool_calls=[call])] if by_tool else []
        lines.append(f"picture {number}")
    return ScriptedBrain(script=lines)


def make_pictures(folder: Path) -> list[Path]:
    paths = []
    for number in range(TURNS):
        path = folder / f"{number}.png"
        Image.frombytes("RGB", (SIDE, SIDE), os.urandom(SIDE * SIDE * 3)).save(path)
        paths.append(path)
    return paths


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
