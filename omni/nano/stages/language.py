"""The last stage: the language model learns to talk about what the frozen encoders see."""

from __future__ import annotations

import json
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from omni.model.modeling import OmniModel
from omni.model.processor import OmniProcessor
from omni.model.turns import question_mask
from omni.nano import corpus
from omni.nano.assemble import assemble, attach
from omni.nano.lessons import Codes, Teacher, collate, picture_codes, speech_codes
from omni.nano.stages.loop import Schedule, train
from omni.nano.world import speech, words

NAME = "language"
BATCH = 48
POOL = 6  # batches that are drawn together and sorted by length, so that little is padding
STEPS_A_MINUTE = 70
SIZES = {"image": 8000, "audio": 8000, "video": 3000, "points": 5000, "series": 6000}
"""How many things of each modality are cached, for a run of full length."""

FULL_MINUTES = 20.0
PHRASES = 2500


def run(out: Path, *, minutes: float, seed: int = 0) -> dict:
    """Train for at most so many minutes, leave the whole model in `out/model`, return figures."""
    torch.manual_seed(seed)
    share = min(1.0, minutes / FULL_MINUTES)
    phrases = world_phrases(max(60, round(PHRASES * share)), seed)
    model, processor = assemble(out, phrases)
    sizes = {name: max(64, round(size * share)) for name, size in SIZES.items()}
    caches = {name: corpus.build(name, out, size, seed) for name, size in sizes.items()}
    codes = Codes(
        picture_codes(model.decoders["image"]), speech_codes(model.decoders["audio"], phrases)
    )
    lessons = Lessons(model, Teacher(processor.tokenizer, model.config, caches, codes), seed)
    steps = max(4, round(minutes * STEPS_A_MINUTE))
    schedule = Schedule(steps, minutes, learning_rate=2e-3, weight_decay=0.05, warmup=0.04)
    curve = train(NAME, model, lessons, schedule, out)
    attach(model, out)
    save(model, processor, out / "model")
    figures = {
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "steps": curve[-1]["step"],
        "minutes": curve[-1]["minutes"],
        "loss": curve[-1]["loss"],
    }
    (out / f"{NAME}.figures.json").write_text(json.dumps(figures, indent=1) + "\n")
    return figures


def world_phrases(count: int, seed: int) -> list[str]:
    """What is said in training: every coloured thing that is not held out, every word, and more."""
    things = [
        f"{colour} {thing}"
        for colour in words.COLOURS
        for thing in (*words.SHAPES, *words.SOLIDS)
        if (colour, thing) not in words.HELD_OUT
    ]
    found = dict.fromkeys((*things, *speech.VOCABULARY))
    rng = np.random.default_rng((seed, 5))
    while len(found) < count:
        found[speech.phrase(rng)] = None
    return list(found)


class Lessons:
    """The step of training: a batch of dialogues and the loss on their answers."""

    def __init__(self, model: OmniModel, teacher: Teacher, seed: int):
        self.model, self.teacher, self.seed = model, teacher, seed
        self.ahead = ThreadPoolExecutor(1)
        self.waiting: dict = {}

    def __call__(self, step: int) -> tuple[Tensor, dict[str, float]]:
        self.model.encoders.eval()
        batch = self._batch(step)
        config = self.model.config
        labels = batch["input_ids"].where(batch["weights"] > 0, -100)
        logits = self.model(
            input_ids=batch["input_ids"],
            attention_mask=batch["attention_mask"],
            media=batch["media"],
            question_mask=question_mask(batch["input_ids"], config, labels),
            use_cache=False,
        )
        return weighted_loss(logits, batch["input_ids"], batch["weights"])

    def _batch(self, step: int) -> dict:
        """The batch of a step, from a pool sorted by length and then shuffled."""
        number, place = divmod(step, POOL)
        if number not in self.waiting:
            self.waiting = {number: self.ahead.submit(self._pool, number)}
        pool = self.waiting[number].result()
        if place == POOL - 1:
            self.waiting[number + 1] = self.ahead.submit(self._pool, number + 1)
            del self.waiting[number]
        return pool[place]

    def _pool(self, number: int) -> list[dict]:
        rng = random.Random(f"{self.seed} {number}")
        lessons = [self.teacher.lesson(rng) for _ in range(BATCH * POOL)]
        lessons.sort(key=lambda lesson: len(lesson.ids))
        pad = self.teacher.config.pad_token_id
        batches = [
            collate(lessons[start : start + BATCH], pad) for start in range(0, len(lessons), BATCH)
        ]
        rng.shuffle(batches)
        return batches


def weighted_loss(outputs, input_ids: Tensor, weights: Tensor) -> tuple[Tensor, dict[str, float]]:
    """Cross-entropy of the next token, each position with its weight, plus the router's loss."""
    wanted, counts = input_ids[:, 1:], weights[:, 1:]
    chosen = counts > 0
    logits = outputs.logits[:, :-1][chosen].float()
    losses = functional.cross_entropy(logits, wanted[chosen], reduction="none")
    each = counts[chosen]
    loss = (losses * each).sum() / each.sum()
    hits = (logits.argmax(-1) == wanted[chosen]).float()
    spoken = each == 1
    logs = {
        "words": losses[spoken].mean().item(),
        "codes": losses[~spoken].mean().item() if (~spoken).any() else 0.0,
        "hits": hits[spoken].mean().item(),
    }
    return loss + (outputs.router_loss if outputs.router_loss is not None else 0.0), logs


def save(model: OmniModel, processor: OmniProcessor, folder: Path) -> None:
    """Write the model and its processor, as `from_pretrained` reads them."""
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
