"""Which frames stand for a video, against a full decode with PyAV."""

from __future__ import annotations

import io

import numpy as np
import pytest

from omni.values import Clip
from tests.modalities.numbered_video import (
    OPEN,
    VIDEO,
    VideoModality,
    as_media,
    load,
    number_of,
    written,
)


def decoded_whole(data: bytes) -> tuple[list[float], list[np.ndarray]]:
    """Every frame and its second, by the simplest loop that PyAV has."""
    with OPEN(io.BytesIO(data)) as container:
        frames = list(container.decode(video=0))
        times = [float(frame.pts * frame.time_base) for frame in frames]
        return [t - times[0] for t in times], [frame.to_ndarray(format="rgb24") for frame in frames]


def shown_at(times: list[float], instant: float) -> int:
    return max(i for i, time in enumerate(times) if time <= instant + 1e-6)


@pytest.mark.parametrize(
    "muxer, codec", [("mp4", "libx264"), ("webm", "libvpx-vp9"), ("avi", "mpeg4")]
)
def test_sampled_frames_are_those_of_a_full_decode(muxer, codec):
    data = written(list(range(100)), muxer=muxer, codec=codec)
    times, frames = decoded_whole(data)
    clip = load(data)
    instants = np.linspace(0, times[-1], 32)
    expected = [shown_at(times, instant) for instant in instants]
    assert [number_of(frame) for frame in clip.frames] == expected
    assert np.allclose(clip.times, [times[i] for i in expected], atol=1e-6)
    for frame, index in zip(clip.frames, expected, strict=True):
        assert np.abs(frame.astype(int) - frames[index]).mean() < 2


@pytest.mark.parametrize("muxer", ["mp4", "matroska"])
def test_seeking_finds_the_same_frames_as_decoding_all(muxer, monkeypatch):
    """With a budget of pixels too small to decode all, but enough for a group of pictures."""
    from omni.modalities.video import sampling

    data = written(list(range(200)), muxer=muxer, gop=6)
    exact = load(data)
    decoded = []
    whole = sampling._decoded

    def counted(container, stream):
        for stamp, frame in whole(container, stream):
            decoded.append(stamp)
            yield stamp, frame

    monkeypatch.setattr(sampling, "_decoded", counted)
    monkeypatch.setattr(sampling, "DECODED_PIXELS", 64 * 48 * 199)
    few = VideoModality(max_frames=6)
    sought = few.load(as_media(data))
    times = list(np.arange(200) / 10)
    expected = [shown_at(times, instant) for instant in np.linspace(0, times[-1], 6)]
    assert [number_of(frame) for frame in sought.frames] == expected
    assert np.allclose(sought.times, [times[i] for i in expected])
    assert len(decoded) < 60
    assert exact.seconds == sought.seconds == pytest.approx(20)


def test_too_long_groups_of_pictures_bound_the_work_and_the_times_stay_true(monkeypatch):
    """One key frame for everything: what the budget cannot reach is not claimed to be reached."""
    from omni.modalities.video import sampling

    data = written(list(range(200)), gop=1000)
    monkeypatch.setattr(sampling, "DECODED_PIXELS", 64 * 48 * 40)
    clip = VideoModality(max_frames=8).load(as_media(data))
    assert len(clip.frames) >= 2
    assert [number_of(frame) for frame in clip.frames] == [round(t * 10) for t in clip.times]


def test_many_frames_are_not_listed_but_sought(monkeypatch):
    from omni.modalities.video import timeline

    data = written(list(range(200)), gop=6)
    monkeypatch.setattr(timeline, "_LISTED_FRAMES", 50)
    clip = VideoModality(max_frames=5).load(as_media(data))
    assert [number_of(frame) for frame in clip.frames] == [round(t * 10) for t in clip.times]
    assert np.allclose(clip.times, np.linspace(0, 19.9, 5), atol=0.1)


def test_variable_frame_rate_takes_what_is_on_show():
    """One long still among quick frames: instants in it must show it, once."""
    stamps = [*range(10), *range(200, 240)]
    clip = load(written(stamps))
    instants = np.linspace(0, 23.9, 32)
    expected = sorted({shown_at([s / 10 for s in stamps], instant) for instant in instants})
    assert [number_of(frame) for frame in clip.frames] == expected
    assert np.allclose(clip.times, [stamps[i] / 10 for i in expected])
    assert clip.seconds == pytest.approx(24.0)


def test_length_is_measured_where_the_header_has_none():
    data = written(list(range(50)), muxer="matroska", options={"live": "1"})
    with OPEN(io.BytesIO(data)) as container:
        assert container.duration is None and container.streams.video[0].duration is None
    clip = load(data)
    assert clip.seconds == pytest.approx(5.0, abs=0.11)
    assert number_of(clip.frames[-1]) == 49


def test_times_begin_at_zero_where_the_file_begins_later():
    clip = load(written([stamp + 500 for stamp in range(8)], muxer="matroska"))
    assert clip.times[0] == 0
    assert clip.seconds == pytest.approx(0.8, abs=0.01)


def test_features_are_the_frozen_ones():
    clip = VIDEO.example()
    features = VIDEO.features(clip)
    assert {name: tuple(value.shape) for name, value in features.items()} == {
        "frames": (8, 3, 96, 96),
        "times": (8,),
    }
    assert features["times"].tolist() == pytest.approx(clip.times.tolist())
    assert VIDEO.estimate_tokens(clip) == 128
    short = Clip(clip.frames[:3], clip.times[:3], 0.375, 8.0)
    assert VIDEO.features(short)["frames"].shape[0] == 3
    assert VIDEO.estimate_tokens(short) == 48


def test_features_take_frames_evenly_in_time_not_in_number():
    from omni.modalities.video.features import video_features

    times = np.concatenate([np.linspace(0, 1, 20), np.linspace(2, 10, 9)])
    clip = Clip(np.zeros((29, 8, 8, 3), np.uint8), times, 11.0, 3.0)
    chosen = video_features(clip, frames=6)["times"].numpy()
    assert np.allclose(chosen, [0, 2, 4, 6, 8, 10])
