"""Models of real shapes with random weights, and prompts: what a prefill is measured on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from omni.modality import modality
from omni.model.loading import load

QUESTION = 24
"""Words that ask, behind the media."""

_IMAGE, _VIDEO = 32000, 32001
_TINY = {"hidden_size": 256, "intermediate_size": 704, "num_hidden_layers": 4}
_HALF = {"hidden_size": 896, "intermediate_size": 4864, "num_hidden_layers": 24}
_SEVEN = {"hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32}
_QWEN = {"hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28}


@dataclass(frozen=True, slots=True)
class Geometry:
    """A model and a prompt.

    Attributes:
        name: as rows call it.
        make: the model and the arguments of its forward pass.
    """

    name: str
    make: Callable[[torch.device, torch.dtype], tuple[Any, dict[str, Any]]]


def nano(pictures: int, films: int) -> Geometry:
    """The embedded model, with its own weights, and several pictures and films."""

    def make(device: torch.device, dtype: torch.dtype) -> tuple[Any, dict[str, Any]]:
        loaded = load("nano")
        content: list[dict[str, Any]] = [
            {"type": name, "value": modality(name).example()}
            for name, count in (("video", films), ("image", pictures))
            for _ in range(count)
        ]
        content.append({"type": "text", "text": "What is this?"})
        given = loaded.processor.apply_chat_template(
            [{"role": "user", "content": content}], tokenize=True, add_generation_prompt=True
        )
        model: Any = loaded.model
        model = model.to(device)
        return model, {**given, "input_ids": given["input_ids"].to(device)}

    return Geometry(f"omni-nano, {pictures} pictures and {films} films", make)


def llava(
    name: str, language: dict[str, Any], heads: tuple[int, int], tower: dict[str, Any], count: int
) -> Geometry:
    """A CLIP tower whose patches go to a language model one by one.

    Args:
        name: of the geometry.
        language: sizes of the language model.
        heads: of queries, and of keys.
        tower: sizes of the tower.
        count: pictures in the prompt.
    """

    def make(device: torch.device, dtype: torch.dtype) -> tuple[Any, dict[str, Any]]:
        import transformers

        rest: Any = language | {"vocab_size": 32064, "max_position_embeddings": 32768}
        rest |= {"num_attention_heads": heads[0], "num_key_value_heads": heads[1]}
        sizes: Any = tower
        config = transformers.LlavaConfig(
            vision_config=transformers.CLIPVisionConfig(**sizes),
            text_config=transformers.Qwen2Config(**rest, tie_word_embeddings=True),
            image_token_index=_IMAGE,
        )
        model = _built(transformers.LlavaForConditionalGeneration, config, device, dtype)
        side = sizes["image_size"]
        tokens = (side // sizes["patch_size"]) ** 2
        pixels = _noise((count, 3, side, side), device, dtype)
        ids = _ids([[_IMAGE] * tokens] * count, device)
        return model, {"input_ids": ids, "pixel_values": pixels}

    return Geometry(name, make)


def qwen(name: str, rows: int, columns: int) -> Geometry:
    """Qwen2.5-VL-7B and a picture of so many rows and columns of tokens."""

    def make(device: torch.device, dtype: torch.dtype) -> tuple[Any, dict[str, Any]]:
        import transformers

        rope = {"rope_type": "default", "mrope_section": [16, 24, 24], "rope_theta": 1e6}
        text: Any = _QWEN | {"num_attention_heads": 28, "num_key_value_heads": 4}
        text |= {"vocab_size": 32064, "rope_parameters": rope, "max_position_embeddings": 32768}
        config = transformers.Qwen2_5_VLConfig(
            text_config=text,
            vision_config={"out_hidden_size": _QWEN["hidden_size"]},
            image_token_id=_IMAGE,
            video_token_id=_VIDEO,
            vision_start_token_id=32002,
            vision_end_token_id=32003,
        )
        model = _built(transformers.Qwen2_5_VLForConditionalGeneration, config, device, dtype)
        pixels = _noise((4 * rows * columns, 3 * 2 * 14 * 14), device, dtype)
        ids = _ids([[32002, *[_IMAGE] * (rows * columns), 32003]], device)
        grid = torch.tensor([[1, 2 * rows, 2 * columns]], device=device)
        given = {"input_ids": ids, "pixel_values": pixels, "image_grid_thw": grid}
        return model, given | {"mm_token_type_ids": (ids == _IMAGE).int()}

    return Geometry(name, make)


def film(name: str, frames: int) -> Geometry:
    """LLaVA-OneVision-7B and a film whose frames have 196 tokens each."""

    def make(device: torch.device, dtype: torch.dtype) -> tuple[Any, dict[str, Any]]:
        import transformers

        text: Any = _QWEN | {"num_attention_heads": 28, "num_key_value_heads": 4}
        tower: Any = {"hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 27}
        tower |= {"num_attention_heads": 16, "image_size": 384, "patch_size": 14}
        config = transformers.LlavaOnevisionConfig(
            vision_config=transformers.SiglipVisionConfig(**tower),
            text_config=transformers.Qwen2Config(**text, vocab_size=32064),
            image_token_index=_IMAGE,
            video_token_index=_VIDEO,
        )
        model = _built(transformers.LlavaOnevisionForConditionalGeneration, config, device, dtype)
        pixels = _noise((1, frames, 3, 384, 384), device, dtype)
        ids = _ids([[_VIDEO] * (frames * 196 + 1)], device)
        return model, {"input_ids": ids, "pixel_values_videos": pixels}

    return Geometry(name, make)


def _built(kind: Any, config: Any, device: torch.device, dtype: torch.dtype) -> Any:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device), torch.random.fork_rng():
            torch.manual_seed(0)
            model = kind(config)
    finally:
        torch.set_default_dtype(before)
    return model.eval()


def _noise(shape: tuple[int, ...], device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    source = torch.Generator().manual_seed(0)
    return torch.randn(shape, generator=source).to(device, dtype)


def _ids(media: list[list[int]], device: torch.device) -> torch.Tensor:
    words = torch.randint(10, 31000, (2, QUESTION), generator=torch.Generator().manual_seed(0))
    inside = [token for own in media for token in [5, *own]]
    return torch.tensor([[1, *words[0].tolist(), *inside, *words[1].tolist()]], device=device)


_CLIP = {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24}
_CLIP |= {"num_attention_heads": 16, "image_size": 336, "patch_size": 14}
_SMALL = {"hidden_size": 192, "intermediate_size": 768, "num_hidden_layers": 4}
_SMALL |= {"num_attention_heads": 4, "image_size": 336, "patch_size": 14}

ON_CPU = (
    nano(pictures=4, films=2),
    llava("tiny: 4 × 256, one picture of 576", _TINY, (4, 4), _SMALL, 1),
    llava("0.5B: 24 × 896, one picture of 576", _HALF, (14, 2), _CLIP, 1),
)
ON_DEVICE = (
    llava("LLaVA-1.5-7B, one picture of 576", _SEVEN, (32, 32), _CLIP, 1),
    llava("LLaVA-1.5-7B, five pictures of 576", _SEVEN, (32, 32), _CLIP, 5),
    qwen("Qwen2.5-VL-7B, a picture of 1296", 36, 36),
    qwen("Qwen2.5-VL-7B, a picture of 5000", 50, 100),
    film("LLaVA-OneVision-7B, a film of 32 × 196", 32),
)
