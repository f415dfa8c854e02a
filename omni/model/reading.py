"""How an assembled model reads media: encode, adapt, mix, select.

Shapes: B rows, L tokens of text, M media tokens of the row that has most, G media items, N their
tokens, D language width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from omni.compression.selector import Question, Selector
from omni.errors import Unsupported, UsageError
from omni.model.config import OmniConfig
from omni.model.item import MediaItem
from omni.model.parts import build_selector
from omni.model.questions import TEXT
from omni.model.selecting import SelectedMedia, Stopwatch, method_of, select, signals_of
from omni.model.splice import assign_rows, pack_rows
from omni.model.turns import question_mask
from omni.routing.router import Batch


class MediaReader(PreTrainedModel):
    """The half of an assembled model that turns media items into tokens of the text."""

    config_class = OmniConfig
    config: OmniConfig
    encoders: nn.ModuleDict
    embedders: nn.ModuleDict
    adapters: nn.ModuleDict
    modality_marks: nn.ParameterDict
    positions: nn.Module | None
    mixture: nn.Module | None
    selector: Selector

    def encode_media(self, media: Sequence[MediaItem]) -> list[Tensor]:
        """Encoder tokens `[N, encoder width]` of each item; cached ones are passed on."""
        tokens: list[Tensor] = [
            torch.empty(0) if item.tokens is None else item.tokens.to(self.device, self.dtype)
            for item in media
        ]
        for name, places in _by_modality(media).items():
            fresh = [place for place in places if media[place].tokens is None]
            if not fresh:
                continue
            encoder = self._part(self.encoders, name, "encode")
            batch = [_on(media[place].features, self.device) for place in fresh]
            for place, encoded in zip(fresh, encoder(batch), strict=True):
                tokens[place] = encoded.to(self.dtype)
        return tokens

    def embed(self, modality: str, items: Sequence[Any]) -> Tensor:
        """Unit vectors `[B, width]` of items in the shared space, where like things lie close.

        Args:
            modality: of all of them.
            items: features of each, as its modality makes them, or encoder tokens `[N, encoder
                width]`; for text also plain strings, which may be longer than features are.

        Raises:
            Unsupported: if the model has no place in a shared space for them.
        """
        if modality == TEXT and modality in self.encoders:
            return self._embed_text(items)
        embedder = self._part(self.embedders, modality, "embed")
        tokens = [
            item.to(self.device, self.dtype) if isinstance(item, Tensor) else None for item in items
        ]
        fresh = [place for place, found in enumerate(tokens) if found is None]
        if fresh:
            encoder = self._part(self.encoders, modality, "encode")
            encoded = encoder([_on(items[place], self.device) for place in fresh])
            for place, found in zip(fresh, encoded, strict=True):
                tokens[place] = found.to(self.dtype)
        if not tokens:
            return torch.empty(0, int((self.config.embedding or {})["width"]), device=self.device)
        return embedder(tokens)

    def _embed_text(self, items: Sequence[Any]) -> Tensor:
        """Sentences of the text encoder: the mean of its tokens."""
        encoder: Any = self.encoders[TEXT]
        if all(isinstance(item, str) for item in items):
            return encoder.sentence(items, self.device).to(self.dtype)
        tokens = [
            item if isinstance(item, Tensor) else encoder([_on(item, self.device)])[0]
            for item in items
        ]
        means = torch.stack([found.float().mean(0) for found in tokens])
        return nn.functional.normalize(means, dim=-1).to(self.device, self.dtype)

    def embed_media(
        self, media: Sequence[MediaItem], question: Tensor | None = None
    ) -> list[Tensor]:
        """All tokens `[N, D]` of each item, adapted and mixed, before selection.

        Args:
            media: the items.
            question: `[G, D]`, the pooled question of each item; zeros if it is `None`.
        """
        return self._embed(media, self.encode_media(media), question)[0]

    def _embed(
        self, media: Sequence[MediaItem], encoded: Sequence[Tensor], question: Tensor | None
    ) -> tuple[list[Tensor], Tensor | None]:
        groups = _by_modality(media)
        adapted, lengths, order = [], [], []
        for name, places in groups.items():
            adapter = self._part(self.adapters, name, "read")
            sizes = [len(encoded[place]) for place in places]
            tokens, sizes = adapter(torch.cat([encoded[place] for place in places]), sizes)
            tokens = tokens + self.modality_marks[name]
            if self.positions is not None:
                where = torch.cat([media[place].where() for place in places])
                tokens = self.positions(name, tokens, where)
            adapted.append(tokens)
            lengths += sizes
            order += places
        tokens, loss = self._mix(torch.cat(adapted), lengths, order, media, question)
        result: list[Tensor] = [tokens] * len(media)
        for place, part in zip(order, tokens.split(lengths), strict=True):
            item = media[place]
            if len(part) != item.grid.tokens:
                raise UsageError(
                    f"media item {place} ({item.modality}) was planned with {item.grid.tokens} "
                    f"tokens, but has {len(part)}: make its grid with the processor"
                )
            result[place] = part
        return result, loss

    def _mix(
        self,
        tokens: Tensor,
        lengths: Sequence[int],
        order: Sequence[int],
        media: Sequence[MediaItem],
        question: Tensor | None,
    ) -> tuple[Tensor, Tensor | None]:
        """Send tokens `[N, D]`, which lie item after item as in `order`, through the experts."""
        if self.mixture is None:
            return tokens, None
        device = tokens.device
        names = list(self.adapters)
        owner = torch.repeat_interleave(
            torch.arange(len(order), device=device),
            torch.tensor(lengths, device=device),
            output_size=len(tokens),
        )
        modality = torch.tensor([names.index(media[place].modality) for place in order])
        asked = tokens.new_zeros(len(order), tokens.shape[1])
        if question is not None:
            asked = question[torch.tensor(order, device=device)]
        mixed, routing = self.mixture(Batch(tokens, owner, modality.to(device), asked))
        loss = (
            self.config.balance_weight * routing.balance_loss
            + self.config.z_weight * routing.z_loss
        )
        return mixed, loss

    def _part(self, parts: nn.ModuleDict, name: str, verb: str) -> nn.Module:
        if name not in parts:
            known = ", ".join(parts) or "none"
            raise Unsupported(f"this model cannot {verb} {name!r}; it can {verb}: {known}")
        return parts[name]

    def select_media(
        self,
        input_ids: Tensor,
        media: Sequence[MediaItem],
        *,
        mask: Tensor | None = None,
        labels: Tensor | None = None,
        selector: Mapping[str, Any] | str | None = None,
    ) -> SelectedMedia:
        """Encode, adapt, mix and select the media of a batch, in order of appearance.

        Args:
            input_ids: int64 `[B, L]`, with as many placeholders as the items keep.
            media: the items, row after row.
            mask: bool `[B, L]`, true for the tokens that are the question; found if it is `None`.
            labels: what is to be learned, which must not be taken for the question.
            selector: name or settings of another selector than the model's own.

        Raises:
            UsageError: if placeholders and items do not match up, or a selector cannot do without
                something that is not known here.
        """
        input_ids = input_ids.to(self.device)
        placeholders = (input_ids == self.config.media_token_id).sum(1).tolist()
        rows = assign_rows(placeholders, [item.keep for item in media])
        if mask is None:
            mask = question_mask(input_ids, self.config, labels)
        words = self.get_input_embeddings()(input_ids)  # [B, L, D]
        count = mask.sum(1, keepdim=True).clamp(min=1)
        pooled = (words * mask[..., None]).sum(1) / count  # [B, D]
        owners = torch.tensor(rows, device=self.device)
        encoded = self.encode_media(media)
        tokens, loss = self._embed(media, encoded, pooled.to(words.dtype)[owners])
        chooser = self.selector if selector is None else build_selector(selector)
        selection, watch = None, None
        short = [i for i, item in enumerate(media) if item.keep < item.grid.tokens]
        if short:
            chosen = owners[torch.tensor(short, device=self.device)]
            items, candidates = [media[i] for i in short], [tokens[i] for i in short]
            signals = signals_of(self.embedders, items, [encoded[i] for i in short], candidates)
            question = Question(words.detach()[chosen], mask[chosen])
            watch = Stopwatch(self.device)
            selection = select(chooser, items, candidates, question, signals)
            watch.stop()
            kept = selection.take(torch.cat(candidates)).split([item.keep for item in items])
            for i, own in zip(short, kept, strict=True):
                tokens[i] = own
        return SelectedMedia(
            pack_rows(tokens, rows, len(input_ids)),
            selection,
            tuple(media),
            loss,
            method_of(chooser),
            watch,
        )


def _by_modality(media: Sequence[MediaItem]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for place, item in enumerate(media):
        places.setdefault(item.modality, []).append(place)
    return places


def _on(features: Mapping[str, Tensor] | None, device: torch.device) -> dict[str, Tensor]:
    assert features is not None
    return {name: value.to(device) for name, value in features.items()}
