"""What films say of themselves is measured again on their frames, without asking the world."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from omni.nano import corpus
from omni.nano.world import motion, paths, strange_films, words

SEEDS = range(6)


def quiet(film: motion.Motion) -> motion.Motion:
    """The film on plain white, without anything that differs from frame to frame by chance."""
    group = replace(
        film.group,
        background="flat",
        backdrop=((255, 255, 255),) * 3,
        clutter=0,
        noise=0.0,
        quality=None,
        things=tuple(
            replace(thing, shading=0.0, rgb=((255, 0, 0), (0, 0, 255))[index])
            for index, thing in enumerate(film.group.things)
        ),
    )
    return replace(film, group=group, shake=(), wall=None)


def measured(film: motion.Motion) -> list[np.ndarray]:
    """For each thing: x, y, area and the moment that turns with it, frame by frame `[F, 4]`."""
    frames = motion.render(quiet(film)).frames.astype(float) / 255
    height, width = frames.shape[1:3]
    inks = [1 - frames[..., 1] - (1 - frames[..., 0]), 1 - frames[..., 1] - (1 - frames[..., 2])]
    rows = np.arange(height)[:, None] / height
    columns = np.arange(width)[None] / width
    found = []
    for ink in inks[: len(film.paths)]:
        area = ink.sum((1, 2)).clip(min=1e-6)
        x, y = ((ink * place).sum((1, 2)) / area for place in (columns, rows))
        found.append(np.stack([x, y, area, ink.max((1, 2))], 1))
    return found


def films(name: str) -> list[motion.Motion]:
    return [motion.sample(seed, motion=name, held_out=None) for seed in SEEDS]


def test_every_motion_happens_and_is_drawn_alike_from_a_seed():
    found = {motion.sample(seed).motion for seed in range(150)}
    assert found == set(words.MOTIONS)
    first, again = (motion.render(motion.sample(3)).frames for _ in range(2))
    assert np.array_equal(first, again)
    assert motion.sample(3) == motion.sample(3) != motion.sample(4)


def test_frames_and_times_match():
    for seed in range(20):
        film = motion.sample(seed)
        clip = motion.render(film, 48, 40)
        assert motion.FRAMES[0] <= len(clip.frames) == len(clip.times) <= motion.FRAMES[1]
        assert clip.frames.shape[1:] == (40, 48, 3)
        assert clip.times[0] == 0 and clip.times[-1] < clip.seconds
        some = motion.render(film, 48, 40, chosen=[0, 5])
        assert np.array_equal(some.times, clip.times[[0, 5]])


@pytest.mark.parametrize("held_out", [False, True])
def test_held_out_pairs_are_kept_apart(held_out):
    for seed in range(200):
        for thing in motion.sample(seed, held_out=held_out).group.things:
            assert ((thing.colour, thing.shape) in words.HELD_OUT) == held_out


@pytest.mark.parametrize("name", ["left", "right", "up", "down"])
def test_what_goes_one_way_goes_that_way(name):
    axis, sign = {"left": (0, -1), "right": (0, 1), "up": (1, -1), "down": (1, 1)}[name]
    for film in films(name):
        (track,) = measured(film)
        steps = np.diff(track[:, axis]) * sign
        assert steps.min() > -0.01, film
        assert steps.sum() > 0.15 and steps.sum() > abs(np.ptp(track[:, 1 - axis])), film


def test_areas_grow_and_shrink():
    for name, sign in (("growing", 1), ("shrinking", -1)):
        for film in films(name):
            (track,) = measured(film)
            grown = np.log(track[-1, 2] / track[0, 2]) * sign
            assert grown > 2 * np.log(1.3) and np.ptp(track[:, :2], axis=0).max() < 0.05


def test_a_still_thing_stays_what_it_is():
    for film in films("still"):
        frames = motion.render(quiet(film)).frames
        assert (frames == frames[:1]).all()


def test_turning_changes_the_outline_and_neither_place_nor_size():
    for film in films("turning"):
        assert film.group.things[0].shape not in paths.UNTURNED
        (track,) = measured(film)
        assert np.ptp(track[:, :2], axis=0).max() < 0.03, film
        assert np.ptp(track[:, 2]) / track[0, 2] < 0.06, film
        clip = motion.render(quiet(film)).frames.astype(int)
        changed = (np.abs(clip - clip[:1]).max((0, 3)) > 60).sum()
        assert changed > 0.08 * track[0, 2], film


def test_turning_does_not_outrun_the_frames_that_are_looked_at():
    for seed in range(60):
        film = motion.sample(seed, motion="turning", held_out=None)
        turned = np.abs(film.paths[0][-1].turn) / (paths.LOOKED_AT - 1)
        assert turned < 0.5 * paths.SYMMETRY.get(film.group.things[0].shape, 360.0)


def test_what_appears_was_not_there():
    for film in films("appearing"):
        (track,) = measured(film)
        assert track[0, 2] < 1 < 20 < track[-1, 2]
        assert (np.diff(track[:, 3]) > -0.01).all() and track[-1, 3] > 0.95


def test_what_bounces_comes_back():
    for film in films("bouncing"):
        (track,) = measured(film)
        axis = int(np.ptp(track[:, 1]) > np.ptp(track[:, 0]))
        way = track[:, axis]
        gone = np.abs(way - way[0])
        turn = gone.argmax()
        assert 0 < turn < len(way) - 1, film
        assert gone[turn] > 0.12 and np.abs(way[-1] - way[turn]) > 0.1, film
        steps = np.diff(way) * np.sign(way[turn] - way[0])
        assert (steps[: turn - 1] > -0.02).all() and (steps[turn + 1 :] < 0.02).all(), film


def test_things_that_collide_approach_meet_and_part():
    for film in films("colliding"):
        first, second = measured(film)
        apart = np.hypot(*(first - second)[:, :2].T)
        nearest = apart.argmin()
        assert 0 < nearest < len(apart) - 1
        assert apart[nearest] < 0.45 < apart[0] + 0.2 and apart[-1] > apart[nearest] + 0.1
        before, after = (second - first)[[0, -1], :2]
        axis = np.abs(before).argmax()
        assert before[axis] > 0 and after[axis] > 0, "the first comes from the left or from above"
        assert np.abs(after).argmax() == axis, "so it does backwards"


def test_labels_name_both_things_of_a_collision_only():
    for name, seed in itertools.product(words.MOTIONS, range(3)):
        film = motion.sample(seed, motion=name)
        labels, things = motion.describe(film), film.group.things
        assert labels["motion"] == name
        assert (labels["colour"], labels["shape"]) == (things[0].colour, things[0].shape)
        assert ("other" in labels) == (name == "colliding") == (len(things) == 2)


def test_a_pace_never_goes_back():
    for seed in range(100):
        progress = paths.pace(20, np.random.default_rng(seed))
        assert progress[0] == 0 and progress[-1] == pytest.approx(1)
        assert (np.diff(progress) >= 0).all()


def test_films_from_outside_are_films_that_change():
    rng = np.random.default_rng(0)
    for frames in (8, 13, None, None):
        clip = strange_films.film(rng, frames)
        assert len(clip.frames) == len(clip.times) >= strange_films.FRAMES[0]
        assert frames in (None, len(clip.frames))
        assert (clip.frames[0] != clip.frames[-1]).any()


def test_the_corpus_shows_films_of_both_kinds():
    rng = np.random.default_rng(1)
    seen = [corpus.see_video(rng, False).labels for _ in range(60)]
    outside = [labels for labels in seen if labels.get("outside")]
    assert 0 < len(outside) < 15
    assert all(
        {"colour", "shape", "motion"} <= set(labels) for labels in seen if labels not in outside
    )
    assert not any(corpus.see_video(rng, True).labels.get("outside") for _ in range(20))
