"""From what an agent is given as tools to tools that see the media of its session."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import TYPE_CHECKING, Any

from omni import plugins
from omni.errors import UsageError

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

    from omni.workbench import BenchTool, Workbench

    Given = str | type[BenchTool] | BaseTool | Callable[..., Any]
    """A plug-in's name, a class of ours, a LangChain tool, or a plain function."""

EVERY = "all"
"""Stands for every tool that is installed and safe to call without being asked."""


def toolbox(given: Sequence[Given], bench: Workbench) -> list[Any]:
    """Tools for a model, with the workbench put into those that take one.

    Args:
        given: names (`all` for every one), classes, tools or functions.
        bench: the media of the session.

    Raises:
        UnknownPlugin: for a name that nobody offers; the message lists those there are.
        UsageError: if two have the same name.
    """
    found = [one for item in given for one in _opened(item, bench)]
    names = [getattr(one, "name", getattr(one, "__name__", repr(one))) for one in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise UsageError(f"two tools are called {twice!r}: give each once")
    lend(found)
    return found


def lend(tools: Sequence[Any], without: Container[str] = ()) -> None:
    """Let a tool that calls others, such as `run_plan`, call those that it stands beside.

    Args:
        tools: all of an agent.
        without: names of those whose calls a person decides on, besides those that ask by
            themselves.
    """
    from omni.chat.approving import asks

    for one in tools:
        if "others" not in getattr(type(one), "model_fields", {}):
            continue
        beside = [other for other in tools if other is not one and hasattr(other, "invoke")]
        free = [other for other in beside if not asks(other) and other.name not in without]
        one.others = free if beside or without else None


def _opened(item: Given, bench: Workbench) -> list[Any]:
    if isinstance(item, str):
        names = plugins.names("tools") if item == EVERY else [item]
        return [
            plugins.load("tools", name)(bench=bench)
            for name in names
            if item != EVERY or not getattr(plugins.load("tools", name), "asks", False)
        ]
    if isinstance(item, type) and "bench" in getattr(item, "model_fields", {}):
        return [item(bench=bench)]  # type: ignore[call-arg]
    return [item]
