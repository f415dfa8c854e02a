"""Embeddings from a multimodal language model: an instruction, the item, and its last token.

Shapes: B rows, N tokens, D width of the model.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from omni.errors import Unsupported, UsageError
from omni.modality import modality as plugin
from omni.pixels import flatten
from omni.plugins import Component

from ..contracts import Space, Vectors
from .grouping import TEXT, GroupedEmbedder, Progress, refuse_blank, unit
from .weights import digest_of, digest_of_model, digest_of_module

if TYPE_CHECKING:
    import torch

    from omni.device import Placement

NAME = "instructed"
INSTRUCTIONS = {
    TEXT: "Represent the given text for retrieval.",
    "image": "Represent the given image.",
    "video": "Represent the given video.",
}
QUERY = "Represent the given query for retrieving what answers it."
_KEYWORDS = {"image": "images", "video": "videos"}
_FRAMES = 8

Pooling = Literal["last", "mean"]


class InstructedEmbedder(GroupedEmbedder):
    """Texts, pictures and films through any image-text-to-text model of transformers.

    A prompt is made of the placeholder of the media, the instruction, the text and `end`. Rows are
    padded on the right, where a causal model does not look, so batch mates never change a result.

    Args:
        model: a folder, or a name in the hub's cache.
        instructions: by modality, for what is to be found; others than `INSTRUCTIONS`.
        query: the instruction for what is looked for.
        end: what ends each prompt, where the model was trained with an end mark.
        pooling: the last token's state, the mean, or a module such as `LatentAttention` that maps
            states `[B, N, D]` and their mask `[B, N]` to `[B, D]`.
        placement: device and number format; `omni.device.place()` decides if it is `None`.
        batch: most items that are read at once.
        progress: told how many items are done, and of how many.

    Raises:
        UsageError: if there is no such model, or it is of no kind that takes pictures.
    """

    def __init__(
        self,
        model: str | Path,
        *,
        instructions: Mapping[str, str] = INSTRUCTIONS,
        query: str = QUERY,
        end: str = "",
        pooling: Pooling | torch.nn.Module = "last",
        placement: Placement | None = None,
        batch: int = 8,
        progress: Progress | None = None,
    ):
        from omni.device import place

        if isinstance(pooling, str) and pooling not in ("last", "mean"):
            raise UsageError(f"unknown pooling {pooling!r}: wanted last, mean or a module")
        self._placement = placement or place()
        self._whole, self._processor = _load(model, self._placement)
        self.instructions = {**INSTRUCTIONS, **instructions}
        self.query, self.end, self._pooling = query, end, pooling
        if not isinstance(pooling, str):
            pooling.to(self._placement.device, self._placement.dtype).eval()
        self.batch, self.progress = batch, progress
        self.modalities = _modalities(self._processor)
        width = self._whole.config.get_text_config().hidden_size
        self.space = Space(NAME, int(width), self._digest(model))
        self._lock = threading.Lock()

    def read(self, modality: str, items: Sequence[Any]) -> Sequence[Vectors]:
        return self._read(modality, items, self.instructions[modality])

    def read_queries(self, modality: str, items: Sequence[Any]) -> Sequence[Vectors]:
        return self._read(modality, items, self.query)

    def _read(self, modality: str, items: Sequence[Any], instruction: str) -> Sequence[Vectors]:
        if modality == TEXT:
            refuse_blank(items)
            prompts = [f"{instruction}\n{text}{self.end}" for text in items]
            return self._vectors(prompts, {}, skip=self._length(instruction))
        values = [_value(modality, item) for item in items]
        prompt = f"{self._placeholder(modality)}{instruction}{self.end}"
        return self._vectors([prompt] * len(items), {_KEYWORDS[modality]: values})

    def _length(self, instruction: str) -> int:
        """Tokens that only instruct, which no mean takes in (NV-Embed §4.1); the last one may."""
        if self._pooling == "last":
            return 0
        return len(self._processor.tokenizer(f"{instruction}\n")["input_ids"])

    def _vectors(
        self, prompts: Sequence[str], media: Mapping[str, Any], skip: int = 0
    ) -> Sequence[Vectors]:
        import torch

        inputs = self._processor(text=list(prompts), padding=True, return_tensors="pt", **media)
        place, dtype = self._placement.device, self._placement.dtype
        placed = {
            name: one.to(place, dtype) if one.is_floating_point() else one.to(place)
            for name, one in inputs.items()
        }
        # The part without the head over the vocabulary: its output is many times the states.
        base = getattr(self._whole, self._whole.base_model_prefix, self._whole)
        with self._lock, torch.inference_mode():
            states = base(**placed, use_cache=False).last_hidden_state
            found = self._pooled(states, _without(placed["attention_mask"], skip))
        return list(unit(found.float().cpu().numpy()))

    def _pooled(self, states: Any, mask: Any) -> Any:
        if not isinstance(self._pooling, str):
            return self._pooling(states, mask)
        if self._pooling == "mean":
            kept = mask[..., None].to(states.dtype)
            return states.masked_fill(kept == 0, 0).sum(1) / kept.sum(1)
        last = mask.sum(1) - 1
        return states.gather(1, last[:, None, None].expand(-1, 1, states.shape[-1]))[:, 0]

    def _placeholder(self, modality: str) -> str:
        for owner in (self._processor, self._processor.tokenizer):
            if found := getattr(owner, f"{modality}_token", None):
                return str(found)
        raise Unsupported(f"the processor of {NAME!r} has no placeholder for {modality!r}")

    def _digest(self, model: str | Path) -> str:
        """Of the weights, and of all that changes a vector beside them."""
        pooling = self._pooling
        named = pooling if isinstance(pooling, str) else digest_of_module(pooling)
        said = {"instructions": self.instructions, "query": self.query, "end": self.end}
        if pooling != "last":
            said["pooled"] = "without the instruction"
        weights = digest_of_model(model, self._whole)
        return digest_of({"weights": weights, "pooling": named, **said})


def _without(mask: Any, skip: int) -> Any:
    """A mask `[B, N]`, padded on the right, without the first tokens; the last always stays."""
    import torch

    places = torch.arange(mask.shape[1], device=mask.device)
    first = torch.clamp(mask.sum(1, keepdim=True) - 1, max=skip)
    return mask * (places >= first)


def _load(name: str | Path, placement: Placement) -> tuple[Any, Any]:
    import transformers

    from omni.model.loading import quiet

    try:
        with quiet():
            model: Any = transformers.AutoModelForImageTextToText.from_pretrained(
                name, dtype=placement.dtype, use_safetensors=True
            )
            processor: Any = transformers.AutoProcessor.from_pretrained(name)
    except (OSError, ValueError, ImportError) as error:
        reason = " ".join(str(error).split())[:300]
        raise UsageError(
            f"cannot load {str(name)!r} as a model that takes pictures: {reason}"
        ) from None
    processor.tokenizer.padding_side = "right"
    return model.to(placement.device).eval(), processor


def _modalities(processor: Any) -> frozenset[str]:
    taken = {TEXT}
    if getattr(processor, "image_processor", None) is not None:
        taken.add("image")
    if getattr(processor, "video_processor", None) is not None:
        taken.add("video")
    return frozenset(taken)


def _value(modality: str, item: Any) -> Any:
    import numpy as np

    value = plugin(modality).load(item)
    if modality == "image":
        return flatten(value)
    chosen = np.linspace(0, len(value.frames) - 1, _FRAMES).round().astype(int)
    return value.frames[np.unique(chosen)]


COMPONENTS = (
    Component(
        kind="embedder",
        name="instructed",
        summary="The last token of a multimodal language model that was told what to represent.",
        system="mmE5",
        paper="mmE5 (arXiv 2502.08468)",
    ),
)
