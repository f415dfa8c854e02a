"""The configuration of an assembled model."""

from __future__ import annotations

from typing import Any, ClassVar

from transformers import AutoConfig, PretrainedConfig
from transformers.configuration_utils import SubConfigSpec


class OmniConfig(PretrainedConfig):
    """What an `OmniModel` is made of; everything in it is JSON.

    Attributes:
        text_config: configuration of the central language model: any causal language model of
            transformers that takes `inputs_embeds`.
        modalities: modality name → `{"encoder": {…} or None, "decoder": {…} or None, "adapter":
            {"name": …, …}}`. The dictionaries are the keyword arguments of the modality's
            `encoder`, its `decoder`, and of the adapter's builder. An adapter without an encoder
            needs a `"width"`: then the model is given encoder tokens, not features.
        positions: `{"frequencies"}` of `omni.model.positions`, or `None` for a model that knows of
            no token where it lies.
        router: `{"name", "experts", "hidden", "top_k", "noise", "skip"}`, or `None` for no
            experts; without `skip` nothing passes them by.
        balance_weight: how much the router's load-balance loss counts in training.
        z_weight: how much the router's z-loss counts in training.
        embedding: `{"width", …}` of the shared space, or `None` for a model without one; the rest
            are keyword arguments of `omni.model.embedder.Embedder`.
        selector: `{"name", …}`; the rest are keyword arguments of the selector.
        quotes: whether what tools say is passed on as it is, as a chat model that is too small to
            retell it does.
        codes: modality name → `{"begin", "end", "first", "count", "length", "max_length"}`: token
            ids of its codes and how many make one item (`length` is `None` where it varies).
    """

    model_type = "omni"
    sub_configs_defaults: ClassVar[dict[str, SubConfigSpec]] = {
        "text_config": SubConfigSpec(config_class=AutoConfig, model_type="llama")
    }

    text_config: dict | PretrainedConfig | None = None
    modalities: dict[str, Any] | None = None
    positions: dict[str, Any] | None = None
    router: dict[str, Any] | None = None
    balance_weight: float = 0.01
    z_weight: float = 0.001
    embedding: dict[str, Any] | None = None
    selector: dict[str, Any] | None = None
    codes: dict[str, Any] | None = None
    quotes: bool = False
    pad_token_id: int | None = None
    end_token_id: int | None = None
    user_token_id: int | None = None
    assistant_token_id: int | None = None
    system_token_id: int | None = None
    tool_token_id: int | None = None
    open_token_id: int | None = None
    media_token_id: int | None = None
    close_token_id: int | None = None
    call_token_id: int | None = None
    call_end_token_id: int | None = None
    tie_word_embeddings: bool = False

    def __post_init__(self, **kwargs: Any):
        self.modalities = self.modalities or {}
        self.codes = self.codes or {}
        self.selector = self.selector or {"name": "farthest"}
        super().__post_init__(**kwargs)
        text = self.get_text_config()
        self.tie_word_embeddings = bool(getattr(text, "tie_word_embeddings", False))

    @property
    def eos_token_id(self) -> int | None:
        return self.end_token_id

    def mark_ids(self) -> list[int]:
        """Ids of every mark: of roles, media, calls, and where codes begin and end."""
        marks = [
            self.pad_token_id,
            self.end_token_id,
            self.user_token_id,
            self.assistant_token_id,
            self.system_token_id,
            self.tool_token_id,
            self.open_token_id,
            self.media_token_id,
            self.close_token_id,
            self.call_token_id,
            self.call_end_token_id,
        ]
        for code in (self.codes or {}).values():
            marks += [code["begin"], code["end"]]
        return [mark for mark in marks if mark is not None]

    def control_ids(self) -> list[int]:
        """Ids of every mark and code: whatever is not text."""
        ids = self.mark_ids()
        for code in (self.codes or {}).values():
            ids += range(code["first"], code["first"] + code["count"])
        return ids
