"""Measure the embedded model on things it never saw: `python -m omni.nano.evaluate [MODEL]`.

Every example goes the whole way: a value is drawn, spoken or measured by the world from seeds that
training does not use, the processor makes features, the model answers, and the answer is judged by
its exact words, or, where something was made, by pixels and by an independent recogniser.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from omni.compression.budget import Budget
from omni.device import place
from omni.model.loading import Loaded, load
from omni.model.pieces import CodesPiece, TextPiece
from omni.nano import corpus, dialogue
from omni.nano.dialogue import Exchange
from omni.nano.judge import judge_picture, judge_speech
from omni.nano.smalltalk import talking
from omni.nano.world import words

BATCH = 16
SEED = 20_000


@dataclass(frozen=True, slots=True)
class Case:
    """A question, what it is about, and the right answer."""

    exchange: Exchange
    modality: str = "text"
    value: Any = None

    def message(self) -> dict[str, Any]:
        """The user's turn."""
        parts = [] if self.value is None else [{"type": self.modality, "value": self.value}]
        return {
            "role": "user",
            "content": [*parts, {"type": "text", "text": self.exchange.question}],
        }


@dataclass(frozen=True, slots=True)
class Said:
    """What the model answered: its words, and what it made."""

    text: str
    made: dict[str, Any]


def answers(loaded: Loaded, cases: Sequence[Case], budget: Budget | None = None) -> Iterator[Said]:
    """The model's greedy answers, batch by batch."""
    for start in range(0, len(cases), BATCH):
        inputs = loaded.processor.apply_chat_template(
            [[case.message()] for case in cases[start : start + BATCH]],
            tokenize=True,
            add_generation_prompt=True,
            budget=budget,
        )
        prompt = inputs["input_ids"].shape[1]
        output = loaded.model.generate(**inputs, max_new_tokens=180, do_sample=False)
        for row in output[:, prompt:]:
            yield _said(loaded, row)


def _said(loaded: Loaded, row: torch.Tensor) -> Said:
    text, made = "", {}
    for piece in loaded.processor.decode_parts(row):
        if isinstance(piece, TextPiece):
            text += piece.text
        elif isinstance(piece, CodesPiece) and piece.complete:
            codes = torch.tensor(piece.codes)
            made[piece.modality] = loaded.model.decode_media(piece.modality, codes)
    return Said(text.strip(), made)


def seen_cases(name: str, count: int, *, held_out: bool) -> list[Case]:
    """Questions about fresh things of one modality that are answered in words."""
    rng = np.random.default_rng((SEED, held_out, len(name), ord(name[0])))
    asking = random.Random(f"{SEED} {name} {held_out}")
    cases = []
    while len(cases) < count:
        seen = corpus.SOURCES[name](rng, held_out)
        exchange = corpus.ask(asking, name, seen.labels)
        if exchange.makes == "text":
            cases.append(Case(exchange, name, seen.value))
    return cases


def drawing_cases(count: int, *, held_out: bool) -> list[Case]:
    """Wishes for pictures."""
    rng = random.Random(f"{SEED} draw {held_out}")
    cases = []
    while len(cases) < count:
        colour, shape = rng.choice(tuple(words.COLOURS)), rng.choice(words.SHAPES)
        if ((colour, shape) in words.HELD_OUT) == held_out:
            size, spot = rng.choice(words.SIZES), rng.choice(words.PLACES)
            cases.append(Case(dialogue.drawing(rng, colour, shape, size, spot)))
    return cases


def speaking_cases(count: int, *, held_out: bool) -> list[Case]:
    """Wishes for speech: coloured things, trained pairs or held-out ones."""
    rng = random.Random(f"{SEED} say {held_out}")
    phrases = [
        f"{colour} {shape}"
        for colour in words.COLOURS
        for shape in words.SHAPES
        if ((colour, shape) in words.HELD_OUT) == held_out
    ]
    return [Case(dialogue.speaking(rng, rng.choice(phrases))) for _ in range(count)]


def talking_cases(count: int) -> list[Case]:
    """Talk without media."""
    rng = random.Random(f"{SEED} talk")
    return [Case(talking(rng)) for _ in range(count)]


def judge_text(case: Case, said: Said) -> bool:
    """Exactly the right words."""
    return said.text == case.exchange.answer


def judge_image(case: Case, said: Said) -> bool:
    """Colour, shape, size and place as measured on the pixels are those that were asked for."""
    picture = said.made.get("image")
    sight = judge_picture(picture) if picture is not None else None
    if sight is None:
        return False
    size, colour, shape, spot = case.exchange.answer.split()
    return (sight.size, sight.colour, sight.shape, sight.place) == (size, colour, shape, spot)


def judge_audio(case: Case, said: Said) -> bool:
    """The recogniser, which knows every coloured thing, hears the phrase."""
    phrases = [f"{colour} {shape}" for colour in words.COLOURS for shape in words.SHAPES]
    sound = said.made.get("audio")
    return sound is not None and judge_speech(sound, phrases) == case.exchange.answer


Judge = Callable[[Case, Said], bool]


def cells(count: int) -> Iterator[tuple[dict[str, str], list[Case], Judge]]:
    """Every cell that is measured: its names, its cases, its judge."""
    for name in corpus.MODALITIES:
        splits = (False,) if name in ("series", "points") else (False, True)
        for held_out in splits:
            row = {"input": name, "output": "text", "split": _split(held_out), "judge": "words"}
            yield row, seen_cases(name, count, held_out=held_out), judge_text
    for held_out in (False, True):
        split = "held-out pairs" if held_out else "trained pairs"
        row = {"input": "text", "output": "image", "split": split, "judge": "pixels"}
        yield row, drawing_cases(count, held_out=held_out), judge_image
        row = {"input": "text", "output": "audio", "split": split, "judge": "pocketsphinx"}
        yield row, speaking_cases(count, held_out=held_out), judge_audio
    row = {"input": "text", "output": "text", "split": "seen wordings", "judge": "words"}
    yield row, talking_cases(count), judge_text


def _split(held_out: bool) -> str:
    return "held-out pairs" if held_out else "new seeds"


def evaluate(loaded: Loaded, count: int = 200, budget: Budget | None = None) -> dict[str, Any]:
    """All cells, in the form of `omni eval nano --json`."""
    rows = []
    for row, cases, judge in cells(count):
        hits = [
            judge(case, said)
            for case, said in zip(cases, answers(loaded, cases, budget), strict=True)
        ]
        rows.append({**row, "n": len(hits), "score": round(sum(hits) / len(hits), 4)})
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    return {
        "what": "nano",
        "seed": SEED,
        "device": str(loaded.model.device),
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "rows": rows,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(prog="python -m omni.nano.evaluate", description=__doc__)
    parser.add_argument("model", nargs="?", default="nano", help="nano, or a folder")
    parser.add_argument("--count", type=int, default=200, help="examples a cell")
    parser.add_argument("--budget", type=int, help="media tokens a question may use")
    parser.add_argument("--out", type=Path, help="also write the JSON here")
    given = parser.parse_args(arguments)
    budget = Budget(tokens=given.budget) if given.budget else None
    figures = evaluate(load(given.model, place(dtype="float32")), given.count, budget)
    print(json.dumps(figures, indent=1))
    if given.out:
        given.out.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
