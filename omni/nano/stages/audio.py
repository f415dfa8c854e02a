"""The stage that teaches the ear: words in their order, kinds of sound, how many beeps.

Leaves `audio_encoder.safetensors` in the run folder, which `load` reads. The encoder learns by
writing down what it hears (CTC over words) and by heads that are thrown away afterwards.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from omni.modality import modality
from omni.nano.stages.loop import Schedule, train
from omni.nano.world import hearing, speech, tones, utterances
from omni.nano.world.hearing import KINDS, SYMBOLS, Corpus, Heard
from omni.values import Waveform

WEIGHTS = "audio_encoder.safetensors"
BATCH = 32
GROUP = 4  # batches that are drawn together and sorted by length, so that little is padding
TIMES = 2  # that a group is learned, since drawing it costs as much as a step
SPEECH, STRANGE = 0.7, 0.07  # the rest are tones
JUMBLED = 0.15
UTTERANCES, OUTSIDERS = 12_000, 1200
UTTERANCES_A_MINUTE = 1500  # of the whole stage: a short run must not spend itself on speaking
APART = (len(KINDS), tones.MOST_BEEPS + 1, 2, len(utterances.VOCABULARY))
"""What every single token tells: kind, beeps, whether it is of the world, and the words spoken."""


class Ear(nn.Module):
    """The encoder with the heads it is taught through."""

    def __init__(self, encoder: nn.Module):
        super().__init__()
        self.encoder = encoder
        width = int(encoder.width)  # type: ignore[arg-type]
        self.symbols = nn.Linear(width, len(SYMBOLS))
        self.attend = nn.Linear(width, 2)
        self.kind = nn.Linear(2 * width, len(KINDS))
        self.count = nn.Linear(2 * width, tones.MOST_BEEPS + 1)
        self.known = nn.Linear(2 * width, 2)
        self.apart = nn.Linear(width, sum(APART))
        nn.init.constant_(self.apart.bias[-APART[-1] :], -3.5)  # most words are not said

    def forward(self, mel: Tensor, lengths: Tensor, start: Tensor | None = None) -> dict:
        tokens, counts = self.encoder.encode(mel, lengths, start)  # type: ignore[operator]
        inside = torch.arange(tokens.shape[1], device=tokens.device) < counts[:, None]
        weights = self.attend(tokens).masked_fill(~inside[..., None], -1e4).softmax(1)
        pooled = torch.einsum("bnd,bnk->bkd", tokens, weights).flatten(1)
        return {
            "symbols": self.symbols(tokens).float().log_softmax(-1),
            "counts": counts,
            "kind": self.kind(pooled),
            "count": self.count(pooled),
            "known": self.known(pooled),
            "apart": self.apart(tokens[inside]),
        }


def run(out: Path, *, minutes: float, seed: int = 0, steps: int = 6000) -> dict:
    """Train, keep the encoder's weights in `out`, and return (and write) the held-out figures."""
    began = time.monotonic()
    torch.manual_seed(seed)
    ear = Ear(new_encoder())
    size = min(UTTERANCES, steps * BATCH, max(BATCH, round(minutes * UTTERANCES_A_MINUTE)))
    corpus = Corpus.make(size, seed, jumbled=JUMBLED, folder=out / "corpus")
    lessons = Lessons(ear, corpus, seed)
    spent = (time.monotonic() - began) / 60
    schedule = Schedule(
        steps=steps,
        minutes=max(0.05, minutes - spent),
        learning_rate=1.5e-3,
        warmup=0.05,
        short=True,
    )
    curve = train("audio", ear, lessons, schedule, out)
    save_file(ear.encoder.state_dict(), out / WEIGHTS)
    figures = evaluate(ear, seed=seed, size=300 if minutes > 2 else 8)
    figures |= {
        "parameters": sum(p.numel() for p in ear.encoder.parameters()),
        "steps": curve[-1]["step"],
        "minutes": (time.monotonic() - began) / 60,
    }
    (out / "audio.figures.json").write_text(json.dumps(figures, indent=1))
    return figures


def load(out: Path) -> nn.Module:
    """The trained encoder, frozen."""
    encoder = new_encoder()
    encoder.load_state_dict(load_file(out / WEIGHTS))
    return encoder.eval().requires_grad_(False)


def new_encoder() -> nn.Module:
    """The audio encoder with fresh weights."""
    encoder = modality("audio").encoder()
    assert encoder is not None
    return encoder


def draw(
    corpus: Corpus, outsiders: Sequence[Heard], rng: np.random.Generator, size: int
) -> list[Heard]:
    """Speech, tones and what is neither, as a microphone hears them."""
    heard = []
    for _ in range(size):
        share = rng.random()
        if share < SPEECH:
            clean = corpus[int(rng.integers(len(corpus)))]
        elif share < SPEECH + STRANGE:
            clean = outsiders[int(rng.integers(len(outsiders)))]
        else:
            clean = hearing.toned(tones.tone(rng))
        heard.append(_disturbed(rng, clean, warped=True))
    return heard


def collate(heard: Sequence[Heard]) -> tuple[Tensor, Tensor]:
    """Padded features `[B, T, 64]` and their lengths."""
    features = modality("audio").features
    mels = [features(Waveform(h.samples[:, None], hearing.SAMPLE_RATE))["mel"] for h in heard]
    return nn.utils.rnn.pad_sequence(mels, batch_first=True), torch.tensor([len(m) for m in mels])


def loss(
    ear: Ear, mel: Tensor, lengths: Tensor, heard: Sequence[Heard], start: Tensor | None = None
) -> tuple[Tensor, dict]:
    """CTC over the symbols plus cross-entropy of the heads, pooled and of every token.

    What every token says of the whole clip is what is left when a selector keeps only a few.
    """
    given = ear(mel, lengths, start)
    targets = torch.tensor([symbol for h in heard for symbol in h.symbols])
    sizes = torch.tensor([len(h.symbols) for h in heard])
    written = F.ctc_loss(
        given["symbols"].transpose(0, 1), targets, given["counts"], sizes, zero_infinity=True
    )
    kinds = torch.tensor([h.kind for h in heard])
    beeps = torch.tensor([h.count for h in heard])
    known = (kinds >= 0).long()
    whole = {
        "kind": _of_world(given["kind"].float(), kinds),
        "count": _of_world(given["count"].float(), beeps),
        "known": F.cross_entropy(given["known"].float(), known),
    }
    kind, count, of_world, said = given["apart"].float().split(APART, -1)
    turns = given["counts"]
    each = _of_world(kind, kinds.repeat_interleave(turns))
    each += _of_world(count, beeps.repeat_interleave(turns))
    each += 0.5 * F.cross_entropy(of_world, known.repeat_interleave(turns))
    wanted = _bags(heard).repeat_interleave(turns, 0)
    bag = F.binary_cross_entropy_with_logits(said, wanted, reduction="sum") / len(said)
    parts = {"ctc": written, **whole, "each": each, "bag": bag}
    total = written + 0.3 * whole["kind"] + 0.5 * whole["count"] + 0.3 * whole["known"]
    return total + 0.5 * each + 0.05 * bag, {name: part.item() for name, part in parts.items()}


def _of_world(scores: Tensor, wanted: Tensor) -> Tensor:
    """The mean cross-entropy of those that are of the world; 0 if none is."""
    total = F.cross_entropy(scores, wanted, ignore_index=-1, reduction="sum")
    return total / (wanted >= 0).sum().clamp(min=1)


def _bags(heard: Sequence[Heard]) -> Tensor:
    """Which words of the vocabulary are spoken in each clip, `[B, words]`."""
    bags = torch.zeros(len(heard), len(SYMBOLS))
    for row, h in enumerate(heard):
        bags[row, list(h.symbols)] = 1
    return bags[:, 1 : 1 + len(utterances.VOCABULARY)]


class Lessons:
    """The loss of a step, on sounds that depend on the seed and the step's number alone.

    While one group of batches is learned, a thread draws the next.
    """

    def __init__(self, ear: Ear, corpus: Corpus, seed: int):
        self.ear, self.corpus, self.seed = ear, corpus, seed
        rng = np.random.default_rng((seed, 5))
        self.outsiders = [hearing.strange(rng) for _ in range(min(OUTSIDERS, len(corpus)))]
        self._pool = ThreadPoolExecutor(1)
        self._groups: dict[int, Future] = {}

    def __call__(self, number: int) -> tuple[Tensor, dict]:
        group, turn = divmod(number, GROUP * TIMES)
        for each in (group, group + 1):
            if each not in self._groups:
                self._groups[each] = self._pool.submit(self._draw, each)
        self._groups.pop(group - 1, None)
        heard, mel, lengths = self._groups[group].result()[turn % GROUP]
        rng = np.random.default_rng((self.seed, 2, number))
        start = rng.integers(0, 600, len(heard)) * (rng.random(len(heard)) < 0.4)
        return loss(self.ear, _masked(rng, mel), lengths, heard, torch.from_numpy(start))

    def _draw(self, group: int) -> list[tuple[list[Heard], Tensor, Tensor]]:
        rng = np.random.default_rng((self.seed, 1, group))
        drawn = draw(self.corpus, self.outsiders, rng, BATCH * GROUP)
        drawn.sort(key=lambda h: len(h.samples))
        batches = [drawn[turn * BATCH : (turn + 1) * BATCH] for turn in range(GROUP)]
        return [(heard, *collate(heard)) for heard in batches]


def _masked(rng: np.random.Generator, mel: Tensor) -> Tensor:
    """The features of a batch, a few neighbouring bands of half of the clips left out."""
    mel = mel.clone()
    for row in np.flatnonzero(rng.random(len(mel)) < 0.5):
        first, count = int(rng.integers(0, 56)), int(rng.integers(2, 9))
        mel[row, :, first : first + count] = 0
    return mel


@torch.inference_mode()
def transcribe(ear: Ear, heard: Sequence[Heard]) -> list[dict]:
    """What the ear makes of sounds: symbols (greedy CTC), kind and count."""
    ear.eval()
    found = []
    for start in range(0, len(heard), BATCH):
        given = ear(*collate(heard[start : start + BATCH]))
        best = given["symbols"].argmax(-1)
        for row in range(len(best)):
            path = torch.unique_consecutive(best[row, : given["counts"][row]]).tolist()
            found.append(
                {
                    "symbols": tuple(symbol for symbol in path if symbol),
                    "kind": int(given["kind"][row].argmax()),
                    "count": int(given["count"][row].argmax()),
                    "known": bool(given["known"][row].argmax()),
                }
            )
    return found


def evaluate(ear: Ear, *, seed: int = 0, size: int = 300) -> dict:
    """Held-out figures; every set has seeds of its own and is disturbed as in training."""
    figures: dict = {"n": size}
    sets = {
        "words_seen_voices": {},
        "words_held_out_pairs": {"held_out": True},
        "words_unseen_voices": {"voices": speech.UNSEEN_VOICES},
    }
    for index, (name, options) in enumerate(sets.items()):
        corpus = Corpus.make(size, seed + 9000 + index, **options)
        rng = np.random.default_rng((seed, 3, index))
        heard = [_disturbed(rng, corpus[i]) for i in range(size)]
        found = transcribe(ear, heard)
        figures[name] = word_accuracy([h.symbols for h in heard], [f["symbols"] for f in found])
        same = [h.symbols == f["symbols"] for h, f in zip(heard, found, strict=True)]
        figures[name.replace("words", "sentences")] = float(np.mean(same))
        figures[name + "_known"] = float(np.mean([f["known"] for f in found]))
        figures[name + "_kind"] = float(np.mean([f["kind"] == 0 for f in found]))
    rng = np.random.default_rng((seed, 4))
    for kind in ("beep", "sweep", "noise"):
        heard = [_disturbed(rng, hearing.toned(tones.tone(rng, kind))) for _ in range(size)]
        found = transcribe(ear, heard)
        pairs = list(zip(heard, found, strict=True))
        figures[f"{kind}_kind"] = float(np.mean([h.kind == f["kind"] for h, f in pairs]))
        if kind == "beep":
            figures["beep_count"] = float(np.mean([h.count == f["count"] for h, f in pairs]))
            same = [h.symbols == f["symbols"] for h, f in pairs]
            figures["beep_count_by_symbols"] = float(np.mean(same))
    heard = [_disturbed(rng, hearing.strange(rng)) for _ in range(size)]
    figures["strange_unknown"] = float(np.mean([not f["known"] for f in transcribe(ear, heard)]))
    return figures


def _disturbed(rng: np.random.Generator, h: Heard, *, warped: bool = False) -> Heard:
    samples = hearing.warp(rng, h.samples) if warped else h.samples
    return replace(h, samples=hearing.disturb(rng, samples))


def word_accuracy(wanted: Sequence[Sequence], found: Sequence[Sequence]) -> float:
    """One less the edit distance over the number of words wanted."""
    errors = sum(edit_distance(a, b) for a, b in zip(wanted, found, strict=True))
    return 1 - errors / max(1, sum(len(a) for a in wanted))


def edit_distance(wanted: Sequence, found: Sequence) -> int:
    """Fewest insertions, deletions and replacements that turn one sequence into the other."""
    row = list(range(len(found) + 1))
    for i, a in enumerate(wanted, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(found, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]
