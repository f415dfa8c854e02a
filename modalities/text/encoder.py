"""Encoder of short texts: contextual word pieces of a locked sentence model, and its sentences.

The space of its sentence vectors is the one that other modalities are aligned to.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from omni.compression.budget import Grid
from omni.modality import Features
from omni.plugins import Component

from . import tower

WIDTH = 384
MOST_TOKENS = 32
"""Of a text that is encoded token by token, its two end marks included."""

SENTENCE_TOKENS = 256
"""Of a text that becomes one vector: as many as the sentence model was made for."""

BATCH = 64


def piece_ids(text: str, most: int = MOST_TOKENS) -> list[int]:
    """Ids of the word pieces of a text between the two end marks, at most so many in all."""
    first = " ".join(text.split(maxsplit=most)[:most])  # a word has at least one piece
    ids = tower.tokenizer().encode(first).ids
    return ids if len(ids) <= most else [*ids[: most - 1], ids[-1]]


class TextEncoder(nn.Module):
    """Word pieces int64 `[N]` → contextual tokens `[N, 384]` of all-MiniLM-L6-v2.

    It holds no weights: they are loaded when they are first needed, once a process, and are never
    trained or saved. They compute in float32, whatever the model around them does.

    Args:
        short: compute in bfloat16 where that is safe: for texts in bulk.
    """

    width = WIDTH

    def __init__(self, short: bool = False):
        super().__init__()
        self.short = short

    @staticmethod
    def available() -> bool:
        """Whether the weights are on this machine; nothing is loaded to find out."""
        return tower.folder() is not None

    @staticmethod
    def digest() -> str:
        """SHA-256 of the weights, which are checked against it when they are loaded."""
        return tower.SHA256

    def grid(self, features: Features) -> Grid:
        return Grid(time=len(features["ids"]))

    def lay(self, count: int) -> Grid:
        """How so many tokens lie."""
        return Grid(time=count)

    def forward(self, batch: list[Features]) -> list[Tensor]:
        return self._read([features["ids"] for features in batch])

    @torch.no_grad()
    def sentence(self, texts: Sequence[str], device: torch.device | str = "cpu") -> Tensor:
        """Unit vectors `[B, 384]` of whole texts: the mean of their tokens."""
        means = [tokens.mean(0) for tokens in self.tokens(texts, device)]
        vectors = torch.stack(means) if means else torch.empty(0, WIDTH, device=device)
        return nn.functional.normalize(vectors, dim=-1)

    @torch.no_grad()
    def tokens(self, texts: Sequence[str], device: torch.device | str = "cpu") -> list[Tensor]:
        """Contextual tokens `[N, 384]` of each text, end marks included; N is at most 256."""
        return self._read(
            [torch.tensor(piece_ids(text, SENTENCE_TOKENS), device=device) for text in texts]
        )

    @staticmethod
    def windows(text: str, most: int = SENTENCE_TOKENS, shared: int = 32) -> list[str]:
        """A text in runs of whole words, each short enough to be read in full.

        Args:
            text: of any length.
            most: word pieces of a run, the two end marks included.
            shared: about so many pieces stand in a run and in the next one too.
        """
        return [text[start:end] for start, end in _windows(text, most - 2, shared)]

    @torch.no_grad()
    def _read(self, rows: list[Tensor]) -> list[Tensor]:
        """Tokens of each row of ids; rows of like lengths are read together."""
        found: list[Tensor] = [torch.empty(0)] * len(rows)
        order = sorted(range(len(rows)), key=lambda row: len(rows[row]))
        for start in range(0, len(order), BATCH):
            places = order[start : start + BATCH]
            for place, tokens in zip(places, self._states([rows[p] for p in places]), strict=True):
                found[place] = tokens
        return found

    def _states(self, rows: list[Tensor]) -> Iterator[Tensor]:
        """Tokens of each row of one batch; what pads the shorter ones is masked."""
        device = rows[0].device
        ids = nn.utils.rnn.pad_sequence(rows, batch_first=True)
        sizes = [len(row) for row in rows]
        mask = (
            torch.arange(ids.shape[1], device=device) < torch.tensor(sizes, device=device)[:, None]
        )
        with torch.autocast(device.type, torch.bfloat16, enabled=self.short):
            states = tower.tower(device)(input_ids=ids, attention_mask=mask.long())[0].float()
        for row, size in zip(states, sizes, strict=True):
            yield row[:size].clone()


def _windows(text: str, most: int, shared: int) -> Iterator[tuple[int, int]]:
    """First character and the one after the last of each run of at most `most` pieces."""
    pieces = tower.tokenizer().encode(text, add_special_tokens=False)
    if len(pieces.ids) <= most:
        yield 0, len(text)
        return
    begins = [place for place, piece in enumerate(pieces.tokens) if not piece.startswith("##")]
    first, offsets = 0, pieces.offsets
    while first < len(offsets):
        last = first + most
        if last >= len(offsets):
            yield offsets[first][0], len(text)
            return
        end = max(_before(begins, last), first + 1)
        yield offsets[first][0], offsets[end][0]
        again = _before(begins, end - shared)
        first = again if again > first else end


def _before(begins: list[int], place: int) -> int:
    """The last beginning of a word at `place` or before it; 0 if there is none."""
    found = bisect.bisect_right(begins, place)
    return begins[found - 1] if found else 0


COMPONENTS = (
    Component(
        kind="encoder",
        name="text",
        summary="Contextual word pieces of a locked all-MiniLM-L6-v2, and its sentence vectors.",
        paper="Sentence-BERT (arXiv 1908.10084)",
    ),
)
