"""A lean loop that says the next token, again and again, and does nothing else.

For a small model, `generate` of transformers takes about half as long again as the model itself:
for every token it prepares inputs, updates arguments and asks criteria that most calls do not have.
This loop says exactly the same tokens. Calls that want more than it can do go to transformers.
Shapes: B rows, L tokens of the prompt, T tokens in all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from transformers import DynamicCache, LogitsProcessorList, StoppingCriteriaList

from omni.model.generation import CodeGrammar, GrammarWalk

if TYPE_CHECKING:
    from omni.model.modeling import OmniModel

_TAKEN = frozenset(
    {
        *("input_ids", "attention_mask", "media_embeds", "max_new_tokens", "do_sample"),
        *("use_cache", "streamer", "stopping_criteria"),
    }
)
_NEUTRAL = frozenset(
    {
        *("eos_token_id", "pad_token_id", "bos_token_id", "transformers_version", "use_cache"),
        *("_from_model_config", "output_attentions", "output_hidden_states", "do_sample"),
        *("max_new_tokens", "max_length"),
    }
)
_CHANGING_ROPES = frozenset({"dynamic", "longrope"})
"""These keep what they compute, which tensors of inference mode must not be."""

_LEAVE_SHARE = 8
"""Rows that are finished leave the batch as soon as they are one in so many."""


def is_plain(model: OmniModel, arguments: Mapping[str, Any]) -> bool:
    """Whether a call of `generate` is greedy, has a cache and wants nothing special."""
    defaults = model.generation_config
    return (
        _TAKEN.issuperset(arguments)
        and arguments.get("input_ids") is not None
        and (arguments.get("max_new_tokens") or 0) > 0
        and arguments.get("use_cache") in (None, True)
        and not arguments.get("do_sample", defaults.do_sample)
        and _NEUTRAL.issuperset(defaults.to_diff_dict())
        and defaults.use_cache is not False
        and type(model.language)._supports_default_dynamic_cache()  # type: ignore[attr-defined]
        and not getattr(model.language, "_is_stateful", False)
        and _rope(model) not in _CHANGING_ROPES
    )


def _rope(model: OmniModel) -> Any:
    parameters = getattr(model.config.get_text_config(decoder=True), "rope_parameters", None)
    return (parameters or {}).get("rope_type")


def decode(
    model: OmniModel,
    input_ids: Tensor,
    *,
    grammar: CodeGrammar,
    max_new_tokens: int,
    attention_mask: Tensor | None = None,
    media_embeds: Tensor | None = None,
    processors: LogitsProcessorList | None = None,
    stopping_criteria: Any = None,
    streamer: Any = None,
) -> Tensor:
    """Prompts with their greedy continuation, int64 `[B, T]`, padded behind the end.

    Args:
        model: the model.
        input_ids: prompts `[B, L]`, padded on the left.
        grammar: what may be said.
        max_new_tokens: at most so many tokens for each row.
        attention_mask: `[B, L]`, 0 for padding.
        media_embeds: what stands in the places of media, from `select_media`.
        processors: change the scores, before the grammar does.
        stopping_criteria: end rows beside the end mark.
        streamer: is given the prompt and then each token; for one row.
    """
    with torch.inference_mode():
        loop = _Loop(model, input_ids.to(model.device), attention_mask, grammar, max_new_tokens)
        loop.criteria = StoppingCriteriaList(stopping_criteria or [])
        loop.processors = processors or LogitsProcessorList()
        loop.streamer = streamer
        ids = loop.run(media_embeds)
    return ids.clone()  # a tensor of inference mode could not be used in training


class _Loop:
    """The state of one call: `ids` are of all rows, `rows` says which are still in the batch."""

    criteria: StoppingCriteriaList
    processors: LogitsProcessorList
    streamer: Any

    def __init__(
        self,
        model: OmniModel,
        prompt: Tensor,
        mask: Tensor | None,
        grammar: CodeGrammar,
        most: int,
    ):
        self.model = model
        self.width = prompt.shape[1]
        count = len(prompt)
        defaults = model.generation_config
        ends = defaults.eos_token_id
        self.ends = frozenset([ends] if isinstance(ends, int) else ends or ())
        self.pad = defaults.pad_token_id
        if self.pad is None:
            self.pad = next(iter(self.ends), 0)
        self.ids = torch.full((count, self.width + most), int(self.pad), device=prompt.device)
        self.ids[:, : self.width] = prompt
        self.mask = None
        if mask is not None and not bool(mask.all()):
            self.mask = torch.ones_like(self.ids)
            self.mask[:, : self.width] = mask
        self.cache = DynamicCache(config=model.config.get_text_config(decoder=True))
        self.walk = GrammarWalk(grammar, prompt)
        self.rows = list(range(count))
        self.finished = [False] * count

    def run(self, media_embeds: Tensor | None) -> Tensor:
        """All tokens that are said."""
        step: dict[str, Any] = {"input_ids": self.ids[:, : self.width]}
        if media_embeds is not None:
            step["media_embeds"] = media_embeds
        if self.streamer is not None:
            self.streamer.put(self.ids[:, : self.width].cpu())
        while self.width < self.ids.shape[1]:
            said = self._next(step)
            self.width += 1
            if self.streamer is not None:
                self.streamer.put(torch.tensor(said))
            self._finish(said)
            if all(self.finished[row] for row in self.rows):
                break
            self._leave()
            step = {"input_ids": self.ids[self._index(), self.width - 1 : self.width]}
        if self.streamer is not None:
            self.streamer.end()
        return self.ids[:, : self.width]

    def _next(self, step: dict[str, Any]) -> list[int]:
        """One step of the model; the token of each row that is in the batch."""
        mask = self.mask
        if mask is not None:
            step["attention_mask"] = mask[self._index(), : self.width]
        output = self.model(**step, past_key_values=self.cache, use_cache=True, logits_to_keep=1)
        scores = output.logits[:, -1].to(self.ids.device, torch.float32)
        if self.processors:
            ids: Any = self.ids[:, : self.width]
            scores = self.processors(ids, scores)
        said = self.walk.restrict(scores).argmax(-1).tolist()
        self.walk.feed(said)
        said = [
            int(self.pad) if self.finished[row] else token
            for row, token in zip(self.rows, said, strict=True)
        ]
        self.ids[self._index(), self.width] = torch.tensor(said, device=self.ids.device)
        return said

    def _finish(self, said: list[int]) -> None:
        for row, token in zip(self.rows, said, strict=True):
            self.finished[row] = self.finished[row] or token in self.ends
        if self.criteria:
            stopped = self.criteria(self.ids[:, : self.width], None).tolist()  # type: ignore[arg-type]
            self.finished = [a or b for a, b in zip(self.finished, stopped, strict=True)]

    def _leave(self) -> None:
        """Finished rows leave the batch, unless somebody who changes scores has to see them."""
        left = [place for place, row in enumerate(self.rows) if not self.finished[row]]
        if self.processors or (len(self.rows) - len(left)) * _LEAVE_SHARE < len(self.rows):
            return
        if len(left) == len(self.rows):
            return
        self.cache.batch_select_indices(torch.tensor(left, device=self.ids.device))
        self.walk.keep(left)
        self.rows = [self.rows[place] for place in left]

    def _index(self) -> Any:
        return slice(None) if len(self.rows) == len(self.ids) else self.rows
