"""Video in and out, against a full decode with PyAV and files whose bytes are edited by hand."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from omni.errors import MediaError
from omni.media import Media
from omni.modality import modality, sniff
from omni.values import Clip, Waveform

VIDEO = modality("video")
VideoModality: Any = type(VIDEO)
OPEN: Any = av.open
MUXERS = {
    "video/mp4": "mp4",
    "video/webm": "webm",
    "video/x-matroska": "matroska",
    "video/quicktime": "mov",
    "video/x-msvideo": "avi",
}


def as_media(data: bytes, name: str = "test", mime: str | None = None) -> Media:
    mime = mime or VIDEO.sniff(data[:4096], name)
    assert mime is not None, data[:32]
    return Media.from_bytes(data, modality="video", mime=mime, name=name)


def load(data: bytes, name: str = "test") -> Clip:
    return VIDEO.load(as_media(data, name))


def numbered(index: int, width: int = 64, height: int = 48) -> np.ndarray:
    """A frame that says its number: eight white or black blocks in the top half."""
    frame = np.full((height, width, 3), 60, np.uint8)
    for bit in range(8):
        left = bit * width // 8
        frame[: height // 2, left : left + width // 8] = 255 if index >> bit & 1 else 0
    return frame


def number_of(frame: np.ndarray) -> int:
    height, width = frame.shape[:2]
    blocks = frame[4 : height // 2 - 4].reshape(-1, 8, width // 8, 3)
    return sum(1 << bit for bit in range(8) if blocks[:, bit, 2:-2].mean() > 128)


def written(
    stamps: list[int],
    *,
    muxer: str = "mp4",
    codec: str = "libx264",
    size: tuple[int, int] = (64, 48),
    per_second: int = 10,
    gop: int = 12,
    sound: np.ndarray | None = None,
    sound_rate: int = 16_000,
    options: dict[str, str] | None = None,
) -> bytes:
    """A video written with PyAV alone: frame number i is shown at `stamps[i] / per_second`."""
    stream = io.BytesIO()
    with OPEN(stream, "w", format=muxer, options=options or {}) as container:
        coding = {"g": str(gop), "crf": "18"}
        pictures = container.add_stream(codec, rate=per_second, options=coding)
        pictures.width, pictures.height = size
        pictures.pix_fmt = "yuv420p"
        pictures.codec_context.time_base = Fraction(1, per_second)
        track = (
            container.add_stream("aac", rate=sound_rate, layout="mono")
            if sound is not None
            else None
        )
        container.start_encoding()
        for index, stamp in enumerate(stamps):
            frame = av.VideoFrame.from_ndarray(numbered(index, *size), format="rgb24")
            frame.pts, frame.time_base = stamp, Fraction(1, per_second)
            container.mux(pictures.encode(frame))
        container.mux(pictures.encode(None))
        if track is not None:
            flat = np.ascontiguousarray(sound, np.float32).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(flat, format="fltp", layout="mono")
            frame.sample_rate = sound_rate
            container.mux(track.encode(frame))
            container.mux(track.encode(None))
    return stream.getvalue()


def decoded_whole(data: bytes) -> tuple[list[float], list[np.ndarray]]:
    """Every frame and its second, by the simplest loop that PyAV has."""
    with OPEN(io.BytesIO(data)) as container:
        frames = list(container.decode(video=0))
        times = [float(frame.pts * frame.time_base) for frame in frames]
        return [t - times[0] for t in times], [frame.to_ndarray(format="rgb24") for frame in frames]


def shown_at(times: list[float], instant: float) -> int:
    return max(i for i, time in enumerate(times) if time <= instant + 1e-6)


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


# --- which frames are taken


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


# --- how frames look


@pytest.mark.parametrize("angle", [0, 90, 180, 270])
def test_rotation_of_the_track_header_is_applied(angle):
    """The matrix is written into the file by hand, as the MP4 standard has it (clockwise)."""
    data = bytearray(written([0, 1, 2]))
    cosine, sine = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}[angle]
    place = data.index(b"tkhd") + 4 + 40
    one = 1 << 16
    matrix = (cosine * one, sine * one, 0, -sine * one, cosine * one, 0, 0, 0, 1 << 30)
    data[place : place + 36] = struct.pack(">9i", *matrix)
    clip = load(bytes(data))
    upright = np.rot90(numbered(2), -angle // 90)
    assert clip.frames[2].shape == upright.shape
    assert np.abs(clip.frames[2].astype(int) - upright).mean() < 12


def test_wide_pixels_are_made_square():
    stream = io.BytesIO()
    with OPEN(stream, "w", format="matroska") as container:
        pictures = container.add_stream("libx264", rate=10)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 48, "yuv420p"
        pictures.codec_context.sample_aspect_ratio = Fraction(2, 1)
        frame = av.VideoFrame.from_ndarray(numbered(0), format="rgb24")
        container.mux(pictures.encode(frame))
        container.mux(pictures.encode(None))
    assert load(stream.getvalue()).frames.shape == (1, 48, 128, 3)


@pytest.mark.parametrize("size", [(64, 48), (1280, 720)])
def test_colours_come_back(size):
    """SD and HD code colours differently where the file does not say; red has to stay red."""
    width, height = size
    frames = np.zeros((2, height, width, 3), np.uint8)
    frames[:] = (200, 30, 40)
    clip = Clip(frames, np.array([0.0, 0.5]), 1.0, 2.0)
    for mime in ("video/mp4", "video/webm"):
        loaded = VIDEO.load(VIDEO.save(clip, name="red", mime=mime))
        assert np.abs(loaded.frames[0].mean((0, 1)) - (200, 30, 40)).max() < 4


def test_what_is_transparent_in_a_gif_shows_white():
    frames = [Image.new("RGBA", (16, 16), (255, 0, 0, 0)) for _ in range(3)]
    for index, frame in enumerate(frames):
        frame.putpixel((index, 0), (0, 0, 255, 255))
    stream = io.BytesIO()
    frames[0].save(
        stream, "GIF", save_all=True, append_images=frames[1:], duration=200, loop=0, disposal=2
    )
    clip = load(stream.getvalue())
    assert clip.frames[0][8, 8].tolist() == [255, 255, 255]
    assert [clip.frames[i][0, i].tolist() for i in range(3)] == [[0, 0, 255]] * 3
    assert np.allclose(clip.times, [0, 0.2, 0.4]) and clip.seconds == pytest.approx(0.6)


def test_large_frames_are_reduced_to_a_bounded_size_and_the_true_size_told(monkeypatch):
    from omni.modalities.video import reading

    monkeypatch.setattr(reading, "KEPT_BYTES", 3 * 10 * 64 * 48 // 4)
    clip = load(written(list(range(10))))
    assert clip.frames.shape == (10, 24, 32, 3)
    assert clip.size == (64, 48)
    assert (VIDEO.facts(clip)["width"], VIDEO.facts(clip)["height"]) == (64, 48)


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


# --- pictures, features, tokens


@pytest.mark.parametrize("count", [1, 3, 8, 20])
def test_picture_is_a_strip_of_the_asked_width(count):
    frames = np.stack([np.full((48, 64, 3), 10 * i, np.uint8) for i in range(count)])
    strip = VIDEO.picture(Clip(frames, np.arange(count) / 2, count / 2, 2.0), width=320)
    assert (strip.mode, strip.width) == ("RGB", 320)
    assert strip.getpixel((5, 5)) == (0, 0, 0)


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


# --- hostile files


def refused(media: Media, match: str) -> None:
    with pytest.raises(MediaError, match=match) as caught:
        VIDEO.load(media)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("mime, muxer", [*MUXERS.items(), ("image/gif", "gif")])
@pytest.mark.parametrize("share", [0.03, 0.3, 0.7, 0.98])
def test_truncated_video_is_refused(mime, muxer, share):
    clip = Clip(np.stack([numbered(i) for i in range(30)]), np.arange(30) / 10, 3.0, 10.0)
    data = VIDEO.save(clip, name="whole", mime=mime).read()
    cut = data[: max(40, int(len(data) * share))]
    refused(as_media(cut, "cut.vid", mime), r"cut\.vid is (cut short|a damaged)")


def test_truncated_mp4_with_its_header_in_front_is_refused():
    data = with_header_in_front(written(list(range(30))))
    assert len(load(data).frames) == 30
    assert data.index(b"moov") < data.index(b"mdat")
    refused(as_media(data[: len(data) * 3 // 4], "cut.mp4"), "it declares .* bytes and has")


def with_header_in_front(data: bytes) -> bytes:
    """The same MP4 with `moov` before `mdat`, whose chunk offsets are moved by hand."""
    cut, end = data.index(b"mdat") - 4, data.index(b"moov") - 4
    header = bytearray(data[end:])
    table = header.index(b"stco") + 8
    for place in range(int.from_bytes(header[table : table + 4], "big")):
        at = table + 4 + 4 * place
        moved = int.from_bytes(header[at : at + 4], "big") + len(header)
        header[at : at + 4] = moved.to_bytes(4, "big")
    return data[:cut] + bytes(header) + data[cut:end]


@pytest.mark.parametrize("muxer", ["mp4", "matroska", "mov", "avi"])
def test_video_without_frames_is_refused(muxer):
    data = written([], muxer=muxer)
    refused(as_media(data, "none.vid"), r"none\.vid .*(no frames|no video track|damaged)")


def test_video_with_sound_alone_is_refused_with_advice():
    stream = io.BytesIO()
    with OPEN(stream, "w", format="mp4") as container:
        track = container.add_stream("aac", rate=16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16_000), np.float32), "fltp", "mono")
        frame.sample_rate = 16_000
        container.mux(track.encode(frame))
        container.mux(track.encode(None))
    refused(as_media(stream.getvalue(), "s.mp4"), "has sound but no pictures: convert it to WAV")


def test_undecodable_pictures_are_refused():
    data = bytearray(written(list(range(10))))
    start = data.index(b"mdat") + 4
    end = data.index(b"moov") - 4
    data[start:end] = bytes(end - start)
    refused(as_media(bytes(data), "void.mp4"), r"void\.mp4 is a damaged video")


def test_too_many_pixels_a_frame_are_refused_before_decoding():
    """The size in the H.264 header is true; the limit is what is lowered."""
    small = VideoModality(max_pixels=1000)
    with pytest.raises(MediaError, match=r"x is 64×48 pixels a frame; the limit is 1,000"):
        small.load(as_media(written([0, 1]), "x"))


def test_too_long_a_video_is_refused():
    data = written([0, 1, 2_000_000], muxer="matroska")
    refused(as_media(data, "long.mkv"), r"long\.mkv lasts 55\.6 hours; the limit is 24\.0")


def test_gif_of_a_huge_screen_is_refused():
    screen = struct.pack("<HHBBB", 65_535, 65_535, 0x80, 0, 0) + b"\0" * 6
    frame = b"\x21\xf9\x04\0\x0a\0\0\0," + struct.pack("<HHHHB", 0, 0, 65_535, 65_535, 0)
    data = b"GIF89a" + screen + (frame + b"\x02\x02\x44\x01\x00") * 2 + b";"
    refused(as_media(data, "huge.gif"), r"huge\.gif")


def test_random_damage_loads_or_is_refused():
    """Whatever byte is broken, only a `MediaError` comes out."""
    chance = np.random.default_rng(5)
    for mime in ("video/mp4", "video/webm", "video/x-msvideo", "image/gif"):
        data = VIDEO.save(VIDEO.example(), name="x", mime=mime).read()
        for _ in range(25):
            broken = bytearray(data)
            for place in chance.integers(4, len(data), 4):
                broken[place] = chance.integers(256)
            try:
                clip = VIDEO.load(as_media(bytes(broken), "broken", mime))
            except MediaError as error:
                assert "broken" in str(error) and "\n" not in str(error)
            else:
                assert len(clip.frames) == len(clip.times) >= 1


def test_a_playlist_in_disguise_opens_nothing(tmp_path):
    """FFmpeg would follow a playlist to other files; the demuxer is fixed by the content."""
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(written([0, 1]))
    playlist = f"#EXTM3U\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n".encode()
    for mime in (*MUXERS, "image/gif"):
        refused(as_media(playlist, "list.mp4", mime), r"list\.mp4")
    assert VIDEO.sniff(playlist, "list.mp4") is None


def test_a_file_on_disk_with_a_name_like_a_protocol_is_opened_as_a_file(tmp_path):
    path = tmp_path / "concat:a|b%20c.mp4"
    path.write_bytes(written(list(range(4))))
    media = Media.from_path(path, modality="video", mime="video/mp4")
    assert [number_of(frame) for frame in VIDEO.load(media).frames] == [0, 1, 2, 3]


@pytest.mark.slow
def test_an_hour_is_sampled_in_bounded_work_and_memory(tmp_path):
    """An hour of packets, made by repeating ten seconds; measured in a process of its own."""
    path = tmp_path / "hour.mp4"
    hour_long(path)
    code = """
import resource, sys, time
from pathlib import Path
from omni.media import Media
from omni.modality import modality
path = Path(sys.argv[1])
media = Media("video", "video/mp4", path.name, "0" * 64, path.stat().st_size, path=path)
before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
clip = modality("video").load(media)
used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(time.process_time() - begun, used // 1024, len(clip.frames), clip.seconds, *clip.times)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    _, megabytes, count, seconds, *times = map(float, done.stdout.split())
    assert megabytes < 500
    assert (count, seconds) == (32, pytest.approx(3600))
    assert np.abs(np.array(times) - np.linspace(0, 3599.9, 32)).max() < 10


def hour_long(path: Path) -> None:
    rate = 10
    with OPEN(io.BytesIO(written(list(range(100)), size=(320, 240), gop=100))) as source:
        packets = [(bytes(p), p.pts, p.dts, p.is_keyframe) for p in source.demux(video=0) if p.size]
        tick = source.streams.video[0].time_base
        with OPEN(str(path), "w", format="mp4") as container:
            track = container.add_stream_from_template(source.streams.video[0])
            for repeat in range(360):
                shift = round(repeat * 100 / rate / tick)
                for data, pts, dts, key in packets:
                    packet: Any = av.Packet(data)
                    packet.stream, packet.time_base = track, tick
                    packet.pts, packet.dts, packet.is_keyframe = pts + shift, dts + shift, key
                    container.mux(packet)
