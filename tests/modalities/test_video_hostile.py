"""Damaged and hostile video: refused in one line, in bounded work, and nothing else opened."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from omni.errors import MediaError
from omni.media import Media
from omni.values import Clip
from tests.modalities.numbered_video import (
    MUXERS,
    OPEN,
    VIDEO,
    VideoModality,
    as_media,
    load,
    number_of,
    numbered,
    written,
)


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
