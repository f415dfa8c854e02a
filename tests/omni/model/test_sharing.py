"""A budget is spent on what was asked about: with the embedded model, whose space is real."""

import math

import pytest
import torch

from omni.compression.budget import Budget
from omni.modality import modality
from omni.model import sharing
from omni.model.loading import load
from omni.nano.drawing import picture


@pytest.fixture(scope="module")
def nano():
    loaded = load("nano")
    if not loaded.processor.hears:
        pytest.skip("the sentence model is not on this machine")
    return loaded


@pytest.fixture(scope="module")
def pictures(nano):
    """A red circle, a blue square and a green star, encoded."""
    keys = ("large red circle middle", "large blue square middle", "large green star middle")
    values = [("image", picture(key)) for key in keys]
    return items(nano, values, ["img-1", "img-2", "img-3"])


def items(nano, values, handles):
    drafts = [nano.processor.item(value) for value in values]
    with torch.no_grad():
        tokens = nano.model.encode_media(drafts)
    parts = [
        {"type": draft.modality, "tokens": own, "handle": handle}
        for draft, own, handle in zip(drafts, tokens, handles, strict=True)
    ]
    return [nano.processor.item(part) for part in parts]


@pytest.mark.parametrize(
    ("question", "meant"),
    [
        ("What colour is the circle?", 0),
        ("How big is the square?", 1),
        ("Where is the green thing?", 2),
        ("What is in img-2?", 1),
        ("And the shape in img-3, please?", 2),
    ],
)
def test_the_picture_that_is_meant_keeps_most(nano, pictures, question, meant):
    near = sharing.nearness(nano.model, question, pictures)
    assert near is not None and max(range(3), key=near.__getitem__) == meant
    kept = [
        item.keep
        for item in nano.processor.plan(
            pictures, Budget(tokens=64), sharing.weights(near, pictures)
        )
    ]
    assert sum(kept) == 64 and kept[meant] > 40 and min(kept) >= 4


def test_a_kind_that_is_named_counts(nano, pictures):
    values = [("series", modality("series").example()), ("points", modality("points").example())]
    mixed = [pictures[0], *items(nano, values, ["ser-1", "pts-1"])]
    for question, meant in (
        ("What colour does the picture show?", 0),
        ("Is the data rising?", 1),
        ("Which solid is it?", 2),
        ("Which pictures are there?", 0),
    ):
        near = sharing.nearness(nano.model, question, mixed)
        assert near is not None and max(range(3), key=near.__getitem__) == meant, question


def test_items_that_are_equally_near_share_by_size(nano, pictures):
    worth = sharing.weights([0.3, 0.3, 0.3], pictures)
    assert worth == pytest.approx([48.0] * 3)
    one, other, third = sharing.weights([0.1, 0.1 + sharing.TEMPERATURE, -1.0], pictures)
    assert other / one == pytest.approx(math.e) and third < 1e-6


def test_without_a_shared_space_or_a_question_nobody_can_tell(nano, pictures, made):
    model, processor = made
    ramps = [processor.item(("ramp", [0.0] * 5))] * 2
    assert sharing.nearness(model, "What?", ramps) is None
    assert sharing.nearness(nano.model, "  ", pictures) is None
    fresh = [nano.processor.item(("image", picture("large red circle middle")))]
    assert sharing.nearness(nano.model, "What?", fresh) is None  # not encoded yet


def test_words_are_found_in_any_form():
    assert {"picture", "pictures", "a"} <= sharing.words("A, PICTURES!")
    assert sharing.called("video") == {"video", "film", "clip", "movie", "footage"}


def test_the_answer_is_about_the_picture_that_is_meant(nano):
    """Nano was taught one picture at a time; the budget shows it one."""
    right = {"even": 0, "question": 0}
    things = [("red", "circle"), ("blue", "square"), ("green", "star")]
    values = [("image", picture(f"large {colour} {shape} middle")) for colour, shape in things]
    drafts = items(nano, values, ["", "", ""])
    for colour, shape in things:
        question = f"What colour is the {shape}?"
        near = sharing.nearness(nano.model, question, drafts)
        assert near is not None
        for name, worth in (("even", None), ("question", sharing.weights(near, drafts))):
            content = [{"type": "image", "tokens": item.tokens} for item in drafts]
            dialogue = [{"role": "user", "content": [*content, {"type": "text", "text": question}]}]
            inputs = nano.processor.apply_chat_template(
                dialogue,
                tokenize=True,
                add_generation_prompt=True,
                budget=Budget(tokens=64),
                weights=worth,
            )
            said = nano.model.generate(**inputs, max_new_tokens=8, do_sample=False)
            pieces = nano.processor.decode_parts(said[0, inputs["input_ids"].shape[1] :])
            right[name] += "".join(piece.text for piece in pieces).lower().startswith(colour)
    assert right["question"] == 3 and right["even"] < 3
