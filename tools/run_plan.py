"""Several calls of tools in one go, with what one gives handed on to the next."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from omni.chat.listening import tell
from omni.chat.planning import MOST_STEPS, Done, PlanRun, Step, tree
from omni.content import MediaPart
from omni.errors import Retry
from omni.plugins import Component
from omni.wire import failed_block, to_langchain
from omni.workbench import Arguments, BenchTool, Blocks

COMPONENTS = (
    Component("tool", "run_plan", "A graph of calls with handles between them.", "HuggingGPT"),
)

_LONGEST = 1500


class _Plan(Arguments):
    steps: list[Step] = Field(
        min_length=1, max_length=MOST_STEPS, description="the calls, in any order"
    )


class RunPlan(BenchTool):
    """Runs what does not wait for one another at the same time, and tells of each step.

    Attributes:
        others: the tools that a plan may call; all that need not be asked for if it is `None`.
    """

    name: str = "run_plan"
    description: str = (
        "Run a plan of several tool calls. In the arguments of a step, <id> stands for what the "
        "step of that id makes (its handle) or says (its words), <id.image> for the image that it "
        "makes. Steps that do not wait for one another run at the same time."
    )
    args_schema: Any = _Plan
    patience = 1800.0
    others: list[Any] | None = None

    def work(self, steps: list[Step]) -> Blocks:
        run = PlanRun(steps, self._tools(), self.bench.shelf, tell=tell)
        done = run.run()
        if not any(one.ok for one in done):
            raise Retry(f"no step worked:\n{told(done)}")
        made = [MediaPart.of(ref) for one in done for ref in one.made]
        return [{"type": "text", "text": told(done)}, *to_langchain(made), *self._failed(done)]

    def _tools(self) -> dict[str, Any]:
        from omni.chat.toolbox import EVERY, toolbox

        others = toolbox([EVERY], self.bench) if self.others is None else self.others
        return {one.name: one for one in others if one.name != self.name}

    def _failed(self, done: list[Done]) -> Blocks:
        """A failed part for each thing that was to be made and was not."""
        tools = self._tools()
        return [
            failed_block(kind, f"step {one.step.id}: {one.text}")
            for one in done
            if not one.ok
            and (kind := (getattr(tools[one.step.tool], "metadata", None) or {}).get("makes"))
        ]


def told(done: list[Done]) -> str:
    """The plan as a tree, and what each step gave."""
    state = {one.step.id: f"  {'done' if one.ok else 'failed'}" for one in done}
    lines = tree([one.step for one in done], state)
    for one in done:
        made = f" [{', '.join(ref.handle for ref in one.made)}]" if one.made else ""
        text = one.text if len(one.text) <= _LONGEST else f"{one.text[:_LONGEST]}…"
        lines.append(f"{one.step.id}{made}: {text}")
    return "\n".join(lines)


plugin = RunPlan
