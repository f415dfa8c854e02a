"""What one turn may take: steps, tokens, seconds and money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from omni.errors import UsageError

_MILLION = 1_000_000


class LimitReached(Exception):
    """Raised inside a turn that has used up what it may take; the agent makes a failed part of it.

    The message names the limit, what was used and what to change.
    """


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs, in any currency, for a million tokens."""

    input: float
    output: float

    def __post_init__(self):
        if self.input < 0 or self.output < 0:
            raise UsageError(f"a price is 0 or more, not {min(self.input, self.output)}")

    def of(self, input_tokens: int, output_tokens: int) -> float:
        """What these tokens cost."""
        return (input_tokens * self.input + output_tokens * self.output) / _MILLION


@dataclass(frozen=True, slots=True)
class Spent:
    """What a turn has taken so far.

    Attributes:
        steps: model calls.
        tokens: in and out, over all calls, those of agents that were used as tools among them.
        money: by the prices that were given.
        counted: whether models reported their tokens; if not, they are estimated from the words.
    """

    steps: int = 0
    tokens: int = 0
    money: float = 0.0
    counted: bool = True


@dataclass(frozen=True, slots=True)
class Limits:
    """What one turn may take; a turn that reaches a limit ends with a failed part that names it.

    Steps, tokens and money are looked at before each model call, so the last call may go beyond
    them; an answer that is whole by then is kept as it is. Time is looked at all the while.

    Attributes:
        steps: model calls.
        tokens: in and out, over all model calls.
        seconds: for which the whole turn works, also after a restart; what a person takes to decide
            does not count.
        money: in the currency of the prices.
        prices: by the name of the model, such as `gpt-5-mini`.
    """

    steps: int = 24
    tokens: int | None = None
    seconds: float | None = None
    money: float | None = None
    prices: Mapping[str, Price] = field(default_factory=dict)

    def __post_init__(self):
        for name in ("steps", "tokens", "seconds", "money"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise UsageError(f"a limit of {name} is above 0, not {value}")

    def price(self, model: str) -> Price | None:
        """The price of a model, by its name with or without its provider."""
        return self.prices.get(model) or self.prices.get(model.rpartition(":")[2])

    def require_price(self, model: str) -> None:
        """Refuse a limit of money that cannot be kept.

        Raises:
            UsageError: if nobody says what the model costs.
        """
        if self.money is not None and self.price(model) is None:
            known = f"prices are given for {', '.join(self.prices)}" if self.prices else "none is"
            raise UsageError(
                f"a limit of money needs the price of {model!r}: {known}; say what a million "
                f"tokens cost, as --price {model}=IN/OUT or "
                f"prices={{{model!r}: Price(input=…, output=…)}}"
            )

    def check(self, spent: Spent, ahead: int = 0) -> None:
        """Let a turn go on, or not.

        Args:
            spent: what it has taken.
            ahead: fewest tokens that the next call will take.

        Raises:
            LimitReached: if a limit is reached.
        """
        if spent.steps >= self.steps:
            raise LimitReached(
                f"no answer after {self.steps} steps: raise the limit of steps (--max-steps), or "
                "ask for less at a time"
            )
        about = "" if spent.counted else "about "
        if self.tokens is not None and spent.tokens >= self.tokens:
            raise LimitReached(
                f"the limit of {self.tokens:,} tokens is reached ({about}{spent.tokens:,} used): "
                "raise it, or ask for less"
            )
        if self.tokens is not None and spent.tokens + ahead > self.tokens:
            raise LimitReached(
                f"the limit of {self.tokens:,} tokens would be passed: the next call needs more "
                f"than {ahead:,} and {about}{spent.tokens:,} are used; raise it, or begin anew"
            )
        if self.money is not None and spent.money >= self.money:
            raise LimitReached(
                f"the limit of {self.money:g} in money is reached ({about}{spent.money:.4g} "
                "spent): raise it, or ask for less"
            )

    def told_late(self) -> str:
        """What to say of a turn that took too long."""
        return f"the limit of {self.seconds:g} seconds is reached: raise it, or ask for less"
