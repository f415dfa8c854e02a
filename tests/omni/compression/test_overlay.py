"""Kept tokens are as they were, dropped ones are dim: for every modality, pixel by pixel."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from omni.compression import overlay
from omni.compression.budget import Grid
from omni.errors import UsageError
from omni.modality import modality

WIDTH = 320
GRIDS = {
    "image": Grid(1, 12, 12),
    "audio": Grid(13),
    "series": Grid(2, 1, 16),
    "points": Grid(1, 1, 32),
    "video": Grid(4, 4, 4),
}


def pixels(picture):
    return np.asarray(picture.convert("RGB")).astype(int)


def drawn(name, places, grid=None, width=WIDTH):
    plugin = modality(name)
    value = plugin.example()
    if grid is None:
        grid = GRIDS[name]
        if name == "video":
            grid = Grid(min(8, len(value.frames)), 4, 4)
    return pixels(plugin.overlay(value, grid, places, width=width)), grid


@settings(max_examples=30, deadline=None)
@given(data=st.data(), rows=st.integers(1, 7), columns=st.integers(1, 7))
def test_inside_of_cells_is_clear_or_dim(data, rows, columns):
    rng = np.random.default_rng(rows * 10 + columns)
    raw = rng.integers(40, 256, (rows * 16, columns * 16, 3), dtype=np.uint8)
    kept = data.draw(st.sets(st.integers(0, rows * columns - 1)))
    found = pixels(overlay.cells(Image.fromarray(raw), Grid(1, rows, columns), sorted(kept)))
    for place in range(rows * columns):
        top, left = place // columns * 16, place % columns * 16
        inner = slice(top + 2, top + 14), slice(left + 2, left + 14)
        ratio = found[inner] / raw[inner]
        if place in kept:
            assert (ratio == 1).all()
        else:
            assert abs(ratio - overlay.DIM).max() < 0.03


@settings(max_examples=30, deadline=None)
@given(data=st.data(), count=st.integers(1, 20), share=st.sampled_from([1.0, 0.5]))
def test_spans_are_clear_or_grey(data, count, share):
    kept = data.draw(st.sets(st.integers(0, count - 1)))
    white = Image.new("RGB", (200, 40), "white")
    found = pixels(overlay.spans(white, (20, 0, 180, 30), count, sorted(kept), share))
    grey = round(128 + overlay.FADED * 127)
    for x in range(200):
        number = (x + 0.5 - 20) / (160 * share) * count
        inside = 20 <= x < 180
        clear = not inside or (number < count and int(number) in kept)
        near = abs(number - round(number)) * 160 * share / count < 1.01  # rounding of an edge
        if not near:
            assert (abs(found[5, x] - (255 if clear else grey)) <= 1).all(), x
    assert (found[31:] == 255).all()


def test_a_bar_counts_tokens_in_no_order():
    found = pixels(overlay.tally(Image.new("RGB", (100, 20), "red"), 10, [0, 7]))
    assert found.shape == (32, 100, 3) and (found[:20] == [255, 0, 0]).all()
    for number in range(10):
        colour = overlay.KEPT if number in (0, 7) else overlay.DROPPED
        assert tuple(found[26, number * 10 + 4]) == colour


def test_any_grid_finds_its_form():
    picture = Image.new("RGB", (64, 48), "white")
    assert overlay.overlay(picture, Grid(1, 4, 4), [0]).size == (64, 48)
    assert overlay.overlay(picture, Grid(6), [0]).size == (64, 48)
    assert overlay.overlay(picture, Grid(1, 1, 5), [0]).size == (64, 60)
    assert overlay.overlay(picture, Grid(1, 400, 2), [0]).size == (64, 60)  # more cells than pixels
    assert overlay.overlay(picture, Grid(1, 1, 1), [0]).size == (64, 60)
    for grid in (Grid(1, 4, 4), Grid(16), Grid(1, 1, 16)):
        with pytest.raises(UsageError, match="token 16 lies outside a grid of 16 tokens"):
            overlay.overlay(picture, grid, [3, 16])


@pytest.mark.parametrize("name", list(GRIDS))
def test_the_less_is_kept_the_less_is_clear(name):
    whole, grid = drawn(name, range(GRIDS[name].tokens) if name != "video" else [])
    if name == "video":
        whole, grid = drawn(name, range(grid.tokens))
    half, _ = drawn(name, range(grid.tokens // 2))
    none, _ = drawn(name, [])
    assert whole.shape == half.shape == none.shape
    changed = (half != whole).any(-1).mean(), (none != whole).any(-1).mean()
    assert 0 < changed[0] < changed[1]


def test_a_picture_is_shown_as_the_encoder_sees_it():
    wide = Image.new("RGB", (200, 50), "red")
    found = pixels(modality("image").overlay(wide, Grid(1, 4, 4), range(16), width=80))
    assert found.shape == (80, 80, 3)
    assert (abs(found[8, 8] - 128) <= 1).all() and (found[38, 8] == [255, 0, 0]).all()


def test_sound_that_is_not_heard_is_dim():
    plugin = modality("audio")
    value = plugin.example()
    long = type(value)(np.tile(value.samples, (120, 1)), value.sample_rate)  # 60 s, 30 are heard
    found = pixels(plugin.overlay(long, Grid(750), range(750), width=WIDTH))
    plain = pixels(plugin.picture(long, width=WIDTH))
    upper = found[4:20], plain[4:20]
    assert (upper[0][:, : WIDTH // 2 - 2] == upper[1][:, : WIDTH // 2 - 2]).all()
    assert (upper[0][:, WIDTH // 2 + 2 :] != upper[1][:, WIDTH // 2 + 2 :]).any(-1).mean() > 0.8


def test_columns_of_a_table_have_their_own_patches():
    plugin = modality("series")
    whole, _ = drawn("series", range(32))
    first, _ = drawn("series", range(16))
    changed = (whole != first).any(-1).any(1)
    middle = len(changed) // 2
    assert not changed[: middle - 20].any() and changed[middle + 10 : -30].all()
    assert plugin.overlay(plugin.example(), Grid(9, 1, 16), [3], width=WIDTH).width == WIDTH


def test_points_near_a_kept_patch_keep_their_colour():
    from omni.modalities.points.encoder import describe, lonely, patch_of, upright

    features = modality("points").features(modality("points").example())
    owner = patch_of(features["xyz"])
    assert owner.shape == (1024,) and set(owner.tolist()) == set(range(32))
    # The encoder tells how far out the middle of each patch lies; that point is its patch's own.
    distance = describe(*(features[name][None] for name in ("xyz", "rgb", "scale"))).places[0, :, 0]
    turned = upright(features["xyz"][None], ~lonely(features["xyz"][None]))[0][0].norm(dim=-1)
    for patch in range(32):
        assert (turned[owner == patch] - distance[patch]).abs().min() < 1e-5
    whole, _ = drawn("points", range(32))
    some, _ = drawn("points", [0, 5])
    assert (whole != some).any()


def test_frames_and_counts_of_a_film_stand_side_by_side():
    found, grid = drawn("video", [0, 1, 16])
    assert found.shape[1] <= WIDTH
    assert len(modality("video").example().frames) >= grid.time
    plugin = modality("video")
    longer = plugin.overlay(plugin.example(), Grid(99, 4, 4), [3], width=WIDTH)
    assert longer.width == WIDTH  # more frames than there are: only counted
