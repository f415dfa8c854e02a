"""Encoders of pictures, clips and clouds and the picture codec: shapes, invariances, training."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from omni.errors import UsageError
from omni.modality import modality
from omni.nano.stages import clouds, films, heads, image, image_codec, loop, points, video
from omni.nano.world import motion, scene, solid, words

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


@pytest.fixture(scope="module")
def codec():
    torch.manual_seed(0)
    made = modality("image").decoder()
    assert made is not None
    return made.eval()


@torch.inference_mode()
def test_patches_are_cut_row_by_row_and_joined_again():
    from omni.pixels import cut, join

    pixels = torch.rand(2, 3, 64, 64)
    patches = cut(pixels, 8)
    assert torch.equal(join(patches, 8, 8), pixels)
    rows = torch.arange(64).view(1, 1, 8, 8).expand(1, 3, 8, 8).float()
    numbered = torch.nn.functional.interpolate(rows, scale_factor=8)
    assert cut(numbered, 8)[:, 0].tolist() == list(range(64))


@torch.inference_mode()
def test_every_code_is_its_own_nearest(codec):
    from omni.modalities.image.decoder import nearest

    assert torch.equal(nearest(codec.mixtures, codec.mixtures), torch.arange(codec.patches))


def test_a_shape_has_the_same_patches_in_every_colour(codec):
    labels = np.random.default_rng(0).dirichlet(np.ones(4), (64, 64)).astype(np.float32)
    palettes = (codec.rgb[[5, 1, 2, 3]] * 255).tolist(), (codec.rgb[[5, 9, 2, 3]] * 255).tolist()
    one, other = (codec.encode_labels(labels, palette) for palette in palettes)
    assert (one != other).nonzero()[:, 0].tolist() == [1]
    assert (one[:4] - codec.patches).tolist() == [5, 1, 2, 3]


def test_codes_of_the_wrong_kind_are_read_modulo(codec):
    codes = codec.encode(scene.draw(scene.sample(0), 64, 64))
    made = codec.decode(codes)
    wrong = codes.clone()
    wrong[-1] = codec.patches + 7
    codes[-1] = 7
    assert codec.decode(wrong) == codec.decode(codes) != made


def test_a_picture_becomes_68_codes_and_a_picture_again(codec):
    codes = codec.encode(scene.draw(scene.sample(0), 120, 80))
    assert codes.dtype == torch.int64 and codes.shape == (codec.length,) == (68,)
    assert codes.min() >= 0 and codes.max() < codec.codes
    made = codec.decode(codes)
    assert made.mode == "RGB" and made.size == (256, 256)
    assert sum(p.numel() for p in codec.parameters()) <= 2_500_000


def test_transparency_and_other_modes_are_read(codec):
    for mode in ("RGBA", "L", "P", "CMYK"):
        assert len(codec.encode(Image.new(mode, (10, 30)))) == 68


@pytest.mark.parametrize(
    "codes",
    [torch.zeros(67), torch.full((68,), 1152), torch.full((68,), -1), torch.zeros(0)],
    ids=["too few", "too high", "negative", "none"],
)
def test_codes_that_make_no_picture_are_refused(codec, codes):
    with pytest.raises(UsageError, match=r"a picture is made of 68 codes in 0…1151, not of \d+"):
        codec.decode(codes.long())


def test_heads_ignore_what_has_no_label():
    torch.manual_seed(0)
    made = heads.Heads(16, {"colour": 3, "shape": 2})
    tokens = torch.randn(4, 5, 16)
    wanted = {"colour": torch.tensor([0, 1, -1, 2]), "shape": torch.full((4,), -1)}
    total, logs = made.loss(tokens, wanted)
    assert total.isfinite() and set(logs) == {"colour"}


def test_heads_weigh_what_they_are_told_to():
    torch.manual_seed(0)
    made = heads.Heads(16, {"colour": 3, "shape": 2})
    tokens, shape = torch.randn(4, 5, 16), torch.tensor([0, 1, 0, 1])
    hidden = torch.full((4,), -1)
    both = {"colour": torch.tensor([0, 1, 2, 0]), "shape": shape}
    alone, _ = made.loss(tokens, {"colour": hidden, "shape": shape})
    plain, _ = made.loss(tokens, both)
    heavy, _ = made.loss(tokens, both, weights={"shape": 3.0})
    assert torch.allclose(heavy, plain + 2 * alone)


@pytest.fixture
def tiny(monkeypatch):
    """Stages with tiny batches and evaluations, and a checkpoint after every step."""
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(loop, "LOG_SECONDS", 0.0)
    for stage in (image, points, video):
        monkeypatch.setattr(stage, "BATCH", 2)
        monkeypatch.setattr(stage, "EXAMPLES", 2)
        monkeypatch.setattr(stage, "STEPS_A_MINUTE", 1)
    monkeypatch.setattr(image, "STEPS_A_MINUTE", {"image.close": 1, "image": 1})
    monkeypatch.setattr(clouds, "PIECE", 4)
    monkeypatch.setattr(points, "CLOUDS_A_MINUTE", 1)
    monkeypatch.setattr(points, "CACHE_SHARE", 0.0)


@pytest.mark.parametrize("stage", [image, points], ids=lambda s: s.NAME)
def test_a_stage_trains_and_leaves_what_load_reads(tiny, tmp_path, stage):
    figures = stage.run(tmp_path, minutes=3)
    assert json.loads((tmp_path / f"{stage.NAME}.figures.json").read_text()) == figures
    log = (tmp_path / f"{stage.NAME}.log.jsonl").read_text().splitlines()
    assert all(np.isfinite(json.loads(row)["loss"]) for row in log)
    assert not stage.load(tmp_path).training
    assert stage.run(tmp_path, minutes=3) == figures  # a finished stage is loaded, not trained


def test_the_fitted_codec_brings_its_pictures_back(tmp_path, monkeypatch):
    monkeypatch.setattr(image_codec, "GENERAL_PICTURES", 24)
    monkeypatch.setattr(image_codec, "EXAMPLES", 8)
    figures = image_codec.run(tmp_path, minutes=0.05)
    assert json.loads((tmp_path / "image_codec.figures.json").read_text()) == figures
    assert figures["psnr"] > 40 and figures["judged"] == 1
    fitted = image_codec.load(tmp_path)
    wanted = scene.draw(scene.clean("blue", "circle", "small", "left"), 256, 256)
    made = np.asarray(fitted.decode(fitted.encode(wanted)), float)
    assert np.abs(made - np.asarray(wanted)).mean() < 6
    assert image_codec.run(tmp_path, minutes=0.05) == figures  # a finished one is not fitted again


def test_what_was_never_seen_does_not_count_as_wrong():
    colours, shapes = image.ATTRIBUTES["colour"], image.ATTRIBUTES["shape"]
    wanted = {
        "colour": torch.tensor([colours.index("purple"), colours.index("red"), -1]),
        "shape": torch.tensor([shapes.index("ring"), shapes.index("star"), shapes.index("star")]),
    }
    absent = image.never_seen(wanted)
    assert absent["shape"].nonzero().tolist() == [[0, shapes.index("star")]]
    named = [
        [0, colours.index("orange")],
        [1, colours.index("purple")],
        [2, colours.index("purple")],
    ]
    assert absent["colour"].nonzero().tolist() == named
    tokens = torch.randn(3, 4, 8)
    made = heads.Heads(8, {"shape": len(shapes)})
    shape = made.single["shape"]
    assert isinstance(shape, torch.nn.Linear) and isinstance(shape.bias, torch.nn.Parameter)
    made.loss(tokens, wanted, impossible=absent)[0].backward()
    gradient = shape.bias.grad
    assert gradient is not None and gradient[shapes.index("star")] != 0
    made.zero_grad()
    first = {name: label[:1] for name, label in wanted.items()}
    made.loss(tokens[:1], first, impossible={k: v[:1] for k, v in absent.items()})[0].backward()
    gradient = shape.bias.grad
    assert gradient is not None and gradient[shapes.index("star")] == 0


def test_an_interrupted_stage_goes_on_where_it_was(tiny, tmp_path, monkeypatch):
    take, calls = clouds.Clouds.take, iter(range(100))

    def interrupted(every, rows):
        if next(calls) == 2:
            raise KeyboardInterrupt
        return take(every, rows)

    monkeypatch.setattr(clouds.Clouds, "take", interrupted)
    with pytest.raises(KeyboardInterrupt):
        points.run(tmp_path, minutes=4)
    assert (tmp_path / "points.partial.safetensors").exists()
    points.run(tmp_path, minutes=4)
    log = (tmp_path / "points.log.jsonl").read_text().splitlines()
    assert [json.loads(row)["step"] for row in log] == [1, 2, 3, 4]
    assert not (tmp_path / "points.partial.safetensors").exists()


def test_clouds_are_kept_and_told_apart(tmp_path, monkeypatch):
    from omni.modalities.points import encoder

    monkeypatch.setattr(clouds, "PIECE", 24)
    monkeypatch.setattr(clouds, "OUTSIDE", 0.4)
    monkeypatch.setattr(clouds, "ODD", 0.4)
    (drawn,) = clouds.pieces(tmp_path, 20, (0, 3))
    (again,) = clouds.pieces(tmp_path, 20, (0, 3))
    for before, after in zip(drawn.described, again.described, strict=True):
        assert torch.equal(before, after) and before.dtype == torch.float16
    assert encoder.Described._fields == clouds.PARTS
    labels = drawn.labels
    known = labels["known"] == 1
    assert 0 < known.sum() < len(drawn) == 24
    assert ((labels["solid"] >= 0) == known).all() and ((labels["proportion"] >= 0) == known).all()
    assert 0 < (labels["size"] >= 0).sum() < known.sum()
    assert 0 < (labels["colour"] >= 0).sum() < known.sum()
    few = drawn.take(torch.tensor([3, 1]))
    assert len(few) == 2 and few.labels["known"].tolist() == labels["known"][[3, 1]].tolist()


def test_held_out_solids_are_masked_for_their_colours_alone():
    colours, kinds = clouds.ATTRIBUTES["colour"], words.SOLIDS
    wanted = {
        "colour": torch.tensor([colours.index("red"), colours.index("pink"), -1]),
        "solid": torch.tensor([kinds.index("cube"), kinds.index("cone"), -1]),
    }
    absent = points.never_seen(wanted)
    assert absent["solid"].nonzero().tolist() == [[0, kinds.index("torus")]]
    named = [[0, colours.index("yellow")], [1, colours.index("blue")]]
    assert absent["colour"].nonzero().tolist() == named


def test_the_video_stage_stands_on_the_picture_stage(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(video, "FILMS_A_MINUTE", 1)
    monkeypatch.setattr(films, "PIECE", 2)
    image.run(tmp_path, minutes=3)
    figures = video.run(tmp_path, minutes=4)
    assert set(figures) == {"seen pairs", "held-out pairs", "outside"}
    frame, picture = video.load(tmp_path).frame, image.load(tmp_path)
    for key, value in picture.state_dict().items():
        assert torch.equal(frame.state_dict()[key], value)
    assert video.run(tmp_path, minutes=4) == figures


@torch.inference_mode()
def test_films_played_backwards_are_called_so():
    rng = np.random.default_rng(1)
    drawn = [motion.sample(rng, motion=name) for name in words.MOTIONS]
    labels = [films.classes(motion.describe(film)) for film in drawn]
    wanted = {name: torch.tensor([row[name] for row in labels]) for name in films.ATTRIBUTES}
    # What is seen of a frame is its film's number and the frame's.
    frames = torch.stack(torch.meshgrid(torch.arange(11.0), torch.arange(8.0), indexing="ij"), -1)
    times = torch.linspace(0, 2, 8).expand(11, 8)
    reversals = {"left": "right", "up": "down", "growing": "shrinking"}
    reversals |= {after: before for before, after in reversals.items()}
    for seed in range(20):
        batch = video.vary((frames[:, :, None], times, wanted), np.random.default_rng(seed))
        seen, instants, said = batch
        assert (instants[:, 0] == 0).all() and (instants.diff(dim=1) > 0).all()
        for film, motions in zip(seen[:, :, 0], said["motion"].tolist(), strict=True):
            name, steps = words.MOTIONS[int(film[0, 0])], film[:, 1].diff()
            backwards = bool(steps[0] < 0)
            assert (steps < 0).all() if backwards else (steps > 0).all()
            assert words.MOTIONS[motions] == (reversals.get(name, name) if backwards else name)
            assert not (backwards and name == "appearing")


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


def test_films_are_drawn_once_and_say_what_they_are(tmp_path, monkeypatch):
    monkeypatch.setattr(films, "PIECE", 3)
    first = list(films.pieces(tmp_path, 5, (0, 7)))
    assert [len(piece.times) for piece in first] == [3, 3]
    monkeypatch.setattr(films, "draw", None)  # what is stored is not drawn again
    for before, after in zip(first, films.pieces(tmp_path, 5, (0, 7)), strict=True):
        assert torch.equal(before.frames, after.frames)
        assert torch.equal(before.labels["motion"], after.labels["motion"])


def test_only_a_collision_has_another_thing_and_only_films_of_the_world_have_words():
    drawn = films.draw(np.random.default_rng(2), 40, outside=0.3)
    colliding = drawn.labels["motion"] == words.MOTIONS.index("colliding")
    for name in ("other colour", "other shape"):
        assert ((drawn.labels[name] >= 0) == colliding).all()
    known = drawn.labels["known"] == 1
    assert 0 < known.sum() < 40
    for name in ("colour", "shape", "motion"):
        assert ((drawn.labels[name] >= 0) == known).all()
