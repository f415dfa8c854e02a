"""A workbench with one thing of every kind on its shelf."""

import numpy as np
import pytest
from PIL import Image

from omni.errors import UsageError
from omni.making import Made, Maker, Makers
from omni.media import Access, Media, Shelf
from omni.modality import modality
from omni.plugins import load
from omni.recollection import Recalled
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


class Painter(Maker):
    """Makes what a maker would, at once: a colour that follows from the seed."""

    makes = frozenset({"image", "audio", "text"})

    def make(self, wish):
        if wish.kind == "text":
            words = f"{wish.prompt} ({wish.sources[0].modality})"
            media = Media.from_bytes(
                words.encode(), modality="text", mime="text/plain", name="a.txt"
            )
            return Made(media, "looker", words=words)
        if wish.kind == "image":
            picture = Image.new("RGB", (8, 8), ((wish.seed or 0) % 256, 0, 0))
            media = modality("image").save(picture, name="painted.png")
        else:
            media = modality("audio").save(Waveform(np.zeros((80, 1), "f4"), 8000), name="a.wav")
        return Made(media, "painter", wish.seed, {"steps": 2})


class Notebook:
    """A memory that holds what it is told, and finds it by any word."""

    def __init__(self):
        self.kept: dict[str, tuple[str, Media | None]] = {"note-1": ("a first note", None)}

    def remember(self, text, media=()):
        new = [f"note-{len(self.kept) + 1}"]
        self.kept[new[0]] = (text, media[0] if media else None)
        return new

    def recall(self, text, media=(), k=5):
        words = set(text.lower().strip("?").split())
        found = [
            Recalled(id, said, "notebook", held, 1.0)
            for id, (said, held) in self.kept.items()
            if words & set(said.lower().split()) or (media and held == media[0])
        ]
        return found[:k]

    def forget(self, id):
        if id not in self.kept:
            raise UsageError(f"no record {id!r} here: omni memory search finds ids")
        del self.kept[id]
        return 1


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
    painter = Painter()
    makers = Makers(dict.fromkeys(painter.makes, painter))
    return Workbench(shelf, Access(), makers=makers, memory=Notebook())
