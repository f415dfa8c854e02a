"""One item at a time, laid out by frames: where selectors that look along time begin and end.

Items are taken one after the other and never padded to a common shape: a picture of 2880 tokens
beside a film of 32 frames would be padded to 32 frames of 2880. So batch mates cannot matter.

Shapes: T frames, A tokens of a frame, N = T times A, D width.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from omni.compression.budget import Grid
from omni.compression.candidates import count_pins
from omni.compression.relevance import distinctiveness, precise, relevance, stretch
from omni.compression.selector import Question, Selection, Tokens, selection
from omni.errors import UsageError
from omni.kernels import backend
from omni.kernels.frames import adjacent_cosines

PINNED, BROKEN = 100, -1
"""The tiers of pinned tokens and of those that are not finite; those of methods lie between."""


@dataclass(frozen=True, slots=True)
class Clip:
    """The tokens of one item.

    Attributes:
        x: `[T, A, D]` in the widest format of its device; nought where a token is not finite.
        sound: bool `[T, A]`, true where it is; other tokens are kept last of all.
        pinned: bool `[T, A]`.
        attention: float32 `[T, A]`, stretched to 0…1 over the item; `None` where it is not known.
        relevance: float32 `[T, A]`, how near to the question, 0…1; ones if nothing was asked.
    """

    x: Tensor
    sound: Tensor
    pinned: Tensor
    attention: Tensor | None
    relevance: Tensor

    @property
    def time(self) -> int:
        return self.x.shape[0]

    @property
    def area(self) -> int:
        return self.x.shape[1]

    def cosines(self, references: Sequence[int]) -> Tensor:
        """Cosine of each token with the one at the same spot of a reference frame: `[T, A]`."""
        directions = normalize(self.x, dim=-1)
        parts = [directions[place : place + 1] for place in references]
        return (directions * torch.cat(parts)).sum(-1).float()

    def changes(self) -> Tensor:
        """One minus the cosine to the same spot one frame before; nought in the first frame."""
        if backend.chosen(self.x.device) == "triton":
            changed = 1 - adjacent_cosines(self.x.float())
        else:
            changed = 1 - self.cosines([max(frame - 1, 0) for frame in range(self.time)])
        return torch.cat([torch.zeros_like(changed[:1]), changed[1:]])

    def unlike(self) -> Tensor:
        """How unlike the rest of its frame each token is, 0…1: float32 `[T, A]`."""
        return distinctiveness(self.x, torch.ones_like(self.pinned))


def clips(tokens: Tokens, keep: Sequence[int], question: Question | None) -> list[Clip]:
    """The items one by one.

    Raises:
        UsageError: if counts, lengths, grids and tokens do not fit each other, or if more tokens
            are pinned than may be kept.
    """
    count_pins(tokens, keep)
    lengths = list(tokens.lengths)
    grids = tokens.grids or [Grid(width=length) for length in lengths]
    if len(grids) != len(lengths):
        raise UsageError(f"{len(lengths)} items and {len(grids)} grids: give one an item")
    for place, (grid, length) in enumerate(zip(grids, lengths, strict=True)):
        if grid.tokens != length:
            raise UsageError(
                f"item {place} has {length} tokens, but its grid of {grid.time} × {grid.height} × "
                f"{grid.width} has {grid.tokens}: pass the grid that its tokens were made with"
            )
    flags = tokens.pinned
    if flags is None:
        flags = torch.zeros(len(tokens.x), dtype=torch.bool, device=tokens.x.device)
    pinned = flags.to(tokens.x.device, non_blocking=True).split(lengths)
    attention = tokens.signals.attention
    attentions = [None] * len(lengths) if attention is None else attention.split(lengths)
    found = []
    for place, (x, grid) in enumerate(zip(tokens.x.split(lengths), grids, strict=True)):
        sound = x.isfinite().all(-1)
        clean = _finite(precise(x))[None]  # [1, N, D]
        everywhere = torch.ones(clean.shape[:2], dtype=torch.bool, device=x.device)
        near = relevance(clean, everywhere, _asked(question, place))
        shape = (grid.time, grid.height * grid.width)
        attended = attentions[place]
        if attended is not None:
            level = precise(attended).nan_to_num(0.0, 0.0, 0.0)[None]
            attended = stretch(level, everywhere).view(shape)
        own = pinned[place].view(shape)
        parts = clean.view(*shape, -1), sound.view(shape), own, attended, near.view(shape)
        found.append(Clip(*parts))
    return found


def choose(clip: Clip, tiers: Tensor, scores: Tensor, keep: int) -> Tensor:
    """Places `[keep]` of one item, ascending.

    Args:
        clip: whose pinned tokens come before all others.
        tiers: int64 `[T, A]`; of two tokens, the one of the higher tier is kept.
        scores: float32 `[T, A]`; within a tier the higher score is kept, and the first of equals.
        keep: how many.
    """
    tiers = tiers.masked_fill(~clip.sound, BROKEN).masked_fill(clip.pinned, PINNED).flatten()
    order = scores.flatten().sort(descending=True, stable=True).indices
    order = order[tiers[order].sort(descending=True, stable=True).indices]
    return order[:keep].sort().values


def ranks(clip: Clip, scores: Tensor) -> Tensor:
    """Rank of each token within its frame, from 0: pinned ones first, then the highest scores."""
    boosted = scores.masked_fill(~clip.sound, -1).masked_fill(clip.pinned, torch.inf)
    return boosted.sort(dim=1, descending=True, stable=True).indices.argsort(dim=1)


def in_tiers(
    tokens: Tokens,
    keep: Sequence[int],
    question: Question | None,
    judge: Callable[[int, Clip, int], tuple[Tensor, Tensor]],
) -> Selection:
    """Keep of each item what is in its highest tiers and, within one, of the highest scores.

    Args:
        tokens: what is selected from.
        keep: how many of each item.
        question: what was asked.
        judge: given which item it is, the item, and how many of it are kept, answers the tiers,
            int64 `[T, A]`, and the scores, `[T, A]`.
    """
    places, scores = [], []
    found = clips(tokens, keep, question)
    for item, (clip, count) in enumerate(zip(found, keep, strict=True)):
        tiers, score = judge(item, clip, count)
        places.append(choose(clip, tiers, score, count))
        scores.append(score)
    return bind(tokens, keep, found, places, scores)


def bind(
    tokens: Tokens,
    keep: Sequence[int],
    found: Sequence[Clip],
    places: Sequence[Tensor],
    scores: Sequence[Tensor],
) -> Selection:
    """Bind the places of every item, and scores `[T, A]`, to a record; broken tokens score 0."""
    flat = [(one * clip.sound).flatten() for clip, one in zip(found, scores, strict=True)]
    padded = torch.nn.utils.rnn.pad_sequence(flat, batch_first=True)
    return selection(tokens, keep, torch.cat(list(places)), padded)


def _finite(x: Tensor) -> Tensor:
    return torch.where(x.isfinite().all(-1, keepdim=True), x, 0.0)


def _asked(question: Question | None, place: int) -> Question | None:
    if question is None or not question.x.shape[1]:
        return None
    words = _finite(precise(question.x[place : place + 1]))
    return Question(words, question.mask[place : place + 1])
