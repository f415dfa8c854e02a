"""What was held out is neither taught nor taught to be wrong."""

import random
from itertools import product

import pytest
import torch

from omni.nano import absent, dialogue
from omni.nano.lesson import Lesson, collate
from omni.nano.stages.language import spared
from omni.nano.world import words

COURSES = [
    {"trend": trend, "cycles": cycles, "event": event, "when": "early" if event else ""}
    for trend, cycles, event in product(words.TRENDS, (0, 3), ("", *words.EVENTS))
]


def course(labels):
    return labels["trend"], labels["cycles"] > 0, labels["event"]


@pytest.mark.parametrize("labels", COURSES)
def test_courses_beside_one_that_is_held_out_have_it_as_their_neighbour(labels):
    found = {course(other) for other in absent.neighbours("series", labels)}
    wanted = {
        other
        for other in words.HELD_OUT_COURSES
        if sum(a != b for a, b in zip(course(labels), other, strict=True)) == 1
    }
    assert found == wanted
    for other in absent.neighbours("series", labels):
        assert bool(other["event"]) == bool(other["when"]), "an event has its time"


@pytest.mark.parametrize(
    ("answer", "others"),
    [
        ("large purple circle top", {"large purple star top"}),
        ("red cube", {"yellow cube", "red torus"}),
        ("blue star left, pink ring right", None),
        ("rising plot with season with spike", {"rising plot with spike"}),
        ("falling series with level shift", {"falling series with season with level shift"}),
        ("flat plot with season", {"flat plot with season with variance change"}),
        ("two beeps", set()),
        ("pink and red", set()),
    ],
)
def test_what_is_made_has_neighbours_by_its_words(answer, others):
    found = set(absent.made(answer))
    if others is None:
        others = {
            *("purple star left, pink ring right", "blue star left, orange ring right"),
            "blue star left, pink cross right",
        }
    assert found == others


def test_asking_is_as_without_and_names_only_what_is_held_out():
    labels = {"trend": "falling", "cycles": 4, "event": "spike", "when": "late"}
    spoken = set()
    for seed in range(300):
        plainly = dialogue.asking(random.Random(seed), "series", labels)
        rng = random.Random(seed)
        asked = absent.asking(rng, "series", labels)
        assert asked is not None and plainly is not None
        assert (asked.question, asked.answer) == (plainly.question, plainly.answer)
        spoken.update((asked.answer, other) for other in asked.absent)
    assert ("Yes, there is a spike.", "Yes, there is a level shift.") in spoken
    whole = "A falling series with a season of four cycles and a {} late."
    assert (whole.format("spike"), whole.format("level shift")) in spoken
    assert all("level shift" in other for _, other in spoken)


def test_asking_leaves_the_random_numbers_as_they_would_be():
    labels = {"trend": "flat", "cycles": 0, "event": "level shift", "when": "early"}
    one, other = random.Random(3), random.Random(3)
    for _ in range(50):
        dialogue.asking(one, "series", labels)
        absent.asking(other, "series", labels)
    assert one.random() == other.random()


def test_a_picture_of_several_things_is_spared_in_each_of_them():
    things = [
        {"colour": "purple", "shape": "ring", "size": "small", "x": 0.2, "y": 0.5},
        {"colour": "red", "shape": "star", "size": "large", "x": 0.7, "y": 0.5},
    ]
    found = [other["objects"] for other in absent.neighbours("image", {"objects": things})]
    pairs = [[(one["colour"], one["shape"]) for one in objects] for objects in found]
    assert [("orange", "ring"), ("red", "star")] in pairs
    assert [("purple", "star"), ("red", "star")] in pairs
    assert [("purple", "ring"), ("purple", "star")] in pairs
    assert len(pairs) == 3


def test_absent_tokens_cost_nothing_and_are_not_pushed_away():
    torch.manual_seed(0)
    logits = torch.randn(3, 5, requires_grad=True)
    chosen = torch.tensor([[True, False, True], [False, True, False]])
    batch = torch.tensor([[0, 3, 4], [1, 2, 0], [1, 1, 2]])  # the last one is taught nowhere
    left = spared(logits, chosen, batch)
    wanted = torch.tensor([1, 2, 3])
    torch.nn.functional.cross_entropy(left, wanted).backward()
    gone = torch.zeros(3, 5, dtype=torch.bool)
    gone[1, 4] = gone[2, 0] = True
    assert logits.grad is not None
    assert torch.equal(logits.grad == 0, gone)
    assert torch.equal(left[~gone], logits[~gone])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_nothing_absent_changes_nothing(dtype):
    logits = torch.randn(2, 4).to(dtype)
    chosen = torch.tensor([[True, True]])
    none = torch.empty(0, 3, dtype=torch.long)
    assert torch.equal(spared(logits, chosen, none), logits)


def test_a_batch_says_of_which_lesson_a_place_is():
    first, second = Lesson(), Lesson(absent=[(1, 9)])
    first.add([1, 2, 3], 1.0)
    second.add([4, 5], 1.0)
    assert collate([first, second], 0)["absent"].tolist() == [[1, 1, 9]]
