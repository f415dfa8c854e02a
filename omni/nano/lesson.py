"""One lesson as token ids, and batches of lessons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from omni.compression.budget import Grid
from omni.modality import modality
from omni.model.item import MediaItem
from omni.model.questions import TEXT


@dataclass(slots=True)
class Lesson:
    """One dialogue as ids; `weights` are 0 where nothing is to be learned.

    Attributes:
        ids: what is read.
        wanted: what should be said in each place: the same, but where what is read was smudged.
        weights: how much each place counts.
        media: the things that are talked about, in order.
        absent: places, and tokens that must not be taught as wrong there.
        handles: how many media of each modality have a name so far; `None` where none is named, as
            in all dialogues without tools.
    """

    ids: list[int] = field(default_factory=list)
    wanted: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    media: list[MediaItem] = field(default_factory=list)
    absent: list[tuple[int, int]] = field(default_factory=list)
    handles: dict[str, int] | None = None

    def handle(self, kind: str) -> str:
        """The name of the next medium of a modality."""
        assert self.handles is not None
        self.handles[kind] = self.handles.get(kind, 0) + 1
        return f"{modality(kind).prefix}-{self.handles[kind]}"

    def add(
        self, ids: Sequence[int], weight: float = 0.0, wanted: Sequence[int] | None = None
    ) -> None:
        """Append ids that all count `weight`."""
        self.ids += ids
        self.wanted += ids if wanted is None else wanted
        self.weights += [weight] * len(ids)


class TextReader:
    """Gives the text items of lessons their tokens; like texts are read once.

    Args:
        encoder: see `omni.modalities.text`.
        most: texts that are remembered.
    """

    def __init__(self, encoder: Callable[[list[Any]], list[Tensor]], most: int = 60_000):
        self.encoder, self.most = encoder, most
        self.known: dict[tuple[int, ...], Tensor] = {}

    def read(self, lessons: Sequence[Lesson]) -> None:
        """Change the lessons' text items for such with tokens."""
        places = [
            (lesson, place, tuple(item.features["ids"].tolist()))
            for lesson in lessons
            for place, item in enumerate(lesson.media)
            if item.features is not None
        ]
        if len(self.known) > self.most:
            self.known.clear()
        fresh = list(dict.fromkeys(ids for _, _, ids in places if ids not in self.known))
        if fresh:
            read = self.encoder([{"ids": torch.tensor(ids)} for ids in fresh])
            self.known.update(zip(fresh, (tokens.half() for tokens in read), strict=True))
        for lesson, place, ids in places:
            tokens = self.known[ids].float()
            lesson.media[place] = MediaItem.encoded(TEXT, tokens, grid=Grid(time=len(tokens)))


def collate(lessons: Sequence[Lesson], pad: int) -> dict[str, Any]:
    """Right-padded `input_ids`, `attention_mask`, `wanted`, `weights` `[B, L]`; media in order.

    `absent` `[K, 3]` is lesson, place and token of what must not be taught as wrong.
    """
    longest = max(len(lesson.ids) for lesson in lessons)
    ids = torch.full((len(lessons), longest), pad)
    wanted = ids.clone()
    weights = torch.zeros(len(lessons), longest)
    for row, lesson in enumerate(lessons):
        ids[row, : len(lesson.ids)] = torch.tensor(lesson.ids)
        wanted[row, : len(lesson.ids)] = torch.tensor(lesson.wanted)
        weights[row, : len(lesson.ids)] = torch.tensor(lesson.weights)
    media = [item for lesson in lessons for item in lesson.media]
    absent = [
        (row, place, token) for row, lesson in enumerate(lessons) for place, token in lesson.absent
    ]
    return {
        "input_ids": ids,
        "attention_mask": (ids != pad).long(),
        "wanted": wanted,
        "weights": weights,
        "media": media,
        "absent": torch.tensor(absent, dtype=torch.long).reshape(-1, 3),
    }
