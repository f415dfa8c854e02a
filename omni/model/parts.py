"""Build the parts of an assembled model from its configuration, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from omni import plugins
from omni.adapters.adapter import Adapter
from omni.compression.pins import Pinned
from omni.compression.selector import Selector
from omni.errors import UsageError
from omni.modality import modality
from omni.model.config import OmniConfig
from omni.model.embedder import Embedder
from omni.model.positions import Positions
from omni.model.questions import TEXT
from omni.routing.experts import Mixture, build_mixture

_BLIND_TO_PINS = frozenset({"farthest", "topk", "uniform"})


def build_encoders(config: OmniConfig) -> dict[str, nn.Module]:
    """An encoder for every modality that has settings for one."""
    return _build(config, "encoder")


def build_decoders(config: OmniConfig) -> dict[str, nn.Module]:
    """A decoder for every modality that has settings for one."""
    return _build(config, "decoder")


def _build(config: OmniConfig, kind: str) -> dict[str, nn.Module]:
    parts = {}
    for name, settings in (config.modalities or {}).items():
        if settings.get(kind) is None:
            continue
        part = getattr(modality(name), kind)(**settings[kind])
        if part is None:
            raise UsageError(f"the modality {name!r} has no {kind}: set its {kind} to null")
        parts[name] = part
    return parts


def build_adapters(config: OmniConfig, encoders: Mapping[str, nn.Module]) -> dict[str, Adapter]:
    """An adapter for every modality that has an encoder or says how wide its tokens are."""
    adapters = {}
    for name, settings in (config.modalities or {}).items():
        adapter = dict(settings.get("adapter") or {"name": "mlp"})
        width: Any = adapter.pop("width", None)
        if name in encoders:
            width = encoders[name].width
        if width is not None:
            language_width = config.get_text_config().hidden_size
            adapters[name] = build_adapter(adapter, int(width), language_width)
    return adapters


def build_adapter(settings: Mapping[str, Any], encoder_width: int, language_width: int) -> Adapter:
    """The adapter `settings["name"]`; the other settings are arguments of its builder."""
    rest = {key: value for key, value in settings.items() if key not in ("name", "width")}
    builder = plugins.load("adapters", settings.get("name", "mlp"))
    return builder(encoder_width, language_width, **rest)


def build_embedders(config: OmniConfig, encoders: Mapping[str, nn.Module]) -> dict[str, Embedder]:
    """A head into the shared space for every encoder, if there is such a space.

    Text needs none: the space is that of its own sentences.
    """
    if config.embedding is None:
        return {}
    settings = dict(config.embedding)
    space = settings.pop("width")
    return {
        name: Embedder(int(encoder.width), space, **settings)  # type: ignore[arg-type]
        for name, encoder in encoders.items()
        if name != TEXT
    }


def build_positions(config: OmniConfig, names: tuple[str, ...]) -> Positions | None:
    """What tells tokens of media where they lie, or `None`."""
    if config.positions is None or not names:
        return None
    return Positions(config.get_text_config().hidden_size, names, **config.positions)


def build_router(config: OmniConfig, names: tuple[str, ...]) -> Mixture | None:
    """The mixture of experts that all media tokens pass, or `None`."""
    if config.router is None or not names:
        return None
    settings = {"name": "router", "experts": 4, "hidden": 128, **config.router}
    width = config.get_text_config().hidden_size
    hidden, experts, skip = settings.pop("hidden"), settings["experts"], settings.pop("skip", True)
    router = plugins.load("routing", settings.pop("name"))(width, names, **settings)
    return build_mixture(router, width=width, hidden=hidden, experts=experts, skip=skip)


def build_selector(settings: Mapping[str, Any] | str | None) -> Selector:
    """The selector `settings["name"]`; the other settings are its own.

    Most of ours choose beside tokens that are pinned; the others, and those from elsewhere, never
    see them, and they are kept all the same.

    Raises:
        UnknownPlugin: if there is no such selector; the message names those that are.
        UsageError: if it has no such setting.
    """
    rest = {"name": settings} if isinstance(settings, str) else dict(settings or {})
    name = rest.pop("name", "farthest")
    try:
        selector = plugins.load("compression", name)(**rest)
    except TypeError as error:
        raise UsageError(f"the selector {name!r} refuses its settings: {error}") from None
    aware = type(selector).__module__.startswith("omni.") and name not in _BLIND_TO_PINS
    return selector if aware else Pinned(selector)
