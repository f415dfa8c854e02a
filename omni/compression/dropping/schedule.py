"""Before which layers of a language model media tokens are dropped, and how many go on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from omni.compression.budget import Budget
from omni.errors import UsageError


@dataclass(frozen=True, slots=True)
class Stage:
    """One cut.

    Attributes:
        layer: the first layer, counted from 0, that no longer sees what is dropped; 1 at least.
        keep: the share of the tokens that an item had at first, from 0 (all go) to 1.
    """

    layer: int
    keep: float

    def __post_init__(self):
        if not isinstance(self.layer, int) or isinstance(self.layer, bool) or self.layer < 1:
            raise UsageError(
                f"tokens are dropped before layer 1 or a later one, not {self.layer!r}: before "
                "the first layer, choose a selector, such as 'farthest'"
            )
        if not 0 <= self.keep <= 1:
            raise UsageError(f"a stage keeps a share from 0 to 1, not {self.keep}")


@dataclass(frozen=True, slots=True)
class Schedule:
    """Cuts in the order of their layers, and what decides at each.

    Attributes:
        stages: layers ascend, shares never rise.
        method: the name of a dropper or selector; none, if whoever uses the schedule chooses.
        settings: of the method.
    """

    stages: tuple[Stage, ...]
    method: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        if not self.stages:
            raise UsageError("a schedule has at least one stage: give it a layer and a share")
        for one, two in pairwise(self.stages):
            if one.layer >= two.layer:
                raise UsageError(f"layers of stages ascend, but {two.layer} follows {one.layer}")
            if one.keep < two.keep:
                raise UsageError(
                    f"what was dropped is gone: layer {two.layer} cannot keep {two.keep}, after "
                    f"layer {one.layer} has kept {one.keep}"
                )

    @classmethod
    def of_shares(cls, shares: Sequence[float], method: str = "", **settings: Any) -> Schedule:
        """The schedule under which layer `l` sees the share `shares[l]`.

        Raises:
            UsageError: if the first layer does not see all, or nothing is ever dropped.
        """
        if not shares or shares[0] != 1:
            raise UsageError("the first layer sees all tokens: begin the shares with 1")
        stages = [
            Stage(layer, share)
            for layer, (before, share) in enumerate(pairwise(shares), 1)
            if share != before
        ]
        return cls(tuple(stages), method, settings)

    def check(self, depth: int) -> None:
        """Refuse a schedule that does not fit a language model of `depth` layers.

        Raises:
            UsageError: if it names a layer that is not there.
        """
        last = self.stages[-1].layer
        if last >= depth:
            raise UsageError(
                f"the schedule drops tokens before layer {last}, but the language model has "
                f"layers 0 to {depth - 1}"
            )

    def shares(self, depth: int) -> list[float]:
        """The share of media tokens that each of `depth` layers sees."""
        found = [1.0] * depth
        for stage in self.stages:
            found[stage.layer :] = [stage.keep] * len(found[stage.layer :])
        return found

    def mean(self, depth: int) -> float:
        """The mean of `shares`: what is left of the media's part of the cache."""
        return sum(self.shares(depth)) / depth

    def counts(
        self, sizes: Sequence[int], floor: int = 1, tokens: int | None = None
    ) -> list[list[int]]:
        """How many tokens of each item of a prompt go on at each stage.

        Args:
            sizes: how many tokens each item has.
            floor: never fewer of an item than this, unless a stage keeps none.
            tokens: at most so many over all items.

        Raises:
            UsageError: if the floors exceed the total.
        """
        found: list[list[int]] = []
        before = list(sizes)
        for stage in self.stages:
            planned = [0] * len(before)
            if stage.keep > 0:
                planned = Budget(tokens, stage.keep, floor).plan(sizes)
            before = [min(pair) for pair in zip(planned, before, strict=True)]
            found.append(before)
        return found

    def to_json(self) -> str:
        """One line, which `from_json` reads."""
        stages = [{"layer": stage.layer, "keep": stage.keep} for stage in self.stages]
        return json.dumps(
            {"method": self.method, "settings": dict(self.settings), "stages": stages}
        )

    @staticmethod
    def from_json(text: str) -> Schedule:
        """What `to_json` wrote.

        Raises:
            UsageError: if it is something else.
        """
        try:
            found = json.loads(text)
            stages = tuple(Stage(one["layer"], float(one["keep"])) for one in found["stages"])
            method, settings = found.get("method", ""), dict(found.get("settings", {}))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UsageError(
                f"no schedule: {error!r}; wanted what Schedule.to_json() wrote"
            ) from error
        if not isinstance(method, str):
            raise UsageError(f"a schedule names its method, not {method!r}")
        return Schedule(stages, method, settings)
