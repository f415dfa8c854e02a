"""Which tools a model with a small window is told of: those that are nearest to the question."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

from omni.chat.choosing import Tool, name_of
from omni.media import HANDLE
from omni.model.questions import TEXT
from omni.model.sharing import words

if TYPE_CHECKING:
    from omni.model.loading import Loaded

SHARE = 8
"""Tools may take one part in so many of a model's window."""


class Shortlist:
    """Leaves out tools, the farthest from the question first, until the list is short enough.

    How near a tool is, the model's own text encoder says, in whose space a wish lies close to the
    description of what grants it; without one, how many words they have in common. Tools that were
    called in the turn stay. One that must be given a medium of a kind that is not there, such as a
    recording, goes before any that can be called: a small model would call it all the same.

    Args:
        loaded: the model that reads the list.
        length: how many tokens a list of tools takes in a prompt.
    """

    def __init__(self, loaded: Loaded, length: Callable[[Sequence[Tool]], int]):
        self.loaded, self.length = loaded, length
        self._described: dict[str, torch.Tensor] = {}

    def __call__(
        self,
        tools: Sequence[Tool],
        question: str,
        room: int,
        called: frozenset[str] = frozenset(),
        there: frozenset[str] | None = None,
    ) -> list[Tool]:
        """The tools that stay, one at least, in their order.

        Args:
            tools: all there are.
            question: what was asked.
            room: tokens that the list may take.
            called: names of those that were called in this turn.
            there: prefixes of the handles of media that there are; `None` if it is not known.
        """
        if not tools or self.length(tools) <= room:
            return list(tools)
        near = self._near([_told(tool) for tool in tools], question)
        order = sorted(
            range(len(tools)),
            key=lambda place: (
                name_of(tools[place]) not in called,
                there is not None and not _possible(tools[place], there),
                -near[place],
            ),
        )
        kept: list[int] = []
        for place in order:
            if kept and self.length([tools[each] for each in (*kept, place)]) > room:
                break
            kept.append(place)
        return [tools[place] for place in sorted(kept)]

    def _near(self, told: Sequence[str], question: str) -> list[float]:
        model: Any = self.loaded.model
        if not question.strip() or not self.loaded.processor.hears or TEXT not in model.encoders:
            asked = words(question)
            return [float(len(asked & words(one))) for one in told]
        with torch.no_grad():
            fresh = [one for one in told if one not in self._described]
            if fresh:
                self._described.update(zip(fresh, model.embed(TEXT, fresh), strict=True))
            asked = model.embed(TEXT, [question])[0].float()
        return [float(self._described[one].float() @ asked) for one in told]


def _possible(tool: Tool, there: frozenset[str]) -> bool:
    """Whether all media that a tool must be given can be: its fields name handles that will do."""
    parameters = tool.get("function", tool).get("parameters") or {}
    fields = parameters.get("properties") or {}
    for name in parameters.get("required") or ():
        field = fields.get(name)  # the tools of others may be described badly
        told = field.get("description") if isinstance(field, Mapping) else None
        wanted = {match[1] for match in HANDLE.finditer(str(told))}
        if wanted and not wanted & there:
            return False
    return True


def _told(tool: Tool) -> str:
    """A tool's name and what it is for, in words."""
    inner = tool.get("function", tool)
    return f"{name_of(tool).replace('_', ' ')}: {inner.get('description') or ''}".strip(": ")
