"""The last stage: the language model learns to talk about what the frozen encoders see."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional

from omni.model.modeling import OmniModel
from omni.model.processor import OmniProcessor
from omni.model.turns import question_mask
from omni.nano import corpus, drawing
from omni.nano.assemble import assemble, attach
from omni.nano.lesson import Lesson, TextReader, collate
from omni.nano.stages import attention
from omni.nano.stages.audio_codec import speech_codes
from omni.nano.stages.loop import Schedule, train
from omni.nano.stages.optimisers import muon
from omni.nano.tool_lessons import ToolTeacher
from omni.nano.writing import Codes

NAME = "language"
BATCH = 20
"""Lessons of a batch in the mean; there are fewer long ones in one and more short ones."""

POOL = 16  # batches that are drawn together and cut by length, so that little is padding
STEPS_A_MINUTE = 100
FULL_MINUTES = 20.0
LEARNING_RATE = 1.2e-3


def run(out: Path, *, minutes: float, seed: int = 0) -> dict:
    """Train for at most so many minutes, leave the whole model in `out/model`, return figures."""
    torch.manual_seed(seed)
    share = min(1.0, minutes / FULL_MINUTES)
    model, processor = assemble(out)
    model.language.set_attn_implementation(attention.NAME)
    sizes = {name: max(64, round(size * share)) for name, size in corpus.SIZES.items()}
    caches = {name: corpus.build(name, out, size, seed) for name, size in sizes.items()}
    codes = codes_of(model)
    teacher = ToolTeacher(processor.tokenizer, model.config, caches, codes, processor.lay)
    lessons = Lessons(model, teacher, seed)
    steps = max(4, round(minutes * STEPS_A_MINUTE))
    schedule = Schedule(
        steps, minutes, learning_rate=LEARNING_RATE, weight_decay=0.05, warmup=0.04, short=True
    )
    optimisers = partial(muon, matrices="language.model.layers.")
    curve = train(NAME, model, lessons, schedule, out, optimisers)
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


def codes_of(model: OmniModel) -> Codes:
    """How the model's codecs draw and say things; what was asked for once is remembered."""
    image, audio = (cast("Any", model.decoders[name]) for name in ("image", "audio"))

    @cache
    def drawn(key: str) -> Tensor:
        return drawing.codes(image, key)

    @cache
    def word(text: str) -> Tensor:
        return speech_codes(audio, text)

    def said(phrase: str) -> Tensor | None:
        codes = torch.cat([word(each) for each in phrase.split()])
        return codes if len(codes) <= audio.max_length else None

    return Codes(drawn, said)


class Lessons:
    """The step of training: a batch of dialogues and the loss on their answers."""

    def __init__(self, model: OmniModel, teacher: ToolTeacher, seed: int):
        self.model, self.teacher, self.seed = model, teacher, seed
        self.reader = TextReader(model.encoders["text"])  # type: ignore[arg-type]
        self.ahead = ThreadPoolExecutor(1)
        self.waiting: dict = {}

    def __call__(self, step: int) -> tuple[Tensor, dict[str, float]]:
        self.model.encoders.eval()
        batch = self._batch(step)
        config = self.model.config
        labels = batch["input_ids"].where(batch["weights"] > 0, -100)
        outputs = self.model(
            input_ids=batch["input_ids"],
            attention_mask=batch["attention_mask"],
            media=batch["media"],
            question_mask=question_mask(batch["input_ids"], config, labels),
            use_cache=False,
            output_hidden_states=True,
            logits_to_keep=1,
        )
        counts = batch["weights"][:, 1:]
        chosen = counts > 0
        # Most positions teach nothing: their logits would be a tenth of the work.
        logits = cast("Any", self.model.get_output_embeddings())(
            outputs.hidden_states[-1][:, :-1][chosen]
        )
        logits = spared(logits, chosen, batch["absent"])
        loss, logs = weighted_loss(logits, batch["wanted"][:, 1:][chosen], counts[chosen])
        return loss + outputs.router_loss, logs

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
        self.reader.read(lessons)
        pad = self.teacher.config.pad_token_id
        batches = [collate(some, pad) for some in evenly(lessons, POOL)]
        rng.shuffle(batches)
        return batches


def evenly(lessons: Sequence[Lesson], parts: int) -> list[list[Lesson]]:
    """Lessons cut by length into parts of about as many tokens."""
    ordered = sorted(lessons, key=lambda lesson: len(lesson.ids))
    ends = list(itertools.accumulate(len(lesson.ids) for lesson in ordered))
    found: list[list[Lesson]] = [[] for _ in range(parts)]
    for lesson, end in zip(ordered, ends, strict=True):
        found[(end - 1) * parts // ends[-1]].append(lesson)
    return found


def spared(logits: Tensor, chosen: Tensor, absent: Tensor) -> Tensor:
    """Logits `[N, V]` of the chosen places, without the tokens that must not be taught as wrong.

    Args:
        logits: of the places where `chosen` is true, in order.
        chosen: `[B, L]`, where something is taught; its column 0 is place 1 of a lesson.
        absent: `[K, 3]`, lesson, place and token.
    """
    lesson, place, token = absent.unbind(1)
    taught = chosen[lesson, place - 1]
    rows = chosen.flatten().cumsum(0).sub(1).view_as(chosen)[lesson, place - 1][taught]
    least = logits.new_tensor(torch.finfo(logits.dtype).min)
    return logits.index_put((rows, token[taught]), least)


def weighted_loss(
    logits: Tensor, wanted: Tensor, weights: Tensor
) -> tuple[Tensor, dict[str, float]]:
    """Cross-entropy of logits `[N, V]` for the tokens `[N]`, each with its weight."""
    losses = functional.cross_entropy(logits.float(), wanted, reduction="none")
    hits = (logits.argmax(-1) == wanted).float()
    spoken = weights >= 1
    logs = {
        "words": losses[spoken].mean().item(),
        "codes": losses[~spoken].mean().item() if (~spoken).any() else 0.0,
        "hits": hits[spoken].mean().item(),
    }
    return (losses * weights).sum() / weights.sum(), logs


def save(model: OmniModel, processor: OmniProcessor, folder: Path) -> None:
    """Write the model and its processor, as `from_pretrained` reads them."""
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
