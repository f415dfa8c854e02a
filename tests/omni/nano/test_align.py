"""Captions, the facts they claim, and heads that learn to find things by them."""

import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from omni.modality import modality
from omni.model.embedder import Embedder
from omni.nano import corpus, phrases, retrieval, synonyms
from omni.nano.assemble import attach
from omni.nano.captions import describe
from omni.nano.facts import facts, plain, wanted
from omni.nano.stages import align
from omni.nano.staging import staged
from omni.nano.world import words

OBJECTS = [
    {"colour": "red", "shape": "circle", "size": "large", "place": "left"},
    {"colour": "blue", "shape": "square", "size": "small", "place": ""},
    {"colour": "red", "shape": "star", "size": "small", "place": "right"},
]
THINGS = [
    ("image", {"objects": OBJECTS[:1]}),
    ("image", {"objects": OBJECTS[:2]}),
    ("image", {"objects": OBJECTS}),
    ("video", {"colour": "green", "shape": "ring", "motion": "bouncing"}),
    (
        "video",
        {"colour": "green", "shape": "ring", "motion": "colliding"}
        | {"other": {"colour": "pink", "shape": "star"}},
    ),
    ("points", {"colour": "cyan", "solid": "cone", "size": "large", "proportion": "tall"}),
    ("points", {"colour": "cyan", "solid": "cone", "size": "small", "proportion": "even"}),
    ("series", {"trend": "rising", "cycles": 7, "event": "spike", "when": "late"}),
    ("series", {"trend": "flat", "cycles": 0, "event": "", "when": ""}),
    ("audio", {"kind": "speech", "text": "draw a red circle"}),
    ("audio", {"kind": "beep", "detail": "three"}),
    ("audio", {"kind": "sweep", "detail": "falling"}),
    ("audio", {"kind": "noise", "detail": ""}),
    ("image", {"outside": True}),
]


@pytest.mark.parametrize(("name", "labels"), THINGS)
def test_captions_are_varied_and_claim_only_what_is_true(name, labels):
    rng = random.Random(0)
    written = [describe(rng, name, labels) for _ in range(300)]
    assert all(caption.said <= facts(name, labels) for caption in written)
    assert len({caption.text for caption in written}) > (6 if labels.get("outside") else 30)
    for caption in written:
        assert caption.text == " ".join(caption.text.split()), caption.text
        assert "{" not in caption.text


def test_no_caption_of_one_thing_fits_what_contradicts_it():
    """What a caption claims is checked against things that differ in one word each."""
    cone = {"colour": "cyan", "solid": "cone", "size": "large", "proportion": "tall"}
    rng = random.Random(1)
    for caption in (describe(rng, "points", cone) for _ in range(100)):
        for other in ({"colour": "red"}, {"solid": "cube"}, {"proportion": "even"}):
            assert not caption.said <= facts("points", {**cone, **other})
    course = {"trend": "rising", "cycles": 7, "event": "spike", "when": "late"}
    for caption in (describe(rng, "series", course) for _ in range(100)):
        for change in ({"cycles": 6}, {"cycles": 0}, {"event": "", "when": ""}):
            assert not caption.said <= facts("series", {**course, **change})


def test_leaving_a_detail_out_makes_a_caption_fit_more():
    rng = random.Random(2)
    large, small = ({"objects": [{**OBJECTS[0], "size": size}]} for size in words.SIZES)
    fits = [describe(rng, "image", large).said <= facts("image", small) for _ in range(200)]
    assert 10 < sum(fits) < 120


def test_plain_descriptions_are_equal_only_for_things_that_are_alike():
    told = [plain(name, labels) for name, labels in THINGS]
    assert len(set(told)) == len(told)
    swapped: dict[str, Any] = {"colour": "pink", "shape": "star", "motion": "colliding"}
    swapped["other"] = {"colour": "green", "shape": "ring"}
    assert plain("video", swapped) == plain("video", dict(THINGS[4][1]))
    assert plain("audio", {"kind": "speech", "text": "a red ring"}) == plain(
        "audio", {"kind": "speech", "text": "red ring"}
    )


def test_no_name_stands_for_two_things():
    for names in (synonyms.COLOURS, synonyms.SHAPES, synonyms.SOLIDS, synonyms.MOTIONS):
        listed = [name for several in names.values() for name in several]
        assert len(set(listed)) == len(listed)


def test_every_word_of_the_world_has_names():
    for names, known in (
        (synonyms.COLOURS, words.COLOURS),
        (synonyms.SHAPES, words.SHAPES),
        (synonyms.SOLIDS, words.SOLIDS),
        (synonyms.SIZES, words.SIZES),
        (synonyms.PLACES, words.PLACES),
        (synonyms.PROPORTIONS, words.PROPORTIONS),
        (synonyms.MOTIONS, words.MOTIONS),
        (phrases.MOVES, words.MOTIONS),
        (synonyms.TRENDS, words.TRENDS),
        (phrases.GOES, words.TRENDS),
        (synonyms.EVENTS, words.EVENTS),
        (phrases.HAPPENS, words.EVENTS),
        (synonyms.TIMES, words.TIMES),
        (synonyms.MEDIA, corpus.MODALITIES),
    ):
        assert set(names) == set(known)


def test_fitting_is_inclusion_of_sets():
    rng = random.Random(3)
    numbers: dict[str, int] = {}
    true = [facts(name, labels) for name, labels in THINGS]
    said = [describe(rng, *rng.choice(THINGS)).said for _ in range(60)]
    numbered = [[align._numbered(each, numbers) for each in group] for group in (said, true)]
    found = align.fitting(numbered[1], numbered[0])
    assert found.tolist() == [[claims <= known for claims in said] for known in true]


def test_contrast_is_cross_entropy_without_what_fits_too():
    torch.manual_seed(0)
    seen, texts = (functional.normalize(torch.randn(size, 8), dim=1) for size in (4, 6))
    fits = torch.eye(4, 6).bool()
    fits[0, 3] = fits[2, 5] = True
    loss, _ = align.contrast(seen, texts, fits, torch.tensor(7.0))
    losses = []
    for i in range(4):
        row = [7 * float(seen[i] @ texts[j]) for j in range(6) if j == i or not fits[i, j]]
        column = [7 * float(seen[j] @ texts[i]) for j in range(4) if j == i or not fits[j, i]]
        own = 7 * float(seen[i] @ texts[i])
        losses += [
            torch.tensor(row).logsumexp(0) - own,
            torch.tensor(column).logsumexp(0) - own,
        ]
    assert loss.item() == pytest.approx(float(torch.stack(losses).mean()), abs=1e-5)


# Retrieval.


def test_recall_counts_hits_both_ways():
    texts = torch.eye(4)
    media = texts[[0, 2, 1, 3]]
    found = retrieval.recall(media, texts)
    assert (found["text to media"], found["media to text"]) == (0.5, 0.5)
    one, other = texts[:1], texts[1:]
    assert retrieval.recall_among(one, one, other, other)["media to text"] == 1.0
    far = retrieval.recall_among(
        one, one, other, functional.normalize(texts.sum(0)[None] * 3, dim=1)
    )
    assert far == {"text to media": 1.0, "media to text": 1.0, "ways": 4, "n": 1}
    lost = retrieval.recall_among(one, texts[3:], other, other)
    assert (lost["text to media"], lost["media to text"]) == (0.0, 0.0)


def test_distinct_takes_the_first_of_each_kind():
    labels = [dict(labels) for name, labels in THINGS if name == "image"]
    assert retrieval.distinct("image", [labels[0], labels[0], labels[3], labels[1]]) == [0, 3]


def test_a_paraphrase_finds_what_has_all_it_asks_for():
    labels = [{"objects": [{**OBJECTS[0], "place": place}]} for place in words.PLACES]
    labels.append({"objects": [{**OBJECTS[1], "place": "left"}]})
    media = torch.eye(6)
    wanted = {"objects": [{"colour": "red", "shape": "circle"}]}
    asking = functional.normalize(torch.tensor([[1.0, 1, 1, 1, 1, 0.5]]), dim=1)
    assert retrieval.found("image", asking, [wanted], media, labels) == [True]
    assert retrieval.found("image", torch.eye(6)[5:], [wanted], media, labels) == [False]
    with pytest.raises(ValueError, match="none of 6 things of image is"):
        retrieval.found(
            "image", asking, [{"objects": [{"colour": "pink", "shape": "x"}]}] * 1, media, labels
        )


@pytest.mark.parametrize("name", corpus.MODALITIES)
def test_hand_written_searches_are_about_the_world(name):
    """Each says what the world can hold; all are worded apart, and apart from the training."""
    written = retrieval.searches()[name]
    assert len(written) >= 30 and len({each["text"] for each in written}) == len(written)
    for each in written:
        labels = each["labels"]
        assert len(facts(name, labels)) > 1
        rng = random.Random(each["text"])
        trained = {describe(rng, name, labels).text for _ in range(80) if _whole(name, labels)}
        assert each["text"] not in trained


def _whole(name, labels):
    """Whether labels are complete, so that captions can be written of them."""
    return name != "image" or all({"size", "place"} <= set(each) for each in labels["objects"])


@pytest.mark.parametrize("name", corpus.MODALITIES)
def test_things_are_made_to_order(name):
    rng = np.random.default_rng(0)
    for each in retrieval.searches()[name][::7]:
        made = staged(rng, name, each["labels"])
        assert wanted(name, each["labels"]) <= facts(name, made.labels)
        assert modality(name).features(made.value)


def test_what_the_world_does_not_hold_is_not_made(monkeypatch):
    monkeypatch.setattr("omni.nano.staging.TRIES", 5)
    with pytest.raises(ValueError, match="the world holds no points that is"):
        staged(np.random.default_rng(0), "points", {"colour": "red", "solid": "teapot"})


def test_paraphrases_are_searched_for_among_others(monkeypatch):
    """A perfect space: a thing's vector and its description's are one; then one with none."""
    told = [{"text": f"{n}", "labels": {"kind": "beep", "detail": n}} for n in words.NUMBERS[:6]]
    monkeypatch.setattr(retrieval, "searches", lambda: {"audio": told})
    monkeypatch.setattr(
        "omni.nano.staging.staged", lambda rng, name, labels: corpus.Seen(labels, labels)
    )
    monkeypatch.setattr(type(modality("audio")), "features", lambda self, value: value)
    axes = {"one": 0, "two": 1, "three": 2, "four": 3, "five": 4, "six": 5}

    def embed(kind, items):
        names = [item if kind == "text" else item["detail"] for item in items]
        return torch.eye(8)[[axes[name] for name in names]]

    others = [{"kind": "noise", "detail": ""}, {"kind": "sweep", "detail": "rising"}]
    found = retrieval.paraphrased("audio", embed, torch.eye(8)[6:], others)
    assert found["text to media"] == 1.0 and found["n"] == 6
    axes["two"] = 0
    assert retrieval.paraphrased("audio", embed, torch.eye(8)[6:], others)["text to media"] < 1


# Training, on things whose tokens are their words.


def fake_cache(name, out, size, seed, *, held_out=False, split="train"):
    """A cache of solids; a token stands for each word of what is true, and for nothing else."""
    rng = random.Random(f"{seed} {split} {held_out}")
    table = torch.randn(64, 24, generator=torch.Generator().manual_seed(1))
    parts = (tuple(words.COLOURS)[:4], words.SOLIDS[:4], words.SIZES, words.PROPORTIONS)
    flat = [word for part in parts for word in part]
    labels, tokens = [], []
    for _ in range(size):
        chosen = [rng.choice(part) for part in parts]
        labels.append(dict(zip(("colour", "solid", "size", "proportion"), chosen, strict=True)))
        tokens.append(table[[flat.index(word) for word in chosen]].half())
    ends = torch.tensor([len(each) for each in tokens]).cumsum(0)
    return corpus.Cache(torch.cat(tokens), ends, labels)


def test_heads_are_attached_to_a_model_that_is_trained(monkeypatch, tmp_path):
    class Model(torch.nn.Module):
        device, dtype, config = torch.device("cpu"), torch.bfloat16, SimpleNamespace(embedding=None)

    model: Any = Model()
    head = Embedder(8, align.SPACE)
    monkeypatch.setattr(align, "load", lambda out, name: {"image": head})
    attach(model, tmp_path)
    assert model.config.embedding == {"width": 384} and set(model.embedders) == {"image"}
    found = model.embedders["image"]([torch.randn(5, 8, dtype=torch.bfloat16)])
    assert found.shape == (1, 384) and not found.requires_grad and not head.training


def test_sentences_are_made_once(tmp_path, monkeypatch):
    made = []

    class Encoder:
        def sentence(self, texts):
            made.extend(texts)
            return torch.tensor([[float(len(text)), 1.0] for text in texts])

    monkeypatch.setattr(type(modality("text")), "encoder", lambda self, short: Encoder())
    path = tmp_path / "some.safetensors"
    assert align.sentences(["a", "bb"], path).tolist() == [[1, 1], [2, 1]]
    assert align.sentences(["ccc", "bb"], path).tolist() == [[3, 1], [2, 1]]
    assert align.sentences(["a"], path).tolist() == [[1, 1]]
    assert made == ["a", "bb", "ccc"]


@pytest.mark.skipif(
    not modality("text").encoder().available(),  # type: ignore[union-attr]
    reason="the extra offline is missing",
)
def test_heads_learn_to_find_things_by_their_captions(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(corpus, "build", fake_cache)
    monkeypatch.setattr(corpus, "SIZES", {"points": 200}, raising=False)
    monkeypatch.setattr(align, "CAPTIONS", {"points": 3})
    monkeypatch.setattr(align, "VALIDATION", {"points": 100})
    monkeypatch.setattr(align, "HELD_OUT", {"points": 20})
    monkeypatch.setattr(align, "FEWEST", {"points": 4})
    monkeypatch.setattr(align, "FULL_MINUTES", 0.04)
    monkeypatch.setattr(align, "BATCH", 64)
    monkeypatch.setattr(retrieval, "paraphrased", lambda *_: {})
    monkeypatch.setattr(align, "_embedding", lambda *_: None)
    figures = align.run(tmp_path, minutes=0.04, seed=0)
    assert figures["recall"]["points"]["validation"]["text to media"] > 0.3  # chance is 0.02
    assert align.done(tmp_path)
    head = align.load(tmp_path)["points"]
    cache = fake_cache("points", tmp_path, 8, 5)
    vectors = head([cache[place][0] for place in range(8)])
    assert torch.allclose(vectors.norm(dim=1), torch.ones(8), atol=1e-5)
    again = align.run(tmp_path, minutes=0.04, seed=0)  # a finished stage is read, not trained
    assert again["recall"] == figures["recall"]
