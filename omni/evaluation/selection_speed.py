"""How long selectors take, beside the same written plainly in eager torch.

Both are given the same tokens and words, in strict alternation, and what they keep is compared in
the same run. The limit is the time it takes to read the tokens once.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from omni import plugins
from omni.compression.budget import Grid
from omni.compression.selector import Question, Signals, Tokens
from omni.evaluation.eager_selection import RIVALS
from omni.evaluation.rows import Row

RIVAL = "a loop in eager torch, single precision"
WORDS = 12
CLUSTERS = 24
"""Tokens of a picture lie in groups; around so many middles they are drawn."""

_COPIED = 1 << 26  # bytes


@dataclass(frozen=True, slots=True)
class Shape:
    """What is selected from.

    Attributes:
        tokens: of each item.
        keep: how many of them.
        width: of a token.
        items: how many at once.
    """

    tokens: int
    keep: int
    width: int
    items: int = 1

    def __str__(self) -> str:
        several = f"{self.items} × " if self.items > 1 else ""
        return f"{several}{self.tokens}→{self.keep}, {self.width}"


SHAPES = (
    Shape(576, 64, 4096),
    Shape(576, 64, 4096, items=8),
    Shape(729, 96, 1152),
    Shape(2880, 320, 4096),
    Shape(32 * 196, 627, 896),
)
"""LLaVA-1.5 alone and in a batch, a SigLIP tower, LLaVA-NeXT, a film of 32 frames."""


def measure(
    repeats: int = 5,
    *,
    shapes: Sequence[Shape] = SHAPES,
    methods: Sequence[str] = (),
    device: torch.device | str = "cpu",
) -> list[Row]:
    """A row for each method and shape: median seconds, the rival's where there is one, overlap.

    Args:
        repeats: rounds that count; one before them does not.
        shapes: what is selected from.
        methods: names of selectors; all if empty.
        device: where.
    """
    bandwidth = copied_bytes_a_second(device)
    names = tuple(methods) or tuple(plugins.names("compression"))
    return [compare(name, shape, repeats, device, bandwidth) for shape in shapes for name in names]


def compare(
    name: str, shape: Shape, repeats: int, device: torch.device | str, bandwidth: float
) -> Row:
    """One method on one shape, in alternation with its rival."""
    tokens, question = made(shape, device)
    selector = plugins.load("compression", name)()
    keep = [shape.keep] * shape.items
    sides: dict[str, Callable[[], list[int]]] = {
        "ours": lambda: selector(tokens, keep, question).rows.tolist()
    }
    if name in RIVALS:
        sides["rival"] = lambda: _plainly(name, shape, tokens, question)
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    kept: dict[str, list[int]] = {}
    for turn in range(repeats + 1):
        for side, work in sides.items():
            took, kept[side] = _timed(work, device)
            if turn:
                seconds[side].append(took)
    ours = statistics.median(seconds["ours"])
    size = tokens.x.numel() * tokens.x.element_size()
    row: Row = {
        "case": f"{name}, {shape}",
        "method": name,
        "seconds": round(ours, 5),
        "spread": round(max(seconds["ours"]) - min(seconds["ours"]), 5),
        "reading_seconds": round(size / bandwidth, 6),
    }
    if "rival" in sides:
        slow = statistics.median(seconds["rival"])
        same = len(set(kept["ours"]) & set(kept["rival"])) / len(kept["ours"])
        row |= {"rival": RIVAL, "rival_seconds": round(slow, 5)}
        row |= {"ratio": round(slow / ours, 2), "overlap": round(same, 4)}
    return row


def made(shape: Shape, device: torch.device | str = "cpu") -> tuple[Tokens, Question]:
    """Tokens in groups, with every signal that a method may want, and words; always the same."""
    source = torch.Generator().manual_seed(shape.tokens)
    count = shape.items * shape.tokens
    middles = torch.randn(shape.items, CLUSTERS, shape.width, generator=source)
    group = torch.randint(CLUSTERS, (shape.items, shape.tokens, 1), generator=source)
    noise = torch.randn(shape.items, shape.tokens, shape.width, generator=source)
    x = middles.gather(1, group.expand(-1, -1, shape.width)) + 0.7 * noise
    attention = torch.rand(count, generator=source)
    keys = torch.randn(count, 64, generator=source)
    words = torch.randn(shape.items, WORDS, shape.width, generator=source)
    signals = Signals(attention=attention.to(device), keys=keys.to(device))
    tokens = Tokens(
        x.flatten(0, 1).to(device),
        [shape.tokens] * shape.items,
        [_grid(shape.tokens)] * shape.items,
        signals=signals,
    )
    mask = torch.ones(shape.items, WORDS, dtype=torch.bool, device=device)
    return tokens, Question(words.to(device), mask)


def _grid(count: int) -> Grid:
    """As square as it goes, in as many frames of 14×14 as there are."""
    if count % 196 == 0 and count > 196:
        return Grid(count // 196, 14, 14)
    height = next(side for side in range(round(count**0.5), 0, -1) if count % side == 0)
    return Grid(1, height, count // height)


def copied_bytes_a_second(device: torch.device | str) -> float:
    """How fast memory is read: the best of a few copies."""
    source = torch.ones(_COPIED // 4, device=device)
    target = torch.empty_like(source)
    times = [_timed(lambda: target.copy_(source), device)[0] for _ in range(5)]
    return 2 * _COPIED / min(times)


def _plainly(name: str, shape: Shape, tokens: Tokens, question: Question) -> list[int]:
    picked = []
    parts = tokens.x.float().split(shape.tokens)
    for item, (own, words) in enumerate(zip(parts, question.x.float(), strict=True)):
        picked += [item * shape.tokens + place for place in RIVALS[name](own, words, shape.keep)]
    return picked


def _timed(work: Callable[[], Any], device: torch.device | str) -> tuple[float, Any]:
    _wait(device)
    began = time.perf_counter()
    found = work()
    _wait(device)
    return time.perf_counter() - began, found


def _wait(device: torch.device | str) -> None:
    if "cuda" in str(device):
        torch.cuda.synchronize()
