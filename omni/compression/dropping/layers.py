"""Where a language model of transformers keeps its layers, and what these are like."""

from __future__ import annotations

from typing import Any

from torch import nn

from omni.errors import UsageError

_KINDS = ("full_attention", "sliding_attention")


class Layers:
    """The layers of one language model.

    Raises:
        UsageError: if it has none that anything is known of.
    """

    def __init__(self, decoder: Any):
        layers = getattr(decoder, "layers", None)
        if not isinstance(layers, nn.ModuleList) or not len(layers):
            raise UsageError(
                f"{type(decoder).__name__} keeps no list of layers under the name 'layers', so "
                "tokens cannot be dropped between them: choose a selector, such as 'farthest'"
            )
        self.decoder = decoder
        self.modules = layers
        self.config = decoder.config

    @property
    def depth(self) -> int:
        return len(self.modules)

    @property
    def kernel(self) -> str:
        """The name of the attention's implementation."""
        return self.config._attn_implementation or "eager"

    def attention(self, number: int) -> Any:
        """The attention of a layer.

        Raises:
            UsageError: if it has none like those of transformers.
        """
        found: Any = getattr(self.modules[number], "self_attn", None)
        if found is None or not hasattr(found, "config"):
            raise UsageError(
                f"layer {number} of {type(self.decoder).__name__} has no self_attn with a "
                "configuration, so tokens cannot be dropped around it: choose a selector, such as "
                "'farthest', which works before the first layer"
            )
        return found

    def window(self, number: int) -> int | None:
        """How many tokens back a layer looks, itself included; `None` for all."""
        kinds = getattr(self.config, "layer_types", None)
        window = getattr(self.config, "sliding_window", None)
        return None if kinds and "sliding" not in kinds[number] else window

    def check(self, first: int) -> None:
        """Refuse layers that cannot do without some tokens, from the first cut on.

        Raises:
            UsageError: if there are such.
        """
        kinds = getattr(self.config, "layer_types", None) or []
        strange = sorted({kind for kind in kinds[first:] if kind not in _KINDS})
        if strange:
            raise UsageError(
                f"{type(self.decoder).__name__} has layers of {', '.join(strange)}, from which "
                "tokens cannot be dropped: choose a selector, such as 'farthest'"
            )
        if getattr(self.config, "num_kv_shared_layers", 0):
            raise UsageError(
                f"layers of {type(self.decoder).__name__} share keys and values, so that none can "
                "do with fewer tokens than another: choose a selector, such as 'farthest'"
            )
        if "flex" in self.kernel or "paged" in self.kernel:
            raise UsageError(
                f"the masks of {self.kernel!r} cannot be shortened: load the model with "
                "attn_implementation='sdpa' or 'flash_attention_2'"
            )
        for number in range(first - 1, self.depth):
            self.attention(number)
