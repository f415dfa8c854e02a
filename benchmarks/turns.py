"""Ten turns with one picture of a megabyte each: our agent beside a bare `create_agent`.

The brain is a model that answers at once, so that what is measured is the agent around it: the
time of a turn, and what lies on the disk afterwards.
"""

import base64
import os
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path

from langchain.agents import create_agent
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.sqlite import SqliteSaver
from PIL import Image

from omni import Agent

TURNS = 10
SIDE = 592  # random pixels, which no PNG can shrink: about a megabyte


def measure(repeats: int) -> list[dict]:
    """Median seconds of one turn on either side, and bytes kept after ten turns."""
    ours, rival, kept, equal = [], [], [], True
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            pictures = make_pictures(Path(folder))
            mine, my_bytes, said = run_ours(Path(folder) / "ours", pictures)
            bare, bare_bytes, told = run_bare(Path(folder) / "bare", pictures)
        equal = equal and said == told
        ours += mine
        rival += bare
        kept.append((my_bytes, bare_bytes))
    mine, bare = statistics.median(ours), statistics.median(rival)
    return [
        {
            "case": f"a turn with a picture, {TURNS} turns",
            "seconds": round(mine, 4),
            "rival": "create_agent with SqliteSaver",
            "rival_seconds": round(bare, 4),
            "ratio": round(bare / mine, 3),
            "bytes": statistics.median(pair[0] for pair in kept),
            "rival_bytes": statistics.median(pair[1] for pair in kept),
            "equal": equal,
        }
    ]


def make_pictures(folder: Path) -> list[Path]:
    paths = []
    for number in range(TURNS):
        path = folder / f"{number}.png"
        Image.frombytes("RGB", (SIDE, SIDE), os.urandom(SIDE * SIDE * 3)).save(path)
        paths.append(path)
    return paths


def answers():
    return GenericFakeChatModel(
        messages=iter(AIMessage(f"picture {number}") for number in range(TURNS))
    )


def run_ours(home: Path, pictures: list[Path]) -> tuple[list[float], int, list[str]]:
    seconds, said = [], []
    with Agent(answers(), home=home) as agent:
        for picture in pictures:
            began = time.perf_counter()
            answer = agent.run("What is this?", attach=[picture])
            seconds.append(time.perf_counter() - began)
            said.append(answer.text)
    return seconds, size(home), said


def run_bare(home: Path, pictures: list[Path]) -> tuple[list[float], int, list[str]]:
    home.mkdir()
    seconds, said = [], []
    connection = sqlite3.connect(home / "sessions.sqlite", check_same_thread=False)
    agent = create_agent(answers(), checkpointer=SqliteSaver(connection))
    for picture in pictures:
        began = time.perf_counter()
        data = base64.b64encode(picture.read_bytes()).decode()
        block = {"type": "image", "base64": data, "mime_type": "image/png"}
        content = [block, {"type": "text", "text": "What is this?"}]
        thread = {"configurable": {"thread_id": "one"}}
        state = agent.invoke({"messages": [HumanMessage(content_blocks=content)]}, thread)
        seconds.append(time.perf_counter() - began)
        said.append(state["messages"][-1].text)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return seconds, size(home), said


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
