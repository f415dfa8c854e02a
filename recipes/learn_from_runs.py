"""Let an agent learn from its runs: the second task of a kind goes without the first one's mistake.

    python recipes/learn_from_runs.py                       a scripted brain, no model
    python recipes/learn_from_runs.py --model openai:gpt-5-mini --book ~/lessons
    python recipes/learn_from_runs.py --json

The tool takes units written out, which its description does not say. Whoever guesses `km` fails
once and mends it; the run leaves a lesson, and the next task of the kind is shown it. `omni memory
insights --memory FOLDER` lists what is in a book.
"""

import argparse
import json
import tempfile
from dataclasses import asdict

from langchain_core.messages import AIMessage
from langchain_core.tools import tool

from omni import Agent
from omni.chat.events import Finished, ToolEnded
from omni.chat.experience import Experience
from omni.chat.insights import InsightBook
from omni.errors import Retry
from omni.testing.scripted import ScriptedBrain

TASKS = ("convert 5 km to metres", "how many metres are 12 km?")
METRES = {"kilometre": 1000.0, "mile": 1609.344}


@tool
def convert(value: float, unit: str) -> str:
    """Convert a length to metres."""
    if unit not in METRES:
        raise Retry(f"unknown unit {unit!r}: units are written out, as {' or '.join(METRES)}")
    return f"{value * METRES[unit]:g} m"


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--model", help="a brain that calls tools; see  omni models")
    parser.add_argument("--book", help="folder of the lessons; one for this run by default")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, InsightBook(given.book or folder) as book:
        runs = [ask(given.model or scripted(task), task, book) for task in TASKS]
        lessons = [asdict(one) for one in book.all()]
    if given.json:
        print(json.dumps({"runs": runs, "lessons": lessons}, ensure_ascii=False))
        return
    for run in runs:
        print(f"{run['task']}: {run['answer']} ({run['failed']} calls failed)")
    for one in lessons:
        print(f"\n{one['kind']}, borne out {one['worked']} times: {one['task']}\n{one['lesson']}")


def ask(brain, task: str, book: InsightBook) -> dict:
    """One task in a session of its own, and how many calls failed in it."""
    experience = Experience(book)
    with Agent(brain, tools=[convert], session=None, middleware=[experience]) as agent:
        events = list(agent.stream(task))
    failed = sum(isinstance(event, ToolEnded) and not event.ok for event in events)
    answer = "".join(event.answer.text for event in events if isinstance(event, Finished))
    return {"task": task, "answer": answer, "failed": failed, "shown": len(experience.last)}


def scripted(task: str) -> ScriptedBrain:
    """A brain that guesses `km`, unless its prompt says how units are written."""

    def first(messages):
        knows = 'unit="kilometre"' in messages[-1].text
        return call(task, "kilometre" if knows else "km", "first")

    def then(messages):
        failed = getattr(messages[-1], "status", "") == "error"
        return call(task, "kilometre", "second") if failed else AIMessage("That is it.")

    return ScriptedBrain(script=[first, then, "That is it."])


def call(task: str, unit: str, id: str) -> AIMessage:
    value = next(float(word) for word in task.split() if word.isdecimal())
    args = {"value": value, "unit": unit}
    return AIMessage("", tool_calls=[{"name": "convert", "args": args, "id": id}])


if __name__ == "__main__":
    main()
