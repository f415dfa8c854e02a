import numpy as np
import pytest
from PIL import Image

from omni.nano import drawing, judging_pictures
from omni.nano.world import scene, words


def sample(count, seed=0):
    every = drawing.keys()
    return [str(key) for key in np.random.default_rng(seed).choice(every, count, replace=False)]


def test_every_key_is_there_once():
    every = drawing.keys()
    assert len(every) == len(set(every)) == 640 + 8192 + 48 + 24


@pytest.mark.parametrize(
    "keys", [drawing.solids(), drawing.courses(), sample(120)], ids=["solids", "plots", "any"]
)
def test_pictures_are_judged_as_what_they_are_and_as_nothing_else(keys):
    for key, other in zip(keys, [*keys[1:], keys[0]], strict=True):
        picture = drawing.picture(key)
        assert drawing.judge(picture, key), key
        assert not drawing.judge(picture, other), (key, other)


@pytest.mark.parametrize("size", words.SIZES)
@pytest.mark.parametrize("shape", words.SHAPES)
def test_scenes_of_the_world_are_judged_as_what_they_are(shape, size):
    for colour, place in zip(words.COLOURS, words.PLACES * 2, strict=False):
        picture = scene.draw(scene.clean(colour, shape, size, place), 128, 128)
        sight = judging_pictures.judge_picture(picture)
        assert sight == judging_pictures.Sight(colour, shape, size, place)


def test_nothing_is_no_picture_of_anything():
    empty = Image.new("RGB", (256, 256), "white")
    noise = np.random.default_rng(0).integers(0, 255, (256, 256, 3), dtype=np.uint8)
    for picture in (empty, Image.fromarray(noise)):
        for key in ("large red circle middle", "red circle left, blue star right", "red cube"):
            assert not drawing.judge(picture, key)
        assert not drawing.judge(picture, "flat plot")


def test_labels_are_shares_and_know_no_colour():
    for key in sample(30, seed=1):
        labels, palette = drawing.labels(key)
        assert labels.shape == (64, 64, 4) and len(palette) == 4
        assert np.allclose(labels.sum(-1), 1, atol=1e-5) and labels.min() >= 0
    red, blue = (drawing.labels(f"small {c} star left") for c in ("red", "blue"))
    assert np.array_equal(red[0], blue[0]) and red[1] != blue[1]


def test_a_pair_is_two_single_shapes_with_labels_of_their_own():
    labels, palette = drawing.labels("red heart top, blue ring bottom")
    one, _ = drawing.labels("small red heart top")
    two, _ = drawing.labels("small blue ring bottom")
    assert np.array_equal(labels[..., 1], one[..., 1])
    assert np.array_equal(labels[..., 2], two[..., 1])
    assert palette == ("white", "red", "blue", "white")


def test_a_small_shape_touches_four_patches_only():
    for shape in words.SHAPES:
        for place in words.PLACES:
            inked = drawing.cover(shape, "small", place).reshape(8, 8, 8, 8).any((1, 3))
            assert inked.sum() == 4


def test_what_cannot_be_drawn_is_said():
    with pytest.raises(ValueError, match="'a cat on the mat' cannot be drawn; 'small red circle"):
        drawing.labels("a cat on the mat")
