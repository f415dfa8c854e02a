"""The judge of what the model says aloud: a speech recogniser that is not the model."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from omni.extras import need

if TYPE_CHECKING:
    from omni.values import Waveform

_HISS = 1e-3


def judge_speech(waveform: Waveform, phrases: Sequence[str]) -> str:
    """Which of the phrases an independent recogniser (pocketsphinx) hears; empty if none.

    Raises:
        MissingExtra: if pocketsphinx is not installed.
    """
    import soxr

    decoder = _recogniser()
    samples = waveform.samples.mean(axis=1) if waveform.samples.ndim == 2 else waveform.samples
    samples = soxr.resample(samples, waveform.sample_rate, 16_000)
    samples = np.pad(samples * min(0.7 / max(np.abs(samples).max(), 1e-4), 20.0), 4_800)
    # In perfect silence it hears nothing more: one in five last words was lost.
    samples = samples + _HISS * np.random.default_rng(0).standard_normal(len(samples))
    alternatives = " | ".join(sorted(set(phrases)))
    decoder.add_jsgf_string("world", f"#JSGF V1.0;\ngrammar world;\npublic <s> = {alternatives};\n")
    decoder.activate_search("world")
    decoder.start_utt()
    decoder.process_raw((samples.clip(-1, 1) * 32_767).astype(np.int16).tobytes(), full_utt=True)
    decoder.end_utt()
    return decoder.hyp().hypstr if decoder.hyp() else ""


@cache
def _recogniser() -> Any:
    """The recogniser, which takes longer to load than to listen.

    It normalises each utterance by itself: what it heard before does not matter.
    """
    pocketsphinx = need("pocketsphinx", extra="offline")
    decoder = pocketsphinx.Decoder(samprate=16_000, lm=None, cmn="batch", loglevel="FATAL")
    decoder.add_word("torus", "T AO R AH S")  # its dictionary has every other word of the world
    return decoder
