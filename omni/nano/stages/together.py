"""Tell things of one modality from those of all others, so that one index can hold every kind.

`align` teaches each head among things of its own kind: there a recording of "a blue sphere" may lie
nearer to the words for a blue sphere than the solid itself does, since nobody compared the two.
Here things of all kinds stand in one batch, and each is to be nearest to its own captions. What
the heads look at stays as it is, since selectors go by it; what they make of it is taught anew.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from omni.modality import modality
from omni.model.embedder import Embedder
from omni.nano import corpus
from omni.nano.facts import plain
from omni.nano.stages import align
from omni.nano.stages.loop import Schedule, train

NAME = "together"
EACH = 96
"""Things of each modality in a batch."""

FULL_MINUTES = align.FULL_MINUTES / 3
"""As in `train`, so that a run of any length finds the things that `align` has seen."""

STEPS_A_MINUTE = 200
RATE = 5e-4
PLAINLY = 0.2
"""How often a thing is told from others by its plain description, which says everything."""


def run(out: Path, *, minutes: float, seed: int = 0) -> dict:
    """Go on with the heads of `out` for at most so many minutes; return held-out figures."""
    torch.manual_seed(seed)
    share = min(1.0, minutes / FULL_MINUTES)
    sizes = align.sizes(share)
    caches = {name: corpus.build(name, out, size, seed) for name, size in sizes.items()}
    numbers: dict[str, int] = {}
    banks = {
        name: align.Bank.build(name, cache.labels, align.CAPTIONS[name] * share, numbers, out)
        for name, cache in caches.items()
    }
    heads = align.Heads({name: cache.tokens.shape[1] for name, cache in caches.items()})
    heads.load_state_dict(load_file(out / f"{align.NAME}.safetensors"))
    for embedder in heads.embedders.values():
        assert isinstance(embedder, Embedder)
        embedder.look.requires_grad_(False)
        embedder.read.requires_grad_(False)
    step = Together(heads, caches, banks, seed)
    schedule = Schedule(
        max(4, round(minutes * STEPS_A_MINUTE)), minutes, RATE, weight_decay=0.05, short=True
    )
    curve = train(NAME, heads, step, schedule, out)
    heads.eval()
    figures: dict[str, Any] = {key: curve[-1][key] for key in ("step", "minutes", "loss")}
    figures["recall"] = align.measure(heads, out, seed, share)
    figures["one index"] = measure(heads, out, seed, share)
    (out / f"{NAME}.figures.json").write_text(json.dumps(figures, indent=1) + "\n")
    return figures


class Together:
    """The step of training: things of all modalities, a caption of each, and the loss."""

    def __init__(
        self,
        heads: align.Heads,
        caches: Mapping[str, corpus.Cache],
        banks: Mapping[str, align.Bank],
        seed: int,
    ):
        self.looks = align.Alignment(heads, caches, banks, seed)
        self.heads, self.caches, self.banks, self.seed = heads, caches, banks, seed

    def __call__(self, step: int) -> tuple[Tensor, dict[str, float]]:
        rng = random.Random(f"{self.seed} together {step}")
        seen, vectors, said, true = [], [], [], []
        for name, cache in self.caches.items():
            bank = self.banks[name]
            things = [rng.randrange(len(cache)) for _ in range(min(EACH, len(cache)))]
            captions = [
                bank.of[thing][0] if rng.random() < PLAINLY else rng.choice(bank.of[thing])
                for thing in things
            ]
            seen.append(self.looks.look(rng, name, things).float())
            vectors.append(bank.vectors[captions].float())
            said += [bank.said[each] for each in captions]
            true += [bank.facts[thing] for thing in things]
        media, texts = torch.cat(seen), torch.cat(vectors)
        sharpness = torch.stack(list(self.heads.sharpness.values())).mean().exp().clamp(max=100)
        loss, hits = align.contrast(media, texts, align.fitting(true, said), sharpness)
        near = (media * texts).sum(1).mean()
        logs = {"hits": hits, "near": near.item(), "sharpness": sharpness.item()}
        return loss + align.NEAR * (1 - near), logs


@torch.inference_mode()
def measure(heads: align.Heads, out: Path, seed: int, share: float) -> dict[str, float]:
    """Recall at 1 by modality of plain descriptions, among things of all modalities in one index.

    They are as many as `align` measures on, of which no two of a kind are alike.
    """
    encoder: Any = modality("text").encoder()
    media, told, kinds = [], [], []
    for name, embedder in heads.embedders.items():
        size = max(16, round(align.VALIDATION[name] * share))
        vectors, labels = align.things(name, embedder, out, size, seed, held_out=False)
        media.append(vectors)
        told += [plain(name, each) for each in labels]
        kinds += [name] * len(labels)
    alike = encoder.sentence(told).float() @ torch.cat(media).float().T
    hits = (alike.argmax(1) == torch.arange(len(told))).tolist()
    found = {}
    for name in dict.fromkeys(kinds):
        mine = [hit for hit, kind in zip(hits, kinds, strict=True) if kind == name]
        found[name] = round(sum(mine) / len(mine), 4)
    return {**found, "ways": len(told)}


def done(out: Path) -> bool:
    """Whether the heads of a run were told apart."""
    return (out / f"{NAME}.safetensors").exists()


def load(out: Path) -> dict[str, Embedder]:
    """The heads of a run by modality: told apart where that was done, else as `align` left them."""
    return align.load(out, NAME if done(out) else align.NAME)
