"""Our counts beside those of the real processors, built offline with the sizes of their models."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from omni.chat.token_rules import FAMILIES, USUAL, Film, Native, family

SIZES = [(64, 48), (336, 336), (640, 480), (480, 1000), (1000, 300), (1920, 1080), (1024, 1365)]
PLAIN = "look:"


def tokenizer(*special, **named):
    """Bytes, and tokens of the family: enough for a processor to write its placeholders."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = dict.fromkeys(["<pad>", *special, *named.values(), *alphabet])
    backend = Tokenizer(models.BPE(vocab={word: n for n, word in enumerate(words)}, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens(["<pad>", *special, *named.values()])
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token="<pad>", extra_special_tokens=named
    )


def llava():
    from transformers import CLIPImageProcessorPil, LlavaProcessor

    return LlavaProcessor(
        CLIPImageProcessorPil(size={"shortest_edge": 336}, crop_size={"height": 336, "width": 336}),
        tokenizer(image_token="<image>"),
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
    ), "<image>"


def llava_next():
    from transformers import LlavaNextImageProcessorPil, LlavaNextProcessor

    return LlavaNextProcessor(
        LlavaNextImageProcessorPil(
            size={"shortest_edge": 336}, crop_size={"height": 336, "width": 336}
        ),
        tokenizer(image_token="<image>"),
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
    ), "<image>"


def llava_onevision():
    from transformers import LlavaOnevisionImageProcessorPil, LlavaOnevisionProcessor

    return LlavaOnevisionProcessor(
        LlavaOnevisionImageProcessorPil(),
        tokenizer(image_token="<image>", video_token="<video>"),
        num_image_tokens=729,
        vision_feature_select_strategy="full",
    ), "<image>"


def qwen2_vl():
    from transformers import Qwen2VLImageProcessorPil, Qwen2VLProcessor

    words = tokenizer(
        "<|vision_start|>", "<|vision_end|>", image_token="<|image_pad|>", video_token="<|video|>"
    )
    pictures = Qwen2VLImageProcessorPil(
        size={"shortest_edge": 56 * 56, "longest_edge": 28 * 28 * 16384}
    )
    return Qwen2VLProcessor(pictures, words), "<|vision_start|><|image_pad|><|vision_end|>"


def qwen3_vl():
    from transformers import Qwen2VLImageProcessorPil, Qwen3VLProcessor

    words = tokenizer(
        image_token="<|image_pad|>",
        video_token="<|video|>",
        vision_start_token="<|vision_start|>",
        vision_end_token="<|vision_end|>",
    )
    pictures = Qwen2VLImageProcessorPil(
        patch_size=16, size={"shortest_edge": 256 * 256, "longest_edge": 4096 * 4096}
    )
    return Qwen3VLProcessor(pictures, words), "<|vision_start|><|image_pad|><|vision_end|>"


def idefics3(tile=364, tokens=169):
    from transformers import Idefics3ImageProcessorPil, Idefics3Processor

    places = [f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)]
    words = tokenizer(
        "<fake_token_around_image>",
        "<image>",
        "<end_of_utterance>",
        "<global-img>",
        *places,
    )
    pictures = Idefics3ImageProcessorPil(
        size={"longest_edge": 4 * tile}, max_image_size={"longest_edge": tile}
    )
    return Idefics3Processor(pictures, words, image_seq_len=tokens), "<image>"


def smolvlm():
    """The sizes of SmolVLM-256M; its pictures are those of Idefics 3."""
    return idefics3(512, 64)


def gemma3():
    from transformers import Gemma3ImageProcessorPil, Gemma3Processor

    words = tokenizer(
        boi_token="<start_of_image>", eoi_token="<end_of_image>", image_token="<soft>"
    )
    return Gemma3Processor(Gemma3ImageProcessorPil(), words), "<start_of_image>"


def internvl():
    from transformers import GotOcr2ImageProcessorPil, InternVLProcessor

    words = tokenizer(
        start_image_token="<img>",
        end_image_token="</img>",
        context_image_token="<IMG_CONTEXT>",
        video_token="<video>",
    )
    pictures = GotOcr2ImageProcessorPil(
        size={"height": 448, "width": 448}, crop_to_patches=True, max_patches=12
    )
    return InternVLProcessor(pictures, words), "<IMG_CONTEXT>"


PROCESSORS = [
    llava, llava_next, llava_onevision, qwen2_vl, qwen3_vl, idefics3, smolvlm, gemma3, internvl
]  # fmt: skip


@pytest.fixture
def no_films(monkeypatch):
    """Let processors be without a video processor: those of transformers need torchvision."""
    from transformers import ProcessorMixin

    check = ProcessorMixin.check_argument_for_proper_class
    monkeypatch.setattr(
        ProcessorMixin,
        "check_argument_for_proper_class",
        lambda self, name, given: None if given is None else check(self, name, given),
    )


def length(processor, text, **media):
    return len(processor(text=text, add_special_tokens=False, **media)["input_ids"][0])


@pytest.mark.parametrize("build", PROCESSORS, ids=lambda build: build.__name__)
def test_pictures_within_a_tenth_of_the_real_processor(build, no_films):
    processor, placeholder = build()
    rule = FAMILIES[build.__name__].picture
    alone = len(processor.tokenizer(PLAIN, add_special_tokens=False)["input_ids"])
    for width, height in SIZES:
        picture = Image.new("RGB", (width, height), (200, 30, 30))
        real = length(processor, [PLAIN + placeholder], images=[[picture]]) - alone
        assert rule(width, height) == pytest.approx(real, rel=0.1), (width, height)


def test_sounds_within_a_tenth_of_the_real_processors():
    from transformers import Qwen2AudioProcessor, WhisperFeatureExtractor

    words = tokenizer(
        audio_token="<|AUDIO|>", audio_bos_token="<|audio_bos|>", audio_eos_token="<|audio_eos|>"
    )
    processor = Qwen2AudioProcessor(WhisperFeatureExtractor(feature_size=128), words)
    for seconds in (1, 7.3, 29, 41):
        samples = np.zeros(int(seconds * 16_000), np.float32)
        given: dict = {"audio": [samples], "sampling_rate": 16_000}
        ids = processor(text=["<|audio_bos|><|AUDIO|><|audio_eos|>"], **given)["input_ids"][0]
        rule = FAMILIES["qwen2_audio"].sound
        assert rule is not None
        assert rule(seconds) == pytest.approx(len(ids), rel=0.1), seconds


def test_sounds_of_qwen_omni_within_a_tenth():
    """Its own arithmetic on frames of 10 ms: two convolutions that halve."""
    from transformers.models.qwen2_5_omni.processing_qwen2_5_omni import (
        _get_feat_extract_output_lengths,
    )

    rule = FAMILIES["qwen2_5_omni"].sound
    assert rule is not None
    for seconds in (2, 32.8, 200, 400):
        real = _get_feat_extract_output_lengths(min(math.ceil(seconds * 100), 30_000)) + 2
        assert rule(seconds) == pytest.approx(real, rel=0.1), seconds


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 6000), st.integers(1, 6000), st.sampled_from(sorted(FAMILIES)))
def test_every_size_has_a_count_that_is_bounded(width, height, name):
    tokens = FAMILIES[name].picture(width, height)
    assert 0 <= tokens <= 70_000
    assert isinstance(tokens, int)


def test_a_saved_processor_says_more_than_the_family():
    saved = {"patch_size": 14, "merge_size": 2, "min_pixels": 3136, "max_pixels": 28 * 28 * 100}
    rule = family("qwen2_5_vl", saved).picture
    assert rule(2000, 2000) <= 102 < FAMILIES["qwen2_5_vl"].picture(2000, 2000)
    assert isinstance(rule, Native) and rule.side == 28
    assert family("smolvlm", {"size": {"longest_edge": 512}}).picture(900, 900) < 100
    assert family("internvl", {"max_patches": 1}).picture(900, 900) == 258
    assert family("never heard of") == USUAL
    tower = {"vision_config": {"image_size": 224, "patch_size": 14}}
    assert family("llava", config=tower).picture(640, 480) == 256
    assert family("llava_next", config=tower).picture(448, 448) == pytest.approx(5 * 256, rel=0.1)
    film = family("qwen2_vl").film
    assert isinstance(film, Film) and film(8, 640, 480) == pytest.approx(
        4 * film.frame(640, 480), 2
    )
