"""The stage that trains the audio decoder: the house voice, and other sounds, as codes and back.

Leaves `audio_decoder.safetensors` in the run folder, which `load` reads. The decoder knows sounds,
not words: any phrase may be in its training, held-out pairs too.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from omni.extras import available
from omni.modality import modality
from omni.nano.judge import judge_speech
from omni.nano.stages.audio import word_accuracy
from omni.nano.stages.loop import Schedule, train
from omni.nano.world import speech, tones, utterances, words
from omni.values import Waveform

WEIGHTS = "audio_decoder.safetensors"
BATCH = 20
FRAMES = 64
SAMPLES = FRAMES * 256
HOUSE_SHARE, VARIED_SHARE = 0.65, 0.2  # the rest are tones


def run(out: Path, *, minutes: float, seed: int = 0, steps: int = 4000) -> dict:
    """Train, keep the weights in `out`, and return (and write) the held-out figures."""
    began = time.monotonic()
    torch.manual_seed(seed)
    decoder = new_decoder()
    lessons = Lessons(decoder, seed, varied=min(300, steps * BATCH))
    spent = (time.monotonic() - began) / 60
    schedule = Schedule(
        steps=steps,
        minutes=max(0.05, minutes - spent),
        learning_rate=2e-3,
        weight_decay=0.01,
    )
    curve = train("audio_codec", decoder, lessons, schedule, out)
    save_file(decoder.state_dict(), out / WEIGHTS)
    figures = evaluate(decoder, seed=seed, size=120 if minutes > 2 else 4)
    figures |= {
        "parameters": sum(p.numel() for p in decoder.parameters()),
        "steps": curve[-1]["step"],
        "minutes": (time.monotonic() - began) / 60,
    }
    (out / "audio_codec.figures.json").write_text(json.dumps(figures, indent=1))
    return figures


def load(out: Path) -> nn.Module:
    """The trained decoder (it encodes, too), frozen."""
    decoder = new_decoder()
    decoder.load_state_dict(load_file(out / WEIGHTS))
    return decoder.eval().requires_grad_(False)


def new_decoder() -> nn.Module:
    """The audio decoder with fresh weights."""
    decoder = modality("audio").decoder()
    assert decoder is not None
    return decoder


def speech_codes(decoder: nn.Module, phrase: str) -> Tensor:
    """Codes of a phrase in the house voice, of any length: those of its words, one by one."""
    said = [decoder.encode(speech.speak_house(word)) for word in phrase.split()]  # type: ignore[operator]
    return torch.cat(said).cpu()


class Lessons:
    """The loss of a step: one second of house speech, varied speech or tones, put back together."""

    def __init__(self, decoder: nn.Module, seed: int, *, varied: int):
        self.decoder, self.seed = decoder, seed
        self.spectrogram = import_module(type(decoder).__module__).spectrogram
        rng = np.random.default_rng((seed, 1))
        self.varied = [_varied(rng) for _ in range(varied)]

    def __call__(self, number: int) -> tuple[Tensor, dict]:
        rng = np.random.default_rng((self.seed, 2, number))
        clips = np.stack([self._clip(rng) for _ in range(BATCH)])
        wanted = self.spectrogram(torch.from_numpy(clips))
        given = self.decoder(wanted).float()
        rough = F.l1_loss(given, wanted)
        strong = F.mse_loss(given, wanted)
        return rough + 0.5 * strong, {"l1": rough.item(), "mse": strong.item()}

    def _clip(self, rng: np.random.Generator) -> np.ndarray:
        draw = rng.random()
        if draw < HOUSE_SHARE:
            pool = utterances.VOCABULARY
            text = " ".join(pool[rng.integers(len(pool))] for _ in range(4))
            wave = speech.speak_house(text).samples[:, 0]
            start = speech.GRID * int(rng.integers(0, max(1, (len(wave) - SAMPLES) // speech.GRID)))
            if rng.random() < 0.3:
                start = 0
        elif draw < HOUSE_SHARE + VARIED_SHARE:
            wave = self.varied[rng.integers(len(self.varied))] * rng.uniform(0.4, 1.3)
            start = int(rng.integers(0, max(1, len(wave) - SAMPLES)))
        else:
            wave = tones.tone(rng).waveform.samples[:, 0]
            start = int(rng.integers(0, max(1, len(wave) - SAMPLES)))
        wave = wave[start : start + SAMPLES]
        return np.pad(wave, (0, SAMPLES - len(wave))).clip(-1, 1).astype(np.float32)


def _varied(rng: np.random.Generator) -> np.ndarray:
    """A natural phrase in the house voice, at another speed and pitch."""
    voice = speech.Voice(
        speech.HOUSE.name,
        speed=int(rng.integers(140, 210)),
        pitch=int(rng.integers(30, 61)),
        range=int(rng.integers(0, 61)),
    )
    return speech.speak(utterances.phrase(rng), voice).samples[:, 0]


def evaluate(decoder: nn.Module, *, seed: int = 0, size: int = 120) -> dict:
    """Log-spectral distance, code length, and words that a recogniser understands before and after.

    The recogniser (pocketsphinx with a grammar of the world's things) is no part of ours; without
    it those two figures are missing.
    """
    rng = np.random.default_rng((seed, 3))
    texts = [thing(rng) for _ in range(size)]
    before = [speech.speak_house(text) for text in texts]
    coded = [decoder.encode(wave) for wave in before]  # type: ignore[operator]
    began = time.monotonic()
    after = [decoder.decode(codes) for codes in coded]  # type: ignore[operator]
    seconds = time.monotonic() - began
    figures: dict = {
        "n": size,
        "codes_a_phrase": float(np.mean([len(codes) for codes in coded])),
        "codes_blue_square": len(speech_codes(decoder, "blue square")),
        "codes_used": len({int(code) for codes in coded for code in codes}),
        "decode_seconds_a_second": seconds / sum(wave.seconds for wave in after),
    }
    if available("pocketsphinx"):
        wanted = [text.split() for text in texts]
        figures["words_before"] = word_accuracy(wanted, [recognise(wave) for wave in before])
        figures["words_after"] = word_accuracy(wanted, [recognise(wave) for wave in after])
    return figures


def thing(rng: np.random.Generator) -> str:
    """A phrase of the grammar below; held-out pairs are as likely as others."""
    colour = tuple(words.COLOURS)[rng.integers(len(words.COLOURS))]
    shapes = (*words.SHAPES, *words.SOLIDS)
    named = f"{colour} {shapes[rng.integers(len(shapes))]}"
    ending = ("", "", f"moving {words.MOTIONS[rng.integers(4)]}")[rng.integers(3)]
    return f"{named} {ending}".strip()


def recognise(wave: Waveform) -> Sequence[str]:
    """The words that pocketsphinx hears, if they are a coloured thing that may be moving."""
    colours, shapes = " | ".join(words.COLOURS), " | ".join((*words.SHAPES, *words.SOLIDS))
    ways = " | ".join(words.MOTIONS[:4])
    return judge_speech(wave, [f"({colours}) ({shapes}) [moving ({ways})]"]).split()
