"""Lay what the frozen encoders see into the sentence space of the locked text tower.

A head a modality is taught by captions: a thing's vector is to be that of its captions, and closer
to them than to captions of other things. What else a caption happens to be true of is no mistake.
"""

from __future__ import annotations

import importlib
import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from omni.modality import modality
from omni.model.embedder import Embedder
from omni.nano import corpus, retrieval
from omni.nano.captions import describe
from omni.nano.facts import facts, plain
from omni.nano.stages.loop import Schedule, train

NAME = "align"
SPACE = 384
BATCH = 384
OTHERS = 128
"""Captions of other modalities that each thing is told from beside those of its own."""

FEWEST = {"image": 24, "video": 24, "audio": 16, "points": 12, "series": 12}
"""So few tokens of a thing have to do at times, as after a selection."""

MOST = 48
WHOLE = 0.15
"""How often all tokens are seen."""

NEAR = 0.5
"""Weight of the nearness to the caption, beside that of telling captions apart."""

CAPTIONS = {"image": 70, "video": 45, "audio": 10, "points": 80, "series": 60}
"""How many are written of each kind of thing that is seen more than once, in a full run."""

FEWEST_CAPTIONS = 2
"""Of a kind that is seen once, beside the plain one."""

VALIDATION = {"image": 300, "video": 420, "audio": 480, "points": 640, "series": 900}
"""How many things are looked at to find 200 that differ."""

HELD_OUT = {"image": 120, "video": 120, "audio": 120, "points": 120, "series": 120}
FULL_MINUTES = 7.0
STEPS_A_MINUTE = 1200


def run(out: Path, *, minutes: float, seed: int = 0) -> dict:
    """Train for at most so many minutes, leave the heads in `out`, return held-out figures."""
    torch.manual_seed(seed)
    share = min(1.0, minutes / FULL_MINUTES)
    caches = {name: corpus.build(name, out, size, seed) for name, size in sizes(share).items()}
    numbers: dict[str, int] = {}
    banks = {
        name: Bank.build(name, cache.labels, CAPTIONS[name] * share, numbers, out)
        for name, cache in caches.items()
    }
    heads = Heads({name: cache.tokens.shape[1] for name, cache in caches.items()})
    step = Alignment(heads, caches, banks, seed)
    schedule = Schedule(
        max(4, round(minutes * STEPS_A_MINUTE)), minutes, 2e-3, weight_decay=0.05, short=True
    )
    curve = train(NAME, heads, step, schedule, out)
    heads.eval()
    figures: dict[str, Any] = {"parameters": sum(each.numel() for each in heads.parameters())}
    figures |= {key: curve[-1][key] for key in ("step", "minutes", "loss")}
    figures["recall"] = measure(heads, out, seed, share)
    (out / f"{NAME}.figures.json").write_text(json.dumps(figures, indent=1) + "\n")
    return figures


def sizes(share: float) -> dict[str, int]:
    """How many things of each modality are seen, in a run of this share of its full length."""
    return {name: max(64, round(size * share)) for name, size in corpus.SIZES.items()}


class Heads(nn.Module):
    """A head for each modality, and how sharply each tells captions apart."""

    def __init__(self, widths: Mapping[str, int]):
        super().__init__()
        self.embedders = nn.ModuleDict({name: Embedder(w, SPACE) for name, w in widths.items()})
        self.sharpness = nn.ParameterDict(
            {name: nn.Parameter(torch.tensor(2.7)) for name in widths}
        )


def done(out: Path) -> bool:
    """Whether the heads of a run are trained."""
    return (out / f"{NAME}.safetensors").exists()


def load(out: Path, name: str = NAME) -> dict[str, Embedder]:
    """The heads that a stage has trained, by modality."""
    stored = load_file(out / f"{name}.safetensors")
    prefix = "embedders."
    widths = {
        name.split(".")[1]: value.shape[1]
        for name, value in stored.items()
        if name.startswith(prefix) and name.endswith(".look.weight")
    }
    found = {}
    for name, width in widths.items():
        found[name] = Embedder(width, SPACE)
        own = f"{prefix}{name}."
        found[name].load_state_dict(
            {key[len(own) :]: value for key, value in stored.items() if key.startswith(own)}
        )
    return found


class Bank:
    """Captions of all kinds of things of a modality, as sentence vectors, and what they say.

    Attributes:
        vectors: `[captions, 384]` in half precision.
        said: numbers of the facts that each caption claims.
        of: for each thing, the captions that were written of its kind.
        facts: numbers of everything that is true of each thing.
    """

    def __init__(
        self,
        vectors: Tensor,
        said: list[np.ndarray],
        of: list[Sequence[int]],
        true: list[np.ndarray],
    ):
        self.vectors, self.said, self.of, self.facts = vectors, said, of, true

    @classmethod
    def build(
        cls,
        name: str,
        labels: Sequence[corpus.Labels],
        count: float,
        numbers: dict[str, int],
        out: Path,
    ) -> Bank:
        """Write captions of each kind of thing, the same in every run; keep their vectors.

        Args:
            count: how many of a kind that is seen more than once.
            numbers: of the facts; new ones are added.
        """
        kinds: dict[str, list[int]] = {}
        for place, each in enumerate(labels):
            kinds.setdefault(plain(name, each), []).append(place)
        texts: dict[str, int] = {}
        said: list[np.ndarray] = []
        of: list[Sequence[int]] = [()] * len(labels)
        for kind, places in kinds.items():
            written = []
            rng, known = random.Random(kind), facts(name, labels[places[0]])
            most = round(count) if len(places) > 1 else 0
            for turn in range(1 + max(FEWEST_CAPTIONS, most)):
                text, claims = describe(rng, name, labels[places[0]]) if turn else (kind, known)
                if text not in texts:
                    texts[text] = len(said)
                    said.append(_numbered(claims, numbers))
                written.append(texts[text])
            for place in places:
                of[place] = written
        vectors = sentences(list(texts), out / "corpus" / f"{name}.captions.safetensors")
        return cls(vectors, said, of, [_numbered(facts(name, each), numbers) for each in labels])


def _numbered(known: frozenset[str], numbers: dict[str, int]) -> np.ndarray:
    return np.array([numbers.setdefault(fact, len(numbers)) for fact in sorted(known)])


def sentences(texts: Sequence[str], path: Path) -> Tensor:
    """Sentence vectors `[B, 384]` of texts, in half precision; those made before are read."""
    from safetensors import safe_open

    known: dict[str, Tensor] = {}
    if path.exists():
        with safe_open(path, "pt") as stored:
            lines = stored.metadata()["texts"].split("\n")
            known = dict(zip(lines, stored.get_tensor("vectors"), strict=True))
    fresh = [text for text in texts if text not in known]
    if fresh:
        encoder: Any = modality("text").encoder(short=True)
        known |= zip(fresh, encoder.sentence(fresh).half(), strict=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        vectors = torch.stack(list(known.values()))
        save_file({"vectors": vectors}, path, metadata={"texts": "\n".join(known)})
    return torch.stack([known[text] for text in texts])


class Alignment:
    """The step of training: things of one modality, a caption of each, and the loss."""

    def __init__(
        self,
        heads: Heads,
        caches: Mapping[str, corpus.Cache],
        banks: Mapping[str, Bank],
        seed: int,
    ):
        self.heads, self.caches, self.banks, self.seed = heads, caches, banks, seed
        self.names = list(caches)

    def __call__(self, step: int) -> tuple[Tensor, dict[str, float]]:
        rng = random.Random(f"{self.seed} {step}")
        name = self.names[step % len(self.names)]
        cache, bank = self.caches[name], self.banks[name]
        things = [rng.randrange(len(cache)) for _ in range(min(BATCH, len(cache)))]
        captions = [rng.choice(bank.of[thing]) for thing in things]
        vectors, said = bank.vectors[captions].float(), [bank.said[each] for each in captions]
        for other in self.names:
            if other != name:
                more = self.banks[other]
                picked = [rng.randrange(len(more.said)) for _ in range(OTHERS // 4)]
                vectors = torch.cat([vectors, more.vectors[picked].float()])
                said += [more.said[each] for each in picked]
        seen = self.look(rng, name, things)
        sharpness = self.heads.sharpness[name].exp().clamp(max=100)
        fits = fitting([bank.facts[thing] for thing in things], said)
        loss, hits = contrast(seen.float(), vectors, fits, sharpness)
        near = (seen * vectors[: len(things)]).sum(1).mean()
        logs = {f"{name} hits": hits, f"{name} near": near.item(), "sharpness": sharpness.item()}
        return loss + NEAR * (1 - near), logs

    def look(self, rng: random.Random, name: str, things: Sequence[int]) -> Tensor:
        """Vectors of things, at times from all of their tokens, else from some drawn at random."""
        cache, embedder = self.caches[name], self.heads.embedders[name]
        assert isinstance(embedder, Embedder)
        if rng.random() < WHOLE:
            return embedder([cache[thing][0] for thing in things])
        draw = torch.Generator().manual_seed(rng.getrandbits(32))
        count = rng.randint(FEWEST[name], MOST)
        starts = torch.tensor([cache.ends[thing - 1] if thing else 0 for thing in things])
        ends = torch.tensor([cache.ends[thing] for thing in things])
        spread = torch.rand(len(things), count, generator=draw)
        places = starts[:, None] + (spread * (ends - starts)[:, None]).long()
        return embedder.pool(cache.tokens[places].float())


def fitting(true: Sequence[np.ndarray], said: Sequence[np.ndarray]) -> Tensor:
    """Bool `[things, captions]`: whether everything that a caption says is true of a thing.

    Args:
        true: numbers of the facts of each thing.
        said: numbers of the facts that each caption claims.
    """
    claims, columns = np.unique(np.concatenate(said), return_inverse=True)
    claimed = np.zeros((len(said), len(claims)), np.float32)
    claimed[np.repeat(np.arange(len(said)), [len(each) for each in said]), columns] = 1
    known = np.concatenate(true)
    columns = np.searchsorted(claims, known).clip(max=len(claims) - 1)
    claimable = claims[columns] == known
    held = np.zeros((len(true), len(claims)), np.float32)
    rows = np.repeat(np.arange(len(true)), [len(each) for each in true])
    held[rows[claimable], columns[claimable]] = 1
    both = torch.from_numpy(held) @ torch.from_numpy(claimed).T
    return both.float().round() >= torch.from_numpy(claimed).sum(1)


def contrast(seen: Tensor, texts: Tensor, fits: Tensor, sharpness: Tensor) -> tuple[Tensor, float]:
    """InfoNCE of things `[B, D]` with captions `[B + more, D]`, both ways, and its hits.

    Caption i belongs to thing i; others that fit a thing are left out of its denominator.
    """
    count = len(seen)
    own = torch.eye(count, len(texts), dtype=torch.bool, device=seen.device)
    logits = (sharpness * seen @ texts.T).masked_fill(fits & ~own, -torch.inf)
    right = torch.arange(count, device=seen.device)
    loss = functional.cross_entropy(logits, right)
    loss = (loss + functional.cross_entropy(logits[:, :count].T, right)) / 2
    hits = (logits[:, :count].argmax(0) == right).float().mean().item()
    return loss, hits


@torch.inference_mode()
def measure(
    heads: Heads, out: Path, seed: int, share: float
) -> dict[str, dict[str, dict[str, float]]]:
    """Recall at 1 by modality and split, of plain descriptions of things that were never seen.

    Held-out combinations are each searched for among things of combinations that were trained on.
    """
    encoder: Any = modality("text").encoder()
    figures: dict[str, dict[str, dict[str, float]]] = {}
    for name, embedder in heads.embedders.items():
        many, few = (max(16, round(size[name] * share)) for size in (VALIDATION, HELD_OUT))
        media, labels = things(name, embedder, out, many, seed, held_out=False)
        fresh, others = things(name, embedder, out, few, seed, held_out=True)
        texts, told = (
            encoder.sentence([plain(name, each) for each in rows]) for rows in (labels, others)
        )
        embed = _embedding(name, embedder, out)
        figures[name] = {
            "validation": retrieval.recall(media, texts),
            "held-out": retrieval.recall_among(fresh, told, media[:-1], texts[:-1]),
            "paraphrases": retrieval.paraphrased(name, embed, media, labels, seed),
        }
    return figures


def _embedding(name: str, embedder: nn.Module, out: Path) -> Any:
    """What `OmniModel.embed` is to be, for one modality and texts."""
    encoder = importlib.import_module(f"omni.nano.stages.{name}").load(out)
    tower: Any = modality("text").encoder()

    def embed(kind: str, items: Sequence[Any]) -> Tensor:
        return tower.sentence(items) if kind == "text" else embedder(encoder(items))

    return embed


def things(
    name: str, embedder: nn.Module, out: Path, size: int, seed: int, *, held_out: bool
) -> tuple[Tensor, list[corpus.Labels]]:
    """Vectors and labels of things of the validation of which no two are alike."""
    cache = corpus.build(name, out, size, seed, held_out=held_out, split="validation")
    places = retrieval.distinct(name, cache.labels)
    vectors = embedder([cache[place][0] for place in places])
    return vectors, [cache.labels[place] for place in places]
