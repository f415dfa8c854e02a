"""Tiny models with random weights of families that put pictures among words, and prompts for them.

Every picture is 32×32 and every prompt is made of plain ids: no processor has to be at hand.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import Any

import torch
import transformers

t: Any = transformers
"""Its configurations take what their models need; the types of that are nobody's here."""

IMAGE, VIDEO, START, END, AUDIO = 100, 101, 102, 103, 104
_MROPE = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10000.0}


@dataclass
class Family:
    """A model, and how its pictures are written and given.

    Attributes:
        picture: ids that stand for one picture.
        pixels: how pictures `[n, 3, 32, 32]` are given to the model.
    """

    model: Any
    picture: list[int]
    pixels: Callable[[torch.Tensor, int], dict[str, Any]]

    def prompt(self, *rows, generator=1):
        """Arguments for prompts of words and, where there is `None`, a picture; padded left."""
        source = torch.Generator().manual_seed(generator)
        ids = [
            list(chain.from_iterable(self.picture if one is None else (one,) for one in row))
            for row in rows
        ]
        longest = max(map(len, ids))
        padded = torch.tensor([[0] * (longest - len(row)) + row for row in ids])
        count = sum(row.count(None) for row in rows)
        pictures = torch.randn(count, 3, 32, 32, generator=source)
        given = {"input_ids": padded, "attention_mask": (padded != 0).long()}
        return given | self.kinds(padded) | self.pixels(pictures, len(rows))

    def kinds(self, ids):
        """The kind of each token, where a model wants to know it."""
        for name in ("mm_token_type_ids", "token_type_ids"):
            if name in inspect.signature(type(self.model.base_model).forward).parameters:
                return {name: (ids == IMAGE).int()}
        return {}


def _text(**more: Any) -> dict[str, Any]:
    sizes = {"vocab_size": 120, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 512}
    marks = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    return sizes | heads | marks | more


def _sight(**more: Any) -> dict[str, Any]:
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2}
    return sizes | {"num_attention_heads": 4, "image_size": 32, "patch_size": 8} | more


def _qwen_sight(**more: Any) -> dict[str, Any]:
    sizes = {"depth": 2, "hidden_size": 32, "intermediate_size": 48, "num_heads": 4}
    patches = {"patch_size": 4, "spatial_merge_size": 2, "temporal_patch_size": 2}
    return sizes | patches | {"out_hidden_size": 32} | more


def _plain(pictures, rows):
    return {"pixel_values": pictures}


def _tiled(pictures, rows):
    """A whole and one tile of each, and the size that it had."""
    size = torch.tensor([[32, 32]] * len(pictures))
    return {"pixel_values": torch.stack([pictures, pictures], 1), "image_sizes": size}


def _patched(pictures, rows):
    """Patches of two equal frames; their order does not matter to what is tested."""
    patches = pictures.unfold(2, 4, 4).unfold(3, 4, 4).permute(0, 2, 3, 1, 4, 5)
    flat = patches.reshape(-1, 3, 1, 16).expand(-1, -1, 2, -1).reshape(-1, 96)
    return {"pixel_values": flat, "image_grid_thw": torch.tensor([[1, 8, 8]] * len(pictures))}


def _by_row(pictures, rows):
    return {"pixel_values": pictures.view(rows, -1, 3, 32, 32)}


def llava():
    config = t.LlavaConfig(
        vision_config=t.CLIPVisionConfig(**_sight()),
        text_config=t.LlamaConfig(**_text()),
        image_token_index=IMAGE,
    )
    return Family(t.LlavaForConditionalGeneration(config), [IMAGE] * 16, _plain)


def llava_next():
    config = t.LlavaNextConfig(
        vision_config=t.CLIPVisionConfig(**_sight()),
        text_config=t.LlamaConfig(**_text()),
        image_token_index=IMAGE,
        image_grid_pinpoints=[[32, 32], [32, 64]],
    )
    return Family(t.LlavaNextForConditionalGeneration(config), [IMAGE] * 36, _tiled)


def llava_onevision():
    config = t.LlavaOnevisionConfig(
        vision_config=t.SiglipVisionConfig(**_sight()),
        text_config=t.Qwen2Config(**_text()),
        image_token_index=IMAGE,
        video_token_index=VIDEO,
        image_grid_pinpoints=[[32, 32], [32, 64]],
    )
    return Family(t.LlavaOnevisionForConditionalGeneration(config), [IMAGE] * 36, _tiled)


def qwen2_5_vl():
    config = t.Qwen2_5_VLConfig(
        text_config=_text(rope_parameters=_MROPE),
        vision_config=_qwen_sight(window_size=16, fullatt_block_indexes=[1]),
        **_qwen_marks(),
    )
    model = t.Qwen2_5_VLForConditionalGeneration(config)
    return Family(model, [START, *[IMAGE] * 16, END], _patched)


def qwen3_vl():
    config = t.Qwen3VLConfig(
        text_config=_text(head_dim=8, rope_parameters=_MROPE | {"mrope_interleaved": True}),
        vision_config=_qwen_sight(
            depth=3, num_position_embeddings=64, deepstack_visual_indexes=[0, 1]
        ),
        **_qwen_marks(),
    )
    model = t.Qwen3VLForConditionalGeneration(config)
    return Family(model, [START, *[IMAGE] * 16, END], _patched)


def internvl():
    config = t.InternVLConfig(
        vision_config=_sight(image_size=[32, 32], patch_size=[4, 4]),
        text_config=t.Qwen2Config(**_text()),
        image_token_id=IMAGE,
        downsample_ratio=0.5,
    )
    return Family(t.InternVLForConditionalGeneration(config), [IMAGE] * 16, _plain)


def gemma3():
    config = t.Gemma3Config(
        vision_config=t.SiglipVisionConfig(**_sight()),
        text_config=t.Gemma3TextConfig(
            **_text(),
            head_dim=8,
            query_pre_attn_scalar=8,
            sliding_window=16,
            layer_types=["sliding_attention", "full_attention", "sliding_attention"],
        ),
        mm_tokens_per_image=16,
        image_token_index=IMAGE,
        boi_token_index=START,
        eoi_token_index=END,
    )
    return Family(t.Gemma3ForConditionalGeneration(config), [START, *[IMAGE] * 16, END], _plain)


def smolvlm():
    config = t.SmolVLMConfig(
        vision_config=_sight(patch_size=4),
        text_config=t.LlamaConfig(**_text()),
        image_token_id=IMAGE,
        scale_factor=2,
        pad_token_id=0,
    )
    return Family(t.SmolVLMForConditionalGeneration(config), [IMAGE] * 16, _by_row)


def qwen2_5_omni():
    hearing = {"num_mel_bins": 16, "encoder_layers": 2, "encoder_attention_heads": 4}
    hearing |= {"encoder_ffn_dim": 48, "d_model": 32, "output_dim": 32, "n_window": 20}
    config = t.Qwen2_5OmniThinkerConfig(
        audio_config=hearing | {"max_source_positions": 100},
        text_config=_text(rope_parameters=_MROPE),
        vision_config=_qwen_sight(window_size=16, fullatt_block_indexes=[1]),
        image_token_index=IMAGE,
        video_token_index=VIDEO,
        audio_token_index=AUDIO,
        vision_start_token_id=START,
        vision_end_token_id=END,
        audio_start_token_id=105,
        audio_end_token_id=106,
    )
    model = t.Qwen2_5OmniThinkerForConditionalGeneration(config)
    return Family(model, [START, *[IMAGE] * 16, END], _patched)


def _qwen_marks():
    ids = {"image_token_id": IMAGE, "video_token_id": VIDEO}
    return ids | {"vision_start_token_id": START, "vision_end_token_id": END}


FAMILIES = {
    make.__name__: make
    for make in (
        *(llava, llava_next, llava_onevision, qwen2_5_vl, qwen3_vl, internvl, gemma3, smolvlm),
        qwen2_5_omni,
    )
}


def family(name):
    """A fresh model with the same weights every time."""
    torch.manual_seed(0)
    found = FAMILIES[name]()
    found.model.eval()
    return found
