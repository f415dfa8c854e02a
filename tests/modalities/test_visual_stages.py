"""The stages that train encoders of pictures, clips and clouds: their labels, data and runs."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from omni.nano.stages import clouds, films, heads, image, loop, points, video
from omni.nano.world import motion, words


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
