"""A workbench with one thing of every kind on its shelf."""

import numpy as np
import pytest
from PIL import Image

from omni.media import Access, Shelf
from omni.modality import modality
from omni.plugins import load
from omni.values import Clip, Series, Waveform
from omni.wire import take
from omni.workbench import Workbench


def scene() -> Image.Image:
    picture = Image.new("RGB", (80, 60), (255, 255, 255))
    picture.paste((220, 20, 20), (10, 10, 30, 30))
    return picture


def film() -> Clip:
    """Four seconds of red, green, blue and white, each with a tone of its own."""
    frames = np.zeros((40, 48, 64, 3), np.uint8)
    for second, colour in enumerate(((220, 0, 0), (0, 200, 0), (0, 0, 220), (255, 255, 255))):
        frames[second * 10 : second * 10 + 10] = colour
    rate = 8000
    at = np.arange(4 * rate) / rate
    tone = 0.3 * np.sin(2 * np.pi * (200 + 100 * np.floor(at)) * at)
    return Clip(frames, np.arange(40) / 10, 4.0, 10.0, Waveform(tone[:, None].astype("f4"), rate))


def seasonal(rows: int = 96) -> Series:
    at = np.arange(rows)
    values = 10 + 0.5 * at + 3 * np.sin(2 * np.pi * at / 12)
    times = np.datetime64("2020-01-01", "ns") + at * np.timedelta64(1, "D")
    return Series(np.stack([values, 100 - at], 1), ("sales", "stock"), times, "D")


def put_on(shelf: Shelf, kind: str, value, name: str) -> str:
    return take(modality(kind).save(value, name=name), shelf).handle


@pytest.fixture
def put():
    """Put a value on a shelf; its handle."""
    return put_on


@pytest.fixture
def sales():
    return seasonal


@pytest.fixture
def shelf(tmp_path):
    return Shelf(load("memory", "blobs")(tmp_path / "blobs"))


@pytest.fixture
def bench(shelf):
    """img-1, vid-1, aud-1, ser-1 and pts-1."""
    put_on(shelf, "image", scene(), "scene.png")
    put_on(shelf, "video", film(), "film.mp4")
    at = np.arange(8000) / 16000
    tone = (0.3 * np.sin(2 * np.pi * 440 * at)).astype("f4")[:, None]
    put_on(shelf, "audio", Waveform(tone, 16_000), "tone.wav")
    put_on(shelf, "series", seasonal(), "sales.csv")
    put_on(shelf, "points", modality("points").example(0), "solid.ply")
    return Workbench(shelf, Access())
