"""Sounds from outside the world: music, drums, talk in unknown words, and mixtures of them.

The ear learns from them what it does not know; real songs and recordings are only for tests.
"""

from __future__ import annotations

import numpy as np

from omni.nano.world import speech, tones
from omni.values import Waveform

SAMPLE_RATE = 16_000

UNKNOWN = (
    "agreement airport almost although animal apartment apple argument autumn bakery balance "
    "basket because before bicycle birthday borrow bottle breakfast bridge brother building "
    "candle careful carpet castle century chapter children chocolate company concert contract "
    "correct country cousin customer daughter decision delivery doctor elephant engine evening "
    "experience family farmer finger forest forget freedom friend future garden government "
    "happen holiday hospital however hundred husband important insurance island journey kitchen "
    "language lawyer library machine market medicine message minister money morning mountain "
    "mother music neighbour newspaper ocean officer opinion paper parliament party people pepper "
    "perhaps pocket police potato president pressure problem promise question railway recipe "
    "remember restaurant river saturday school science secretary september shoulder silver "
    "soldier station strawberry student sugar summer supper system teacher telephone thunder "
    "ticket tomorrow travel umbrella university valley vegetable village walk water weather "
    "wednesday weekend whisper window winter wonderful yesterday young"
)
_SYLLABLES = "ba do ke mi ra su te no la vi go shu fe pa zo ni"


def sound(rng: np.random.Generator) -> Waveform:
    """A random sound that the world has no words for, one to three seconds long."""
    makers = (melody, chords, drums, talk, talk, crackle)
    samples = makers[rng.integers(len(makers))](rng)
    if rng.random() < 0.3:
        samples = _mixed(samples, makers[rng.integers(len(makers))](rng), rng.uniform(0.3, 1.0))
    samples = samples[: round(3.5 * SAMPLE_RATE)]
    loudness = rng.uniform(0.3, 0.9) / max(1e-6, float(np.abs(samples).max()))
    return Waveform((loudness * samples).astype(np.float32)[:, None], SAMPLE_RATE)


def melody(rng: np.random.Generator) -> np.ndarray:
    """Notes of a scale, one after the other without a gap, in a random timbre."""
    root, timbre = float(np.exp(rng.uniform(np.log(110), np.log(440)))), _timbre(rng)
    scale = np.array([0, 2, 4, 5, 7, 9, 11, 12, 14, 16])
    notes = rng.choice(scale, rng.integers(5, 14))
    length = rng.uniform(0.1, 0.3)
    return np.concatenate(
        [_note(root * 2 ** (note / 12), length * rng.choice([1, 1, 2]), timbre) for note in notes]
    )


def chords(rng: np.random.Generator) -> np.ndarray:
    """Two to five chords, held."""
    root, timbre = float(np.exp(rng.uniform(np.log(90), np.log(300)))), _timbre(rng)
    pieces = []
    for _ in range(rng.integers(2, 6)):
        base, length = root * 2 ** (rng.integers(0, 8) / 12), rng.uniform(0.3, 0.8)
        third = rng.choice([3, 4])
        pieces.append(sum(_note(base * 2 ** (n / 12), length, timbre) for n in (0, third, 7, 12)))
    return np.concatenate(pieces)


def drums(rng: np.random.Generator) -> np.ndarray:
    """A beat of thumps and hisses, with a bar that repeats."""
    step = round(rng.uniform(0.09, 0.18) * SAMPLE_RATE)
    bar = rng.choice(4, 8, p=[0.25, 0.3, 0.3, 0.15])
    beats = np.tile(bar, 3)[: max(8, round(2.5 * SAMPLE_RATE / step))]
    made = np.zeros(step * (len(beats) + 3))
    for place, beat in enumerate(beats):
        if not beat:
            continue
        count = round((0.2, 0.12, 0.04)[beat - 1] * SAMPLE_RATE)
        time = np.arange(count) / SAMPLE_RATE
        hit = np.sin(2 * np.pi * 60 * np.exp(-12 * time) / 0.1 * time) if beat == 1 else 0
        hiss = rng.standard_normal(count) * (0.0, 0.5, 0.3)[beat - 1]
        made[place * step :][:count] += (hit + hiss) * np.exp(-5 * np.arange(count) / count)
    return made


def crackle(rng: np.random.Generator) -> np.ndarray:
    """Clicks at random moments over a hum: fire, rain, a worn record, steps."""
    count = round(rng.uniform(1.0, 3.0) * SAMPLE_RATE)
    clicks = rng.standard_normal(count) * (rng.random(count) < rng.uniform(3e-4, 2e-2))
    body = np.exp(-np.arange(400) / rng.uniform(5, 120)) * rng.standard_normal(400)
    made = np.convolve(clicks, body)[:count]
    time = np.arange(count) / SAMPLE_RATE
    wobble = 1 + 0.4 * np.sin(2 * np.pi * rng.uniform(0.5, 9) * time)
    hum = sum(np.sin(2 * np.pi * rng.uniform(40, 160) * n * time) / n for n in (1, 2, 3))
    return made / max(1e-6, np.abs(made).max()) + rng.uniform(0, 0.5) * wobble * hum


def talk(rng: np.random.Generator) -> np.ndarray:
    """Words that are not of the world, or of no language at all."""
    if rng.random() < 0.7:
        said = rng.choice(UNKNOWN.split(), rng.integers(2, 6))
    else:
        said = ["".join(rng.choice(_SYLLABLES.split(), rng.integers(2, 5))) for _ in range(3)]
    return speech.speak(" ".join(said), speech.random_voice(rng)).samples[:, 0]


def _timbre(rng: np.random.Generator) -> np.ndarray:
    """Loudness of the first six harmonics."""
    return rng.uniform(0, 1, 6) / np.arange(1, 7) ** rng.uniform(0.5, 2) + np.eye(6)[0]


def _note(pitch: float, seconds: float, timbre: np.ndarray) -> np.ndarray:
    """One plucked or blown note."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    harmonics = [n + 1 for n in range(len(timbre)) if pitch * (n + 1) < SAMPLE_RATE / 2]
    wave = sum(timbre[n - 1] * np.sin(2 * np.pi * pitch * n * time) for n in harmonics)
    return wave * tones.fade(len(time)) * np.exp(-1.5 * time)


def _mixed(first: np.ndarray, second: np.ndarray, share: float) -> np.ndarray:
    """Both at once, as loud as each other but for the share."""
    made = np.zeros(max(len(first), len(second)))
    made[: len(first)] += first / max(1e-6, np.abs(first).max())
    made[: len(second)] += share * second / max(1e-6, np.abs(second).max())
    return made
