"""Stills, clips and sounds of a film whose every second is known; speech that is made and heard."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from omni.errors import Retry, UsageError
from omni.extras import available
from omni.media import Media
from omni.modality import modality
from omni.plugins import load
from omni.recognition import speech
from omni.recognition.voice import RATE, segments
from omni.values import Waveform

COLOURS = ((220, 0, 0), (0, 200, 0), (0, 0, 220), (255, 255, 255))


def value_in(block, kind):
    data = base64.b64decode(block["base64"])
    media = Media.from_bytes(data, modality=kind, mime=block["mime_type"], name="it")
    return modality(kind).load(media)


def pitch(waveform: Waveform) -> float:
    spectrum = np.abs(np.fft.rfft(waveform.samples[:, 0]))
    return float(spectrum.argmax() * waveform.sample_rate / len(waveform.samples))


@pytest.fixture
def cut(bench):
    return load("tools", "cut_video")(bench=bench)


def test_stills_show_the_second_that_was_asked_for(cut):
    blocks = cut.work("vid-1", "frames", [0.0, 1.55, 2.95, 3.99])
    stills = [block for block in blocks if block["type"] == "image"]
    for block, colour in zip(stills, COLOURS, strict=True):
        pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(block["base64"]))))
        assert np.abs(pixels[..., :3].reshape(-1, 3).mean(0) - colour).max() < 12
    assert [block["text"] for block in blocks if block["type"] == "text"] == [
        "vid-1 at 0.00 s:",
        "vid-1 at 1.50 s:",
        "vid-1 at 2.90 s:",
        "vid-1 at 3.90 s:",
    ]


def test_a_clip_has_the_frames_and_the_sound_of_its_span(cut):
    blocks = cut.work("vid-1", "clip", [1.0, 3.0])
    clip = value_in(blocks[1], "video")
    assert clip.seconds == pytest.approx(2.0, abs=0.11)
    early, late = clip.frames[0].mean((0, 1)), clip.frames[-1].mean((0, 1))
    assert np.abs(early - COLOURS[1]).max() < 15
    assert np.abs(late - COLOURS[2]).max() < 15
    assert clip.waveform is not None
    first = Waveform(clip.waveform.samples[: clip.waveform.sample_rate // 2],
                     clip.waveform.sample_rate)  # fmt: skip
    assert pitch(first) == pytest.approx(300, abs=8)


def test_a_clip_between_two_frames_shows_the_one_before(cut):
    clip = value_in(cut.work("vid-1", "clip", [1.02, 1.08])[1], "video")
    assert np.abs(clip.frames[0].mean((0, 1)) - COLOURS[1]).max() < 15


def test_the_sound_of_a_span(cut):
    words, block = cut.work("vid-1", "sound", [2.0, 3.0])
    assert words["text"] == "The sound of vid-1 from 2.00 to 3.00 s."
    assert pitch(value_in(block, "audio")) == pytest.approx(400, abs=4)
    assert value_in(cut.work("vid-1", "sound")[1], "audio").seconds == pytest.approx(4, abs=0.1)


@pytest.mark.parametrize(
    ("what", "seconds", "reason"),
    [
        ("frames", [9.0], "lasts 4.00 seconds: there is no second 9"),
        ("frames", [-1.0], "there is no second -1"),
        ("clip", [3.0, 1.0], "a start and a later end"),
        ("clip", [1.0], "a start and a later end"),
        ("sound", [7.0, 8.0], "start before its end"),
    ],
)
def test_seconds_that_are_not_there_are_refused(cut, what, seconds, reason):
    with pytest.raises(Retry, match=reason):
        cut.work("vid-1", what, seconds)


@pytest.mark.skipif(not available("espeakng_loader"), reason="espeak-ng is not installed")
def test_words_are_said_and_stretches_of_speech_are_found(bench, shelf):
    say = load("tools", "speak")(bench=bench)
    words, block = say.work("a red circle")
    said = value_in(block, "audio")
    assert f"{said.seconds:.1f} seconds of speech by espeak-ng (en-us)" in words["text"]
    slow = value_in(say.work("a red circle", speed=90)[1], "audio")
    assert slow.seconds > 1.3 * said.seconds
    with pytest.raises(UsageError, match="nothing to say"):
        say.work("...")
    with pytest.raises(UsageError, match="no voice 'martian-1'"):
        say.work("hello", voice="martian-1")
    with pytest.raises(Retry, match="at most 5000"):
        say.work("word " * 2000)
    quiet = np.zeros(RATE, np.float32)
    whole = np.concatenate([quiet, said.samples[:, 0], quiet, said.samples[:, 0], quiet])
    hiss = 1e-4 * np.random.default_rng(0).standard_normal(len(whole))
    starts, ends = zip(*segments((whole + hiss).astype(np.float32)), strict=True)
    assert starts == pytest.approx([1.0, 2.0 + said.seconds], abs=0.25)
    assert ends == pytest.approx([1 + said.seconds, 2 + 2 * said.seconds], abs=0.25)


@pytest.mark.skipif(not available("pocketsphinx"), reason="pocketsphinx is not installed")
def test_a_tone_is_no_speech_and_the_recogniser_is_named(bench, shelf, put):
    hear = load("tools", "transcribe")(bench=bench)
    silence = put(shelf, "audio", Waveform(np.zeros((16_000, 1), "f4"), 16_000), "quiet.wav")
    told = hear.work(silence, recogniser="pocketsphinx")
    assert told == f"No speech in {silence} (by pocketsphinx en-us, 1.0 s)."
    with pytest.raises(UsageError, match="no recogniser 'huge' on this machine; there is: "):
        hear.work("aud-1", recogniser="huge")


@pytest.mark.skipif(not available("pocketsphinx"), reason="pocketsphinx is not installed")
@pytest.mark.skipif(not available("espeakng_loader"), reason="espeak-ng is not installed")
def test_pocketsphinx_hears_words_when_they_are_said(bench, shelf):
    """Which words it makes of this voice is its own affair; when they are said is checked."""
    from omni.nano.world.speech import speak

    said = speak("seven hundred people were there", speed=140).samples[:, 0]
    quiet = np.zeros(32_000, np.float32)
    whole = np.concatenate([quiet, said, quiet])[:, None]
    noise = 1e-3 * np.random.default_rng(0).standard_normal(whole.shape)
    (heard, *_) = speech.Pocketsphinx().hear(Waveform((whole + noise).astype("f4"), 16_000))
    assert heard.text
    assert heard.start == pytest.approx(2.0, abs=0.35)
    assert heard.end <= 2.0 + len(said) / 16_000 + 0.35
    assert load("tools", "transcribe")(bench=bench).work("aud-1", "pocketsphinx")


def test_whisper_is_found_by_its_weights(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert speech.whisper_models() == []
    (tmp_path / "whisper").mkdir()
    for size in ("tiny", "base.en", "small"):
        (tmp_path / "whisper" / f"{size}.pt").write_bytes(b"")
    assert speech.whisper_models() == ["small", "base.en", "tiny"]
    assert speech.recogniser().name == "whisper small"
    assert speech.recogniser("base.en").name == "whisper base.en"
