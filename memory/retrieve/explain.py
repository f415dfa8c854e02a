"""What each stage of a search did: its scores, its time, and what it could not do."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ..record import Hit


@dataclass(slots=True)
class Stage:
    """One stage.

    Attributes:
        name: of the stage, or of the leg.
        seconds: that it took.
        scores: of the records that it looked at, by id, in its order.
        notes: what was left out and why.
    """

    name: str
    seconds: float = 0.0
    scores: Mapping[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Explain:
    """All stages of one search, in order."""

    stages: list[Stage] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[Stage]:
        """A stage that is begun and timed; it is kept also if it fails."""
        one = Stage(name)
        self.stages.append(one)
        began = time.perf_counter()
        try:
            yield one
        finally:
            one.seconds = time.perf_counter() - began

    @property
    def notes(self) -> list[str]:
        """What could not be done, by all stages."""
        return [note for stage in self.stages for note in stage.notes]

    def of(self, id: str) -> dict[str, float]:
        """What each stage gave one record."""
        return {stage.name: stage.scores[id] for stage in self.stages if id in stage.scores}

    def to_json(self) -> list[dict[str, Any]]:
        """Stages as `omni memory search --explain --json` prints them."""
        return [
            {"stage": one.name, "seconds": round(one.seconds, 6), "scores": dict(one.scores)}
            | ({"notes": list(one.notes)} if one.notes else {})
            for one in self.stages
        ]


@dataclass(frozen=True, slots=True)
class Found:
    """What a search answers with.

    Attributes:
        hits: the best first.
        explain: how they came to be.
    """

    hits: Sequence[Hit]
    explain: Explain
