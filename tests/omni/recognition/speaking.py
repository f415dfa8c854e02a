"""Speech by a synthesiser, of which it is known to the sample when what is said."""

import numpy as np
import pytest

from omni.recognition.voice import RATE


def spoken(*phrases, gap=1.0, noise=0.0):
    """Samples `[N]` of phrases after pauses; where each phrase begins and ends, in seconds."""
    from omni.nano.world import speech

    pytest.importorskip("espeakng_loader")
    rng = np.random.default_rng(0)
    pieces, spots, at = [], [], 0
    for phrase in phrases:
        pause = np.zeros(round(gap * RATE), np.float32)
        said = speech.speak(phrase, speech.Voice("en-us", speed=140)).samples[:, 0]
        sounding = np.flatnonzero(np.abs(said) > 0.02)
        at += len(pause)
        spots.append(((at + sounding[0]) / RATE, (at + sounding[-1]) / RATE))
        at += len(said)
        pieces += [pause, said]
    samples = np.concatenate([*pieces, np.zeros(RATE // 2, np.float32)])
    return (samples + noise * rng.normal(size=len(samples))).astype(np.float32), spots
