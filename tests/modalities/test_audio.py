"""Sound: files from several writers, the spectrogram against transformers, and broken files."""

import contextlib
import io
import os
import struct
import wave

import numpy as np
import pytest
import soundfile
import torch

from omni.errors import MediaError, Unsupported
from omni.media import Media
from omni.modalities.audio import completeness, files, play
from omni.modalities.audio import plugin as audio
from omni.modalities.audio.features import (
    FLOOR,
    HOP,
    MELS,
    SAMPLE_RATE,
    WINDOW,
    log_mel,
    mel_filters,
    resample,
)
from omni.modality import media_from_bytes, open_media, sniff
from omni.values import Waveform


def tone(hertz: float, rate: int, seconds: float = 0.5, channels: int = 1) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    wave = (0.4 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)
    return np.repeat(wave[:, None], channels, axis=1)


def encoded(samples: np.ndarray, rate: int, container: str, coding: str | None = None) -> bytes:
    target = io.BytesIO()
    soundfile.write(target, samples, rate, format=container, subtype=coding)
    return target.getvalue()


def load(data: bytes, name: str = "sound") -> Waveform:
    return audio.load(media_from_bytes(data, name))


def refused(data: bytes, mime: str = "audio/wav") -> str:
    media = Media.from_bytes(data, modality="audio", mime=mime, name="bad")
    with pytest.raises(MediaError) as caught:
        audio.load(media)
    message = str(caught.value)
    assert message.startswith("bad ") and "\n" not in message
    return message


def loudest_hertz(samples: np.ndarray, rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * rate / len(samples))


# Reading what others wrote.


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000, 96_000])
def test_a_tone_keeps_its_pitch_and_level_at_16_khz(rate, channels):
    found = load(encoded(tone(1000, rate, channels=channels), rate, "WAV"))
    assert found.sample_rate == rate and found.samples.shape[1] == channels
    mono = resample(found.samples, rate)
    assert len(mono) == pytest.approx(SAMPLE_RATE / 2, abs=2)
    assert loudest_hertz(mono, SAMPLE_RATE) == pytest.approx(1000, abs=4)
    assert np.sqrt(np.mean(mono[800:-800] ** 2)) == pytest.approx(0.4 / np.sqrt(2), rel=0.01)


def test_what_16_khz_cannot_hold_is_filtered_out_and_not_folded_back():
    mono = resample(tone(20_000, 48_000), 48_000)
    assert np.abs(mono[800:-800]).max() < 1e-3


@pytest.mark.parametrize(
    ("container", "coding", "mime", "error"),
    [
        ("WAV", "PCM_16", "audio/wav", 1e-4),
        ("WAV", "PCM_24", "audio/wav", 1e-6),
        ("WAV", "PCM_U8", "audio/wav", 1e-2),
        ("WAV", "FLOAT", "audio/wav", 0),
        ("WAV", "ULAW", "audio/wav", 0.02),
        ("WAVEX", "PCM_16", "audio/wav", 1e-4),
        ("RF64", "PCM_16", "audio/wav", 1e-4),
        ("FLAC", "PCM_16", "audio/flac", 1e-4),
        ("AIFF", "PCM_16", "audio/aiff", 1e-4),
        ("OGG", "VORBIS", "audio/ogg", 0.05),
        ("OGG", "OPUS", "audio/ogg", 0.05),
        ("MP3", "MPEG_LAYER_III", "audio/mpeg", 0.05),
    ],
)
def test_each_format_is_told_by_content_and_read(container, coding, mime, error):
    samples = tone(440, 16_000, channels=2)
    data = encoded(samples, 16_000, container, coding)
    assert sniff(data[:4096], "misleading.png") == ("audio", mime)
    found = load(data)
    assert found.samples.dtype == np.float32 and found.samples.shape[1] == 2
    if found.samples.shape == samples.shape:
        middle = slice(2000, -2000)
        assert np.abs(found.samples[middle] - samples[middle]).max() <= error
    assert found.seconds == pytest.approx(0.5, abs=0.1)


def test_a_file_of_the_standard_library_is_read():
    target = io.BytesIO()
    with wave.open(target, "wb") as writer:
        writer.setnchannels(2)
        writer.setsampwidth(2)
        writer.setframerate(11_025)
        writer.writeframes(struct.pack("<6h", 0, 16384, -16384, 8192, 32767, -32768))
    found = load(target.getvalue())
    assert found.sample_rate == 11_025
    np.testing.assert_allclose(found.samples, [[0, 0.5], [-0.5, 0.25], [1, -1]], atol=1e-4)


def test_an_mp3_is_told_with_and_without_a_tag():
    data = encoded(tone(440, 44_100), 44_100, "MP3")
    bare = data[data.index(b"\xff\xfb") :] if b"\xff\xfb" in data[:2000] else data
    size = 5000
    tag = b"ID3\x03\x00\x00" + bytes([0, 0, size >> 7, size & 0x7F]) + bytes(size)
    for form in (bare, tag + bare):
        assert audio.sniff(form[:4096], "x") == "audio/mpeg"
        assert load(form).seconds == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"RIFF\x00\x00\x00\x00AVI LIST",
        b"RIFF\x00\x00\x00\x00WEBPVP8 ",
        b"FORM\x00\x00\x00\x00ILBM",
        "ÿþ text in UTF-16".encode("utf-16"),
        b"\xff\xf1\x50\x80" + bytes(200),  # ADTS
        b"\xff\xfb\x90\x00" + b"no frame follows" * 200,
        b"OggS" + bytes(24) + b"\x80theora",
        bytes(4096),
        b"\xff" * 4096,
    ],
)
def test_what_is_no_sound_is_not_taken_for_one(head):
    assert audio.sniff(head, "x.mp3") is None


# Writing.


@pytest.mark.parametrize("mime", list(files.FORMATS))
def test_what_is_written_soundfile_reads(mime):
    saved = audio.save(audio.example(2), name="x", mime=mime)
    samples, rate = soundfile.read(io.BytesIO(saved.read()))
    assert loudest_hertz(samples[: rate // 4], rate) == pytest.approx(220 * 2 ** (2 / 12), abs=8)


def test_wav_is_16_bit_and_the_default():
    saved = audio.save(Waveform(np.array([[2.0], [-2.0], [np.nan]], np.float32), 8000), name="x")
    with wave.open(io.BytesIO(saved.read())) as reader:
        assert (reader.getsampwidth(), reader.getframerate()) == (2, 8000)
        assert struct.unpack("<3h", reader.readframes(3)) == (32767, -32768, 0)


def test_a_long_vorbis_file_is_written_in_pieces():
    noise = np.random.default_rng(0).normal(0, 0.1, (700_000, 1)).astype(np.float32)
    saved = audio.save(Waveform(noise, 44_100), name="x", mime="audio/ogg")
    assert soundfile.info(io.BytesIO(saved.read())).frames == 700_000


def test_what_a_format_cannot_hold_is_said():
    with pytest.raises(MediaError, match="write it as audio/wav"):
        audio.save(Waveform(np.zeros((10, 20), np.float32), 8000), name="x", mime="audio/mpeg")
    with pytest.raises(MediaError, match="no samples"):
        audio.save(Waveform(np.zeros((0, 1), np.float32), 8000), name="x")


# Features.


def test_the_spectrogram_is_that_of_transformers():
    from transformers.audio_utils import mel_filter_bank, spectrogram, window_function

    samples = np.random.default_rng(0).normal(0, 0.1, 8000).astype(np.float32)
    filters = mel_filter_bank(
        WINDOW // 2 + 1, MELS, 0, SAMPLE_RATE / 2, SAMPLE_RATE, norm=None, mel_scale="htk"
    )
    np.testing.assert_allclose(mel_filters().numpy(), filters.T, atol=1e-5)
    expected = spectrogram(
        samples,
        window_function(WINDOW, "hann"),
        frame_length=WINDOW,
        hop_length=HOP,
        power=2.0,
        pad_mode="constant",
        mel_filters=filters,
        mel_floor=FLOOR,
        log_mel="log",
    )
    found = log_mel(torch.from_numpy(samples))
    assert found.shape == (50, MELS)
    np.testing.assert_allclose(found.numpy(), expected.T[:50], atol=2e-3)


def test_features_are_a_hundred_frames_a_second_up_to_thirty_seconds():
    assert audio.features(Waveform(tone(440, 44_100, 1.0), 44_100))["mel"].shape == (100, MELS)
    long = Waveform(np.zeros((31 * 8000, 1), np.float32), 8000)
    assert audio.features(long)["mel"].shape == (3000, MELS)
    assert audio.estimate_tokens(long) == 750
    assert audio.features(Waveform(np.ones((1, 1), np.float32), 8000))["mel"].shape == (1, MELS)


def test_features_do_not_know_the_loudness():
    quiet, loud = (Waveform(tone(440, 16_000) * gain, 16_000) for gain in (0.2, 1.0))
    noise = np.random.default_rng(0).normal(0, 0.05, (8000, 1)).astype(np.float32)
    mels = [
        audio.features(Waveform((wave.samples + noise * gain).astype(np.float32), 16_000))["mel"]
        for wave, gain in ((quiet, 0.2), (loud, 1.0))
    ]
    torch.testing.assert_close(*mels, atol=1e-3, rtol=0)
    assert mels[0].mean().abs() < 1e-5


def test_silence_is_zero():
    mel = audio.features(Waveform(np.zeros((16_000, 1), np.float32), 16_000))["mel"]
    assert mel.shape == (100, MELS) and mel.abs().max() < 1e-5


# Looking at it.


def test_levels_are_those_of_a_sine():
    facts = audio.facts(Waveform(tone(440, 16_000, 1.0, 2), 16_000))
    assert facts["peak_dbfs"] == pytest.approx(20 * np.log10(0.4), abs=0.06)
    assert facts["rms_dbfs"] == pytest.approx(20 * np.log10(0.4 / np.sqrt(2)), abs=0.06)
    assert (facts["channels"], facts["seconds"]) == (2, 1.0)
    silent = Waveform(np.zeros((100, 1), np.float32), 16_000)
    assert audio.facts(silent)["peak_dbfs"] is None and "silent" in audio.caption(silent)


def test_the_sparkline_rises_with_the_sound():
    samples = tone(440, 16_000, 1.0) * np.linspace(0, 1, 16_000, dtype=np.float32)[:, None]
    line = audio.sparkline(Waveform(samples, 16_000), width=30)
    assert len(line) == 30 and line[0] == "▁" and line[-1] == "█"
    assert list(line) == sorted(line)


def test_the_picture_shows_the_pitch_lower_for_lower_notes():
    heights = []
    for hertz in (200, 3000):
        image = audio.picture(Waveform(tone(hertz, 16_000, 1.0), 16_000), width=320)
        assert image.mode == "RGB" and image.width == 320
        pixels = np.asarray(image, np.float32)[:, 160].sum(axis=1)
        lower = pixels[image.height // 2 + 14 : -20]
        heights.append(int(np.argmax(lower)))
    assert heights[0] > heights[1] + 20


# Broken and hostile files.


@pytest.mark.parametrize(
    "mime", ["audio/wav", "audio/flac", "audio/ogg", "audio/mpeg", "audio/aiff"]
)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.97])
def test_a_file_that_is_cut_off_is_refused(mime, share):
    data = audio.save(Waveform(tone(440, 16_000, 2.0), 16_000), name="x", mime=mime).read()
    assert "cut off" in refused(data[: int(len(data) * share)], mime)


def test_a_damaged_mp3_leaves_standard_error_alone(capfd):
    data = bytearray(encoded(tone(440, 44_100, 2.0), 44_100, "MP3"))
    data[3000:6000] = os.urandom(3000)
    with contextlib.suppress(MediaError):
        load(bytes(data))
    assert capfd.readouterr().err == ""


def test_a_header_without_sound_is_refused():
    data = encoded(np.zeros((0, 1), np.float32), 8000, "WAV")
    assert "no sound" in refused(data)
    assert "cannot be read" in refused(data[:20])
    assert "cannot be read" in refused(b"RIFF\x00\x00\x00\x00WAVE")
    assert "cannot be read" in refused(os.urandom(5000), "audio/mpeg")


def test_a_header_that_declares_too_much_is_refused():
    data = bytearray(encoded(tone(440, 8000), 8000, "WAV"))
    at = data.index(b"data") + 4
    data[at : at + 4] = struct.pack("<I", 0x40000000)
    assert "bytes of its sound are missing" in refused(bytes(data))


def test_a_streamed_wav_does_not_know_its_length_and_is_read():
    data = bytearray(encoded(tone(440, 8000), 8000, "WAV"))
    at = data.index(b"data") + 4
    data[4:8] = data[at : at + 4] = b"\xff\xff\xff\xff"
    assert load(bytes(data)).seconds == pytest.approx(0.5)


def silent_flac(hours: float, rate: int = 8000) -> bytearray:
    target = io.BytesIO()
    block = np.zeros(rate * 600, np.int16)
    with soundfile.SoundFile(target, "w", rate, 1, "PCM_16", format="FLAC") as writer:
        for _ in range(round(hours * 6)):
            writer.write(block)
    return bytearray(target.getvalue())


def test_ten_silent_hours_are_refused_whatever_the_header_says(tmp_path):
    data = silent_flac(10)
    path = tmp_path / "long.flac"
    path.write_bytes(data)
    with pytest.raises(MediaError, match=r"lasts 10:00:00 h; the limit is 1:00:00 h"):
        audio.load(open_media(path))
    data[21] &= 0xF0  # the 36 bits of STREAMINFO that count the samples: 0 is "unknown"
    data[22:26] = bytes(4)
    assert "or more; the limit is" in refused(bytes(data), "audio/flac")


def test_a_long_recording_is_read_as_16_khz_mono(monkeypatch):
    monkeypatch.setattr(files, "MAX_VALUES", 100_000)
    found = load(encoded(tone(1000, 44_100, 3.0, channels=2), 44_100, "FLAC"))
    assert found.sample_rate == SAMPLE_RATE and found.samples.shape == (48_000, 1)
    assert found.notes == ("read as 16 kHz mono (from 44100 Hz, 2 channels)",)
    assert loudest_hertz(found.samples[:, 0], SAMPLE_RATE) == pytest.approx(1000, abs=2)


def test_samples_that_are_no_numbers_are_silenced_and_noted():
    samples = tone(440, 8000)
    samples[10:20], samples[30] = np.nan, np.inf
    found = load(encoded(samples, 8000, "WAV", "FLOAT"))
    assert np.isfinite(found.samples).all() and not found.samples[10:20].any()
    assert found.notes == ("11 samples that were NaN or infinite are silenced",)
    assert "silenced" in audio.caption(found)
    samples[:] = np.nan
    assert "every one is NaN" in refused(encoded(samples, 8000, "WAV", "FLOAT"))


def test_samples_beyond_full_scale_are_scaled_down():
    found = load(encoded(tone(440, 8000) * 1e30, 8000, "WAV", "DOUBLE"))
    assert np.abs(found.samples).max() == pytest.approx(1)
    assert "scaled down" in found.notes[0]


def test_an_impossible_rate_is_refused():
    data = bytearray(encoded(tone(440, 8000), 8000, "WAV"))
    data[24:28] = struct.pack("<I", 2_000_000_000)
    assert "samples a second" in refused(bytes(data))


def test_the_last_page_of_an_ogg_must_be_whole():
    page = b"OggS" + bytes(22) + b"\x02" + bytes([255, 10]) + bytes(265)
    assert completeness.missing_bytes(io.BytesIO(page), len(page), "audio/ogg") == 0
    assert completeness.missing_bytes(io.BytesIO(page[:-7]), len(page) - 7, "audio/ogg") == 7


# Playing.


def fake_player(folder, name: str, script: str):
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def bin_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(play.tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def sound() -> Media:
    return audio.save(audio.example(), name="x.flac", mime="audio/flac")


def test_without_a_player_it_says_what_to_install(bin_folder, sound):
    with pytest.raises(Unsupported, match=r"no sound player is installed.*aplay.*apt install"):
        audio.play(sound)


def test_a_player_gets_a_wav_copy_and_one_that_fails_is_passed_over(bin_folder, sound):
    fake_player(bin_folder, "aplay", "echo no sound card >&2; exit 1")
    fake_player(
        bin_folder,
        "mpv",
        f'for last; do :; done; read -r head < "$last"; echo "$last" > {bin_folder}/played; exit 0',
    )
    assert audio.play(sound) == "mpv"
    assert (bin_folder / "played").read_text().strip().endswith(".wav")


def test_when_every_player_fails_each_reason_is_told(bin_folder, sound):
    fake_player(bin_folder, "aplay", "echo no sound card >&2; exit 1")
    with pytest.raises(Unsupported, match="aplay: no sound card"):
        audio.play(sound)
    assert not list(bin_folder.glob("*.wav"))
