"""Approval: calls of tools that wait until somebody allows, changes or refuses them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from langchain.agents.middleware import HumanInTheLoopMiddleware, InterruptOnConfig
from pydantic import BaseModel, ValidationError

from omni.chat.offload import note
from omni.content import Asked
from omni.errors import UsageError

if TYPE_CHECKING:
    from langgraph.types import Interrupt

ALL = "all"
Approve = Sequence[str] | Literal["all"] | None
"""Which tools wait: those that ask by themselves and these; all; or none (`None`)."""


@dataclass(frozen=True, slots=True)
class Allow:
    """Let the tool do what the model asked for."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Call the tool with other arguments, all of which are given; the model is told."""

    args: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Refuse:
    """Do not call the tool; the model is told why, and the answer has a refused part."""

    reason: str = ""


Decision = Allow | Edit | Refuse


class Approval(HumanInTheLoopMiddleware):
    """Stops the turn where the model calls one of these tools, and goes on as was decided.

    Where it stopped is in the checkpoint: the decision may come from another process, later.
    """

    def __init__(self, names: Iterable[str]):
        waiting = InterruptOnConfig(
            allowed_decisions=["approve", "edit", "reject"],
            # The request has no place for the call's id but this one.
            description=lambda tool_call, state, runtime: str(tool_call["id"]),
        )
        super().__init__({name: waiting for name in names})

    def after_model(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        """Ask, and mark what was refused so that the answer says so."""
        update = super().after_model(state, runtime)
        for message in (update or {}).get("messages", [])[1:]:
            note(message, refused=_short(message.text))
        return update


def gated(tools: Iterable[Any], approve: Approve) -> list[str]:
    """Names of the tools whose calls wait.

    Raises:
        UsageError: if a name is given that no tool has.
    """
    if approve is None:
        return []
    found = {getattr(one, "name", getattr(one, "__name__", "")): one for one in tools}
    if approve == ALL:
        return list(found)
    if unknown := [name for name in approve if name not in found]:
        known = ", ".join(found) or "none"
        raise UsageError(f"no tool called {unknown[0]!r} can be approved; there is: {known}")
    return [name for name, tool in found.items() if name in approve or asks(tool)]


def asks(tool: Any) -> bool:
    """Whether a tool touches the world: `asks` of its class, or of its metadata."""
    metadata = getattr(tool, "metadata", None) or {}
    return bool(getattr(tool, "asks", False) or metadata.get("asks"))


def asked_in(update: Mapping[str, Any]) -> list[Asked]:
    """The calls that a graph has just stopped for."""
    return asked_of(update.get("__interrupt__") or ())


def asked_of(interrupts: Iterable[Interrupt]) -> list[Asked]:
    """The calls in what a graph stopped for; what others interrupt for has the name `interrupt`."""
    found = []
    for one in interrupts:
        requests = _requests(one)
        found += [
            Asked(id=str(request["description"]), name=request["name"], args=request["args"])
            for request in requests
        ]
        if not requests:
            found.append(Asked(id=one.id, name="interrupt", args={"value": one.value}))
    return found


def resumed(
    interrupts: Sequence[Interrupt], given: Any, tools: Iterable[Any], waiting: Iterable[str]
) -> dict[str, dict[str, Any]]:
    """What a graph is resumed with, by the id of each interrupt.

    Args:
        interrupts: that wait.
        given: one decision for every call, or one for each by its id.
        tools: of the agent, whose arguments an edit has to fit.
        waiting: names of those of them whose calls wait; the call may be of an earlier process.

    Raises:
        UsageError: if nothing waits, a call has no decision, an edit does not fit, or the agent has
            no such tool any more.
    """
    waits = asked_of(interrupts)
    if not waits:
        raise UsageError("nothing waits for a decision")
    ids = [one.id for one in waits]
    decisions = dict(given) if isinstance(given, Mapping) else dict.fromkeys(ids, given)
    if set(decisions) != set(ids):
        raise UsageError(f"a decision is wanted for each of {', '.join(ids)}, and for no other")
    if isinstance(given, Edit) and len(ids) > 1:
        raise UsageError(f"an edit is for one call, and {len(ids)} wait: give {{id: decision, …}}")
    schemas = {getattr(tool, "name", ""): tool for tool in tools}
    ours = [call for one in interrupts if _requests(one) for call in asked_of([one])]
    if gone := [call.name for call in ours if call.name not in waiting]:
        raise UsageError(
            f"a call of {gone[0]!r} waits, and this agent has no such tool that waits: open it "
            "with the tools that it had"
        )
    found: dict[str, Any] = {}
    for one in interrupts:
        own = asked_of([one])
        if not _requests(one):
            found[one.id] = decisions[one.id]
            continue
        answers = [_decided(call, decisions[call.id], schemas.get(call.name)) for call in own]
        found[one.id] = {"decisions": answers}
    return found


def _requests(interrupt: Interrupt) -> list[dict[str, Any]]:
    value = interrupt.value
    found = value.get("action_requests") if isinstance(value, Mapping) else None
    return found if isinstance(found, list) else []


def _decided(call: Asked, decision: Any, tool: Any) -> dict[str, Any]:
    if isinstance(decision, Allow):
        return {"type": "approve"}
    if isinstance(decision, Refuse):
        return {"type": "reject"} | ({"message": decision.reason} if decision.reason else {})
    if isinstance(decision, Edit):
        args = dict(decision.args)
        _check(call, args, tool)
        return {"type": "edit", "edited_action": {"name": call.name, "args": args}}
    raise UsageError(f"a decision is Allow(), Edit(args) or Refuse(reason), not {decision!r}")


def _check(call: Asked, args: Mapping[str, Any], tool: Any) -> None:
    schema = getattr(tool, "tool_call_schema", None)
    if not (isinstance(schema, type) and issubclass(schema, BaseModel)):
        return
    try:
        schema.model_validate(args)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"])
        raise UsageError(f"{call.name} does not take that: {place}: {first['msg']}") from None


def _short(text: str) -> str:
    """The reason within what LangChain tells the model of a refusal."""
    _, marker, reason = text.partition("with reason: ")
    return reason if marker else ""
