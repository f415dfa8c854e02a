"""From a prompt to a selection: what its media are, how many tokens each keeps, and which."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from omni.compression.allocation import allocate
from omni.compression.budget import Budget, Grid
from omni.compression.encoders import Encoders
from omni.compression.items import Item, Shown, find, show
from omni.compression.kind_share import drawn, kind_weights
from omni.compression.pins import Pinned
from omni.compression.question_share import nearness, question_share
from omni.compression.record import SelectionRecord, record
from omni.compression.replaying import Replay
from omni.compression.report import ItemDetail, SelectionReport
from omni.compression.selector import Question, Selection, Selector, Tokens, to_device
from omni.compression.shortening import Prompt
from omni.compression.text_rich import gentle, text_rich
from omni.compression.watching import needed
from omni.errors import UsageError

SHARES = ("even", "question", "kind")


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen of the media of a prompt.

    Attributes:
        items: its media, with how many tokens of each are kept.
        notes: what is to be told of them.
        shown: what the selector was shown; `None` where it was not asked.
        chosen: what it answered.
        near: how near each item is to the question, where that decided.
        seconds: how long choosing took.
    """

    items: Sequence[Item]
    notes: tuple[str, ...] = ()
    shown: Shown | None = None
    chosen: Selection | None = None
    near: tuple[float, ...] = ()
    seconds: float = 0.0

    def handles(self) -> list[str]:
        """A name for each portion that was shown."""
        if self.shown is None:
            return []
        names = [self.items[owner].name for owner in self.shown.owners]
        return [
            name if names.count(name) == 1 else f"{name}/{names[:place].count(name) + 1}"
            for place, name in enumerate(names)
        ]


class Chooser:
    """Decides how many tokens of each medium are kept, and asks a selector which.

    Attributes:
        selector: which.
        budget: how many.
        share: `even`, or `question` where what was asked decides whose tokens they are, or `kind`
            where kinds of media have budgets of their own.
        pages: the least share that is kept of a picture full of writing.
        kinds: what each placeholder stands for.
        encoders: what is known of the media.
        name: of the selector, as it is told.
    """

    def __init__(
        self,
        selector: Selector,
        budget: Budget,
        *,
        kinds: Mapping[int, str],
        encoders: Encoders,
        share: str = "even",
        pages: float = 0.0,
        name: str = "",
    ):
        if share not in SHARES:
            raise UsageError(f"share is one of {', '.join(SHARES)}, not {share!r}")
        if not 0 <= pages <= 1:
            raise UsageError(f"pages is a share from 0 to 1, not {pages}")
        self.selector, self.budget, self.share, self.pages = selector, budget, share, pages
        self.kinds, self.encoders = kinds, encoders
        self.name = name or type(selector).__name__

    def items(self, prompt: Prompt) -> list[Item]:
        """The media of a prompt."""
        known = self.encoders.laid, self.encoders.densities
        stacks = getattr(self.selector, "stacks", None)
        return find(prompt.runs, self.kinds, *known, stacks)

    @torch.no_grad()
    def plan(self, prompt: Prompt, items: Sequence[Item], embeds: Tensor) -> Choice:
        """How many tokens of each item are kept; nothing is selected yet.

        Raises:
            UsageError: if the floors of a prompt's items exceed its budget.
        """
        began = time.perf_counter()
        near = self._near(prompt, items, embeds)
        weights = self._by_kind(prompt, items, embeds)
        notes = []
        for row in range(len(prompt.present)):
            own = [place for place, item in enumerate(items) if item.row == row]
            mine = None if weights is None else [weights[place] for place in own]
            if near:
                mine = question_share(torch.tensor([near[place] for place in own])).tolist()
            self._count([items[place] for place in own], mine)
        for item in items:
            if self._rich(item):
                notes.append(f"{item.name} looks like a page: {item.keep} of {item.length} kept")
        seconds = time.perf_counter() - began
        return Choice(items, tuple(notes), near=tuple(near), seconds=seconds)

    def select(self, prompt: Prompt, plan: Choice, embeds: Tensor) -> Choice:
        """The tokens themselves.

        Raises:
            UsageError: if the selector lacks a signal, or cannot do what it is asked.
        """
        began = time.perf_counter()
        shown = show(plan.items, embeds.shape[1])
        tokens = shown.tokens(embeds)
        for name in sorted(needed(self.selector)):
            if getattr(tokens.signals, name) is None:
                raise UsageError(
                    f"{self.name} needs the {name} of the encoder, which cannot be seen for the "
                    "media of this model: choose a method that needs none, such as 'farthest'"
                )
        whole = tokens.pinned is None or isinstance(self.selector, Replay)
        selector = self.selector if whole else Pinned(self.selector)
        asked = question(prompt, [plan.items[owner] for owner in shown.owners], embeds)
        chosen = selector(tokens, shown.keep, asked)
        seconds = plan.seconds + time.perf_counter() - began
        return replace(plan, shown=shown, chosen=chosen, seconds=seconds)

    def _near(self, prompt: Prompt, items: Sequence[Item], embeds: Tensor) -> list[float]:
        """How near each item is to the question, where that decides; or nothing."""
        if self.share != "question" or len(items) < 2:
            return []
        return nearness(_tokens(items, embeds), question(prompt, items, embeds)).tolist()

    def _by_kind(self, prompt: Prompt, items: Sequence[Item], embeds: Tensor) -> list[float] | None:
        """What each item weighs, where kinds have budgets of their own."""
        if self.share != "kind" or not items:
            return None
        weights = [0.0] * len(items)
        looks = drawn(_tokens(items, embeds), question(prompt, items, embeds))
        parts = looks.split([item.length for item in items])
        for row in {item.row for item in items}:
            own = [place for place, item in enumerate(items) if item.row == row]
            found = kind_weights(
                [items[place].kind for place in own],
                [items[place].length for place in own],
                torch.cat([parts[place] for place in own]),
            )
            for place, weight in zip(own, found, strict=True):
                weights[place] = weight
        return weights

    def _rich(self, item: Item) -> bool:
        return bool(self.pages) and item.density is not None and text_rich(item.density)

    def _count(self, items: Sequence[Item], weights: list[float] | None) -> None:
        budget = self.budget
        shares = [
            gentle(budget.keep, item.density, self.pages) if self._rich(item) else budget.keep
            for item in items
        ]
        wanted = [
            min(item.length, max(budget.floor, round(item.length * share)))
            for item, share in zip(items, shares, strict=True)
        ]
        total = sum(wanted) if budget.tokens is None else min(sum(wanted), budget.tokens)
        if weights is None:
            counts = Budget(total, 1.0, budget.floor).plan(wanted) if items else []
        else:
            sizes = [item.length for item in items]
            counts = allocate(sizes, total, weights, [budget.floor] * len(items))
        for item, count in zip(items, counts, strict=True):
            item.keep = count


def _tokens(items: Sequence[Item], embeds: Tensor) -> Tokens:
    """The media of a prompt, item after item."""
    flat = [item.row * embeds.shape[1] + place for item in items for place in item.places]
    x = embeds.flatten(0, 1)[to_device(flat, embeds.device)]
    return Tokens(x, [item.length for item in items])


def question(prompt: Prompt, items: Sequence[Item], embeds: Tensor) -> Question:
    """The words that ask about each item: those of its row."""
    asked = [prompt.words[item.row] for item in items]
    longest = max([1, *(len(words) for words in asked)])
    rows = [
        item.row * embeds.shape[1] + (words[place] if place < len(words) else 0)
        for item, words in zip(items, asked, strict=True)
        for place in range(longest)
    ]
    heard = [int(place < len(words)) for words in asked for place in range(longest)]
    shape = (len(items), longest)
    x = embeds.flatten(0, 1)[to_device(rows, embeds.device)].unflatten(0, shape).detach()
    return Question(x, to_device(heard, embeds.device).bool().view(shape))


def told(choice: Choice, budget: Budget, name: str) -> SelectionReport:
    """A choice as it is told to people; this waits for the device."""
    items = tuple((item.name, item.keep, item.length) for item in choice.items)
    dropped, places = _parts(choice)
    details = tuple(
        ItemDetail(
            item.kind,
            item.portions[0].grid
            if len(item.portions) == 1 and not item.portions[0].ends
            else None,
            dropped.get(number),
            choice.near[number] if choice.near else None,
            places.get(number),
        )
        for number, item in enumerate(choice.items)
    )
    merged = choice.chosen is not None and choice.chosen.merging is not None
    method = name if choice.chosen is not None else ""
    return SelectionReport(
        budget.tokens, items, details, method, choice.seconds, merged, choice.notes
    )


def _grid(item: Item) -> Grid | None:
    """How the tokens of an item lie, if that is in one grid and in order."""
    portion = item.portions[0]
    plain = len(item.portions) == 1 and not portion.ends and portion.places[0] == 0
    return portion.grid if plain else None


def written(choice: Choice, name: str, parameters: Mapping[str, Any]) -> SelectionRecord | None:
    """A choice as it is logged and replayed; `None` where nothing was selected."""
    if choice.chosen is None:
        return None
    return record(choice.chosen, name, parameters, 1000 * choice.seconds, choice.handles())


def _parts(choice: Choice) -> tuple[dict[int, float], dict[int, tuple[int, ...]]]:
    """What share of its score each item lost, and which of its places are kept."""
    shown, chosen = choice.shown, choice.chosen
    if shown is None or chosen is None:
        return {}, {}
    total: dict[int, float] = {}
    lost: dict[int, float] = {}
    masses = [float(part.sum()) for part in chosen.scores.cpu().split(list(chosen.lengths))]
    for owner, share, mass in zip(shown.owners, chosen.dropped.tolist(), masses, strict=True):
        total[owner] = total.get(owner, 0.0) + mass
        lost[owner] = lost.get(owner, 0.0) + share * mass
    dropped = {owner: lost[owner] / mass if mass > 0 else 0.0 for owner, mass in total.items()}
    starts, start = [], 0
    for item in choice.items:
        starts.append(start)
        start += item.length
    places: dict[int, tuple[int, ...]] = {}
    rows = chosen.rows.split(list(chosen.kept))
    for owner, own in zip(shown.owners, rows, strict=True):
        found = [shown.rows[row] - starts[owner] for row in own.tolist()]
        places[owner] = tuple(sorted([*places.get(owner, ()), *found]))
    return dropped, places
