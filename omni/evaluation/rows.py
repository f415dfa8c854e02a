"""The form in which figures are given: rows, for programs and for people."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from importlib.metadata import version
from typing import Any

Row = dict[str, Any]
_PACKAGES = ("torch", "transformers")


@dataclass(frozen=True, slots=True)
class Cell:
    """One thing that is measured.

    Attributes:
        input: what is given, such as `image` or `audio+image`.
        output: what is asked for.
        split: which of all such things: `new seeds`, `held-out pairs`, …
        judge: what decides whether an answer is right.
    """

    input: str
    output: str
    split: str
    judge: str

    def row(self, hits: Sequence[bool], **more: Any) -> Row:
        """The figure of these answers."""
        score = sum(hits) / len(hits) if hits else 0.0
        return {**self._names(), "n": len(hits), "score": round(score, 4), **more}

    def _names(self) -> Row:
        return {
            "input": self.input,
            "output": self.output,
            "split": self.split,
            "judge": self.judge,
        }

    def matches(self, patterns: Sequence[str]) -> bool:
        """Whether a pattern (`image>text`, `*>audio`, `router*`) names it; no patterns name all."""
        names = (f"{self.input}>{self.output}", self.split, self.output)
        return not patterns or any(fnmatch(name, each) for name in names for each in patterns)


def figures(what: str, rows: Iterable[Row], *, seed: int, device: str, **more: Any) -> Row:
    """The whole object that `omni eval NAME --json` prints."""
    head = {"what": what, "seed": seed, "device": described(device), "versions": versions()}
    return {**head, **more, "rows": list(rows)}


def timings(what: str, rows: Iterable[Row], *, repeats: int, device: str) -> Row:
    """The whole object that `omni bench NAME --json` prints."""
    head = {"what": what, "device": described(device), "versions": versions(), "repeats": repeats}
    return {**head, "rows": list(rows)}


def versions() -> dict[str, str]:
    """Of what the figures depend on."""
    found = {"python": platform.python_version()}
    return found | {name: version(name) for name in _PACKAGES}


def described(device: str) -> str:
    """A device in words: of a CPU its kind and how many threads were used."""
    import torch

    if device == "cpu":
        return f"cpu, {platform.machine()}, {torch.get_num_threads()} threads"
    return f"{device}, {torch.cuda.get_device_name(device)}" if "cuda" in device else device


def cells_of(row: Mapping[str, Any]) -> tuple[str, ...]:
    """A row as cells of a table for people."""
    named = (row["input"], row["output"], row["split"])
    return (*named, str(row["n"]), score_of(row), row["judge"])


def score_of(row: Mapping[str, Any]) -> str:
    """The score for people: a share in per cent, or a number where it is none."""
    if row["score"] is None:
        return "not measured"
    if row["judge"] in ("MASE", "least load"):
        return f"{row['score']:.3f}"
    return percent(row["score"])


def percent(score: float) -> str:
    """A share for people."""
    return f"{100 * score:.1f} %"


HEADINGS = ("input", "output", "split", "n", "score", "judge")
