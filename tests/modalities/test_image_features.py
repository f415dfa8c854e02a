"""What is made of an image: features in a letterbox, pictures of a width, white beneath alpha."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from omni.pixels import fitted, flatten, letterbox
from tests.modalities.pictures import IMAGE, photo


@pytest.mark.parametrize("size", [(1, 1), (64, 64), (3000, 10), (10, 3000), (2, 70_000)])
def test_picture_has_the_asked_width_and_a_bounded_height(size):
    picture = IMAGE.picture(Image.new("RGB", size, "blue"), width=200)
    assert picture.mode == "RGB"
    assert picture.width == 200
    assert 1 <= picture.height <= 800


def test_features_are_the_frozen_ones():
    features = IMAGE.features(photo())
    assert list(features) == ["pixels"]
    assert tuple(features["pixels"].shape) == (3, 96, 96)
    assert str(features["pixels"].dtype) == "torch.float32"
    assert IMAGE.estimate_tokens(photo()) == 144


def test_alpha_shows_white_beneath():
    clear = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    half = Image.new("RGBA", (8, 8), (0, 0, 0, 128))
    assert IMAGE.features(clear)["pixels"].min() == 1
    assert flatten(half).getpixel((0, 0)) == (127, 127, 127)
    assert IMAGE.picture(clear, width=8).getpixel((0, 0)) == (255, 255, 255)
    saved = IMAGE.save(clear, name="clear.jpg", mime="image/jpeg")
    assert min(IMAGE.load(saved).getpixel((3, 3))) >= 254
    assert IMAGE.facts(clear)["transparency"] is True
    assert IMAGE.facts(clear.convert("RGB"))["transparency"] is False


def test_letterbox_agrees_with_pillow_and_a_grey_frame():
    image = photo(96, 48)
    square = letterbox(image, 96)
    inner = np.asarray(image, np.float32).transpose(2, 0, 1) / 255
    assert np.array_equal(square[:, 24:72], inner)
    assert (square[:, :24] == 0.5).all() and (square[:, 72:] == 0.5).all()
    half = letterbox(photo(192, 96), 96)[:, 24:72]
    reference = photo(192, 96).resize((96, 48), Image.Resampling.LANCZOS)
    assert np.array_equal(half, np.asarray(reference, np.float32).transpose(2, 0, 1) / 255)


@given(
    width=st.integers(1, 5000),
    height=st.integers(1, 5000),
    size=st.integers(1, 256),
)
def test_fitted_fills_one_side_keeps_the_aspect_and_is_centred(width, height, size):
    left, top, wide, high = fitted(width, height, size)
    assert max(wide, high) == size and min(wide, high) >= 1
    assert abs(wide / size - width / max(width, height)) <= 1 / size
    assert abs(high / size - height / max(width, height)) <= 1 / size
    assert left == (size - wide) // 2 and top == (size - high) // 2


@settings(max_examples=40, deadline=None)
@given(width=st.integers(1, 300), height=st.integers(1, 300), colour=st.integers(0, 255))
def test_letterbox_of_one_colour_has_that_colour_and_grey(width, height, colour):
    square = letterbox(Image.new("L", (width, height), colour), 96)
    left, top, wide, high = fitted(width, height, 96)
    assert square.shape == (3, 96, 96)
    inside = square[:, top : top + high, left : left + wide]
    assert np.allclose(inside, colour / 255, atol=1e-6)
    assert np.isclose(square.sum(), 0.5 * 3 * (96 * 96 - wide * high) + inside.sum(), rtol=1e-4)


def test_example_is_the_same_for_the_same_seed():
    assert IMAGE.example(3).tobytes() == IMAGE.example(3).tobytes()
    assert IMAGE.example(3).tobytes() != IMAGE.example(4).tobytes()
