"""Encoders of pictures, clips and clouds: shapes, invariances, and what they see by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from omni.modality import modality
from omni.nano.world import motion, scene, solid

NAMES = ("image", "video", "points")


def features(name: str, seed: int, frames: int = 3):
    """Features of something of the world."""
    if name == "image":
        return modality(name).features(scene.draw(scene.sample(seed)))
    if name == "video":
        return modality(name).features(motion.render(motion.sample(seed, frames=frames)))
    return modality(name).features(solid.build(solid.sample(seed)))


def encoder(name: str) -> Any:
    torch.manual_seed(0)
    made = modality(name).encoder()
    assert made is not None
    return made.eval()


@pytest.mark.parametrize("name", NAMES)
@torch.inference_mode()
def test_tokens_are_as_many_as_the_grid_says(name):
    made = encoder(name)
    batch = [features(name, 0, 2), features(name, 1, 3)]
    tokens = made(batch)
    assert [t.shape for t in tokens] == [(made.grid(f).tokens, made.width) for f in batch]
    expected = {"image": [144, 144], "video": [32, 48], "points": [32, 32]}[name]
    assert [len(t) for t in tokens] == expected
    most = {"image": 1_600_000, "video": 2_200_000, "points": 1_500_000}[name]
    assert sum(p.numel() for p in made.parameters()) <= most
    assert made([]) == []


@pytest.mark.parametrize("name", NAMES)
@torch.inference_mode()
def test_batch_mates_change_nothing_even_while_training(name):
    made = encoder(name)
    batch = [features(name, 0, 2), features(name, 1, 3), features(name, 2, 2)]
    alone = [made([item])[0] for item in batch]
    for mode in (False, True):
        made.train(mode)
        for together, single in zip(made(batch), alone, strict=True):
            assert torch.allclose(together, single, atol=2e-5)


@pytest.mark.parametrize("name", NAMES)
@torch.inference_mode()
def test_half_precision_is_near(name):
    made = encoder(name)
    item = features(name, 0, 2)
    exact = made([item])[0]
    rough = made.to(torch.bfloat16)([item])[0]
    assert rough.dtype == torch.bfloat16
    assert torch.nn.functional.cosine_similarity(exact, rough.float(), dim=-1).mean() > 0.99


def test_video_weights_hold_those_of_its_picture_encoder():
    made = encoder("video")
    state = {key: value + 1 for key, value in made.state_dict().items()}
    other = modality("video").encoder()
    assert other is not None
    other.load_state_dict(state)
    assert any(key.startswith("frame.") for key in state)


@torch.inference_mode()
def test_edges_look_alike_whatever_colours_meet():
    from omni.modalities.image.encoder import edges

    pixels = torch.zeros(1, 3, 16, 16)
    pixels[..., 8:] = 0.8
    assert torch.allclose(edges(pixels), edges(0.9 - pixels), atol=1e-6)
    turned = edges(pixels.transpose(2, 3)).transpose(2, 3)
    assert torch.allclose(turned[:, 0], edges(pixels)[:, 0])
    assert torch.allclose(turned[:, 1], -edges(pixels)[:, 1])


def test_farthest_points_agree_with_a_naive_search():
    from omni.modalities.points.encoder import farthest

    cloud = torch.randn(1, 60, 3, generator=torch.Generator().manual_seed(3))
    spots = cloud[0].numpy()
    chosen = [int(np.linalg.norm(spots, axis=1).argmax())]
    for _ in range(9):
        apart = np.linalg.norm(spots[:, None] - spots[chosen], axis=-1).min(1)
        chosen.append(int(apart.argmax()))
    assert farthest(cloud, 10)[0].tolist() == chosen


def stacked(seed: int) -> list[torch.Tensor]:
    """Features of one cloud of points, as a batch of one."""
    item = features("points", seed)
    return [item[name][None] for name in ("xyz", "rgb", "scale")]


def test_what_is_known_of_a_cloud_does_not_turn_with_it():
    from omni.modalities.points.encoder import describe

    turn = torch.tensor(np.array(solid.sample(9).rotation).reshape(3, 3), dtype=torch.float32)
    xyz, rgb, scale = stacked(5)
    for before, after in zip(
        describe(xyz, rgb, scale), describe(xyz @ turn, rgb, scale), strict=True
    ):
        # Where two widths of a patch are nearly equal, its directions are free.
        same = torch.isclose(before, after, atol=2e-2)
        assert same.float().mean() > 0.85


def test_pairs_are_counted_as_by_hand():
    from omni.modalities.points.encoder import PATCHES, pairs

    generator = torch.Generator().manual_seed(2)
    centres = torch.randn(1, 40, 3, generator=generator)
    normals = torch.nn.functional.normalize(torch.randn(1, 40, 3, generator=generator), dim=-1)
    counted = pairs(centres, normals)
    assert counted.shape == (1, PATCHES, 72)
    weights = counted.view(PATCHES, 3, 4, 6).sum((-1, -2))
    assert torch.allclose(weights, torch.full_like(weights, 4.0), atol=1e-4)
    # The mean cosine between normals is that of the middles of its bins.
    cosines = (counted[0, :, :24].view(PATCHES, 4, 6).sum(1) / 4) @ torch.linspace(-1, 1, 6)
    wanted = (normals[0, :PATCHES] @ normals[0].T).mean(1)
    assert torch.allclose(cosines, wanted, atol=1e-4)


def test_no_patch_lies_at_a_point_astray():
    from omni.modalities.points.encoder import farthest, lonely

    sphere = torch.nn.functional.normalize(
        torch.randn(1, 1000, 3, generator=torch.Generator().manual_seed(4)), dim=-1
    )
    far = torch.tensor([[[2.0, 0, 0], [0, -1.7, 0], [0, 0.1, 0.1]]])
    cloud = torch.cat([sphere[:, :500], far, sphere[:, 500:]], 1)
    astray = lonely(cloud)
    assert astray[0, 500:503].all() and astray.float().mean() < 0.02
    chosen = farthest(cloud, 32, astray)[0].tolist()
    assert len(set(chosen)) == 32 and not {500, 501, 502} & set(chosen)


def test_normals_of_a_sphere_point_outwards():
    from omni.modalities.points.encoder import frames

    generator = torch.Generator().manual_seed(1)
    centres = torch.nn.functional.normalize(torch.randn(1, 20, 3, generator=generator), dim=-1)
    around = centres[:, :, None] + 0.1 * torch.randn(1, 20, 32, 3, generator=generator)
    offsets = torch.nn.functional.normalize(around, dim=-1) - centres[:, :, None]
    frame, widths = frames(offsets, centres, offsets.norm(dim=-1).amax(-1, keepdim=True))
    assert (frame[..., 0] * centres).sum(-1).min() > 0.98
    assert (widths.diff(dim=-1) >= 0).all()


@torch.inference_mode()
def test_a_small_thing_does_not_drown_among_what_is_behind():
    made = encoder("video")
    tokens = torch.zeros(1, 12, 12, made.width)
    thing = torch.zeros(made.width)
    thing[0] = 1
    tokens[0, 4, 7] = thing
    made.frame.encode = lambda frames: tokens.flatten(1, 2)
    made.notice.weight.copy_(thing[None] * 9)
    noticed, mean = made.look(torch.zeros(1, 3, 96, 96))[0].chunk(2, -1)
    spot = 1 * 4 + 2
    assert noticed[spot, 0] > 0.99 and mean[spot, 0] == pytest.approx(1 / 9)
    others = torch.arange(16) != spot
    assert (noticed[others] == 0).all() and (mean[others] == 0).all()
