"""A small model with random weights over the real modalities."""

import pytest
import torch
from transformers import Qwen3Config

from omni.evaluation.answering import Answerer
from omni.model.assemble import assemble
from omni.model.loading import Loaded
from omni.model.modeling import OmniModel
from omni.model.tokens import build_tokenizer
from omni.nano import wordings

TEXTS = [
    text
    for name in dir(wordings)
    if name.isupper() and isinstance(getattr(wordings, name), tuple)
    for text in getattr(wordings, name)
]
NAMES = ("image", "audio", "video")


@pytest.fixture(scope="session")
def loaded(tmp_path_factory):
    language = Qwen3Config(
        hidden_size=48,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=12,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        initializer_range=0.2,
    )
    modalities = {name: {"encoder": {}, "decoder": None} for name in NAMES}
    router = {"name": "router", "experts": 4, "hidden": 32, "top_k": 2}
    tokenizer = build_tokenizer(TEXTS, 500, {})
    config, processor = assemble(tokenizer, language, modalities, router=router)
    torch.manual_seed(0)
    model = OmniModel(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "experts" in name or "vote" in name:
                parameter.normal_(std=0.4)
    return Loaded("random", tmp_path_factory.mktemp("none"), model, processor)


@pytest.fixture
def answerer(loaded):
    return Answerer(loaded)
