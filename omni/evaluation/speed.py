"""How fast the embedded model answers, beside plain transformers on the same weights.

The rival is `generate` of the language model alone, at its best setting, on the same threads, given
the very embeddings that our processor, encoders and selector make, and without the grammar that
keeps codes in order. Both sides begin with the words and the media and run in strict alternation.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from omni.evaluation.rows import Row
from omni.modality import modality
from omni.model.loading import Loaded, load
from omni.model.pieces import CodesPiece
from omni.model.splice import splice

RIVAL = "transformers generate on the language model alone"
MOST_TOKENS = 240
_SPEECH_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Case:
    """What is asked, and what it may take on two cores."""

    name: str
    question: str
    attached: str = ""
    most_tokens: int = MOST_TOKENS
    limit_seconds: float | None = None


CASES = (
    Case("first token, image", "What is this?", "image", 1, 0.3),
    Case("first token, audio", "What is this?", "audio", 1, 0.3),
    Case("answer, image", "What is this?", "image"),
    Case("answer, words", "Who are you?"),
    Case("picture", "Draw a blue square.", limit_seconds=4.0),
    Case("speech", "Say red circle and blue square.", limit_seconds=_SPEECH_SECONDS),
)


def measure(repeats: int = 5, *, model: str = "nano", placement: Any = None) -> list[Row]:
    """Medians of whole answers on either side; `equal` if every token is the same every time."""
    loaded = load(model, placement)
    return [compare(loaded, case, repeats) for case in CASES]


def compare(loaded: Loaded, case: Case, repeats: int) -> Row:
    """One case on either side, in alternation, after one round that does not count."""
    sides = {"ours": lambda: ours(loaded, case), "rival": lambda: rival(loaded, case)}
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    equal, said = True, torch.empty(0)
    for turn in range(repeats + 1):
        found = {}
        for name, side in sides.items():
            took, found[name] = _timed(side)
            if turn:
                seconds[name].append(took)
        said = found["ours"]
        equal = equal and torch.equal(said, found["rival"])
    fast, slow = (statistics.median(seconds[name]) for name in sides)
    row: Row = {
        "case": case.name,
        "seconds": round(fast, 4),
        "spread": round(max(seconds["ours"]) - min(seconds["ours"]), 4),
        "rival": RIVAL,
        "rival_seconds": round(slow, 4),
        "ratio": round(slow / fast, 3),
        "tokens": said.shape[1],
        "tokens_per_second": round(said.shape[1] / fast, 1),
        "equal": equal,
    }
    if case.limit_seconds is not None:
        row["limit_seconds"] = case.limit_seconds
    made = _made(loaded, said)
    if case.name == "speech" and made is not None:
        length = len(made.samples) / made.sample_rate
        row |= {"made_seconds": round(length, 2), "limit_seconds": min(_SPEECH_SECONDS, length)}
    return row


def ours(loaded: Loaded, case: Case) -> Tensor:
    """Tokens of our answer; what was made is decoded, too."""
    inputs = _prompt(loaded, case)
    output = loaded.model.generate(**inputs, max_new_tokens=case.most_tokens, do_sample=False)
    said = output[:, inputs["input_ids"].shape[1] :]
    _made(loaded, said)
    return said


def rival(loaded: Loaded, case: Case) -> Tensor:
    """Tokens of plain transformers; what was made is decoded in the same way."""
    inputs = _prompt(loaded, case)
    config = loaded.model.config
    language: Any = loaded.model.language
    with torch.no_grad():
        said = language.generate(
            inputs_embeds=_embedded(loaded, inputs),
            attention_mask=inputs["attention_mask"],
            max_new_tokens=case.most_tokens,
            do_sample=False,
            eos_token_id=config.end_token_id,
            pad_token_id=config.pad_token_id,
        )
    _made(loaded, said)
    return said


def _timed(side: Callable[[], Tensor]) -> tuple[float, Tensor]:
    began = time.perf_counter()
    found = side()
    return time.perf_counter() - began, found


def _prompt(loaded: Loaded, case: Case) -> Any:
    content: list[dict[str, Any]] = [{"type": "text", "text": case.question}]
    if case.attached:
        value = modality(case.attached).example()
        content.insert(0, {"type": case.attached, "value": value})
    return loaded.processor.apply_chat_template(
        [{"role": "user", "content": content}], tokenize=True, add_generation_prompt=True
    )


def _embedded(loaded: Loaded, inputs: Any) -> Tensor:
    """What the language model reads: words, and the media tokens in their places."""
    model = loaded.model
    ids = inputs["input_ids"]
    words: Any = model.get_input_embeddings()
    embeds = words(ids)
    if "media" not in inputs:
        return embeds
    selected = model.select_media(ids, inputs["media"])
    return splice(embeds, ids == model.config.media_token_id, selected.embeds)


def _made(loaded: Loaded, said: Tensor) -> Any:
    """The last thing that was made, decoded; `None` if nothing was."""
    made = None
    for piece in loaded.processor.decode_parts(said[0]):
        if isinstance(piece, CodesPiece) and piece.complete:
            made = loaded.model.decode_media(piece.modality, torch.tensor(piece.codes))
    return made
