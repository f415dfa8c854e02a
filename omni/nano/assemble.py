"""Put the trained encoders and codecs together with a fresh language model."""

from __future__ import annotations

import importlib
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import PreTrainedTokenizerFast, Qwen3Config

from omni.modality import modality
from omni.model.assemble import assemble as join
from omni.model.modeling import OmniModel
from omni.model.processor import OmniProcessor
from omni.model.questions import TEXT
from omni.model.template import SHORT_TOOLS_TEMPLATE
from omni.model.tokens import build_tokenizer
from omni.nano import dialogue
from omni.nano.corpus import MODALITIES
from omni.nano.questions import calls, pairs, smalltalk, wishes
from omni.nano.questions.exchange import vary
from omni.nano.stages import align, together
from omni.nano.wordings import wordings
from omni.nano.world import curves, group, motion, solid, utterances

CODECS = {"image": "image_codec", "audio": "audio_codec"}
"""Modality → the stage that trained its decoder."""

VOCABULARY = 1000
WIDTH = 256
LAYERS = 5
EXPERTS = {"name": "router", "experts": 6, "top_k": 2, "hidden": 256, "noise": 0.0, "skip": False}
LOUDNESS = 0.2
"""Standard deviation of the experts' last weights, with which tokens are as loud as words."""

CONTEXT = 1024
"""Tokens of a conversation; few of the dialogues that it is trained on have more than 700."""

ROUNDS, CALLS = 2000, 0.05
TOKENIZER = "tokenizer"
"""Folder in a run whose tokenizer is used instead of a new one: training goes on from a model."""


def assemble(out: Path) -> tuple[OmniModel, OmniProcessor]:
    """The model with trained, frozen encoders and codecs, and everything between them fresh."""
    encoders: dict[str, nn.Module] = {name: _stage(name).load(out) for name in MODALITIES}
    encoders[TEXT] = _text_encoder()
    decoders = {name: _stage(stage).load(out) for name, stage in CODECS.items()}
    sizes = {name: decoder.codes for name, decoder in decoders.items()}
    kept = out / TOKENIZER
    if kept.exists():
        tokenizer = PreTrainedTokenizerFast.from_pretrained(kept)
    else:
        tokenizer = build_tokenizer(_texts(), VOCABULARY, sizes)
    language = Qwen3Config(
        hidden_size=WIDTH,
        intermediate_size=5 * WIDTH // 2,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=64,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
    )
    modalities = {
        name: {
            "encoder": {},
            "decoder": {} if name in decoders else None,
            "adapter": {"name": "linear"},
        }
        for name in encoders
    }
    config, processor = join(tokenizer, language, modalities, router=EXPERTS, positions={})
    processor.chat_template = SHORT_TOOLS_TEMPLATE
    config.quotes = True
    model = OmniModel(config, encoders=encoders, decoders=decoders)
    _freeze(model.encoders)
    # Nothing passes the experts by: if they began silent, no medium would be seen at first.
    assert model.mixture is not None
    torch.nn.init.normal_(model.mixture.experts.down, std=LOUDNESS)  # type: ignore[union-attr]
    for mark in model.modality_marks.values():
        torch.nn.init.normal_(mark, std=0.02)
    return model, processor


def attach(model: OmniModel, out: Path) -> None:
    """Give a model the trained heads into the shared space, which the language needs none of."""
    model.embedders = nn.ModuleDict(together.load(out)).to(model.device, model.dtype)
    model.config.embedding = {"width": align.SPACE}
    _freeze(model.embedders)


def _stage(name: str):
    return importlib.import_module(f"omni.nano.stages.{name}")


def _text_encoder() -> nn.Module:
    encoder = modality(TEXT).encoder()
    assert encoder is not None
    return encoder


def _freeze(part: nn.Module) -> None:
    part.requires_grad_(False)
    part.eval()


def _texts() -> Iterator[str]:
    """Text as it is asked and answered, in about the proportions of the lessons."""
    rng = random.Random(0)
    numbers = np.random.default_rng(0)
    for _ in range(ROUNDS):
        exchanges = [
            dialogue.asking(rng, name, labels, rng.choice(("text", "text", "image", "audio")))
            for name in MODALITIES
            for labels in (_labels(name, numbers),)
        ]
        exchanges += [dialogue.wish(rng, makes) for makes in ("text", "image", "audio")]
        exchanges += [wishes.speaking(rng, utterances.phrase(numbers)), smalltalk.talking(rng)]
        for exchange in exchanges:
            if exchange is not None:
                yield vary(rng, exchange.question)
                yield exchange.answer if exchange.makes == "text" else dialogue.announce(exchange)
        if rng.random() < CALLS:
            yield from calls.written(calls.example(rng))
    for name in MODALITIES:
        yield from pairs.NAMES[name]
    yield from wordings()


def _labels(name: str, rng: np.random.Generator) -> Any:
    """What is true of some thing, which nobody renders."""
    if name == "image":
        return {"objects": group.describe(group.sample(rng, held_out=False))}
    if name == "video":
        return motion.describe(motion.sample(rng, held_out=False))
    if name == "points":
        return solid.describe(solid.sample(rng, held_out=False))
    if name == "series":
        return curves.describe(curves.sample(rng, held_out=False).courses[0])
    return {"kind": "speech", "text": utterances.phrase(rng)}
