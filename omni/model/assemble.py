"""From a tokenizer, a language model's configuration and some modalities to a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transformers import PretrainedConfig, PreTrainedTokenizerFast

from omni.modality import modality
from omni.model.config import OmniConfig
from omni.model.processor import OmniProcessor
from omni.model.tokens import token_ids


def code_sizes(modalities: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, int | None]]:
    """Modality name → `{"count", "length", "max_length"}` of each decoder in the settings."""
    sizes = {}
    for name, settings in modalities.items():
        if settings.get("decoder") is None:
            continue
        decoder: Any = modality(name).decoder(**settings["decoder"])
        sizes[name] = {
            "count": int(decoder.codes),
            "length": decoder.length,
            "max_length": int(decoder.max_length),
        }
    return sizes


def assemble(
    tokenizer: PreTrainedTokenizerFast,
    text_config: PretrainedConfig,
    modalities: Mapping[str, Mapping[str, Any]],
    **settings: Any,
) -> tuple[OmniConfig, OmniProcessor]:
    """The configuration and the processor that fit together.

    Args:
        tokenizer: from `build_tokenizer`, with the codes that `code_sizes` tells of.
        text_config: of the language model; its vocabulary is set to the tokenizer's.
        modalities: see `OmniConfig`.
        settings: for `OmniConfig`: `router`, `selector`, ….
    """
    sizes = code_sizes(modalities)
    ids = token_ids(tokenizer, {name: int(size["count"] or 0) for name, size in sizes.items()})
    for name, code in ids["codes"].items():
        code.update(sizes[name])
    text_config.vocab_size = len(tokenizer)
    # A model family's usual ids are not those of this tokenizer.
    text_config.bos_token_id = None
    text_config.eos_token_id = tokenizer.eos_token_id
    text_config.pad_token_id = tokenizer.pad_token_id
    plain = {name: dict(parts) for name, parts in modalities.items()}
    config = OmniConfig(text_config=text_config, modalities=plain, **ids, **settings)
    return config, OmniProcessor(tokenizer, modalities=plain, codes=config.codes)
