"""Build the graph of an agent: LangChain's `create_agent` with our middleware around its model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from langchain.agents import create_agent

from omni.chat.approving import Approval, gated
from omni.chat.guarding import Guard
from omni.chat.making import MakerRouter
from omni.chat.metering import Meter
from omni.chat.structuring import Structuring
from omni.chat.toolbox import lend
from omni.chat.watching import Watch

if TYPE_CHECKING:
    from langchain.agents.middleware import AgentMiddleware

    from omni.chat.agent import Agent
    from omni.chat.offload import Offload

_PROMPT = (
    "Media in this conversation have short names such as img-1 or aud-2, which stand before them. "
    "Use these names when you speak of media and when you hand them to tools. "
    "Never name media that do not exist."
)


def build(
    agent: Agent,
    tools: Sequence[Any],
    *,
    offload: Offload,
    middleware: Sequence[AgentMiddleware],
    context: type[Any],
) -> Any:
    """The graph of an agent.

    Args:
        agent: whose brain, limits and settings count.
        tools: opened, with the media of the session at hand.
        offload: keeps bytes out of the state.
        middleware: of the user, between our own and the model.
        context: class of what tools find under `runtime.context`.

    Raises:
        UsageError: if a tool is to be approved that there is not.
    """
    in_place = getattr(agent.brain, "media_in_place", False)
    stack: list[Any] = [Watch(_settings(agent)), Meter(lambda: agent.limits)]
    if names := gated(tools, agent.approve):
        stack.append(Approval(names))
        lend(tools, names)
    guard = next((one for one in middleware if isinstance(one, Guard)), None) or Guard()
    stack += [one for one in middleware if one is not guard]
    stack += [offload, MakerRouter(agent.makers, agent.shelf)]
    if agent.response_format is not None:
        stack.append(Structuring(agent.response_format))
    stack.append(guard)
    return create_agent(
        agent.brain,
        tools,
        system_prompt=agent.system_prompt or (None if in_place else _PROMPT),
        middleware=stack,
        response_format=agent.response_format,
        context_schema=context,
        checkpointer=agent.sessions.checkpoints,
    )


def _settings(agent: Agent) -> Callable[[], dict[str, Any]]:
    """What an agent asks of its brain just now, as far as the brain knows of it."""
    fields = getattr(type(agent.brain), "model_fields", {})

    def settings() -> dict[str, Any]:
        given = {"budget": agent.budget, "selector": agent.selector, "seed": agent.seed}
        return {
            name: value for name, value in given.items() if value is not None and name in fields
        }

    return settings
