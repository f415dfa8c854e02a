"""The assembled model, a citizen of transformers.

Media features are encoded, adapted, sent through the experts, selected by the question, and put
into the text before the language model reads it. Shapes: B rows, L tokens of text, M media tokens
of the row that has most, G media items, N their tokens, D language width.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, GenerationMixin, LogitsProcessorList, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutputWithPast

from omni.compression.selector import Question, Selection, SelectionReport, Selector, Tokens
from omni.errors import Unsupported, UsageError
from omni.model.config import OmniConfig
from omni.model.item import MediaItem
from omni.model.parts import (
    build_adapters,
    build_decoders,
    build_encoders,
    build_router,
    build_selector,
)
from omni.model.splice import assign_rows, pack_rows, skip, splice
from omni.model.turns import question_mask as find_question
from omni.routing.router import Batch


@dataclass
class OmniOutput(CausalLMOutputWithPast):
    """Output of a causal language model, and what the router adds to the loss.

    Attributes:
        router_loss: weighted sum of the load-balance loss and the z-loss, or `None` without media.
    """

    router_loss: Tensor | None = None


@dataclass(frozen=True, slots=True)
class SelectedMedia:
    """The media tokens that go into the text, and what was left out.

    Attributes:
        embeds: `[B, M, D]`, padded with zeros.
        selection: of the items that keep fewer tokens than they have; `None` if there are none.
        items: the items, in order.
        router_loss: see `OmniOutput`.
    """

    embeds: Tensor
    selection: Selection | None
    items: tuple[MediaItem, ...]
    router_loss: Tensor | None

    def report(self, budget: int | None = None) -> SelectionReport:
        """What to tell people of it."""
        rows = tuple((item.handle, item.keep, item.grid.tokens) for item in self.items)
        return SelectionReport(budget, rows)


class OmniModel(PreTrainedModel, GenerationMixin):
    """Encoders, adapters, experts, selector, any causal language model, and decoders.

    Parts that are handed over are taken as they are; the others are built from the configuration.
    Decoders are frozen: their weights travel with the model, and codes are learned, not pixels.
    """

    config_class = OmniConfig
    config: OmniConfig
    selector: Selector
    input_modalities: Any
    output_modalities: Any
    _constants: dict[str, Tensor]
    base_model_prefix = ""
    main_input_name = "input_ids"
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_flex_attn = True
    _supports_attention_backend = True
    _keep_in_fp32_modules_strict: ClassVar[Any] = ["decoders"]

    def __init__(
        self,
        config: OmniConfig,
        *,
        encoders: Mapping[str, nn.Module] | None = None,
        adapters: Mapping[str, nn.Module] | None = None,
        decoders: Mapping[str, nn.Module] | None = None,
        mixture: nn.Module | None = None,
        language: PreTrainedModel | None = None,
    ):
        super().__init__(config)
        with _plainly():
            encoders = build_encoders(config) if encoders is None else encoders
            adapters = build_adapters(config, encoders) if adapters is None else adapters
            decoders = build_decoders(config) if decoders is None else decoders
            if mixture is None:
                mixture = build_router(config, tuple(adapters))
            marks = {name: nn.Parameter(torch.zeros(self._width())) for name in adapters}
        self.encoders = nn.ModuleDict(encoders)
        self.adapters = nn.ModuleDict(adapters)
        self.modality_marks = nn.ParameterDict(marks)
        self.mixture = mixture
        self.decoders = nn.ModuleDict(decoders).requires_grad_(False)
        self.selector = build_selector(config)
        for part in (self.encoders, self.adapters, self.modality_marks, self.mixture):
            if part is not None:
                part.to(torch.get_default_dtype())
        self._keep_parts()
        self.language = language or AutoModelForCausalLM.from_config(config.text_config)
        self.input_modalities = ("text", *adapters)
        self.output_modalities = ("text", *decoders)
        self.generation_config.eos_token_id = config.end_token_id
        self.generation_config.pad_token_id = config.pad_token_id
        self.generation_config.bos_token_id = None
        self.post_init()

    def _width(self) -> int:
        return self.config.get_text_config().hidden_size

    def _keep_parts(self) -> None:
        """Guard the parts from transformers' initialisation, which would begin them anew.

        It would also lose the buffers that no checkpoint holds, so these are copied here.
        """
        self._constants = {}
        stored = set(self.state_dict())
        for child, part in self.named_children():
            for module in part.modules():
                module._is_hf_initialized = True  # type: ignore[assignment]
            for name, buffer in part.named_buffers(prefix=child):
                if name not in stored:
                    self._constants[name] = buffer.clone()

    @classmethod
    def from_pretrained(cls, *args: Any, output_loading_info: bool = False, **kwargs: Any) -> Any:
        """Load as transformers does, and mend what it cannot know of the parts.

        Parts that the checkpoint does not hold, such as a modality that was added to the
        configuration, begin with fresh weights.
        """
        loaded: Any = super().from_pretrained(*args, output_loading_info=True, **kwargs)
        model, info = loaded
        for name, value in model._constants.items():
            model.get_buffer(name).copy_(value)
        missing = [name for name in info["missing_keys"] if not name.startswith("language.")]
        if missing:
            fresh = cls(model.config).state_dict()
            with torch.no_grad():
                for name in missing:
                    model.get_parameter_or_buffer(name).copy_(fresh[name])
        model.decoders.requires_grad_(False)
        return (model, info) if output_loading_info else model

    # Embeddings

    def get_input_embeddings(self) -> nn.Module:
        return self.language.get_input_embeddings()

    def set_input_embeddings(self, value: nn.Module) -> None:
        self.language.set_input_embeddings(value)

    def get_output_embeddings(self) -> nn.Module | None:
        return self.language.get_output_embeddings()

    def set_output_embeddings(self, new_embeddings: nn.Module) -> None:
        self.language.set_output_embeddings(new_embeddings)

    def resize_token_embeddings(self, *args: Any, **kwargs: Any) -> nn.Embedding:
        embeddings = self.language.resize_token_embeddings(*args, **kwargs)
        self.config.get_text_config().vocab_size = embeddings.weight.shape[0]
        return embeddings

    # Media

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
                tokens[place] = encoded
        return tokens

    def embed_media(
        self, media: Sequence[MediaItem], question: Tensor | None = None
    ) -> list[Tensor]:
        """All tokens `[N, D]` of each item, adapted and mixed, before selection.

        Args:
            media: the items.
            question: `[G, D]`, the pooled question of each item; zeros if it is `None`.
        """
        return self._embed(media, question)[0]

    def _embed(
        self, media: Sequence[MediaItem], question: Tensor | None
    ) -> tuple[list[Tensor], Tensor | None]:
        encoded = self.encode_media(media)
        groups = _by_modality(media)
        adapted, lengths, order = [], [], []
        for name, places in groups.items():
            adapter = self._part(self.adapters, name, "read")
            sizes = [len(encoded[place]) for place in places]
            tokens, sizes = adapter(torch.cat([encoded[place] for place in places]), sizes)
            adapted.append(tokens + self.modality_marks[name])
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
    ) -> SelectedMedia:
        """Encode, adapt, mix and select the media of a batch, in order of appearance.

        Args:
            input_ids: int64 `[B, L]`, with as many placeholders as the items keep.
            media: the items, row after row.
            mask: bool `[B, L]`, true for the tokens that are the question; found if it is `None`.
            labels: what is to be learned, which must not be taken for the question.

        Raises:
            UsageError: if placeholders and items do not match up.
        """
        input_ids = input_ids.to(self.device)
        placeholders = (input_ids == self.config.media_token_id).sum(1).tolist()
        rows = assign_rows(placeholders, [item.keep for item in media])
        if mask is None:
            mask = find_question(input_ids, self.config, labels)
        words = self.get_input_embeddings()(input_ids)  # [B, L, D]
        count = mask.sum(1, keepdim=True).clamp(min=1)
        pooled = (words * mask[..., None]).sum(1) / count  # [B, D]
        owners = torch.tensor(rows, device=self.device)
        tokens, loss = self._embed(media, pooled.to(words.dtype)[owners])
        selection = None
        short = [i for i, item in enumerate(media) if item.keep < item.grid.tokens]
        if short:
            chosen = owners[torch.tensor(short, device=self.device)]
            lengths = [len(tokens[i]) for i in short]
            candidates = torch.cat([tokens[i] for i in short])
            keep = [media[i].keep for i in short]
            question = Question(words.detach()[chosen], mask[chosen])
            selection = self.selector(Tokens(candidates.detach(), lengths), keep, question)
            for i, kept in zip(short, selection.take(candidates).split(keep), strict=True):
                tokens[i] = kept
        return SelectedMedia(pack_rows(tokens, rows, len(input_ids)), selection, tuple(media), loss)

    def decode_media(self, modality: str, codes: Tensor) -> Any:
        """The decoded value that int64 codes `[length]` of a modality stand for."""
        decoder: Any = self._part(self.decoders, modality, "make")
        with torch.no_grad():
            return decoder.decode(codes.to(self.device))

    # Language

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        past_key_values: Any = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        media: Sequence[MediaItem] | None = None,
        media_embeds: Tensor | None = None,
        question_mask: Tensor | None = None,
        use_cache: bool | None = None,
        logits_to_keep: int | Tensor = 0,
        **kwargs: Any,
    ) -> OmniOutput:
        """Read a batch of text with media in it.

        Args:
            input_ids: int64 `[B, L]`.
            attention_mask: `[B, L]` (or as long as the cache and the text together).
            position_ids: counted from the mask if they are `None`.
            past_key_values: a cache of transformers.
            inputs_embeds: instead of `input_ids`, where there are no media.
            labels: `[B, L]`, -100 where nothing is to be learned.
            media: items in order of appearance, row after row.
            media_embeds: `[B, M, D]`, instead of `media`, from `select_media`.
            question_mask: bool `[B, L]`, which tokens the media are looked at with.
            use_cache: as in transformers.
            logits_to_keep: as in transformers.
            kwargs: for the language model.
        """
        if (input_ids is None) == (inputs_embeds is None):
            raise UsageError("give either input_ids or inputs_embeds")
        if input_ids is None and (media or media_embeds is not None):
            raise UsageError("media need input_ids, which say where they stand")
        router_loss = None
        embeds: Any = inputs_embeds
        if input_ids is not None:
            embeds = self.get_input_embeddings()(input_ids)
            if media:
                selected = self.select_media(input_ids, media, mask=question_mask, labels=labels)
                media_embeds, router_loss = selected.embeds, selected.router_loss
            if media_embeds is not None and media_embeds.shape[1]:
                places = input_ids == self.config.media_token_id
                embeds = splice(embeds, places, media_embeds)
        if position_ids is None and attention_mask is not None and attention_mask.dim() == 2:
            position_ids = _positions(attention_mask)[:, -embeds.shape[1] :]
        outputs = self.language(
            inputs_embeds=embeds,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=past_key_values,
            labels=labels,
            use_cache=use_cache,
            logits_to_keep=logits_to_keep,
            return_dict=True,
            **{key: value for key, value in kwargs.items() if key != "return_dict"},
        )
        loss = outputs.loss
        if loss is not None and router_loss is not None:
            loss = loss + router_loss
        return OmniOutput(
            loss=loss,
            logits=outputs.logits,
            past_key_values=outputs.past_key_values,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
            router_loss=router_loss,
        )

    # Generation

    @torch.no_grad()
    def generate(  # type: ignore[override]
        self,
        inputs: Tensor | None = None,
        *args: Any,
        media: Sequence[MediaItem] | None = None,
        question_mask: Tensor | None = None,
        logits_processor: LogitsProcessorList | None = None,
        **kwargs: Any,
    ) -> Any:
        """Generate as transformers does; media are encoded and selected once, at the beginning.

        The grammar of codes is kept by a logits processor that comes after those that are given.
        """
        from omni.model.generation import CodeGrammar

        ids = inputs if inputs is not None else kwargs.get("input_ids")
        if media:
            if ids is None:
                raise UsageError("media need input_ids, which say where they stand")
            kwargs["media_embeds"] = self.select_media(ids, media, mask=question_mask).embeds
        if kwargs.get("media_embeds") is not None and kwargs.get("prefill_chunk_size"):
            raise UsageError("a prompt with media is read at once: leave prefill_chunk_size out")
        processors = LogitsProcessorList(logits_processor or [])
        processors.append(CodeGrammar(self.config))
        return super().generate(  # type: ignore[misc]
            inputs, *args, logits_processor=processors, **kwargs
        )

    def prepare_inputs_for_generation(  # type: ignore[override]
        self,
        input_ids: Tensor,
        *args: Any,
        media_embeds: Tensor | None = None,
        is_first_iteration: bool | None = False,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Add the media tokens that the coming step has placeholders for: usually the first."""
        prepared = super().prepare_inputs_for_generation(  # type: ignore[misc]
            input_ids, *args, is_first_iteration=is_first_iteration, **kwargs
        )
        rereads = not kwargs.get("use_cache", True)
        if media_embeds is not None and (is_first_iteration or rereads):
            cut = input_ids.shape[1] - prepared["input_ids"].shape[1]
            used = (input_ids[:, :cut] == self.config.media_token_id).sum(1)
            prepared["media_embeds"] = skip(media_embeds, used.to(media_embeds.device))
        return prepared


@contextmanager
def _plainly() -> Iterator[None]:
    """Build on the CPU in float32, whatever transformers loads into.

    Parts may compute constants while they are built, which the meta device cannot do, and which
    would lose precision in a short number format.
    """
    dtype = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        with torch.device("cpu"):
            yield
    finally:
        torch.set_default_dtype(dtype)


def _by_modality(media: Sequence[MediaItem]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for place, item in enumerate(media):
        places.setdefault(item.modality, []).append(place)
    return places


def _on(features: Mapping[str, Tensor] | None, device: torch.device) -> dict[str, Tensor]:
    assert features is not None
    return {name: value.to(device) for name, value in features.items()}


def _positions(attention_mask: Tensor) -> Tensor:
    return (attention_mask.long().cumsum(1) - 1).clamp(min=0)
