"""A tiny modality that is real enough to be encoded, selected and decoded, and models around it."""

from typing import Any

import pytest
import torch
from torch import nn
from transformers import GPT2Config, LlamaConfig, Qwen3Config

from omni import plugins
from omni.compression.budget import Grid
from omni.modality import Modality
from omni.model.assemble import assemble
from omni.model.modeling import OmniModel
from omni.model.tokens import build_tokenizer

TEXTS = ["What is this? A red circle.", "How many beeps? Three beeps.", "draw a blue square"]


class RampEncoder(nn.Module):
    """Numbers `[T]` to tokens `[T, width]`; a buffer that no checkpoint holds takes part."""

    def __init__(self, width: int = 12):
        super().__init__()
        self.width = width
        self.project = nn.Linear(8, width)
        self.norm = nn.BatchNorm1d(8)
        rates = torch.arange(1, 9, dtype=torch.float32)
        self.register_buffer("rates", rates, persistent=False)

    def grid(self, features):
        return Grid(time=len(features["values"]))

    def forward(self, batch):
        values = [item["values"].to(self.project.weight) for item in batch]
        return [self.project(self.norm((v[:, None] * self.rates).sin())) for v in values]

    def train(self, mode=True):
        return super().train(
            False
        )  # as encoders with statistics of batches do once they are frozen


class RampDecoder(nn.Module):
    """Codes to their sum."""

    def __init__(self, length: int | None = 3):
        super().__init__()
        self.codes, self.length, self.max_length = 5, length, 4
        self.scale = nn.Parameter(torch.tensor(2.0))

    def encode(self, value):
        return torch.tensor([value % 5] * (self.length or 2))

    def decode(self, codes):
        return float(codes.sum() * self.scale)


class Ramp(Modality):
    """Numbers."""

    prefix = "rmp"
    mime_types = ("text/x-ramp",)
    suffixes = (".ramp",)

    def __init__(self, name: str, length: int | None):
        self.name = name  # type: ignore[misc]
        self.length = length

    def sniff(self, head, name):
        return None

    def load(self, media):
        raise NotImplementedError

    def save(self, value, *, name, mime=None):
        raise NotImplementedError

    def facts(self, value):
        return {"numbers": len(value)}

    def picture(self, value, *, width=640):
        raise NotImplementedError

    def example(self, seed=0):
        return [0.0, 1.0]

    def estimate_tokens(self, value):
        return len(value)

    def features(self, value):
        return {"values": torch.tensor(value, dtype=torch.float32)}

    def encoder(self, **config: Any):
        return RampEncoder(**config)

    def decoder(self, **config: Any):
        return RampDecoder(self.length, **config)


RAMPS = {"ramp": Ramp("ramp", 3), "wave": Ramp("wave", None)}

LANGUAGES = {
    "llama": lambda: LlamaConfig(
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=True,
    ),
    "qwen3": lambda: Qwen3Config(
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        tie_word_embeddings=False,
    ),
    "gpt2": lambda: GPT2Config(n_embd=32, n_layer=2, n_head=4, n_positions=256),
}


@pytest.fixture(autouse=True, scope="module")
def ramps():
    """The modalities `ramp` (three codes an item) and `wave` (one to four)."""
    original = plugins.load

    def load(group, name):
        return RAMPS[name] if group == "modalities" and name in RAMPS else original(group, name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plugins, "load", load)
        yield


SETTINGS = {
    "ramp": {"encoder": {}, "decoder": {}, "adapter": {"name": "mlp"}},
    "wave": {"encoder": {"width": 10}, "decoder": {}, "adapter": {"name": "linear"}},
}


@pytest.fixture(scope="session")
def tokenizer():
    return build_tokenizer(TEXTS, 300, {"ramp": 5, "wave": 5})


def make(tokenizer, language="llama", modalities=SETTINGS, **settings):
    """A model whose every part has random weights, so that none can hide, and its processor."""
    settings = {"router": {"experts": 3, "hidden": 16, "top_k": 2}, **settings}
    config, processor = assemble(tokenizer, LANGUAGES[language](), modalities, **settings)
    torch.manual_seed(1)
    model = OmniModel(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "mixture" in name or "marks" in name:
                parameter.normal_(std=0.5)
        for name, buffer in model.encoders.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_(std=0.3)
            if name.endswith("running_var"):
                buffer.uniform_(0.5, 2)
    return model, processor


@pytest.fixture
def made(tokenizer):
    """A model and its processor, to be changed at will."""
    return make(tokenizer)


@pytest.fixture(scope="module")
def shared(tokenizer, ramps):
    """A model and its processor that no test changes."""
    return make(tokenizer)


@pytest.fixture(params=list(LANGUAGES))
def any_language(request, tokenizer):
    """A model around each family of language models."""
    return make(tokenizer, request.param)


@pytest.fixture
def resampled(tokenizer):
    """A model without experts whose ramps always have five tokens."""
    ramp = {**SETTINGS["ramp"], "adapter": {"name": "resampler", "queries": 5}}
    return make(tokenizer, modalities={**SETTINGS, "ramp": ramp}, router=None)
