"""The encoders of a model while it is compressed: what they laid down, and how writing-like it is.

Methods of one instance are wrapped for as long as a context lasts; its class is not touched.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor

from omni.compression.anatomy import uncompiled
from omni.compression.layout import Encoding, Laid, lay, lay_media
from omni.compression.text_rich import densities
from omni.compression.watching import Sight

KINDS = ("image", "video")
_TOWERS = ("vision_tower", "vision_model", "visual")


class Encoders:
    """What the image and video encoders of a model said last.

    Attributes:
        wanted: whether attention and keys are to be seen.
        looks_for_writing: whether pictures are looked at for writing.
        laid: the items of each kind, in order; none where the layout is not known.
        densities: how writing-like each item of a kind is, on the host, or `None`.
    """

    def __init__(self, model: Any, wanted: bool = False, looks_for_writing: bool = False):
        self.wanted = wanted
        self.looks_for_writing = looks_for_writing
        self.laid: dict[str, list[Laid]] = {}
        self.densities: dict[str, list[float]] = {}
        self._answers: dict[str, list[Tensor]] = {}
        self._packing: dict[str, Any] | None = None
        self._embeds: Tensor | None = None
        base = getattr(model, "base_model", model)
        names = tuple(f"get_{kind}_features" for kind in KINDS)
        self._inner = base if any(hasattr(base, name) for name in names) else model
        self._sight: Sight | None = None
        if wanted:
            self._sight = sight(self._inner)

    @contextmanager
    def open(self) -> Iterator[Encoders]:
        """Note what the encoders answer, for as long as the context lasts."""
        with ExitStack() as stack:
            if self._sight is not None:
                stack.enter_context(self._sight.open())
            for kind in KINDS:
                stack.enter_context(self._wrapped(f"get_{kind}_features", self._noted(kind)))
            stack.enter_context(self._wrapped("pack_image_features", self._packed))
            stack.enter_context(self._wrapped("select_media", self._selected))
            yield self

    def forget(self, given: Mapping[str, Any]) -> None:
        """Forget what does not belong to arguments of the model that were encoded beforehand.

        Whatever is not among them is encoded later on. Where rows are continued in several ways,
        what was encoded is repeated, and what is known of it is repeated, too.
        """
        embeds = given.get("media_embeds")
        if embeds is None or self._embeds is None or not _equal(embeds, self._embeds):
            self.laid.pop("media", None)
        answers = given.get("mm_encoder_outputs")
        for kind in KINDS:
            answer = (answers or {}).get(kind)
            tokens = [] if answer is None else _tokens(answer)
            before = self._answers.get(kind, [])
            if len(tokens) == len(before) and all(map(_same, tokens, before)):
                continue
            order = _found(tokens, before)
            if not order:
                for known in (self.laid, self.densities, self._answers):
                    known.pop(kind, None)
                continue
            self._answers[kind] = tokens
            groups = _groups(self.laid[kind], [len(one) for one in before])
            chosen = [place for group in order for place in groups[group]]
            self.laid[kind] = [self.laid[kind][place] for place in chosen]
            if self.densities.get(kind):
                self.densities[kind] = [self.densities[kind][place] for place in chosen]

    @contextmanager
    def _wrapped(self, name: str, wrap: Any) -> Iterator[None]:
        method = getattr(self._inner, name, None)
        if method is None:
            yield
            return
        before = vars(self._inner).get(name)
        setattr(self._inner, name, functools.wraps(method)(functools.partial(wrap, method)))
        try:
            yield
        finally:
            delattr(self._inner, name)
            if before is not None:
                setattr(self._inner, name, before)

    def _noted(self, kind: str) -> Any:
        def call(method: Any, *args: Any, **kwargs: Any) -> Any:
            answer = method(*args, **kwargs)
            self._note(kind, method, args, kwargs, answer)
            return answer

        return call

    @uncompiled
    @torch.no_grad()
    def _note(self, kind: str, method: Any, args: Any, kwargs: Any, answer: Any) -> None:
        given = _arguments(method, args, kwargs)
        columns = None if self._sight is None else self._sight.take()
        tokens = _tokens(answer)
        encoding = Encoding(self._inner, kind, given, tokens, self._packing)
        self._packing = None
        self.laid[kind] = lay(encoding, columns)
        self._answers[kind] = tokens
        if self.looks_for_writing and kind == "image" and self.laid[kind]:
            self.densities[kind] = densities(given, len(self.laid[kind]))

    def _selected(self, method: Any, *args: Any, **kwargs: Any) -> Any:
        answer = method(*args, **kwargs)
        self.laid["media"] = lay_media(answer.items)
        self._embeds = answer.embeds
        return answer

    def _packed(self, method: Any, *args: Any, **kwargs: Any) -> Any:
        self._pack(method, args, kwargs)
        return method(*args, **kwargs)

    @uncompiled
    def _pack(self, method: Any, args: Any, kwargs: Any) -> None:
        self._packing = _arguments(method, args, kwargs)


def sight(model: Any) -> Sight | None:
    """The layer of a model's vision tower whose output is the last that becomes tokens.

    `None` where the model has no tower that is known here.
    """
    tower = next((getattr(model, name) for name in _TOWERS if hasattr(model, name)), None)
    if tower is None:
        return None
    layers = [
        module
        for module in tower.modules()
        if type(module).__name__.endswith("Attention")
        and hasattr(module, "config")
        and any(hasattr(module, name) for name in ("q_proj", "qkv", "q"))
    ]
    if not layers:
        return None
    whole = getattr(tower.config, "fullatt_block_indexes", None)
    if whole:
        return Sight(layers[whole[-1]], class_token=False)
    used = getattr(model.config, "vision_feature_layer", -1)
    used = used[-1] if isinstance(used, list | tuple) else used
    place = used - 1 if used >= 0 else len(layers) + used
    strategy = getattr(model.config, "vision_feature_select_strategy", "full")
    return Sight(layers[place], class_token=strategy == "default")


def _arguments(method: Any, args: Any, kwargs: Any) -> dict[str, Any]:
    """Arguments of a call by name."""
    given = dict(inspect.signature(method).bind(*args, **kwargs).arguments)
    return {**given, **given.pop("kwargs", {})}


def _tokens(answer: Any) -> list[Tensor]:
    """Of each item, or of each row of a batch."""
    return list(answer.pooler_output if hasattr(answer, "pooler_output") else answer[1])


def _groups(laid: list[Laid], lengths: list[int]) -> list[list[int]]:
    """Which items make up each stretch of tokens; none for all if they do not fit."""
    groups: list[list[int]] = []
    place = 0
    for length in lengths:
        own, size = [], 0
        while size < length and place < len(laid):
            own.append(place)
            size += laid[place].length
            place += 1
        groups.append(own)
    return groups


def _found(given: list[Tensor], before: list[Tensor]) -> list[int]:
    """Which of the tokens before each given one is; none if one is new."""
    order: list[int] = []
    for one in given:
        places = (place for place, other in enumerate(before) if _equal(one, other))
        place = next(places, None)
        if place is None:
            return []
        order.append(place)
    return order


def _same(one: Tensor, other: Tensor) -> bool:
    return one.data_ptr() == other.data_ptr() and one.shape == other.shape


def _equal(one: Tensor, other: Tensor) -> bool:
    return _same(one, other) or (one.shape == other.shape and torch.equal(one, other))
