"""Where somebody speaks, measured on recordings whose every second is known."""

import numpy as np
import pytest

from omni.recognition.voice import LONGEST, RATE, mono, segments
from omni.values import Waveform
from tests.omni.recognition.speaking import spoken


@pytest.mark.parametrize("noise", [0.0, 0.004], ids=["quiet", "hiss"])
def test_spoken_segments_are_where_they_were_spoken(noise):
    samples, spots = spoken(
        "the harbour is closed today", "ships leave at seven", "bring a lamp", noise=noise
    )
    found = segments(samples)
    assert len(found) == len(spots)
    for (start, end), (first, last) in zip(found, spots, strict=True):
        assert abs(start - first) < 0.25 and abs(end - last) < 0.25


def test_silence_holds_no_segment_and_long_sound_is_cut():
    rng = np.random.default_rng(0)
    assert segments(np.zeros(RATE, np.float32)) == []
    assert segments(np.zeros(3, np.float32)) == []
    assert segments(1e-5 * rng.normal(size=RATE).astype(np.float32)) == []
    loud = 0.2 * rng.normal(size=45 * RATE).astype(np.float32)
    loud[: RATE // 2] = 0
    found = segments(loud)
    assert all(end - start <= LONGEST + 0.2 for start, end in found)
    assert found[0][0] == pytest.approx(0.5, abs=0.1) and found[-1][1] == pytest.approx(45, abs=0.1)


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_sound_of_any_rate_is_heard_as_one_channel(rate):
    seconds = np.arange(rate) / rate
    both = np.stack([np.sin(2 * np.pi * 440 * seconds), np.zeros(rate)], 1).astype(np.float32)
    found = mono(Waveform(both, rate))
    assert found.dtype == np.float32 and len(found) == RATE
    expected = np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE) / 2
    assert np.abs(found - expected)[RATE // 10 : -RATE // 10].max() < 0.02
