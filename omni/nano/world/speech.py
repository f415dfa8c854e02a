"""Speech of the world: espeak-ng through the package that carries its library and its voices.

espeak-ng keeps one global state (voice, parameters, callback) per process, so every call here takes
one lock: threads may call `speak` at will, but they take turns.
"""

from __future__ import annotations

import _ctypes
import ctypes
import re
import threading
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

import numpy as np

from omni.errors import UsageError
from omni.extras import need
from omni.nano.world import words
from omni.values import Waveform

SAMPLE_RATE = 16_000

_SYNCHRONOUS = 2
_RATE, _PITCH, _RANGE = 1, 3, 4
_UTF8 = 1
_CHARACTER_POSITION = 1
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Voice:
    """How to speak.

    Attributes:
        name: an espeak-ng voice, with a variant after `+`, such as `en-us+f3`.
        speed: words a minute, 80…450.
        pitch: 0…100; 50 is the voice's own.
        range: 0…100, how much the pitch moves; 0 is monotone.
    """

    name: str = "en-us"
    speed: int = 165
    pitch: int = 50
    range: int = 50


HOUSE = Voice("en-us", speed=185, pitch=40, range=0)
"""The one voice that Omni speaks with; the codec and the language model are trained on it.

Of ten voices at three settings each, it is the shortest of those that pocketsphinx understands
best, in quiet and in noise.
"""

GRID = 512
"""Samples to a unit of `speak_house`: one code of the audio decoder."""

_GAP = 384
"""Silence at both ends of a house word: as far as the window of a code reaches beyond it."""

_VARIANTS = {
    "en-us": (
        "plain m1 m2 m3 m7 m8 f1 f2 f4 f5 Alex Annie edward Andy belinda boris caleb "
        "david ed Henrique Hugo Jacky Lee miguel norbert paul rob shelby victor zac"
    ),
    "en": (
        "plain m1 m3 m5 m6 f1 f2 f5 linda benjamin Denis Gene john max pablo quincy robert travis"
    ),
    "en-gb-x-rp": "plain m5 f4",
    "en-gb-scotland": "m1 f2",
    "en-us-nyc": "plain",
}

VOICES: tuple[str, ...] = tuple(
    accent if variant == "plain" else f"{accent}+{variant}"
    for accent, variants in _VARIANTS.items()
    for variant in variants.split()
)
"""Voices of the training."""

UNSEEN_VOICES = ("en-us+f3", "en+m4", "en-us+steph", "en+Michael")
"""Voices that are only ever tested."""

SENTENCES = (
    *("what is this", "what is that", "what is there", "what do you see", "what is in the picture"),
    *("what colour is it", "which colour is it", "what shape is it", "which shape is it"),
    *("what size is it", "is it large or small", "how large is it", "where is it"),
    *("what colour is the {shape}", "what size is the {shape}", "where is the {shape}"),
    *("which shape is {colour}", "which object is {colour}", "is it {colour}", "is it a {shape}"),
    *("how many objects are there", "how many {colour} objects are there", "how many do you see"),
    *("there are {number} objects", "there is one object", "there are {number} {colour} objects"),
    *("how many beeps are there", "there are {number} beeps", "{number} beeps", "{number} objects"),
    *("what kind of sound is this", "what sound is it", "is it speech", "it is a beep"),
    *("a rising sweep", "a falling sweep", "noise", "it is noise", "no speech"),
    *("draw {a thing}", "draw {a thing}", "draw {a thing}", "draw {things}", "draw {course}"),
    *("draw {a thing} {where}", "draw {a thing} {where}", "draw it {colour}"),
    *("draw it", "draw this", "draw what you see", "draw the {shape}", "draw a picture of it"),
    *("show me {a thing}", "show me {course}", "show me the picture", "show {things}"),
    *("say {thing}", "say it", "say what you see", "say {number}", "say hello", "say {colour}"),
    *("it is {a thing}", "it is {a thing}", "this is {a thing}", "there is {a thing}", "{things}"),
    *("the {shape} is {colour}", "the {shape} is {size}", "it is {size} and {colour}"),
    *("it is {where}", "it is {where}", "{a thing} {where}"),
    *("{a thing} is {relation} {a thing}", "is {a thing} {relation} {a thing}"),
    *("{moving}", "{moving}", "the {shape} is {motion}", "is it {motion}", "what is it doing"),
    *("which way is it moving", "it is moving {direction}", "it is {motion}"),
    *("{course}", "{course}", "it is {course}", "is it rising or falling", "is there a season"),
    *("there is no season", "how many cycles are there", "{number} cycles", "there is {an event}"),
    *(
        "{an event}",
        "is there {an event}",
        "when is the {event}",
        "it is {time}",
        "what is the trend",
    ),
    *(
        "is it {trend}",
        "the trend is {trend}",
        "the series is {trend}",
        "it is a {proportion} {solid}",
    ),
    *("what is {number} plus {number}", "{number} plus {number}", "{number} minus {number}"),
    *("hello", "hello there", "goodbye", "yes", "no", "thanks", "yes it is", "no it is not"),
    *("thanks and goodbye", "yes there is", "no there is not", "{number}", "zero"),
)
"""Questions, orders and answers; what stands in braces is filled in, each time anew."""

VOCABULARY: tuple[str, ...] = tuple(
    dict.fromkeys(
        word
        for phrase in (
            *words.COLOURS,
            *words.SHAPES,
            *words.SIZES,
            *words.PLACES,
            *words.RELATIONS,
            *words.SOLIDS,
            *words.PROPORTIONS,
            *words.MOTIONS,
            *words.TRENDS,
            *words.EVENTS,
            *words.TIMES,
            *words.NUMBERS,
            *words.SOUNDS,
            "moving cycle cycles series season plot with and a an on at in the",
            *(re.sub(r"{[^}]*}", "", sentence) for sentence in SENTENCES),
        )
        for word in phrase.split()
    )
)
"""Every word that is spoken, once, in a fixed order."""

BARE: tuple[str, ...] = tuple(
    dict.fromkeys(
        (
            *(*words.COLOURS, *words.SHAPES, *words.SIZES, *words.PLACES, *words.RELATIONS),
            *(*words.SOLIDS, *words.PROPORTIONS, *words.MOTIONS, *words.TRENDS, *words.EVENTS),
            *(*words.TIMES, *words.NUMBERS, *words.SOUNDS),
        )
    )
)
"""Names of the world, as they are said alone."""


def speak(
    text: str,
    voice: str | Voice = HOUSE,
    *,
    speed: int | None = None,
    pitch: int | None = None,
) -> Waveform:
    """Say `text`, as 16 kHz mono without the silence around it; the same call gives the same sound.

    Raises:
        MissingExtra: where the synthesiser is not installed.
        UsageError: for an unknown voice or a text with nothing to say.
    """
    chosen = voice if isinstance(voice, Voice) else Voice(voice)
    if speed is not None:
        chosen = replace(chosen, speed=speed)
    if pitch is not None:
        chosen = replace(chosen, pitch=pitch)
    samples, rate = _synthesise(text, chosen)
    samples = trim(_resample(samples, rate))
    if not len(samples):
        raise UsageError(f"there is nothing to say in {text!r}: give it at least one word")
    return Waveform(samples[:, None], SAMPLE_RATE)


def speak_house(text: str) -> Waveform:
    """Say `text` as Omni does: in the house voice, monotone, word by word on a grid of `GRID`.

    So a word is the same samples, and exactly the same codes, in whatever sentence it stands, which
    is what lets a small language model learn to speak from few examples.
    """
    pieces = [_house_word(word) for word in text.split()]
    if not pieces:
        raise UsageError("there is nothing to say: give at least one word")
    return Waveform(np.concatenate(pieces)[:, None], SAMPLE_RATE)


@lru_cache(maxsize=1024)
def _house_word(word: str) -> np.ndarray:
    samples = speak(word).samples[80:-80, 0].copy()
    edge = np.linspace(0, 1, 80, dtype=np.float32)
    samples[:80] *= edge
    samples[-80:] *= edge[::-1]
    return np.pad(samples, (_GAP, _GAP + -(len(samples) + 2 * _GAP) % GRID))


def phrase(rng: np.random.Generator, *, held_out: bool = False) -> str:
    """A random utterance that means something in the world, all of `VOCABULARY`.

    Held-out pairs and courses are never in it; with `held_out` it is, on the contrary, always a
    phrase around one.
    """
    if held_out:
        return _held_out_phrase(rng)
    while True:
        text = re.sub(r"\bone (beep|object|cycle)s", r"one \1", _any_phrase(rng))
        if not holds_out(text):
            return text


def jumble(rng: np.random.Generator, most: int = 5) -> str:
    """Up to `most` words in no order, so that an ear has to listen and cannot guess."""
    while True:
        text = " ".join(_one(rng, VOCABULARY) for _ in range(rng.integers(1, most + 1)))
        if not holds_out(text):
            return text


def holds_out(text: str) -> bool:
    """Whether a combination that is never trained on is said in it."""
    spoken = text.split()
    kept_back = words.HELD_OUT | words.HELD_OUT_SOLIDS
    if any(pair in kept_back for pair in pairwise(spoken)):
        return True
    return any(
        trend in spoken and event in text and season == ("season" in spoken)
        for trend, season, event in words.HELD_OUT_COURSES
    )


def _held_out_phrase(rng: np.random.Generator) -> str:
    draw = rng.random()
    if draw < 0.65:
        return _thing(rng, *_one(rng, sorted(words.HELD_OUT)))
    if draw < 0.9:
        return _thing(rng, *_one(rng, sorted(words.HELD_OUT_SOLIDS)))
    return _course(rng, *_one(rng, sorted(words.HELD_OUT_COURSES)))


def _any_phrase(rng: np.random.Generator) -> str:
    draw = rng.random()
    if draw < 0.1:
        return _one(rng, BARE)
    if draw < 0.45:
        return _fill(rng, "{thing}" if rng.random() < 0.5 else "{a thing}")
    return _fill(rng, _one(rng, SENTENCES))


def _fill(rng: np.random.Generator, sentence: str) -> str:
    return re.sub(r"{([^}]*)}", lambda found: _filling(rng, found[1]), sentence)


def _filling(rng: np.random.Generator, name: str) -> str:
    """Random words for one pair of braces."""
    simple = {
        "colour": tuple(words.COLOURS),
        "shape": (*words.SHAPES, *words.SOLIDS),
        "solid": words.SOLIDS,
        "size": words.SIZES,
        "place": words.PLACES,
        "proportion": words.PROPORTIONS[:2],
        "relation": words.RELATIONS,
        "direction": words.MOTIONS[:4],
        "motion": words.MOTIONS[4:],
        "trend": words.TRENDS,
        "event": words.EVENTS,
        "time": words.TIMES,
        "number": words.NUMBERS,
    }
    if name in simple:
        return _one(rng, simple[name])
    if name == "where":
        place = _one(rng, words.PLACES)
        before = {"top": "at", "bottom": "at", "middle": "in"}.get(place, "on")
        return f"{before} the {place}"
    if name == "thing":
        return _thing(rng, _filling(rng, "colour"), _filling(rng, "shape"))
    if name == "a thing":
        return _article(_filling(rng, "thing").removeprefix("a ").removeprefix("an "))
    if name == "things":
        between = _one(rng, ("and", *words.RELATIONS))
        return f"{_filling(rng, 'a thing')} {between} {_filling(rng, 'a thing')}"
    if name == "moving":
        return _moving(rng)
    if name == "course":
        event = _one(rng, ("", *words.EVENTS))
        return _course(rng, _filling(rng, "trend"), bool(rng.random() < 0.5), event)
    if name == "an event":
        time = _one(rng, ("", *words.TIMES))
        return _article(f"{time} {_filling(rng, 'event')}".strip())
    raise KeyError(name)


def _thing(rng: np.random.Generator, colour: str, shape: str) -> str:
    draw = rng.random()
    if draw < 0.45:
        return f"{colour} {shape}"
    if draw < 0.6:
        return _article(f"{colour} {shape}")
    stretched = shape in words.SOLIDS and rng.random() < 0.4
    adjective = _one(rng, words.PROPORTIONS[:2] if stretched else words.SIZES)
    return f"{adjective} {colour} {shape}"


def _moving(rng: np.random.Generator) -> str:
    motion = _one(rng, words.MOTIONS)
    colour, shape = _filling(rng, "colour"), _one(rng, words.SHAPES)
    if motion == "colliding":
        other = f"{_filling(rng, 'colour')} {_one(rng, words.SHAPES)}"
        return f"{_article(f'{colour} {shape}')} and {_article(other)} colliding"
    start = f"{colour} {shape}" if rng.random() < 0.5 else _article(f"{colour} {shape}")
    return f"{start} {'moving ' if motion in words.MOTIONS[:4] else ''}{motion}"


def _course(rng: np.random.Generator, trend: str, season: bool, event: str) -> str:
    extras = [word for word in ("season" if season else "", event) if word]
    tail = f" with {' and '.join(extras)}" if extras else ""
    noun = _one(rng, ("series", "plot"))
    start = trend if rng.random() < 0.4 else f"a {trend}"
    return f"{start} {noun}{tail}"


def _article(words_after: str) -> str:
    return f"{'an' if words_after[0] in 'aeiou' else 'a'} {words_after}"


def _one(rng: np.random.Generator, options):
    return options[rng.integers(len(options))]


def random_voice(rng: np.random.Generator, names: tuple[str, ...] = VOICES) -> Voice:
    """One of the voices, at a random speed and pitch."""
    return Voice(
        names[rng.integers(len(names))],
        speed=int(rng.integers(120, 221)),
        pitch=int(rng.integers(25, 76)),
        range=int(rng.integers(20, 81)),
    )


def trim(samples: np.ndarray, *, floor: float = 0.004, margin: int = 160) -> np.ndarray:
    """Cut the silence from both ends of `[time]`, but for a margin of samples."""
    loud = np.flatnonzero(np.abs(samples) > floor)
    if not len(loud):
        return samples[:0]
    return samples[max(0, loud[0] - margin) : loud[-1] + 1 + margin]


def _resample(samples: np.ndarray, rate: int) -> np.ndarray:
    if rate == SAMPLE_RATE:
        return samples
    import soxr

    return soxr.resample(samples, rate, SAMPLE_RATE, quality="HQ").astype(np.float32)


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


class _Synthesiser:
    """A freshly loaded library. Use it under the lock only, and close it."""

    def __init__(self):
        loader = need("espeakng_loader", extra="offline")
        self._library = ctypes.CDLL(loader.get_library_path())
        self._pieces: list[np.ndarray] = []
        self._callback = _Callback(self._receive)
        data = str(loader.get_data_path())
        self.rate = self._library.espeak_Initialize(_SYNCHRONOUS, 0, data.encode(), 0)
        if self.rate <= 0:
            raise RuntimeError(f"espeak-ng does not start with the data in {data}")
        self._library.espeak_SetSynthCallback(self._callback)
        if hasattr(self._library, "espeak_ng_SetRandSeed"):  # of the noise in breathy voices
            self._library.espeak_ng_SetRandSeed(ctypes.c_long(1))

    def _receive(self, samples, count: int, events) -> int:
        if samples and count > 0:
            self._pieces.append(np.ctypeslib.as_array(samples, shape=(count,)).copy())
        return 0

    def say(self, text: str, voice: Voice) -> np.ndarray:
        library = self._library
        if library.espeak_SetVoiceByName(voice.name.encode()) != 0:
            raise UsageError(f"espeak-ng has no voice {voice.name!r}; try 'en-us' or 'en+f2'")
        for parameter, value in (
            (_RATE, voice.speed),
            (_PITCH, voice.pitch),
            (_RANGE, voice.range),
        ):
            library.espeak_SetParameter(parameter, value, 0)
        data = text.encode()
        code = library.espeak_Synth(
            data, ctypes.c_size_t(len(data) + 1), 0, _CHARACTER_POSITION, 0, _UTF8, None, None
        )
        if code != 0:
            raise RuntimeError(f"espeak-ng failed with code {code} on {text!r}")
        library.espeak_Synchronize()
        if not self._pieces:
            return np.zeros(0, np.float32)
        return np.concatenate(self._pieces).astype(np.float32) / 32768

    def close(self) -> None:
        self._library.espeak_Terminate()
        unload = getattr(_ctypes, "dlclose", None) or getattr(_ctypes, "FreeLibrary", None)
        if unload is not None:
            unload(self._library._handle)


def _synthesise(text: str, voice: Voice) -> tuple[np.ndarray, int]:
    """Samples and rate.

    The library is loaded anew (a millisecond): its phase counters have no reset, so that a second
    utterance would come out a little different from the first.
    """
    with _lock:
        engine = _Synthesiser()
        try:
            return engine.say(text, voice), engine.rate
        finally:
            engine.close()
