"""What `tool_choice` asks for, in all the forms in which LangChain and OpenAI have it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from omni.errors import UsageError

Tool = Mapping[str, Any]
"""A tool in the form of OpenAI's functions."""

FREELY = (None, False, "auto")
ANY = (True, "any", "required")


def chosen(tools: Sequence[Tool] | None, choice: Any) -> tuple[list[Tool], bool]:
    """The tools that may be called, and whether one must be.

    Args:
        tools: all there are.
        choice: `auto`, `any`, `required`, `none`, a truth value, a name, or a function by name.

    Raises:
        UsageError: if a tool is chosen that there is not.
    """
    listed = list(tools or ())
    if choice in FREELY or not listed:
        return listed, False
    if choice == "none":
        return [], False
    if choice in ANY:
        return listed, True
    name = name_of(choice) if isinstance(choice, Mapping) else str(choice)
    found = [tool for tool in listed if name_of(tool) == name]
    if not found:
        there = ", ".join(map(name_of, listed))
        raise UsageError(f"tool_choice={name!r} is no tool that was bound: there is {there}")
    return found, True


def name_of(tool: Tool) -> str:
    """What a tool is called by."""
    return str(tool.get("function", tool).get("name", ""))
