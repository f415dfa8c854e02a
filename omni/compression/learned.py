"""A learned selector: a small network that scores the tokens of an item, given the question.

Shapes: G items, N tokens, Q question words, R readers (a few of its own, and the words), D width of
the language model, W width of the scorer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn import functional

from omni.compression.candidates import Candidates, candidates
from omni.compression.greedy import greedy, likeness
from omni.compression.relevance import precise
from omni.compression.selector import Question, Selection, Tokens, ascending
from omni.errors import UsageError
from omni.plugins import Component

WEIGHTS = Path(__file__).parents[1] / "nano" / "weights" / "scorer.safetensors"
"""Trained on omni-nano, by `omni.nano.stages.scorer`."""

MARK = 8
"""So many numbers of each of a model's word embeddings tell that model from others."""

_CLOSE = 0.05  # a word's numbers are as far apart as this, of their length, in another format


class Scorer(nn.Module):
    """What each token is worth to a question: `p(tokens, words)` of CoViPAL.

    A score has two parts: how near a token lies to the sum of the words, each of which has its say
    alone, and what the whole makes of it. For that, words and a few readers that are there whatever
    is asked look at the tokens; then the tokens look at them. So a token knows what is asked and
    what else there is, at a cost that grows with N and not with its square.

    Args:
        width: D.
        inner: W; `heads` divides it.
        readers: how many there are beside the words.
        blocks: how often words and tokens look at one another.
    """

    def __init__(
        self, width: int, inner: int = 64, readers: int = 8, blocks: int = 1, heads: int = 8
    ):
        super().__init__()
        self.width = width
        self.seen = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, inner))
        self.asked = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, inner))
        self.phrase = nn.Conv1d(inner, inner, 3, padding=1)
        self.shown = nn.Sequential(nn.Linear(inner, inner), nn.GELU(), nn.Linear(inner, inner))
        self.meant = nn.Linear(inner, inner)
        self.readers = nn.Parameter(torch.randn(readers, inner) / inner**0.5)
        self.blocks = nn.ModuleList(_Block(inner, heads) for _ in range(blocks))
        self.worth = nn.Sequential(nn.LayerNorm(inner), nn.Linear(inner, 1))

    def forward(self, x: Tensor, mask: Tensor, words: Tensor, asked: Tensor) -> Tensor:
        """Scores `[G, N]` of any sign.

        Args:
            x: tokens `[G, N, D]`.
            mask: bool `[G, N]`, true where there is a token.
            words: `[G, Q, D]`.
            asked: bool `[G, Q]`, true for words.
        """
        tokens = self.seen(x)
        read = self.asked(words) * asked[..., None]
        # Words are written in pieces, and what a piece means its neighbours tell.
        near = self.phrase(read.transpose(1, 2)).transpose(1, 2)
        read = (read + functional.gelu(near)) * asked[..., None]
        meant = (self.meant(read) * asked[..., None]).sum(1)
        near_it = (self.shown(tokens) @ meant[..., None]).squeeze(-1) / meant.shape[-1] ** 0.5
        read = torch.cat([self.readers.expand(len(x), -1, -1), read], 1)
        here = torch.cat([asked.new_ones(len(x), len(self.readers)), asked], 1)
        for block in self.blocks:
            tokens, read = block(tokens, mask, read, here)
        return self.worth(tokens).squeeze(-1) + near_it


class _Block(nn.Module):
    """Readers look at the tokens and at each other, then tokens at the readers."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.look = _Look(width, heads)
        self.talk = _Look(width, heads)
        self.hear = _Look(width, heads, strength=True)
        self.think = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def forward(
        self, tokens: Tensor, mask: Tensor, read: Tensor, here: Tensor
    ) -> tuple[Tensor, Tensor]:
        read = self.look(read, tokens, mask)
        read = self.talk(read, read, here)
        tokens = self.hear(tokens, read, here)
        return tokens + self.think(tokens), read


class _Look(nn.Module):
    """Attention of some to others, added to what they are.

    Args:
        strength: whether it is also added how strongly the nearest of the others draws: attention
            itself, whose weights sum to one, cannot say that nothing is near.
    """

    def __init__(self, width: int, heads: int, strength: bool = False):
        super().__init__()
        self.heads = heads
        self.strength = nn.Linear(heads, width) if strength else None
        self.own, self.other = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.out = nn.Linear(width, width), nn.Linear(width, width)
        self.key, self.value = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x: Tensor, others: Tensor, mask: Tensor) -> Tensor:
        others = self.other(others)
        query, key, value = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in (self.query(self.own(x)), self.key(others), self.value(others))
        )
        scores = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5
        scores = scores.masked_fill(~mask[:, None, None], -1e9)
        seen = self.out((scores.softmax(-1) @ value).transpose(1, 2).flatten(2))
        if self.strength is not None:
            seen = seen + self.strength(scores.amax(-1).transpose(1, 2))
        return x + seen


class Learned:
    """Keeps the tokens that a network, trained for one model, holds for worth most to the question.

    The shipped one was trained on omni-nano: first to foretell what that model attends to while it
    gives right answers, then through the frozen model, so that answers stay right with few tokens.
    Where nothing was asked it goes by what is worth most whatever the question. It computes in
    float64 and scores in float32. A token's score is its share in a softmax over its item.

    The one with the highest score is kept first, and then each time the one whose share times its
    distance to the nearest kept one, less their item's mean, is greatest: where one thing is asked
    for its tokens have nearly all of the shares, and where much is, such as each word of a speech,
    distance sees to it that little is kept twice.

    Attributes:
        weights: a file that holds what `stored` gave.
        heat: of the softmax by which distance is weighed: the higher, the more distance counts; at
            0 nothing but the score does.

    Raises:
        UsageError: when called with tokens or words of a model that it was not trained for. Words
            are looked at in the first call only, as that waits for the device.
    """

    def __init__(self, weights: str | Path = WEIGHTS, heat: float = 0.5):
        if heat < 0:
            raise UsageError(f"heat is 0 or more, not {heat}")
        self.weights, self.heat = Path(weights), heat
        self.scorer, self.marks, self.trained = load(self.weights)
        self._known = False

    @torch.no_grad()
    def __call__(self, tokens: Tokens, keep: Sequence[int], question: Question | None) -> Selection:
        self._check(tokens, question)
        ready = candidates(tokens, keep)
        x = ready.spread(tokens.x)
        self.scorer.to(x)
        scores = self.scorer(x, ready.sound, *_words(x, question)).float()
        worth = precise(scores).masked_fill(~ready.sound, -1e9)
        places = ready.top(scores)
        if self.heat:
            most = worth.amax(1, keepdim=True)
            quality = ((worth - most) / self.heat).exp().float()
            places = ascending(_apart(ready, x, quality), keep)
        return ready.bind(places, worth.softmax(-1).float())

    def _check(self, tokens: Tokens, question: Question | None) -> None:
        wrong = None
        if tokens.x.shape[-1] != self.scorer.width:
            wrong = f"tokens are {tokens.x.shape[-1]} wide, not {self.scorer.width}"
        elif not self._known and question is not None and bool(question.mask.any()):
            words = question.x[question.mask][:, :MARK].float()
            marks = self.marks.to(words)
            far = torch.cdist(words, marks).amin(1) > _CLOSE * words.norm(dim=1) + 1e-6
            if bool(far.any()):
                wrong = "words are not embedded as by that model"
            self._known = wrong is None
        if wrong:
            raise UsageError(
                f"learned was trained for {self.trained}, and this is another model ({wrong}): "
                "choose a method that needs no training, such as 'farthest', or train a scorer "
                "for the model as omni.nano.stages.scorer does and pass Learned(weights=…)"
            )


def _apart(ready: Candidates, x: Tensor, quality: Tensor) -> Tensor:
    """Picks `[G, K]`: each the greatest product of quality and distance to those before it."""
    count = ready.sound.sum(1).clamp(min=1)[:, None, None]
    directions = functional.normalize(
        (x - x.sum(1, keepdim=True) / count) * ready.sound[..., None], dim=-1
    )
    nearest = torch.full_like(quality, 2)  # the farthest that a cosine distance can be

    def update(pick: Tensor) -> Tensor:
        nonlocal nearest
        nearest = torch.minimum(nearest, 1 - likeness(directions, pick).float())
        return quality * nearest

    return greedy(quality, ready.standing, max(ready.keep), update)


def _words(x: Tensor, question: Question | None) -> tuple[Tensor, Tensor]:
    """Words as `x` is, side by side, and which there are: those that are finite."""
    if question is None or not question.x.shape[1]:
        return x.new_zeros(len(x), 1, x.shape[-1]), x.new_zeros(len(x), 1, dtype=torch.bool)
    mask = question.mask & torch.isfinite(question.x).all(-1)
    words = precise(question.x).masked_fill(~mask[..., None], 0)
    return gathered(words, mask)


def gathered(words: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Words `[G, Q, D]` side by side, whatever stood between them, and which there are."""
    order = (~mask).long().argsort(dim=1, stable=True)
    if mask.device.type == "cpu":
        # What comes after the words is not looked at, but would cost; elsewhere, so would asking.
        order = order[:, : max(1, int(mask.sum(1).max()))]
    return words.take_along_dim(order[..., None], 1), mask.take_along_dim(order, 1)


def load(path: Path) -> tuple[Scorer, Tensor, str]:
    """A scorer, the marks of the model that it was trained for, and that model's name.

    Raises:
        UsageError: if there is no such file, or it holds something else.
    """
    try:
        with safe_open(path, "pt") as file:
            told = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        marks = state.pop("marks")
        sizes = {name: int(told[name]) for name in ("inner", "readers", "blocks", "heads")}
        scorer = Scorer(state["seen.0.weight"].shape[0], **sizes)
        scorer.load_state_dict({name: value.float() for name, value in state.items()})
    except FileNotFoundError:
        raise UsageError(f"there is no scorer at {path}: train one, or choose 'farthest'") from None
    except (KeyError, RuntimeError, ValueError, SafetensorError) as error:
        raise UsageError(f"{path} holds no scorer of tokens: {error}") from None
    return scorer.eval().requires_grad_(False), marks.float(), told["model"]


def stored(scorer: Scorer, embeddings: Tensor) -> dict[str, Tensor]:
    """What `load` reads: the weights, in half precision, and the model's marks.

    Args:
        scorer: the network.
        embeddings: the model's table of words, `[V, D]`.
    """
    state: Mapping[str, Tensor] = scorer.state_dict()
    marks = embeddings[:, :MARK].detach()
    return {name: value.half().contiguous() for name, value in {**state, "marks": marks}.items()}


plugin = Learned

COMPONENTS = (
    Component(
        kind="selector",
        name="learned",
        summary="A small network scores tokens by the question; the shipped one was trained on "
        "omni-nano.",
        system="CoViPAL",
        paper="CoViPAL: Layer-wise Contextualized Visual Token Pruning for Large Vision-Language "
        "Models",
    ),
)
