"""The world's labels are measured again on pixels and points, without asking the world."""

from __future__ import annotations

import colorsys
from dataclasses import replace

import numpy as np
import pytest
import trimesh

from omni.nano.world import scene, solid, strange_solids, words

SEEDS = range(80)
HUES = {
    "red": (345, 16),
    "orange": (16, 42),
    "yellow": (42, 68),
    "green": (80, 160),
    "cyan": (165, 205),
    "blue": (206, 250),
    "purple": (251, 305),
}


def cover(found: scene.Scene, width: int | None = None, height: int | None = None) -> np.ndarray:
    """Which pixels change when the object is painted differently."""
    quiet = replace(found, noise=0.0, quality=None, shading=0.0)
    other = replace(quiet, rgb=(255, 255, 255) if sum(found.rgb) < 380 else (0, 0, 0))
    pictures = [np.asarray(scene.draw(s, width, height), int) for s in (quiet, other)]
    return np.abs(pictures[0] - pictures[1]).sum(-1) > 120


def extent(mask: np.ndarray) -> tuple[float, float, float]:
    """Middle of the mask's box as shares of width and height; half its longer side, as pixels."""
    rows, columns = np.nonzero(mask)
    box = np.array([columns.min(), columns.max() + 1, rows.min(), rows.max() + 1])
    middle = box[:2].mean() / mask.shape[1], box[2:].mean() / mask.shape[0]
    return *middle, max(box[1] - box[0], box[3] - box[2]) / 2


def thin(mask: np.ndarray) -> np.ndarray:
    """What of the mask touches its outside."""
    padded = np.pad(mask, 1)
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return mask & ~inner


def word_for(x: float, y: float) -> str:
    if max(abs(x - 0.5), abs(y - 0.5)) < 0.12:
        return "middle"
    if abs(x - 0.5) > abs(y - 0.5):
        return "left" if x < 0.5 else "right"
    return "top" if y < 0.5 else "bottom"


def named(rgb: np.ndarray) -> str:
    """A colour's name by its hue; pink is a light red or magenta."""
    hue, lightness, _ = colorsys.rgb_to_hls(*(rgb / 255))
    hue *= 360
    if lightness > 0.6 and (hue > 290 or hue < 12):
        return "pink"
    for name, (low, high) in HUES.items():
        if low <= hue < high or (low > high and (hue >= low or hue < high)):
            return name
    return "pink" if lightness > 0.55 else "none"


def test_the_same_seed_gives_the_same_picture():
    for seed in range(10):
        first, second = scene.sample(seed), scene.sample(seed)
        assert first == second
        assert np.array_equal(np.asarray(scene.draw(first)), np.asarray(scene.draw(second)))
    assert scene.sample(1) != scene.sample(2)


@pytest.mark.parametrize("held_out", [False, True])
def test_held_out_pairs_are_kept_apart(held_out):
    rng = np.random.default_rng(0)
    pairs = {scene.pair(rng, held_out=held_out) for _ in range(3000)}
    if held_out:
        assert pairs == words.HELD_OUT
    else:
        everything = {(c, s) for c in words.COLOURS for s in words.SHAPES}
        assert pairs == everything - words.HELD_OUT


def test_colours_are_what_their_hue_says():
    wrong = []
    for seed in range(600):
        found = scene.sample(seed)
        if named(np.array(found.rgb, float)) != found.colour:
            wrong.append((found.colour, found.rgb))
    assert len(wrong) <= 12, wrong  # a hue table is coarse


def test_the_object_is_painted_in_its_colour_and_stands_out():
    for seed in SEEDS:
        found = replace(scene.sample(seed, held_out=None), noise=0.0, quality=None, shading=0.0)
        pixels, mask = np.asarray(scene.draw(found), int), cover(found)
        inside = np.median(pixels[mask & ~thin(mask)], 0)
        assert np.abs(inside - found.rgb).max() <= 3
        assert np.linalg.norm(np.median(pixels[~mask], 0) - inside) > 60


def test_place_and_size_follow_from_the_pixels():
    for seed in SEEDS:
        found = scene.sample(seed, held_out=None)
        mask = cover(found)
        x, y, reach = extent(mask)
        assert word_for(x, y) == found.place, found
        share = reach / min(mask.shape)
        assert ("small" if share < 0.165 else "large") == found.size, (share, found)


def test_shapes_differ_as_they_should():
    filled = {}
    for shape in words.SHAPES:
        mask = cover(scene.clean("blue", shape), 256, 256)
        _, _, reach = extent(mask)
        filled[shape] = mask.sum() / (2 * reach) ** 2
    assert filled["square"] == pytest.approx(1, abs=0.03)
    assert filled["circle"] == pytest.approx(np.pi / 4, abs=0.02)
    assert filled["ring"] == pytest.approx(np.pi / 4 * (1 - 0.575**2), abs=0.02)
    assert filled["diamond"] == pytest.approx(0.4, abs=0.02)
    assert filled["star"] < filled["triangle"] < filled["heart"] < filled["circle"]


def test_clean_scenes_are_exact_on_white():
    for colour, rgb in words.COLOURS.items():
        for place in words.PLACES:
            pixels = np.asarray(scene.draw(scene.clean(colour, "square", "small", place), 64, 64))
            assert (pixels[[0, 0, -1, -1], [0, -1, 0, -1]] == 255).all()
            x, y, _ = extent((pixels != 255).any(-1))
            assert word_for(x, y) == place
            assert (pixels[int(y * 64), int(x * 64)] == rgb).all()


def test_an_unknown_shape_is_named():
    with pytest.raises(ValueError, match="'blob' is no shape of the world: circle"):
        scene.outline("blob")


@pytest.mark.parametrize("name", words.SOLIDS)
@pytest.mark.parametrize("form", [0.0, 1.0])
def test_solids_are_closed_surfaces(name, form):
    vertices, faces = solid.surface(name, form)
    mesh = trimesh.Trimesh(vertices, faces, process=True)
    mesh.merge_vertices()
    assert mesh.is_watertight
    assert mesh.euler_number == (0 if name == "torus" else 2)


def test_solids_keep_their_size_and_colour():
    for seed in range(60):
        found = solid.sample(seed)
        cloud = solid.build(found)
        again = solid.build(found)
        assert np.array_equal(cloud.xyz, again.xyz)
        assert (cloud.faces is not None) == found.mesh
        radius = np.linalg.norm(cloud.xyz, axis=1).max()
        assert 0.7 * found.radius < radius < 1.45 * found.radius
        assert (radius < 1) == (found.size == "small")
        assert cloud.rgb is not None
        assert np.abs(cloud.rgb.mean(0) - np.array(found.rgb) * 0.97).max() < 10


def test_points_lie_on_the_surface_they_are_drawn_from():
    for seed in range(12):
        found = replace(solid.sample(seed), noise=0.0, outliers=0.0, mesh=False)
        mesh = solid.build(replace(found, mesh=True))
        surface = trimesh.Trimesh(mesh.xyz, mesh.faces)
        _, distances, _ = trimesh.proximity.closest_point_naive(
            surface, solid.build(found).xyz[:40]
        )
        assert distances.max() < 1e-3 * found.radius


@pytest.mark.parametrize("name", words.SOLIDS)
def test_proportions_lie_apart_whatever_else_differs(name):
    ratios: dict[str, list[float]] = {word: [] for word in words.PROPORTIONS}
    for seed in range(400):
        found = replace(solid.sample(seed), solid=name, mesh=True)
        upright = solid.build(replace(found, rotation=tuple(np.eye(3).ravel())))
        wide, deep, high = np.ptp(upright.xyz, axis=0)
        natural = np.ptp(solid.surface(name, found.form)[0], axis=0)
        ratio = high / np.sqrt(wide * deep)
        if name == "torus":  # its height is that of its tube
            ratio *= natural[0] / natural[2]
        if name in ("cube", "pyramid"):  # their corners, not their sides, lie on the axes
            ratio *= np.sqrt(2)
        ratios[found.proportion].append(ratio)
    assert max(ratios["flat"]) < 0.65 < 0.8 < min(ratios["even"])
    assert max(ratios["even"]) < 1.25 < 1.5 < min(ratios["tall"])


def test_held_out_pairs_of_colour_and_solid_are_drawn_only_when_asked_for():
    rng = np.random.default_rng(4)
    for held_out in (False, True):
        drawn = [solid.sample(rng, held_out=held_out) for _ in range(200)]
        pairs = {(found.colour, found.solid) for found in drawn}
        assert {pair in words.HELD_OUT_SOLIDS for pair in pairs} == {held_out}
    either = {
        (found.colour, found.solid)
        for found in (solid.sample(s, held_out=None) for s in range(600))
    }
    assert either > words.HELD_OUT_SOLIDS


def test_clouds_from_outside_are_seeded_and_of_all_kinds():
    flattest, spans, colourless = [], [], 0
    for seed in range(80):
        first, second = (strange_solids.cloud(np.random.default_rng(seed)) for _ in range(2))
        assert np.array_equal(first.xyz, second.xyz) and np.isfinite(first.xyz).all()
        low, high = strange_solids.POINTS
        assert 0.95 * low < len(first.xyz) <= high
        spread = np.linalg.svd(first.xyz - first.xyz.mean(0), compute_uv=False)
        flattest.append(spread[-1] / spread[0])
        spans.append(np.linalg.norm(first.xyz, axis=1).max())
        colourless += first.rgb is None
    assert min(flattest) < 0.05 < 0.5 < max(flattest)
    assert min(spans) < 0.5 < 2 < max(spans)
    assert 0 < colourless < 30


def test_the_corpus_of_clouds_tells_what_is_true():
    from omni.nano.corpus import see_points

    rng = np.random.default_rng(6)
    seen = [see_points(rng, False).labels for _ in range(120)]
    outside = [labels for labels in seen if labels == {"outside": True}]
    assert 1 <= len(outside) <= 20  # seven are expected
    inside = [labels for labels in seen if labels not in outside]
    assert all(set(labels) == {"colour", "solid", "size", "proportion"} for labels in inside)
    held_out = [see_points(rng, True).labels for _ in range(10)]
    assert all((it["colour"], it["solid"]) in words.HELD_OUT_SOLIDS for it in held_out)


def test_rotations_are_rotations():
    for seed in range(20):
        turn = np.array(solid.sample(seed).rotation).reshape(3, 3)
        assert np.allclose(turn @ turn.T, np.eye(3), atol=1e-9)
        assert np.linalg.det(turn) == pytest.approx(1)
