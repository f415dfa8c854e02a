"""Who is asked, what is left out of what they say, and that times are of the whole recording."""

import numpy as np
import pytest

from omni.errors import UsageError
from omni.recognition import speech
from omni.recognition.voice import RATE
from omni.values import Waveform


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of whisper's weights."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "whisper").mkdir()
    return tmp_path / "whisper"


@pytest.fixture
def tiny(cache):
    """A tiny whisper with random weights, of the real class, at the place it keeps them."""
    import torch
    import whisper
    from whisper.model import ModelDimensions

    sizes = ModelDimensions(80, 1500, 16, 2, 1, 51865, 448, 16, 2, 1)
    model = whisper.model.Whisper(sizes)
    stored = {"dims": sizes.__dict__, "model_state_dict": model.state_dict()}
    torch.save(stored, cache / "tiny.pt")
    return cache / "tiny.pt"


def test_whisper_is_taken_where_its_weights_are(tiny, monkeypatch):
    found = speech.recogniser()
    assert isinstance(found, speech.Whisper) and found.name == "whisper tiny" and found.version
    assert speech.recogniser("whisper").name == speech.recogniser(str(tiny)).name == "whisper tiny"
    asked = []
    pieces = [
        {"text": " good  morning", "start": 0.5, "end": 1.5, "no_speech_prob": 0.1},
        {"text": " thanks for watching", "start": 2, "end": 3, "no_speech_prob": 0.9},
        {"text": " ", "start": 3, "end": 4, "no_speech_prob": 0.1},
    ]
    monkeypatch.setattr(
        speech._whisper(str(tiny), "cpu"),
        "transcribe",
        lambda samples, **given: asked.append(len(samples)) or {"segments": pieces},
    )
    assert found.transcribe(np.zeros(RATE, np.float32)) == "good morning"
    stereo = Waveform(np.zeros((48_000, 2), np.float32), 48_000)
    assert found.hear(stereo) == [speech.Said("good morning", 0.5, 1.5)]
    assert asked == [RATE, RATE]


def test_models_are_named_the_best_first(cache):
    for size in ("tiny", "my-own", "base.en", "large-v3-turbo"):
        (cache / f"{size}.pt").write_bytes(b"")
    assert speech.whisper_models() == ["large-v3-turbo", "base.en", "tiny", "my-own"]


def test_one_that_is_not_here_is_refused_with_what_to_do(cache):
    with pytest.raises(
        UsageError, match=r"whisper's weights are not on this machine .*run  python"
    ):
        speech.recogniser("whisper")
    with pytest.raises(UsageError, match="no recogniser 'huge' on this machine; there is: pocket"):
        speech.recogniser("huge")


def test_pocketsphinx_tells_times_of_the_whole_recording():
    pytest.importorskip("pocketsphinx")
    pytest.importorskip("espeakng_loader")
    from omni.nano.world.speech import Voice, speak

    voice = Voice("en-us", speed=140)
    said = [speak(text, voice).samples[:, 0] for text in ("one two three", "good morning")]
    quiet = np.zeros(2 * RATE, np.float32)
    whole = np.concatenate([quiet, said[0], quiet, said[1], quiet])
    first, second = speech.Pocketsphinx().hear(Waveform(whole[:, None], RATE))
    assert first.text and second.text  # which words, is its own affair
    assert first.start == pytest.approx(2, abs=0.5)
    assert second.start == pytest.approx(4 + len(said[0]) / RATE, abs=0.5)
    assert first.end <= second.start and second.end <= 6 + sum(map(len, said)) / RATE
