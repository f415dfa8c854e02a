"""What each token of a picture is asked, against a naive reading of the scene."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from omni.nano.stages import dense, image
from omni.nano.world import group, words

SIDE = 12


@pytest.fixture(scope="module")
def scenes() -> list[group.Group | None]:
    return [None, *(group.sample(seed, strange=0.3) for seed in range(40))]


def naive_cover(found: group.Group) -> np.ndarray:
    """Share of each spot that things cover, from a picture of white discs' hulls on black."""
    filled = tuple(
        replace(t, rgb=(255,) * 3, shading=0.0, shape="circle" if t.shape == "ring" else t.shape)
        for t in found.things
    )
    plain = {"background": "flat", "backdrop": ((0, 0, 0),) * 3, "noise": 0.0, "quality": None}
    picture = group.draw(replace(found, things=filled, clutter=0, **plain))
    side = max(picture.size)
    square = Image.new("RGB", (side, side))
    square.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    pixels = np.asarray(square.resize((96, 96), Image.Resampling.BOX), float)[..., 0] / 255
    return pixels.reshape(SIDE, 8, SIDE, 8).mean((1, 3)).ravel()


def test_cover_is_the_share_of_a_spot_that_is_painted(scenes):
    wanted = dense.targets(scenes, SIDE)
    for row, found in enumerate(scenes):
        if found:
            apart = np.abs(wanted.cover[row].numpy() - naive_cover(found))
            assert apart.max() < 0.5 and apart.mean() < 0.08  # a coarse raster


def test_the_middle_of_each_thing_is_asked_for_its_words(scenes):
    wanted = dense.targets(scenes, SIDE)
    for row, found in enumerate(scenes):
        things = found.things if found else ()
        spots = {}
        for thing in things:
            x, y, radius = group.box(thing, found.resolution)
            spots[int(y * SIDE) * SIDE + int(x * SIDE)] = thing, x, y, radius
        assert set(wanted.centre[row].nonzero().flatten().tolist()) == set(spots)
        for spot, (thing, x, y, radius) in spots.items():
            for name, names in dense.ATTRIBUTES.items():
                word = getattr(thing, name)
                expected = names.index(word) if word else -1
                assert wanted.labels[name][row, spot] == expected
            across, down = (spot % SIDE + 0.5) / SIDE, (spot // SIDE + 0.5) / SIDE
            expected = torch.tensor([x - across, y - down, radius])
            assert torch.allclose(wanted.offset[row, spot], expected, atol=1e-5)


def test_which_words_are_present(scenes):
    wanted = dense.targets(scenes, SIDE)
    for row, found in enumerate(scenes):
        things = found.things if found else ()
        colours = [float(any(t.colour == name for t in things)) for name in words.COLOURS]
        shapes = [float(any(t.shape == name for t in things)) for name in words.SHAPES]
        assert wanted.present[row].tolist() == colours + shapes


def test_nothing_is_asked_about_what_lies_outside(scenes):
    wanted = dense.targets(scenes[:1], SIDE)
    assert not wanted.inside.any() and not wanted.owned.any()
    assert all((label == -1).all() for label in wanted.labels.values())
    made = dense.Dense(8)
    tokens = torch.randn(1, SIDE * SIDE, 8)
    loss, logs = made.loss(tokens, wanted, image.never_seen(wanted.labels))
    assert loss.item() == 0 and not logs


def test_spots_of_no_thing_teach_no_words(scenes):
    torch.manual_seed(0)
    wanted = dense.targets(scenes, SIDE)
    made = dense.Dense(8)
    tokens = torch.randn(len(scenes), SIDE * SIDE, 8)
    said = made(tokens)
    assert said["offset"].shape == (len(scenes), SIDE * SIDE, 3)
    loss, logs = made.loss(tokens, wanted, image.never_seen(wanted.labels))
    assert set(logs) == {"thing colour", "thing shape", "thing size"}
    # what the tokens of no thing say about words does not matter
    free = ~wanted.owned
    changed = tokens.clone().requires_grad_()
    again = made(changed)["colour"]
    picked = torch.nn.functional.cross_entropy(
        again.flatten(0, 1), wanted.labels["colour"].flatten(), ignore_index=-1
    )
    picked.backward()
    assert changed.grad is not None and loss.isfinite()
    assert (changed.grad[free] == 0).all() and (changed.grad[wanted.owned] != 0).any()


def test_things_weigh_as_the_root_of_their_size():
    things = group.sample(4, count=2).things
    large = replace(things[0], shape="square", radius=0.3, centre=(0.35, 0.35), rotation=0.0)
    small = replace(things[1], shape="square", radius=0.1, centre=(0.85, 0.85), rotation=0.0)
    found = replace(group.sample(4), things=(large, small), resolution=(96, 96))
    wanted = dense.targets([found], SIDE)
    told = wanted.owned[0] & (wanted.centre[0] == 0)
    first, second = wanted.weight[0][told].view(-1).unique().tolist()
    assert second / first == pytest.approx(3, abs=0.3)  # sides of 0.6 and 0.2


def test_a_perfect_answer_costs_nearly_nothing():
    """The loss is small where every token says the truth, and larger where one word is wrong."""
    scenes = [group.sample(seed) for seed in range(6)]
    wanted = dense.targets(scenes, SIDE)

    class Told(dense.Dense):
        def forward(self, tokens):
            def sure(label, classes):
                return 30.0 * torch.nn.functional.one_hot(label.clamp(min=0), classes)

            said = {name: sure(wanted.labels[name], n) for name, n in self.words()}
            said["centre"] = (wanted.centre[..., None] * 2 - 1) * 30
            said["cover"] = torch.logit(wanted.cover[..., None].clamp(1e-6, 1 - 1e-6))
            said["offset"] = wanted.offset
            spots = (len(scenes), SIDE * SIDE)
            said["background"] = sure(wanted.background[:, None].expand(spots), 6)
            said["present"] = (wanted.present[:, None].expand(*spots, 16) * 2 - 1) * 30
            return said

        def words(self):
            return ((name, len(names)) for name, names in dense.ATTRIBUTES.items())

    told = Told(4)
    tokens = torch.zeros(len(scenes), SIDE * SIDE, 4)
    absent = image.never_seen(wanted.labels)
    least, logs = told.loss(tokens, wanted, absent)
    assert set(logs.values()) == {1.0}
    cover = wanted.cover.clamp(1e-6, 1 - 1e-6)
    entropy = -(cover * cover.log() + (1 - cover) * (1 - cover).log()).mean()
    assert least.item() == pytest.approx(entropy.item(), abs=0.01)
    shape = wanted.labels["shape"]
    wrong = replace(
        wanted, labels=wanted.labels | {"shape": torch.where(shape >= 0, (shape + 1) % 8, -1)}
    )
    assert told.loss(tokens, wrong, {})[0] > least + 10
