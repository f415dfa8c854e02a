"""What the frozen encoders see of the world, cached, with what is true of it.

The language model is trained on these tokens, so that no picture is encoded twice.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from omni.modality import modality
from omni.nano.world import hearing, words

Labels = Mapping[str, Any]
"""What is true of one thing, in words; the keys differ by modality."""

MODALITIES = ("image", "audio", "video", "points", "series")
BATCH = 32

SIZES: Mapping[str, int] = {
    "image": 12_000,
    "audio": 8_000,
    "video": 4_000,
    "points": 6_000,
    "series": 10_000,
}
"""How many things of each modality are seen once and kept, in a run of full length."""

JUMBLED = 0.35
"""Share of jumbled words in the speech of lessons: a language model would rather guess."""

OUTSIDE = 0.06
"""Share of things from outside the world."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing of the world as a decoded value, with its labels."""

    value: Any
    labels: Labels


def see_image(rng: np.random.Generator, held_out: bool) -> Seen:
    """A picture of one to six objects, or now and then of what has no words."""
    from omni.nano.world import group, strange_image

    if not held_out and rng.random() < OUTSIDE:
        return Seen(strange_image.picture(rng), {"outside": True})
    found = group.sample(rng, held_out=held_out)
    return Seen(group.draw(found), {"objects": group.describe(found)})


def see_video(rng: np.random.Generator, held_out: bool) -> Seen:
    """A clip in which something happens to one or two things, or now and then of the unknown."""
    from omni.nano.world import motion, strange_films

    if not held_out and rng.random() < OUTSIDE:
        return Seen(strange_films.film(rng), {"outside": True})
    found = motion.sample(rng, held_out=held_out)
    return Seen(motion.render(found), motion.describe(found))


def see_points(rng: np.random.Generator, held_out: bool) -> Seen:
    """A solid, or now and then a cloud of what has no words."""
    from omni.nano.world import solid, strange_solids

    if not held_out and rng.random() < OUTSIDE:
        return Seen(strange_solids.cloud(rng), {"outside": True})
    found = solid.sample(rng, held_out=held_out)
    return Seen(solid.build(found), solid.describe(found))


def hear(rng: np.random.Generator, held_out: bool, jumbled: float = 0.0) -> Seen:
    """Speech in a random voice, a tone, or now and then what the world has no words for.

    Args:
        rng: what is heard.
        held_out: whether something is said that is held out.
        jumbled: how often what is said are words in no order, which cannot be guessed.
    """
    from omni.nano.world import speech, strange_sounds, tones, utterances
    from omni.values import Waveform

    if not held_out and rng.random() < OUTSIDE:
        clean, labels = strange_sounds.sound(rng).samples[:, 0], {"outside": True}
    elif held_out or rng.random() < 0.7:
        jumble = not held_out and rng.random() < jumbled
        text = utterances.jumble(rng) if jumble else utterances.phrase(rng, held_out=held_out)
        clean = speech.speak(text, speech.random_voice(rng)).samples[:, 0]
        labels = {"kind": "speech", "text": text}
    else:
        tone = tones.tone(rng)
        clean = tone.waveform.samples[:, 0]
        detail = {"up": "rising", "down": "falling"}.get(tone.direction or "", "")
        detail = words.NUMBERS[tone.count - 1] if tone.count else detail
        labels = {"kind": tone.kind, "detail": detail}
    heard = hearing.disturb(rng, clean)
    return Seen(Waveform(heard[:, None], hearing.SAMPLE_RATE), labels)


def measure(rng: np.random.Generator, held_out: bool) -> Seen:
    """A series of one column; nothing that is measured is outside the world."""
    from omni.nano.world import curves

    found = curves.sample(rng, held_out=held_out)
    return Seen(found.series, curves.describe(found.courses[0]))


SOURCES: Mapping[str, Callable[[np.random.Generator, bool], Seen]] = {
    "image": see_image,
    "audio": hear,
    "video": see_video,
    "points": see_points,
    "series": measure,
}


TAUGHT = {**SOURCES, "audio": partial(hear, jumbled=JUMBLED)}
"""The same as the language model is taught with."""


class Cache:
    """Tokens of many things, `[sum of tokens, width]` in half precision, and their labels."""

    def __init__(self, tokens: Tensor, ends: Tensor, labels: list[Labels]):
        self.tokens, self.ends, self.labels = tokens, ends.tolist(), labels

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, Labels]:
        start = self.ends[index - 1] if index else 0
        return self.tokens[start : self.ends[index]].float(), self.labels[index]

    @classmethod
    def load(cls, path: Path) -> Cache:
        """Read what `build` has written."""
        stored = load_file(path)
        return cls(
            stored["tokens"], stored["ends"], json.loads(path.with_suffix(".json").read_text())
        )


def build(
    name: str, out: Path, size: int, seed: int, *, held_out: bool = False, split: str = "train"
) -> Cache:
    """Encode `size` things with the trained encoder of `out`; read them if that was done before."""
    path = out / "corpus" / f"{name}.{split}{'.held-out' if held_out else ''}.{size}.safetensors"
    if path.exists():
        return Cache.load(path)
    encoder = importlib.import_module(f"omni.nano.stages.{name}").load(out)
    source = (TAUGHT if split == "train" else SOURCES)[name]
    features = modality(name).features
    rng = np.random.default_rng((seed, ("train", "validation").index(split), held_out, 9))
    tokens: list[Tensor] = []
    labels: list[Labels] = []
    with torch.inference_mode():
        while len(labels) < size:
            seen = [source(rng, held_out) for _ in range(min(BATCH, size - len(labels)))]
            encoded = encoder([features(one.value) for one in seen])
            tokens += [one.half() for one in encoded]
            labels += [one.labels for one in seen]
    ends = torch.tensor([len(one) for one in tokens]).cumsum(0)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".json").write_text(json.dumps(labels))
    save_file({"tokens": torch.cat(tokens), "ends": ends}, path)
    return Cache.load(path)
