"""Flags that several verbs share, and the agent that they open."""

from __future__ import annotations

import argparse
import dataclasses
import math
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from omni.cli.limiting import add_limit_flags, given_limits, limits_of

if TYPE_CHECKING:
    from langchain.agents.middleware import AgentMiddleware

    from omni.chat.agent import Agent
    from omni.chat.agentfile import AgentFile
    from omni.config import Settings


def add_brain_flags(parser: argparse.ArgumentParser) -> None:
    """The flags that choose and limit the brain."""
    parser.add_argument(
        "--agent", metavar="FILE", help="an agent in a TOML file; other flags go before it"
    )
    parser.add_argument(
        "--model",
        metavar="M",
        help="nano (embedded), provider:name, a folder or a hub id; see  omni models",
    )
    parser.add_argument("--device", metavar="D", help="auto, cpu, cuda, cuda:N or mps")
    parser.add_argument(
        "--budget", metavar="N", help="at most N media tokens a turn, or off", type=_budget
    )
    parser.add_argument(
        "--selector",
        metavar="NAME",
        help="the method that keeps tokens within the budget; see  omni catalog",
        type=selector_name,
    )
    parser.add_argument(
        "--tools",
        metavar="NAMES",
        help="tools that the brain may call: names with commas between, all or none",
        type=tool_names,
    )
    parser.add_argument(
        "--maker",
        metavar="KIND=NAME",
        action="append",
        dest="makers",
        help="who makes what the brain cannot, such as image=FOLDER; may be given again",
    )
    parser.add_argument(
        "--experience",
        metavar="DIR",
        help="learn from runs that succeed, and from mended calls: auto, a folder, or off",
    )
    add_limit_flags(parser)


def _budget(text: str) -> int:
    """A number of tokens; 0 stands for no limit."""
    if text == "off":
        return 0
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"wanted a number of tokens above 0 or off, not {text!r}")
    return int(text)


def selector_name(text: str) -> str:
    """The name of a selector that exists.

    Raises:
        ArgumentTypeError: if there is none of that name.
    """
    from omni import plugins

    known = plugins.names("compression")
    if text not in known:
        raise argparse.ArgumentTypeError(
            f"no selector is called {text!r}; there is: {', '.join(known)}"
        )
    return text


def tool_names(text: str) -> tuple[str, ...]:
    """Names of tools that exist, with commas between; `none` stands for no tool.

    Raises:
        ArgumentTypeError: for a name that there is not.
    """
    from omni import plugins
    from omni.chat.toolbox import EVERY

    names = tuple(part.strip() for part in text.split(",") if part.strip())
    if names == ("none",):
        return ()
    known = plugins.names("tools")
    unknown = next((name for name in names if name != EVERY and name not in known), None)
    if unknown or not names:
        raise argparse.ArgumentTypeError(
            f"no tool is called {unknown or text!r}; there is: {', '.join(known)}, all, none"
        )
    return names


def settings_of(arguments: argparse.Namespace) -> Settings:
    """The settings in force, with the flags of this command."""
    from omni.config import settings

    flags = {
        "model": arguments.model,
        "device": arguments.device,
        "budget": arguments.budget or None,
        "seed": getattr(arguments, "seed", None),
        "tools": arguments.tools,
        "selector": arguments.selector,
        "experience": arguments.experience,
    }
    described = agent_file(arguments)
    given = described.as_settings() if described else {}
    given |= {name: value for name, value in flags.items() if value is not None}
    limits = given_limits(arguments)
    lifted = {name for name, value in limits.items() if value == math.inf}
    lifted |= {"budget"} if arguments.budget == 0 else set()
    given |= {name: value for name, value in limits.items() if name not in lifted}
    return settings(**given).model_copy(update=dict.fromkeys(lifted))


def agent_file(arguments: argparse.Namespace) -> AgentFile | None:
    """What the file of `--agent` says, if there is one."""
    if arguments.agent is None:
        return None
    from omni.chat.agentfile import read

    return read(Path(arguments.agent))


def open_agent(
    settings: Settings,
    session: str,
    middleware: Sequence[AgentMiddleware] = (),
    agent_file: AgentFile | None = None,
) -> Agent:
    """The agent of a session, with the brain that the settings name.

    Args:
        settings: in force; they go before what a file says of the same things.
        session: to begin or to go on with.
        middleware: of the verb.
        agent_file: that describes the agent, if there is one.
    """
    from omni.chat import agent
    from omni.compression.budget import Budget
    from omni.config import home
    from omni.media import Access

    model = settings.model
    if settings.seed is not None:
        chosen = {"device": settings.device, "dtype": settings.dtype, "seed": settings.seed}
        model = agent.brain(model, **chosen)
    more = agent_file.settings() if agent_file else {}
    workers = more.pop("tools", ())[len(agent_file.tools) :] if agent_file else ()
    budget = more.pop("budget", None) or Budget()
    more.pop("seed", None)  # the brain has it
    given = {
        **more,
        "model": model,
        "tools": (*settings.tools, *workers),
        "budget": dataclasses.replace(budget, tokens=settings.budget),
        "selector": settings.selector,
        "device": settings.device,
        "dtype": settings.dtype,
        "access": Access(settings.roots, settings.max_bytes),
        "limits": limits_of(settings, more["limits"].prices if more else {}),
    }
    if settings.makers:
        from omni.making import named

        given["makers"] = named(settings.makers)
    if given["budget"] == Budget():
        given["budget"] = None
    return agent.Agent(**given, session=session, home=home(), middleware=middleware)


def new_session(kind: str) -> str:
    """A name that no other session has, for one that was not given a name."""
    return f"{kind}-{time.strftime('%Y-%m-%d')}-{os.urandom(3).hex()}"
