"""Scenes of several things are measured again on their pixels, without asking the world."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from omni.nano import corpus
from omni.nano.world import backgrounds, group, nameless, scene, strange_image, words
from omni.pixels import letterbox

SEEDS = range(30)


def quiet(found: group.Group, *things: group.Thing) -> group.Group:
    """The same place with only these things in it, and nothing that disturbs a measurement."""
    plain = {"background": "flat", "backdrop": ((0, 0, 0),) * 3, "noise": 0.0, "quality": None}
    return replace(found, things=things, clutter=0, **plain)


def lit(thing: group.Thing, *, on: bool = True) -> group.Thing:
    return replace(thing, rgb=(255,) * 3 if on else (0, 0, 0), shading=0.0)


def mask(found: group.Group, *things: group.Thing) -> np.ndarray:
    return np.asarray(group.draw(quiet(found, *things)))[..., 0] > 127


def test_the_same_seed_gives_the_same_picture():
    for seed in range(8):
        first, second = group.sample(seed), group.sample(seed)
        assert first == second
        assert np.array_equal(np.asarray(group.draw(first)), np.asarray(group.draw(second)))
    assert group.sample(1) != group.sample(2)


def test_one_to_six_things_are_about_as_frequent_as_said():
    counts = Counter(len(group.sample(seed).things) for seed in range(400))
    for number, share in enumerate(group.COUNTS, 1):
        assert counts[number] / 400 == pytest.approx(share, abs=0.07)
    assert len(group.sample(3, count=6).things) == 6
    assert group.draw(group.sample(3, count=0)).mode == "RGB"


@pytest.mark.parametrize("held_out", [False, True])
def test_held_out_pairs_are_kept_apart(held_out):
    pairs = {
        (thing.colour, thing.shape)
        for seed in range(250)
        for thing in group.sample(seed, held_out=held_out, strange=0.2).things
        if thing.colour and thing.shape
    }
    everything = {(c, s) for c in words.COLOURS for s in words.SHAPES}
    assert pairs <= (words.HELD_OUT if held_out else everything - words.HELD_OUT)
    assert len(pairs) > (5 if held_out else 50)


def test_most_of_each_thing_is_seen():
    for seed in SEEDS:
        found = group.sample(seed)
        for index, thing in enumerate(found.things):
            dark = [lit(other, on=False) for other in found.things[index + 1 :]]
            seen, whole = mask(found, lit(thing), *dark), mask(found, lit(thing))
            # a pixel raster is finer than the one on which the share is checked
            assert seen.sum() >= (1 - group.HIDDEN - 0.1) * whole.sum(), (seed, thing)


def test_spots_and_sizes_follow_from_the_pixels():
    for seed in SEEDS:
        found = group.sample(seed)
        rows = group.describe(found)
        assert [row["x"] for row in rows] == sorted(row["x"] for row in rows)
        assert len(rows) == len(found.things)
        for thing in found.things:
            square = letterbox(group.draw(quiet(found, lit(thing))), 192)[0]
            down, across = np.nonzero(square > 0.6)
            edges = np.array([across.min(), across.max() + 1, down.min(), down.max() + 1]) / 192
            x, y = edges[:2].mean(), edges[2:].mean()
            reach = max(edges[1] - edges[0], edges[3] - edges[2]) / 2
            row = min(rows, key=lambda row: abs(row["x"] - x) + abs(row["y"] - y))
            assert (row["colour"], row["shape"]) == (thing.colour, thing.shape)
            assert (row["x"], row["y"]) == pytest.approx((x, y), abs=0.012)
            assert row["radius"] == pytest.approx(reach, abs=0.02)  # thin tips are faint
            share = row["radius"] * max(found.resolution) / min(found.resolution)
            assert row["size"] == ("small" if share < 0.165 else "large")


def test_a_place_is_named_only_where_there_is_no_doubt():
    named = Counter()
    for seed in range(150):
        found = group.sample(seed)
        for thing in found.things:
            across, down = (value - 0.5 for value in thing.centre)
            far, near = max(abs(across), abs(down)), min(abs(across), abs(down))
            if thing.place == "middle":
                assert far < 0.08
            elif thing.place:
                assert far > 0.15 and near < 0.08
                side = ("left", "right") if abs(across) > abs(down) else ("top", "bottom")
                assert thing.place == side[int((across if near == abs(down) else down) > 0)]
            else:
                assert len(found.things) > 1
            named[thing.place] += 1
    assert set(named) == {*words.PLACES, ""}


def test_things_stand_out_from_what_is_behind_them():
    for seed in SEEDS:
        found = replace(group.sample(seed), noise=0.0, quality=None, clutter=0)
        bare = np.asarray(group.draw(replace(found, things=())), int)
        for thing in found.things:
            behind = bare[mask(found, lit(thing))]
            assert np.linalg.norm(behind - np.array(thing.rgb), axis=1).mean() > 40, (seed, thing)


def test_owners_are_the_things_in_front():
    for seed in SEEDS:
        found = group.sample(seed)
        raster = group.owners(found.things, found.resolution)
        assert raster.shape == (group.RASTER, group.RASTER)
        for index, thing in enumerate(found.things):
            if thing.shape == "ring":
                continue  # its hole is its own on the raster, and is not painted
            dark = [
                replace(
                    lit(other, on=False), shape="circle" if other.shape == "ring" else other.shape
                )
                for other in found.things[index + 1 :]
            ]
            square = letterbox(group.draw(quiet(found, lit(thing), *dark)), 2 * group.RASTER)[0]
            square[square == 0.5] = 0  # the border of the letterbox
            seen = square.reshape(group.RASTER, 2, group.RASTER, 2).mean((1, 3))
            mine = raster == index + 1
            assert seen[mine].mean() > 0.45 and seen[~mine].mean() < 0.03, (seed, thing)


def test_clutter_is_too_small_to_be_a_thing():
    for seed in range(20):
        found = replace(group.sample(seed), noise=0.0, quality=None, things=())
        strewn = np.asarray(group.draw(replace(found, clutter=6, background="flat")), int)
        bare = np.asarray(group.draw(replace(found, clutter=0, background="flat")), int)
        share = (np.abs(strewn - bare).sum(-1) > 10).mean()
        assert 0 < share < 0.1


def test_nameless_colours_are_far_from_named_ones():
    rng = np.random.default_rng(5)
    named = np.array([scene.shade(colour, rng) for colour in words.COLOURS for _ in range(200)])
    for _ in range(100):
        distance = np.linalg.norm(named - nameless.colour(rng), axis=1)
        assert distance.min() > nameless.APART - 20


def test_nameless_outlines_fill_their_box_and_differ():
    outlines = [nameless.outline(seed)[0] for seed in range(40)]
    for points in outlines:
        low, high = points.min(0), points.max(0)
        assert (high - low).max() == pytest.approx(2)
        assert low + high == pytest.approx(0, abs=1e-9)
    assert len({points.round(3).tobytes() for points in outlines}) == 40


@pytest.mark.parametrize("kind", [*backgrounds.PLAIN, *backgrounds.RICH])
def test_backgrounds_are_made_of_their_colours(kind):
    colours = ((200, 190, 180), (150, 160, 170), (100, 90, 120))
    pixels = backgrounds.paint(kind, colours, 60, 40, np.random.default_rng(0), angle=0, waves=4)
    again = backgrounds.paint(kind, colours, 60, 40, np.random.default_rng(0), angle=0, waves=4)
    assert pixels.shape == (40, 60, 3) and np.array_equal(pixels, again)
    assert pixels.min() > 60 and pixels.max() < 250
    assert (pixels.std((0, 1)).max() == 0) == (kind == "flat")
    if kind == "stripes":
        spectrum = np.abs(np.fft.rfft(pixels[0, :, 0] - pixels[0, :, 0].mean()))
        assert spectrum.argmax() == 4
    if kind == "gradient":
        assert (np.diff(pixels[0, :, 0]) < 0).all()


def test_octaves_are_noise_between_nothing_and_one():
    smooth, rough = (
        backgrounds.octaves(96, 64, np.random.default_rng(1), coarsest=cells, levels=3)
        for cells in (3, 20)
    )
    assert smooth.shape == (64, 96)
    assert -0.2 < smooth.min() < smooth.max() < 1.2
    assert np.abs(np.diff(smooth)).mean() < np.abs(np.diff(rough)).mean()


def test_pictures_from_outside_differ_and_repeat():
    rng, again = np.random.default_rng(0), np.random.default_rng(0)
    pictures = [strange_image.picture(rng) for _ in range(24)]
    for made in pictures:
        assert made.mode == "RGB" and np.asarray(made).std() > 3
        assert np.array_equal(np.asarray(made), np.asarray(strange_image.picture(again)))
    assert len({made.tobytes() for made in pictures}) == 24


def test_the_corpus_names_all_it_shows():
    rng = np.random.default_rng(0)
    rows = [corpus.see_image(rng, held_out=False).labels for _ in range(120)]
    assert 0 < sum(row == {"outside": True} for row in rows) < 20
    for row in rows:
        for thing in row.get("objects", ()):
            assert thing["colour"] in words.COLOURS and thing["shape"] in words.SHAPES
            assert all(0 <= thing[name] <= 1 for name in ("x", "y", "radius"))
    unseen = [corpus.see_image(rng, held_out=True).labels["objects"] for _ in range(20)]
    assert {(t["colour"], t["shape"]) for row in unseen for t in row} <= words.HELD_OUT
