"""Take something out of the long memory."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from omni.plugins import Component
from omni.workbench import Arguments, BenchTool

COMPONENTS = (Component("tool", "forget", "One thing taken out of the long memory."),)


class _Id(Arguments):
    id: str = Field(min_length=1, max_length=512, description="id of it, as recall tells it")


class Forget(BenchTool):
    """Destroys what a person kept, so a person is asked before."""

    name: str = "forget"
    description: str = "Take one thing out of the long memory for good, by the id recall gives."
    args_schema: Any = _Id
    asks = True

    def work(self, id: str) -> str:
        count = self.bench.memory.forget(id)
        return f"Forgotten: {id} ({count} record{'s' if count != 1 else ''})."


plugin = Forget
