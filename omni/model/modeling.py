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

from omni.errors import UsageError
from omni.model.config import OmniConfig
from omni.model.item import MediaItem
from omni.model.parts import (
    build_adapters,
    build_decoders,
    build_embedders,
    build_encoders,
    build_positions,
    build_router,
    build_selector,
)
from omni.model.questions import TEXT
from omni.model.reading import MediaReader
from omni.model.splice import skip, splice


@dataclass
class OmniOutput(CausalLMOutputWithPast):
    """Output of a causal language model, and what the router adds to the loss.

    Attributes:
        router_loss: weighted sum of the load-balance loss and the z-loss, or `None` without media.
    """

    router_loss: Tensor | None = None


class OmniModel(MediaReader, GenerationMixin):
    """Encoders, adapters, experts, selector, any causal language model, and decoders.

    Parts that are handed over are taken as they are; the others are built from the configuration.
    Decoders are frozen: their weights travel with the model, and codes are learned, not pixels.
    """

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
        embedders: Mapping[str, nn.Module] | None = None,
        adapters: Mapping[str, nn.Module] | None = None,
        decoders: Mapping[str, nn.Module] | None = None,
        mixture: nn.Module | None = None,
        language: PreTrainedModel | None = None,
    ):
        super().__init__(config)
        with _plainly():
            encoders = build_encoders(config) if encoders is None else encoders
            embedders = build_embedders(config, encoders) if embedders is None else embedders
            adapters = build_adapters(config, encoders) if adapters is None else adapters
            decoders = build_decoders(config) if decoders is None else decoders
            if mixture is None:
                mixture = build_router(config, tuple(adapters))
            positions = build_positions(config, tuple(adapters))
            marks = {name: nn.Parameter(torch.zeros(self._width())) for name in adapters}
        self.encoders = nn.ModuleDict(encoders)
        self.embedders = nn.ModuleDict(embedders)
        self.adapters = nn.ModuleDict(adapters)
        self.modality_marks = nn.ParameterDict(marks)
        self.positions = positions
        self.mixture = mixture
        self.decoders = nn.ModuleDict(decoders).requires_grad_(False)
        self.selector = build_selector(config.selector)
        parts = (self.encoders, self.embedders, self.adapters, self.modality_marks)
        for part in (*parts, self.positions, self.mixture):
            if part is not None:
                part.to(torch.get_default_dtype())
        self._keep_parts()
        self.language = language or AutoModelForCausalLM.from_config(config.text_config)
        self.input_modalities = tuple(dict.fromkeys((TEXT, *adapters)))
        self.output_modalities = (TEXT, *decoders)
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
        Plain greedy calls go through the loop of `omni.model.decoding`, which says the same.
        """
        from omni.model.decoding import decode, is_plain
        from omni.model.generation import CodeGrammar

        ids = inputs if inputs is not None else kwargs.get("input_ids")
        if media:
            if ids is None:
                raise UsageError("media need input_ids, which say where they stand")
            kwargs["media_embeds"] = self.select_media(ids, media, mask=question_mask).embeds
        if kwargs.get("media_embeds") is not None and kwargs.get("prefill_chunk_size"):
            raise UsageError("a prompt with media is read at once: leave prefill_chunk_size out")
        processors = LogitsProcessorList(logits_processor or [])
        plain = {**kwargs, "input_ids": ids}
        if not args and is_plain(self, plain):
            for name in ("do_sample", "use_cache"):
                plain.pop(name, None)
            return decode(self, grammar=CodeGrammar(self.config), processors=processors, **plain)
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


def _positions(attention_mask: Tensor) -> Tensor:
    return (attention_mask.long().cumsum(1) - 1).clamp(min=0)
