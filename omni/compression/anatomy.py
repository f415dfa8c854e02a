"""Where a model of transformers, or ours, keeps what has to be known to compress what it reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import nn

from omni.errors import UsageError

MODALITIES = ("image", "video", "audio")

Function = TypeVar("Function", bound=Callable[..., Any])


def uncompiled(function: Function) -> Function:
    """The function, of which compilers keep their hands off: it reads numbers on the host."""
    return torch.compiler.disable(function)  # type: ignore[return-value]


def unwrapped(model: nn.Module) -> Any:
    """The model of transformers inside of what compiles or adapts it."""
    found: Any = getattr(model, "_orig_mod", model)
    return found.get_base_model() if hasattr(found, "get_base_model") else found


def placeholders(model: Any) -> dict[int, str]:
    """The tokens that stand for media, and for which: image, video, audio, or media of any kind.

    Raises:
        UsageError: if there are none.
    """
    found: dict[int, str] = {}
    for name in (*MODALITIES, "media"):
        for attribute in (f"{name}_token_id", f"{name}_token_index"):
            value = getattr(model.config, attribute, None)
            if isinstance(value, int) and not isinstance(value, bool):
                found[value] = name
    if not found:
        raise UsageError(
            f"{type(model).__name__} has no tokens that stand for pictures, films or sounds "
            "(no image_token_id, video_token_id or audio_token_id in its configuration)"
        )
    return found


def decoder(model: Any) -> nn.Module:
    """The language model inside.

    Raises:
        UsageError: if there is none.
    """
    inner = getattr(model, "language", model)  # of ours
    found = inner.get_decoder() if hasattr(inner, "get_decoder") else inner
    if found is model:
        found = getattr(model, "model", model)
    if found is model:
        raise UsageError(f"{type(model).__name__} holds no language model of its own")
    return found


def slides(decoder: Any) -> bool:
    """Whether some layers look back only so far."""
    kinds = getattr(decoder.config, "layer_types", None) or ()
    return any("sliding" in kind for kind in kinds)


def flashes(decoder: Any) -> bool:
    """Whether attention is computed by a kernel that takes nothing to be added to its logits."""
    return "flash" in (getattr(decoder.config, "_attn_implementation", None) or "")
