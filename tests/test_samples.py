"""The bundled samples: small, whole, what their names say, and made by the script beside them."""

import importlib.util
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from omni.extras import available
from omni.modality import modality, open_media

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "recipes" / "samples"
KINDS = {
    "red-circle.png": "image",
    "blue-square.wav": "audio",
    "three-beeps.wav": "audio",
    "moving-right.mp4": "video",
    "torus.ply": "points",
    "rising.csv": "series",
    "lighthouse.md": "text",
}


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("make_samples", ROOT / "recipes/make_samples.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def load(name):
    return modality(KINDS[name]).load(open_media(SAMPLES / name))


def test_there_is_one_of_each_kind_and_nothing_else():
    assert {path.name for path in SAMPLES.iterdir()} == set(KINDS)
    assert set(KINDS.values()) == {"image", "audio", "video", "points", "series", "text"}


@pytest.mark.parametrize("name", KINDS)
def test_a_sample_is_small_and_of_its_kind(name):
    media = open_media(SAMPLES / name)
    assert media.modality == KINDS[name]
    assert media.size < 100_000


def test_the_tour_shows_the_same_bytes(script):
    for name in script.SHOWN_BY_THE_TOUR:
        assert (script.TOUR / name).read_bytes() == (SAMPLES / name).read_bytes()


def test_the_script_makes_them_again(script):
    assert (np.asarray(script.picture("red", "circle")) == np.asarray(load("red-circle.png"))).all()
    assert np.allclose(script.rising().values, load("rising.csv").values)
    assert np.allclose(script.torus().xyz, load("torus.ply").xyz, atol=1e-5)
    assert (SAMPLES / "lighthouse.md").read_text("utf-8") == script.NOTES
    assert (
        abs(script.film().frames.astype(float)[0] - load("moving-right.mp4").frames[0]).mean() < 5
    )


@pytest.mark.skipif(not available("espeakng_loader"), reason="needs the extra offline")
def test_the_script_says_the_same_words(script):
    said = script.speech.speak("blue square").samples
    assert np.allclose(said, load("blue-square.wav").samples, atol=1e-3)


def test_the_pictures_show_what_their_names_say():
    red, green, blue = np.asarray(load("red-circle.png"))[120, 120, :3].astype(int)
    assert red > 150 > 60 > max(green, blue)
    frames = load("moving-right.mp4").frames.astype(int)
    inside = (frames[..., 1] - frames[..., 0]) > 40
    middles = [np.nonzero(frame)[1].mean() for frame in inside]
    assert all(b > a for a, b in pairwise(middles))


def test_the_series_rises_with_a_season_of_thirty_days():
    values = load("rising.csv").values[:, 0]
    line = np.polyfit(np.arange(len(values)), values, 1)
    rest = values - np.polyval(line, np.arange(len(values)))
    assert line[0] * len(values) > 2 * rest.std()
    assert np.abs(np.fft.rfft(rest))[1:].argmax() + 1 == 6
