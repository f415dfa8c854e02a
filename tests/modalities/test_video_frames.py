"""How frames look: turned, square in their pixels, in true colours, of bounded size."""

from __future__ import annotations

import io
import struct
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from omni.values import Clip
from tests.modalities.numbered_video import OPEN, VIDEO, load, numbered, written


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


@pytest.mark.parametrize("count", [1, 3, 8, 20])
def test_picture_is_a_strip_of_the_asked_width(count):
    frames = np.stack([np.full((48, 64, 3), 10 * i, np.uint8) for i in range(count)])
    strip = VIDEO.picture(Clip(frames, np.arange(count) / 2, count / 2, 2.0), width=320)
    assert (strip.mode, strip.width) == ("RGB", 320)
    assert strip.getpixel((5, 5)) == (0, 0, 0)
