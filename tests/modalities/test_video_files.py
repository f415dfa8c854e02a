"""Video files: containers told by content, what is saved loaded again, with its sound."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from omni.errors import MediaError
from omni.modality import sniff
from omni.values import Clip, Waveform
from tests.modalities.numbered_video import (
    MUXERS,
    VIDEO,
    VideoModality,
    as_media,
    load,
    number_of,
    numbered,
    written,
)

# --- sniffing


@pytest.mark.parametrize("mime, muxer", MUXERS.items())
def test_every_container_is_sniffed_and_loaded_whatever_it_is_called(mime, muxer):
    codec = {"webm": "libvpx-vp9", "avi": "mpeg4"}.get(muxer, "libx264")
    data = written(list(range(6)), muxer=muxer, codec=codec)
    assert sniff(data[:4096], "holiday.png") == ("video", mime)
    clip = load(data, "holiday.png")
    assert [number_of(frame) for frame in clip.frames] == list(range(6))
    assert np.allclose(clip.times, np.arange(6) / 10, atol=0.002)
    assert clip.seconds == pytest.approx(0.6, abs=0.002)
    assert clip.frame_rate == pytest.approx(10, rel=0.01)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\0\0\0\x20ftypM4A \0\0\0\0",
        b"\0\0\0\x20ftypheic\0\0\0\0",
        b"\0\0\0\x20ftypavif\0\0\0\0",
        b"RIFF\0\0\0\0WAVEfmt ",
        b"\0\0\0\0moov",
        b"free text that moov",
    ],
)
def test_sound_stills_and_chance_are_not_claimed(head):
    assert VIDEO.sniff(head, "a.mp4") is None


def test_sniffing_imports_neither_av_nor_torch():
    code = (
        "import sys\nfrom omni.modality import modality\n"
        "assert modality('video').sniff(b'\\0\\0\\0\\x20ftypisom', 'x') == 'video/mp4'\n"
        "sys.exit(any(m in sys.modules for m in ('av', 'torch', 'numpy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- sound


def test_sound_is_a_waveform_of_the_length_of_the_video():
    instants = np.arange(32_000) / 16_000
    tone = 0.5 * np.sin(2 * np.pi * 440 * instants)
    clip = load(written(list(range(20)), sound=tone))
    assert clip.waveform is not None
    assert clip.waveform.sample_rate == 16_000
    assert clip.waveform.samples.dtype == np.float32
    assert clip.waveform.samples.shape == (32_000, 1)
    spectrum = np.abs(np.fft.rfft(clip.waveform.samples[:, 0]))
    assert abs(np.argmax(spectrum) / 2.0 - 440) < 1
    assert list(VIDEO.parts(clip)) == [("audio", clip.waveform)]
    assert list(VIDEO.parts(load(written([0, 1])))) == []


def test_sound_is_read_up_to_its_limit():
    short = VideoModality(max_sound_seconds=0.5)
    clip = short.load(as_media(written(list(range(20)), sound=np.zeros(32_000))))
    assert clip.waveform is not None
    assert clip.waveform.seconds == pytest.approx(0.5)


def test_a_click_is_heard_when_it_is_seen():
    samples = np.zeros((16_000, 2), np.float32)
    samples[8_000:8_050] = 0.9
    clip = Clip(
        np.zeros((4, 32, 32, 3), np.uint8), np.arange(4) / 4, 1.0, 4.0, Waveform(samples, 16_000)
    )
    for mime in MUXERS:
        loaded = VIDEO.load(VIDEO.save(clip, name="click", mime=mime)).waveform
        assert loaded is not None and loaded.samples.shape[1] == 2, mime
        heard = np.abs(loaded.samples).max(1).argmax() / loaded.sample_rate
        assert abs(heard - 0.5) < 0.03, mime


# --- writing


@pytest.mark.parametrize("mime", [*MUXERS, "image/gif"])
def test_what_is_saved_loads_again(mime):
    clip = VIDEO.example(1)
    media = VIDEO.save(clip, name="clip", mime=mime)
    assert (media.mime, media.modality, media.name) == (mime, "video", "clip")
    assert sniff(media.read()[:4096], "x") == ("video", mime)
    loaded = VIDEO.load(media)
    assert loaded.frames.shape == clip.frames.shape
    assert np.abs(loaded.frames.astype(int) - clip.frames).mean() < 6
    assert np.allclose(loaded.times, clip.times, atol=0.011)
    assert loaded.seconds == pytest.approx(clip.seconds, abs=0.011)


def test_mp4_is_the_default_and_odd_sides_are_made_even():
    frames = np.full((2, 31, 47, 3), 90, np.uint8)
    media = VIDEO.save(Clip(frames, np.array([0.0, 0.1]), 0.2, 10.0), name="odd")
    assert media.mime == "video/mp4"
    assert VIDEO.load(media).frames.shape == (2, 32, 48, 3)


def test_uneven_times_survive_saving():
    frames = np.stack([numbered(i) for i in range(4)])
    clip = Clip(frames, np.array([0.0, 0.1, 1.5, 1.6]), 3.0, 1.33)
    for mime in ("video/mp4", "video/webm", "image/gif"):
        loaded = VIDEO.load(VIDEO.save(clip, name="uneven", mime=mime))
        assert np.allclose(loaded.times, clip.times, atol=0.011)
        assert loaded.seconds == pytest.approx(3.0, abs=0.02)


def test_a_clip_without_frames_is_not_written():
    empty = Clip(np.zeros((0, 4, 4, 3), np.uint8), np.zeros(0), 0.0, 0.0)
    with pytest.raises(MediaError, match="cannot write x: a clip needs frames"):
        VIDEO.save(empty, name="x")
    with pytest.raises(MediaError, match=r"cannot write x as 'video/ogg'.*video/mp4"):
        VIDEO.save(VIDEO.example(), name="x", mime="video/ogg")
