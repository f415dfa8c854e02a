"""Our counts of films beside those of the real processors, which write out their own placeholders.

Their video processors need torchvision, which is not here. What they would hand on is worked out by
the functions of transformers that size frames; the rest is the real processor's.
"""

import importlib.util
import re
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.video_utils import VideoMetadata

from omni.chat.token_rules import FAMILIES

FILMS = [
    (1, 320, 240),
    (4, 64, 48),
    (7, 640, 480),
    (8, 224, 224),
    (16, 1280, 720),
    (31, 360, 640),
    (32, 1920, 1080),
]
"""Frames, width and height."""

FPS = 2
_TOKEN = re.compile(r"<\|?[a-z_-]+\|?>|<IMG>|</img>|\d| ?[^\W\d_]+|[^\w\s]|\s")
"""A special token, a digit, a word with the space before it, a sign or a line break: what the
tokenizers of these families make of such plain English."""


def prepared(processor, **parts):
    """A processor without what needs torchvision, and with the parts that count."""
    made = object.__new__(processor)
    for name, value in parts.items():
        setattr(made, name, value)
    return made


def metadata(frames):
    return VideoMetadata(frames, fps=FPS, duration=frames / FPS, frames_indices=list(range(frames)))


def qwen2_5_vl(frames, width, height):
    from transformers import Qwen2_5_VLProcessor
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

    processor = prepared(
        Qwen2_5_VLProcessor,
        video_token="<video>",
        video_processor=SimpleNamespace(merge_size=2, temporal_patch_size=2),
    )
    high, wide = smart_resize(height, width, 28, min_pixels=128 * 28 * 28, max_pixels=768 * 28 * 28)
    grid = np.array([[(frames + 1) // 2, high // 14, wide // 14]])
    told = processor.replace_video_token({"video_grid_thw": grid}, 0)
    return f"<vision_start>{told}<vision_end>"


def qwen3_vl(frames, width, height):
    from transformers import Qwen3VLProcessor
    from transformers.models.qwen3_vl.video_processing_qwen3_vl import smart_resize

    processor = prepared(
        Qwen3VLProcessor,
        video_token="<video>",
        vision_start_token="<vision_start>",
        vision_end_token="<vision_end>",
        video_processor=SimpleNamespace(merge_size=2, temporal_patch_size=2),
    )
    shown = max(frames, 2)
    high, wide = smart_resize(
        shown, height, width, 2, 32, min_pixels=128 * 32 * 32, max_pixels=768 * 32 * 32
    )
    grid = np.array([[(shown + 1) // 2, high // 16, wide // 16]])
    given = {"video_grid_thw": grid, "video_metadata": [metadata(shown)]}
    return processor.replace_video_token(given, 0)


def llava_onevision(frames, width, height):
    from transformers import LlavaOnevisionProcessor

    processor = prepared(LlavaOnevisionProcessor, video_token="<video>", num_image_tokens=729)
    pixels = np.empty((frames, 3, 384, 384), np.uint8)
    return processor.replace_video_token({"pixel_values_videos": [pixels]}, 0)


def internvl(frames, width, height):
    from transformers import InternVLProcessor

    processor = prepared(
        InternVLProcessor,
        image_seq_length=256,
        start_image_token="<img>",
        end_image_token="</img>",
        image_token="<IMG>",
    )
    pixels = np.empty((frames, 3, 448, 448), np.uint8)
    return processor.replace_video_token({"pixel_values_videos": [pixels]}, 0)


def smolvlm(frames, width, height):
    from transformers import SmolVLMProcessor

    processor = prepared(
        SmolVLMProcessor,
        image_seq_len=64,
        fake_image_token="<fake_token>",
        image_token="<image>",
        global_image_token="<global-img>",
    )
    pixels = np.empty((1, frames, 3, 1, 1), np.uint8)
    given = {"pixel_values": pixels, "video_metadata": [metadata(frames)]}
    return processor.replace_video_token(given, 0)


@pytest.fixture(autouse=True)
def numbers(monkeypatch):
    """SmolVLM writes the number of frames as a word, with a package that may be missing."""
    if importlib.util.find_spec("num2words") is None:
        name = "transformers.models.smolvlm.processing_smolvlm.num2words"
        monkeypatch.setattr(name, lambda number: "thirty two")


@pytest.mark.parametrize("real", [qwen2_5_vl, qwen3_vl, llava_onevision, internvl, smolvlm])
def test_films_within_a_tenth_of_the_real_processor(real):
    rule = FAMILIES[real.__name__].film
    assert rule is not None
    for frames, width, height in FILMS:
        tokens = len(_TOKEN.findall(real(frames, width, height)))
        assert rule(frames, width, height) == pytest.approx(tokens, rel=0.1), (frames, width)


def test_the_pieces_of_text_are_counted_as_by_a_tokenizer():
    assert _TOKEN.findall("<vision_start><video><video>") == ["<vision_start>", *["<video>"] * 2]
    told = ["<", "1", ".", "5", " seconds", ">", "<vision_start>"]
    assert _TOKEN.findall("<1.5 seconds><vision_start>") == told
    assert _TOKEN.findall("Frame1: <img><IMG></img>\n")[:4] == ["Frame", "1", ":", " "]


@settings(max_examples=80, deadline=None)
@given(
    st.integers(1, 64),
    st.integers(32, 2000),
    st.integers(32, 2000),
    st.sampled_from([qwen2_5_vl, qwen3_vl]),
)
def test_any_film_is_within_a_tenth(frames, width, height, real):
    rule = FAMILIES[real.__name__].film
    assert rule is not None
    tokens = len(_TOKEN.findall(real(frames, width, height)))
    assert rule(frames, width, height) == pytest.approx(tokens, rel=0.1, abs=4)
