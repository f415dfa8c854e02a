"""What a dropper sees of a prompt at a cut: where its media lie, and what its words are.

Shapes: B rows, L tokens of the prompt, K of them still there, G items, Q words, D width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate

import torch
from torch import Tensor

from omni.compression.dropping.hearing import Hearing
from omni.compression.runs import Run
from omni.compression.selector import Question, Tokens, to_device
from omni.errors import UsageError


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things lie in rows of tokens; known on the host.

    Attributes:
        width: of a row.
        items: the media, row by row; one whose tokens are all gone has the length 0.
        words: columns of what was asked, for each row.
        real: how many tokens of each row are there; they lie to the right, but in a prompt that
            was padded otherwise.
        last: the column of each row's last token.
    """

    width: int
    items: tuple[Run, ...]
    words: tuple[tuple[int, ...], ...]
    real: tuple[int, ...]
    last: tuple[int, ...]

    @classmethod
    def of(
        cls, items: Sequence[Run], words: Sequence[Sequence[int]], present: Sequence[Sequence[int]]
    ) -> Layout:
        """The layout of a whole prompt; `present` is 1 where there is a token."""
        width = len(present[0])
        return cls(
            width,
            tuple(items),
            tuple(tuple(row) for row in words),
            tuple(sum(row) for row in present),
            tuple(max((at for at in range(width) if row[at]), default=0) for row in present),
        )

    @property
    def lengths(self) -> tuple[int, ...]:
        return tuple(item.length for item in self.items)

    def after(self, keep: Sequence[int], present: Sequence[Sequence[int]] | None = None) -> Layout:
        """The layout once only `keep` tokens of each item are left, all to the right.

        Args:
            keep: how many.
            present: as in `of`; `None` if rows are padded on the left or not at all.
        """
        gone = [0] * len(self.real)
        for item, kept in zip(self.items, keep, strict=True):
            gone[item.row] += item.length - kept
        real = tuple(count - lost for count, lost in zip(self.real, gone, strict=True))
        width = max(real)
        moved = [self._move(row, keep, width - real[row], present) for row in range(len(real))]
        items = tuple(
            replace(item, start=moved[item.row][item.start], length=kept)
            for item, kept in zip(self.items, keep, strict=True)
        )
        words = tuple(
            tuple(moved[row][place] for place in places) for row, places in enumerate(self.words)
        )
        return Layout(width, items, words, real, (width - 1,) * len(real))

    def _move(
        self, row: int, keep: Sequence[int], start: int, present: Sequence[Sequence[int]] | None
    ) -> list[int]:
        """The new column of whatever begins at each column of a row."""
        here = [0] * (self.width - self.real[row]) + [1] * self.real[row]
        if present is not None:
            here = list(present[row])
        for item, kept in zip(self.items, keep, strict=True):
            if item.row == row:
                here[item.start : item.stop] = [1] * kept + [0] * (item.length - kept)
        return [start + before for before in accumulate(here, initial=0)]


@dataclass(frozen=True)
class Look:
    """A prompt at a cut.

    Attributes:
        hidden: `[B, K, D]`, states on their way into the layer.
        present: bool `[B, K]`, true where there is a token.
        layout: where things lie in them.
        embeds: `[B, L, D]`, what the language model was given.
        first: where things lay in that.
        hearing: the attention that the dropper wanted to hear.
    """

    hidden: Tensor
    present: Tensor
    layout: Layout
    embeds: Tensor
    first: Layout
    hearing: Hearing | None = None

    @property
    def attention(self) -> Hearing:
        """The attention, of which a dropper cannot do without.

        Raises:
            UsageError: if it did not say so.
        """
        if self.hearing is None:
            raise UsageError("a dropper that looks at attention says of which layer in `hears`")
        return self.hearing

    @cached_property
    def tokens(self) -> Tokens:
        """Media tokens at this cut."""
        return Tokens(self.of_items(self.hidden.detach()), self.layout.lengths)

    @cached_property
    def question(self) -> Question:
        """What was asked, at this cut."""
        return asked(self.hidden.detach(), self.layout)

    def of_items(self, values: Tensor) -> Tensor:
        """The media's part of `[B, K, …]`, item after item: `[sum of lengths, …]`."""
        return torch.cat([values[item.row, item.start : item.stop] for item in self.layout.items])

    def last_rows(self) -> Tensor:
        """How much each row's last token attends to media tokens: `[sum of lengths]`."""
        places = to_device(self.layout.last, self.hidden.device)[:, None]
        return self.of_items(self.attention.rows(places)[:, 0])


def asked(states: Tensor, layout: Layout) -> Question:
    """The words of each item's row."""
    places, heard = word_places(layout, states.device)
    rows = to_device([item.row for item in layout.items], states.device)
    wide = places[..., None].expand(-1, -1, states.shape[-1])
    return Question(states.gather(1, wide)[rows], heard[rows])


def word_places(layout: Layout, device: torch.device) -> tuple[Tensor, Tensor]:
    """Columns of words, int64 `[B, Q]`, and bool: true where there is one."""
    longest = max(1, *(len(row) for row in layout.words))
    places = [at for row in layout.words for at in (*row, *[0] * (longest - len(row)))]
    heard = [at < len(row) for row in layout.words for at in range(longest)]
    shape = (len(layout.words), longest)
    return (
        to_device(places, device).view(shape),
        to_device([int(flag) for flag in heard], device).bool().view(shape),
    )
