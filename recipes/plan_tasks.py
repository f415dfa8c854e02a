"""Run a plan of several tools over several kinds of media, and watch it as a tree.

    python recipes/plan_tasks.py                                 a plan over the samples, no model
    python recipes/plan_tasks.py --plan plan.json -a a.png b.csv
    python recipes/plan_tasks.py --model openai:gpt-4o "what is written there? say it" -a a.png

Without a model the plan is the one below, or that of a file. With one, the model is asked for a
plan, in one call of the tool `run_plan`, and answers from what came of it.
"""

import argparse
import json
import sys
from pathlib import Path

from langchain_core.messages import AIMessage

from omni import Agent
from omni.chat.events import Finished, ToolEnded, ToolStarted
from omni.chat.planning import Step, tree
from omni.content import MediaPart
from omni.testing.scripted import ScriptedBrain

SAMPLES = Path(__file__).parent / "samples"
TOOLS = (
    *("run_plan", "read_text", "speak", "forecast", "analyse_series", "edit_image", "join_images"),
    *("crop_image", "cut_video", "measure_points", "transcribe", "calculator", "read_table"),
)
ATTACHED = ("red-circle.png", "rising.csv", "torus.ply")
PLAN = (
    {"id": "measure", "tool": "measure_points", "args": {"points": "pts-1"}},
    {"id": "ahead", "tool": "forecast", "args": {"series": "ser-1", "horizon": 12}},
    {"id": "look", "tool": "analyse_series", "args": {"series": "ser-1"}},
    {"id": "dark", "tool": "edit_image", "args": {"image": "img-1", "change": "darken"}},
    {"id": "poster", "tool": "join_images",
     "args": {"images": ["<dark>", "<ahead.image>", "<measure.image>"], "direction": "column"}},
    {"id": "say", "tool": "speak", "args": {"text": "The poster is ready."}, "after": ["poster"]},
)  # fmt: skip
PROMPT = (
    "Solve the request with one call of run_plan whose steps name tools and hand media on by "
    "reference. Then answer from what came of it, and name media by their handles."
)


def main() -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("request", nargs="?", default="Carry out the plan.")
    parser.add_argument("-a", "--attach", nargs="+", default=[], metavar="FILE")
    parser.add_argument("--model", help="a brain that plans; see  omni models")
    parser.add_argument("--plan", type=Path, help="a file with a list of steps, in JSON")
    parser.add_argument("--out", type=Path, help="write what is made into this folder")
    given = parser.parse_args()
    attached = given.attach or [str(SAMPLES / name) for name in ATTACHED]
    plan = json.loads(given.plan.read_text("utf-8")) if given.plan else list(PLAN)
    brain = given.model or scripted(plan)
    with Agent(brain, tools=TOOLS, session=None, system_prompt=PROMPT) as agent:
        view = View(sys.stdout)
        for event in agent.stream(given.request, attached):
            view.show(event)
            if isinstance(event, Finished):
                return told(agent, event, given.out)
    return 1


def scripted(plan: list[dict]) -> ScriptedBrain:
    """A brain that calls for one plan, and says that it was carried out."""
    call = {"name": "run_plan", "args": {"steps": plan}, "id": "plan"}
    return ScriptedBrain(script=[AIMessage("", tool_calls=[call]), "The plan was carried out."])


class View:
    """Draws the tree anew as steps begin and end: in place on a terminal, else when it ends."""

    def __init__(self, out):
        self.out = out
        self.steps: list[Step] = []
        self.state: dict[str, str] = {}
        self.drawn = 0

    def show(self, event) -> None:
        """Take one event in."""
        if isinstance(event, ToolStarted) and event.name == "run_plan":
            self.steps = [Step.model_validate(step) for step in event.args["steps"]]
            self.state = {step.id: "" for step in self.steps}
        elif isinstance(event, ToolStarted | ToolEnded) and "." in event.id:
            self.state[event.id.rpartition(".")[2]] = mark(event)
        elif not (isinstance(event, ToolEnded) and event.name == "run_plan"):
            return
        ended = isinstance(event, ToolEnded) and event.name == "run_plan"
        if self.out.isatty() or ended:
            self.draw()

    def draw(self) -> None:
        """Over the tree that stands there."""
        lines = tree(self.steps, self.state)
        if self.drawn and self.out.isatty():
            self.out.write(f"\x1b[{self.drawn}A\x1b[J")
        self.out.write("\n".join(lines) + "\n")
        self.out.flush()
        self.drawn = len(lines)


def mark(event: ToolStarted | ToolEnded) -> str:
    if isinstance(event, ToolStarted):
        return "  …"
    return f"  {'✓' if event.ok else '✗'} {event.seconds:.1f} s"


def told(agent: Agent, event: Finished, out: Path | None) -> int:
    """Print the answer, and where its media lie; 0 if all of it was delivered."""
    print(event.answer.text)
    for part in event.answer.parts:
        if part.status != "delivered":
            print(f"{part.type} {part.status}: {part.reason}", file=sys.stderr)
        elif isinstance(part, MediaPart) and part.ref:
            lineage = part.ref.lineage
            parents = ", ".join(lineage.parents) if lineage else ""
            made_by = f"{lineage.model}({parents})" if lineage else ""
            print(f"{part.ref.handle}  {part.ref.mime}  {made_by}")
            if out:
                out.mkdir(parents=True, exist_ok=True)
                suffix = Path(part.ref.name).suffix
                path = out / f"{part.ref.handle}{suffix}"
                path.write_bytes(agent.shelf.media(part.ref.handle).read())
    return 0 if event.answer.ok else 1


if __name__ == "__main__":
    sys.exit(main())
