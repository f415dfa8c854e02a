"""How long selectors take, beside the same written plainly in eager torch.

Both are given the same tokens and words, in strict alternation, and what they keep is compared in
the same run; where it differs, also with what the rival keeps in double precision, since rules that
go on from what went before make a great deal of a rounding. Both answer places and the kept tokens.
The limit is the time it takes to read the tokens once. Beside medians stand the least of each side,
to which other work on the machine matters less.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from omni import plugins
from omni.compression.budget import Grid
from omni.compression.selector import Question, Signals, Tokens
from omni.errors import UsageError
from omni.evaluation.eager_selection import RIVALS, Given
from omni.evaluation.footprint import calls, graph_seconds, peak_bytes
from omni.evaluation.greedy_phase import phase
from omni.evaluation.rows import Row

RIVAL = "a loop in eager torch, single precision, one item at a time"
WORDS = 12
CLUSTERS = 24
"""Tokens of a picture lie in groups; around so many middles they are drawn."""

_COPIED = 1 << 26  # bytes
_ENOUGH = 8.0  # seconds of one side, after which it is not repeated
_ENDLESS = 4e10  # gains that the rival of coverage may work out: some ten seconds


@dataclass(frozen=True, slots=True)
class Shape:
    """What is selected from.

    Attributes:
        tokens: of each item.
        keep: how many of them.
        width: of a token.
        items: how many at once.
        dtype: of tokens and words.
    """

    tokens: int
    keep: int
    width: int
    items: int = 1
    dtype: str = "float32"

    def __str__(self) -> str:
        several = f"{self.items} × " if self.items > 1 else ""
        dtype = "" if self.dtype == "float32" else f", {self.dtype}"
        return f"{several}{self.tokens}→{self.keep}, {self.width}{dtype}"


SHAPES: Mapping[str, tuple[Shape, ...]] = {
    "clip": (
        Shape(576, 64, 4096),
        Shape(576, 64, 4096, dtype="bfloat16"),
        Shape(576, 64, 4096, items=8),
    ),
    "siglip": (
        Shape(729, 96, 1152),
        Shape(729, 96, 1152, dtype="bfloat16"),
        Shape(729, 96, 1152, items=8),
    ),
    "tiles": (Shape(2880, 320, 4096), Shape(2880, 320, 4096, dtype="bfloat16")),
    "film": (Shape(32 * 196, 627, 896),),
}
"""A tower of LLaVA-1.5, one of SigLIP, five tiles of LLaVA-NeXT, a film of 32 frames."""


def shapes_named(names: Sequence[str]) -> tuple[Shape, ...]:
    """Shapes by name; all if there is none.

    Raises:
        UsageError: if a name is not known.
    """
    for name in names:
        if name not in SHAPES:
            raise UsageError(f"unknown shapes {name!r}: wanted of {', '.join(SHAPES)}")
    return tuple(shape for name in names or SHAPES for shape in SHAPES[name])


def measure(
    repeats: int = 5,
    *,
    shapes: Sequence[Shape] = (),
    methods: Sequence[str] = (),
    device: torch.device | str = "cpu",
    told: Callable[[Row], None] = lambda row: None,
) -> list[Row]:
    """A row for each method and shape: median seconds, the rival's where there is one, overlap.

    Args:
        repeats: rounds that count; one before them does not. Slow work is repeated less often.
        shapes: what is selected from; all of `SHAPES` if empty.
        methods: names of selectors; those that have a rival if empty.
        device: where.
        told: is given each row as soon as it is there.
    """
    bandwidth = copied_bytes_a_second(device)
    rows = []
    for shape in shapes or shapes_named(()):
        for name in methods or tuple(RIVALS):
            rows.append(compare(name, shape, repeats, device, bandwidth))
            told(rows[-1])
    return rows


def compare(
    name: str, shape: Shape, repeats: int, device: torch.device | str, bandwidth: float
) -> Row:
    """One method on one shape, in alternation with its rival."""
    tokens, question = made(shape, device)
    selector = plugins.load("compression", name)()
    keep = [shape.keep] * shape.items

    def ours() -> tuple[Tensor, Tensor]:
        selection = selector(tokens, keep, question)
        return selection.rows, selection.take(tokens.x)

    sides: dict[str, Callable[[], Any]] = {"ours": ours}
    endless = name == "coverage" and shape.tokens**2 * shape.keep > _ENDLESS
    if name in RIVALS and not endless:
        sides["rival"] = lambda: _plainly(name, shape, tokens, question)
    seconds, found = alternate(sides, repeats, device)
    mine = statistics.median(seconds["ours"])
    row: Row = {
        "case": f"{name}, {shape}",
        "method": name,
        "dtype": shape.dtype,
        "items": shape.items,
        "seconds": round(mine, 6),
        "least_seconds": round(min(seconds["ours"]), 6),
        "spread": round(max(seconds["ours"]) - min(seconds["ours"]), 6),
        "rounds": len(seconds["ours"]),
        "limit_seconds": round(tokens.x.numel() * tokens.x.element_size() / bandwidth, 6),
        "peak_bytes": peak_bytes(ours, device),
    }
    if "cuda" in str(device):
        row |= calls(ours)
    if "rival" not in sides:
        return row
    slow = statistics.median(seconds["rival"])
    row |= {"rival": RIVAL, "rival_seconds": round(slow, 6), "ratio": round(slow / mine, 2)}
    row["rival_least_seconds"] = round(min(seconds["rival"]), 6)
    row["least_ratio"] = round(min(seconds["rival"]) / min(seconds["ours"]), 2)
    row |= agreement(found["ours"], found["rival"])
    if not row["equal"]:
        exact = agreement(found["ours"], _plainly(name, shape, tokens, question, torch.float64))
        row |= {f"{key}_in_double": value for key, value in exact.items()}
    if slow < _ENOUGH:  # what takes longer is not done once more for its memory
        row["rival_peak_bytes"] = peak_bytes(sides["rival"], device)
    if "cuda" in str(device):
        row |= _captured(sides["rival"], repeats, mine)
    return row | greedy_part(name, shape, tokens, question, repeats)


def _captured(rival: Callable[[], Any], repeats: int, mine: float) -> Row:
    """The rival as a CUDA graph, which launches everything at once; or why it cannot be one."""
    try:
        seconds = graph_seconds(rival, repeats)
    except RuntimeError as error:
        return {"graph_seconds": None, "graph_refused": str(error).partition("\n")[0]}
    return {"graph_seconds": round(seconds, 6), "graph_ratio": round(seconds / mine, 2)}


def greedy_part(name: str, shape: Shape, tokens: Tokens, question: Question, repeats: int) -> Row:
    """Seconds of the greedy part alone, of both sides, where a method has one."""
    if shape.items > 1 or (part := phase(name, given_of(shape, tokens, question)[0])) is None:
        return {}
    sides = {"ours": part.ours, "rival": part.rival, "loop": part.loop}
    if part.rival is part.loop:
        del sides["loop"]
    seconds, found = alternate(sides, repeats, "cpu")
    medians = {side: statistics.median(times) for side, times in seconds.items()}
    least = min(seconds["rival"]) / min(seconds["ours"])
    return {
        "greedy_seconds": round(medians["ours"], 6),
        "rival_greedy_seconds": round(medians["rival"], 6),
        "greedy_ratio": round(medians["rival"] / medians["ours"], 2),
        "greedy_least_ratio": round(least, 2),
        "rival_loop_seconds": round(medians.get("loop", medians["rival"]), 6),
        "greedy_equal": bool(
            torch.equal(found["ours"].sort().values, found["rival"].sort().values)
        ),
    }


def alternate(
    sides: Mapping[str, Callable[[], Any]], repeats: int, device: torch.device | str
) -> tuple[dict[str, list[float]], dict[str, Any]]:
    """Seconds of every round of every side, and what each answered last.

    A side whose first round took long is not warmed up: that round counts.
    """
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    found: dict[str, Any] = {}
    for turn in range(repeats + 1):
        for side, work in sides.items():
            if sum(seconds[side]) > _ENOUGH:
                continue
            took, found[side] = _timed(work, device)
            if turn or took > _ENOUGH:
                seconds[side].append(took)
    return seconds, found


def agreement(ours: tuple[Tensor, Tensor], rival: tuple[Tensor, Tensor]) -> Row:
    """How much of what is kept is the same, and whether all is, down to the tokens themselves."""
    kept, other = set(ours[0].tolist()), set(rival[0].tolist())
    overlap = len(kept & other) / len(kept)
    tokens, others = ours[1].float(), rival[1].float()
    same = overlap == 1 and torch.allclose(tokens, others, atol=2e-2, rtol=2e-2)
    return {"overlap": round(overlap, 4), "equal": bool(same)}


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
        x.flatten(0, 1).to(device, getattr(torch, shape.dtype)),
        [shape.tokens] * shape.items,
        [_grid(shape.tokens)] * shape.items,
        signals=signals,
    )
    mask = torch.ones(shape.items, WORDS, dtype=torch.bool, device=device)
    return tokens, Question(words.to(device, getattr(torch, shape.dtype)), mask)


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


def given_of(
    shape: Shape, tokens: Tokens, question: Question, dtype: torch.dtype = torch.float32
) -> list[Given]:
    """Every item as rivals want it, in single precision if nothing else is said."""
    known = tokens.signals
    if known.attention is None or known.keys is None:
        raise UsageError("rivals want attention and keys: take the tokens that made() makes")
    parts = (tokens.x, known.attention, known.keys)
    rows = zip(*(part.to(dtype).split(shape.tokens) for part in parts), strict=True)
    grid = _grid(shape.tokens)
    return [
        Given(own, words, attention, keys, grid, shape.keep)
        for (own, attention, keys), words in zip(rows, question.x.to(dtype), strict=True)
    ]


def _plainly(
    name: str,
    shape: Shape,
    tokens: Tokens,
    question: Question,
    dtype: torch.dtype = torch.float32,
) -> tuple[Tensor, Tensor]:
    kept = [RIVALS[name](given) for given in given_of(shape, tokens, question, dtype)]
    places = [item * shape.tokens + places for item, (places, _) in enumerate(kept)]
    return torch.cat(places), torch.cat([rows for _, rows in kept])


def _timed(work: Callable[[], Any], device: torch.device | str) -> tuple[float, Any]:
    _wait(device)
    began = time.perf_counter()
    found = work()
    _wait(device)
    return time.perf_counter() - began, found


def _wait(device: torch.device | str) -> None:
    if "cuda" in str(device):
        torch.cuda.synchronize()
