"""Tiny models with random weights of real classes, saved to disk with processors of their own."""

from typing import Any

import torch
import transformers

t: Any = transformers

TEMPLATE = "{% for message in messages %}{{ message['content'] }}{% endfor %}"


def tokenizer(*marks, longest=64):
    """Bytes, with the marks that a model wants before them."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

    special = ["<pad>", "</s>", *marks]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: n for n, token in enumerate([*special, *alphabet])}
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens(special)
    backend.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    return t.PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token="<pad>",
        eos_token="</s>",
        model_max_length=longest,
        model_input_names=["input_ids", "attention_mask"],
        extra_special_tokens={"image_token": marks[0]} if marks else {},
    )


def _pictures(kind):
    return kind(size={"shortest_edge": 16}, crop_size={"height": 16, "width": 16})


_SMALL = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2}
_HEADS = {"num_attention_heads": 2}
_SIGHT = {"image_size": 16, "patch_size": 8}


def clip(folder):
    words = tokenizer()
    text = {"vocab_size": len(words), "max_position_embeddings": 64, "eos_token_id": 1}
    torch.manual_seed(0)
    config = t.CLIPConfig(
        text_config=_SMALL | _HEADS | text | {"pad_token_id": 0, "bos_token_id": 0},
        vision_config=_SMALL | _HEADS | _SIGHT,
        projection_dim=12,
    )
    t.CLIPModel(config).save_pretrained(folder)
    pictures = _pictures(t.CLIPImageProcessorPil)
    t.CLIPProcessor(image_processor=pictures, tokenizer=words).save_pretrained(folder)
    return folder


def siglip(folder):
    words = tokenizer()
    text = {"vocab_size": len(words), "max_position_embeddings": 64}
    torch.manual_seed(0)
    config = t.SiglipConfig(
        text_config=_SMALL | _HEADS | text | {"projection_size": 16},
        vision_config=_SMALL | _HEADS | _SIGHT,
    )
    t.SiglipModel(config).save_pretrained(folder)
    pictures = t.SiglipImageProcessorPil(size={"height": 16, "width": 16})
    t.SiglipProcessor(image_processor=pictures, tokenizer=words).save_pretrained(folder)
    return folder


def clap(folder, fused=False):
    words = tokenizer()
    torch.manual_seed(0)
    sound = {
        "spec_size": 64,
        "num_mel_bins": 16,
        "patch_embeds_hidden_size": 8,
        "depths": [1, 1],
        "num_attention_heads": [1, 2],
        "window_size": 4,
        "hidden_size": 16,
        "num_classes": 4,
        "patch_size": 4,
        "patch_stride": [4, 4],
        "enable_fusion": fused,
        "fusion_type": "aff_2d" if fused else None,
    }
    text = {"vocab_size": len(words), "max_position_embeddings": 70, "pad_token_id": 0}
    config = t.ClapConfig(text_config=_SMALL | _HEADS | text, audio_config=sound, projection_dim=12)
    t.ClapModel(config).save_pretrained(folder)
    extractor = t.ClapFeatureExtractor(
        feature_size=16,
        sampling_rate=16_000,
        max_length_s=1,
        hop_length=160,
        fft_window_size=1024,
        frequency_max=8000,
        truncation="fusion" if fused else "rand_trunc",
    )
    t.ClapProcessor(feature_extractor=extractor, tokenizer=words).save_pretrained(folder)
    return folder


def llava(folder):
    words = tokenizer("<image>", longest=4096)
    processor = t.LlavaProcessor(
        image_processor=_pictures(t.CLIPImageProcessorPil),
        tokenizer=words,
        patch_size=8,
        vision_feature_select_strategy="default",
        chat_template=TEMPLATE,
        num_additional_image_tokens=1,
    )
    torch.manual_seed(0)
    marks = {"pad_token_id": 0, "eos_token_id": 1, "bos_token_id": None}
    config = t.LlavaConfig(
        vision_config=t.CLIPVisionConfig(**_SMALL, **_HEADS, **_SIGHT),
        text_config=t.LlamaConfig(
            vocab_size=len(words), num_key_value_heads=2, **_SMALL, **_HEADS, **marks
        ),
        image_token_id=words.convert_tokens_to_ids("<image>"),
    )
    t.LlavaForConditionalGeneration(config).save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
