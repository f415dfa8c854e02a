import numpy as np
import pytest
from PIL import Image

from omni import plugins
from omni.testing import Golden, assert_same_media
from omni.testing.golden import UPDATE


def media(name, seed=0):
    plugin = plugins.load("modalities", name)
    return plugin.save(plugin.example(seed), name=f"{name}-{seed}{plugin.suffixes[0]}")


def picture(pixels):
    plugin = plugins.load("modalities", "image")
    return plugin.save(Image.fromarray(pixels.astype(np.uint8)), name="x.png")


@pytest.mark.parametrize("name", plugins.names("modalities"))
def test_what_is_the_same_is_the_same_and_what_is_not_is_not(name):
    assert_same_media(media(name), media(name))
    with pytest.raises(AssertionError, match=r"differs from|the words of|is of shape"):
        assert_same_media(media(name, 1), media(name, 2))


def test_decibels_are_those_of_the_textbook():
    pixels = np.full((32, 32, 3), 100.0)
    noisy = pixels + np.where(np.arange(32) % 2, 2.0, -2.0)[:, None, None]
    told = 20 * np.log10(255 / 2) + 10 * np.log10(4 / 3)  # three of four channels differ
    assert_same_media(picture(noisy), picture(pixels), decibels=told - 0.05)
    with pytest.raises(AssertionError, match=rf"{told:.1f} dB, wanted 60 dB"):
        assert_same_media(picture(noisy), picture(pixels), decibels=60)


def test_kinds_and_shapes_are_told():
    with pytest.raises(AssertionError, match="is audio, wanted image"):
        assert_same_media(media("audio"), media("image"))
    with pytest.raises(AssertionError, match=r"is of shape \(8, 8, 4\), wanted \(9, 8, 4\)"):
        assert_same_media(picture(np.zeros((8, 8, 3))), picture(np.zeros((9, 8, 3))))


def test_what_is_made_is_kept_when_asked_and_compared_after(tmp_path, monkeypatch):
    golden = Golden(tmp_path / "golden")
    with pytest.raises(AssertionError, match=f"is not kept yet: run once with {UPDATE}=1"):
        golden.check(media("image"), "scene")
    monkeypatch.setenv(UPDATE, "1")
    golden.check(media("image"), "scene")
    monkeypatch.delenv(UPDATE)
    golden.check(media("image"), "scene")
    with pytest.raises(AssertionError, match=r"\nmade: .*scene\.png\nkept: .*scene\.png"):
        golden.check(media("image", 5), "scene")
