"""What one turn may take, as flags, as settings and as `/limits`."""

from __future__ import annotations

import argparse
import dataclasses
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from omni.errors import UsageError

if TYPE_CHECKING:
    from omni.chat.agent import Agent
    from omni.chat.limits import Limits, Price
    from omni.config import Settings

OFF = "off"
NAMES = ("steps", "tokens", "seconds", "money")
_WHOLE = ("steps", "tokens")
_KEPT = ("steps",)
"""Limits that can be raised and not lifted: a model that calls tools for ever has to end."""

_HELP = {
    "steps": "at most N model calls a turn",
    "tokens": "at most N tokens a turn, in and out over all its model calls, or off",
    "seconds": "at most S seconds a turn, or off",
    "money": "at most M a turn, in the currency of the prices, or off",
}
_LETTERS = {"steps": "N", "tokens": "N", "seconds": "S", "money": "M"}


def add_limit_flags(parser: argparse.ArgumentParser) -> None:
    """The flags that limit a turn; one that reaches a limit ends there, with what came kept."""
    for name in NAMES:
        parser.add_argument(
            f"--max-{name}",
            metavar=_LETTERS[name],
            help=_HELP[name],
            type=lambda text, name=name: _flag(name, text),
        )
    parser.add_argument(
        "--price",
        metavar="[MODEL=]IN/OUT",
        action="append",
        dest="prices",
        type=_price_flag,
        help="what a million tokens cost, such as 0.25/2; may be given again for other models",
    )


def given_limits(arguments: argparse.Namespace) -> dict[str, Any]:
    """The settings that flags give; `math.inf` stands for a limit that is lifted."""
    given = {f"max_{name}": getattr(arguments, f"max_{name}") for name in NAMES}
    given["prices"] = tuple(arguments.prices) if arguments.prices else None
    return {name: value for name, value in given.items() if value is not None}


def limits_of(settings: Settings, more: Mapping[str, Price] | None = None) -> Limits:
    """The limits that settings say.

    Args:
        settings: in force.
        more: prices that an agent file gives; those of the settings go before them.
    """
    from omni.chat.limits import Limits

    given = {name: getattr(settings, f"max_{name}") for name in NAMES}
    given = {name: value for name, value in given.items() if value is not None}
    prices = dict(more or {})
    for text in settings.prices:
        name, cost = price(text, settings.model)
        prices |= {name: cost, name.partition(":")[2] or name: cost}  # models leave providers out
    return Limits(**given, prices=prices)


def settings_with(settings: Settings, limits: Limits) -> Settings:
    """The settings that say these limits."""
    return settings.model_copy(update={f"max_{name}": getattr(limits, name) for name in NAMES})


def price(text: str, model: str) -> tuple[str, Price]:
    """The model and its price in `gpt-5-mini=0.25/2`.

    Args:
        text: of that form, or without a name.
        model: whose price it is if no other is named.

    Raises:
        UsageError: if it has another form.
    """
    from omni.chat.limits import Price

    name, named, numbers = text.rpartition("=")
    paid, _, given = numbers.partition("/")
    try:
        cost = Price(float(paid), float(given))
    except ValueError:
        cost = Price(math.inf, math.inf)
    if not math.isfinite(cost.input + cost.output) or (named and not name.strip()):
        raise UsageError(
            "wanted [MODEL=]IN/OUT, what a million tokens cost, such as gpt-5-mini=0.25/2, "
            f"not {text!r}"
        )
    return name.strip() or model, cost


def changed(limits: Limits, line: str) -> Limits:
    """The limits after `steps=8 seconds=off`; `off` alone lifts all that can be lifted.

    Raises:
        UsageError: if a word is none of that form.
    """
    words = line.split()
    if words == [OFF]:
        words = [f"{name}={OFF}" for name in NAMES if name not in _KEPT]
    found: dict[str, Any] = {}
    for word in words:
        name, _, text = word.partition("=")
        if name not in NAMES:
            raise UsageError(
                f"wanted {', '.join(f'{one}=…' for one in NAMES)} or off, not {word!r}"
            )
        try:
            value = _number(name, text)
        except ValueError as error:
            raise UsageError(f"{name}: {error}") from None
        found[name] = None if value == math.inf else value
    return dataclasses.replace(limits, **found)


def told(agent: Agent) -> list[str]:
    """The limits of an agent, and what its last turn took, a line each."""
    from omni.chat.metering import spent
    from omni.chat.offload import model_name, noted
    from omni.chat.transcript import split

    limits = agent.limits
    lines = [f"limits of a turn: {_list(limits)}"]
    turns = split(agent.sessions.messages(agent.session))
    if turns:
        called = [one for one in turns[-1][1] if one.text or not noted(one).get("status")]
        taken = spent(called, limits, model_name(agent.brain))
        about = "" if taken.counted else "about "
        counts = f"{taken.steps} steps, {about}{taken.tokens:,} tokens"
        cost = f", {taken.money:.4g} in money" if taken.money else ""
        lines.append(f"the last turn took {counts}{cost}")
    return lines


def _list(limits: Limits) -> str:
    values = {name: getattr(limits, name) for name in NAMES}
    return ", ".join(
        f"{name} {OFF if value is None else format(value, ',d' if name in _WHOLE else 'g')}"
        for name, value in values.items()
    )


def _flag(name: str, text: str) -> float:
    try:
        return _number(name, text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _price_flag(text: str) -> str:
    try:
        price(text, "")
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def _number(name: str, text: str) -> float:
    """A number above 0, whole where it counts things; `math.inf` for `off`.

    Raises:
        ValueError: if it is none; the message says what was wanted.
    """
    whole = name in _WHOLE
    if text == OFF and name not in _KEPT:
        return math.inf
    try:
        value = int(text) if whole else float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        kind = "a whole number" if whole else "a number"
        off = "" if name in _KEPT else f" or {OFF}"
        raise ValueError(f"wanted {kind} above 0{off}, not {text!r}")
    return value
