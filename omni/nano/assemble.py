"""Put the trained encoders and codecs together with a fresh language model."""

from __future__ import annotations

import importlib
import random
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn
from transformers import Qwen3Config

from omni.modality import modality
from omni.model.assemble import assemble as join
from omni.model.modeling import OmniModel
from omni.model.processor import OmniProcessor
from omni.model.questions import TEXT
from omni.model.tokens import build_tokenizer
from omni.nano import dialogue
from omni.nano.corpus import MODALITIES
from omni.nano.questions import smalltalk
from omni.nano.stages import align
from omni.nano.world import words

CODECS = {"image": "image_codec", "audio": "audio_codec"}
"""Modality → the stage that trained its decoder."""

VOCABULARY = 900
WIDTH = 256
LAYERS = 4
EXPERTS = {"name": "router", "experts": 6, "top_k": 2, "hidden": 256, "noise": 0.0}
CONTEXT = 384
"""Tokens of a conversation; it is trained on dialogues of about half as many at the most."""


def assemble(out: Path, phrases: list[str]) -> tuple[OmniModel, OmniProcessor]:
    """The model with trained, frozen encoders and codecs, and everything between them fresh."""
    encoders: dict[str, nn.Module] = {name: _stage(name).load(out) for name in MODALITIES}
    encoders[TEXT] = _text_encoder()
    decoders = {name: _stage(stage).load(out) for name, stage in CODECS.items()}
    sizes = {name: decoder.codes for name, decoder in decoders.items()}
    tokenizer = build_tokenizer(_texts(phrases), VOCABULARY, sizes)
    language = Qwen3Config(
        hidden_size=WIDTH,
        intermediate_size=3 * WIDTH,
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
            "adapter": {"name": "mlp"},
        }
        for name in encoders
    }
    config, processor = join(tokenizer, language, modalities, router=EXPERTS)
    model = OmniModel(config, encoders=encoders, decoders=decoders)
    _freeze(model.encoders)
    for mark in model.modality_marks.values():
        torch.nn.init.normal_(mark, std=0.02)
    return model, processor


def attach(model: OmniModel, out: Path) -> None:
    """Give a model the trained heads into the shared space, which the language needs none of."""
    model.embedders = nn.ModuleDict(align.load(out)).to(model.device, model.dtype)
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


def _texts(phrases: list[str]) -> Iterator[str]:
    """Text as it is asked and answered, in the proportions of the lessons."""
    rng = random.Random(0)

    def pick(options) -> str:
        return rng.choice(tuple(options))

    for _ in range(3000):
        colour, shape, size = pick(words.COLOURS), pick(words.SHAPES), pick(words.SIZES)
        exchanges = (
            dialogue.about_image(rng, colour, shape, size, pick(words.PLACES)),
            dialogue.about_video(rng, colour, shape, pick(words.MOTIONS)),
            dialogue.about_points(rng, colour, pick(words.SOLIDS), size),
            dialogue.about_series(
                rng, pick(words.TRENDS), season=rng.random() < 0.5, event=pick(words.EVENTS)
            ),
            dialogue.about_speech(rng, rng.choice(phrases)),
            dialogue.about_sound(rng, "beep", pick(words.NUMBERS)),
            dialogue.drawing(rng, colour, shape, size, pick(words.PLACES)),
            dialogue.speaking(rng, rng.choice(phrases)),
            smalltalk.talking(rng),
        )
        for exchange in exchanges:
            yield dialogue.vary(rng, exchange.question)
            yield exchange.answer if exchange.makes == "text" else dialogue.announce(exchange)
