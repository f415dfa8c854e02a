"""What items keep is known before they are encoded: exact sums, floors, pins and weights."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from omni.compression.budget import Budget, Grid
from omni.errors import UsageError
from omni.model.item import MediaItem


def item(size, pins=0, handle=""):
    pinned = torch.arange(size) < pins if pins else None
    return MediaItem(
        "ramp", None, Grid(time=size), size, torch.ones(size, 12), handle, None, pinned
    )


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=6),
    total=st.integers(24, 200),
    data=st.data(),
)
def test_weights_share_the_budget_exactly_and_nobody_falls_below_the_floor(
    shared, sizes, total, data
):
    _, processor = shared
    weights = data.draw(
        st.lists(st.floats(0, 1), min_size=len(sizes), max_size=len(sizes)), label="weights"
    )
    planned = processor.plan([item(size) for size in sizes], Budget(tokens=total), weights)
    kept = [one.keep for one in planned]
    assert sum(kept) == min(total, sum(sizes))
    assert all(min(size, 4) <= keep <= size for size, keep in zip(sizes, kept, strict=True))
    open_to = [i for i, (size, keep) in enumerate(zip(sizes, kept, strict=True)) if keep < size]
    for one in open_to:
        for other in open_to:  # among those that want more, who weighs more has as much or more
            if weights[one] > weights[other]:
                assert kept[one] >= kept[other]


def test_one_weighs_all_and_the_others_keep_their_floor(shared):
    _, processor = shared
    planned = processor.plan([item(30) for _ in range(3)], Budget(tokens=28), [0.0, 1.0, 0.0])
    assert [one.keep for one in planned] == [4, 20, 4]


def test_pinned_tokens_raise_the_floor(shared):
    _, processor = shared
    items = [item(20, pins=9), item(20)]
    assert [one.keep for one in processor.plan(items, Budget(tokens=12, floor=2))] == [9, 3]
    assert [one.keep for one in processor.plan(items, Budget(keep=0.1, floor=2))] == [9, 2]
    with pytest.raises(UsageError, match="a budget of 10 tokens is too small for 2 media items"):
        processor.plan(items, Budget(tokens=10, floor=2))
    assert items[0].pins == 9 and items[1].pins == 0


def test_texts_have_no_weight(shared, tokenizer):
    _, processor = shared
    marks = "<|open|><|media|><|close|>"
    inputs = processor(
        [f"{marks}{marks}", marks],
        [[item(30), item(30)], [item(8)]],
        budget=Budget(tokens=20),
        weights=[[1.0, 3.0], [1.0]],
    )
    assert [one.keep for one in inputs["media"]] == [5, 15, 8]
    places = (inputs["input_ids"] == processor.tokenizer.convert_tokens_to_ids("<|media|>")).sum(1)
    assert places.tolist() == [20, 8]


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0], "1 weights for 2 media items: give one an item"),
        ([1.0, -1.0], "the weight of item 1 is -1.0: wanted a number from 0 up"),
        ([float("nan"), 1.0], "the weight of item 0 is nan: wanted a number from 0 up"),
    ],
)
def test_weights_that_are_none(shared, weights, message):
    _, processor = shared
    with pytest.raises(UsageError, match=message):
        processor.plan([item(9), item(9)], Budget(tokens=8), weights)


def test_lists_of_weights_are_those_of_the_prompts(shared):
    _, processor = shared
    with pytest.raises(UsageError, match="1 lists of weights for 2 prompts: one for each"):
        processor(["a", "b"], [[], []], weights=[[1.0]])


def test_a_grid_has_to_be_that_of_the_tokens(shared):
    _, processor = shared
    part = {"type": "ramp", "tokens": torch.ones(6, 12)}
    assert processor.item({**part, "grid": Grid(1, 2, 3)}).grid == Grid(1, 2, 3)
    with pytest.raises(UsageError, match="has 6 encoder tokens, but a grid of 8"):
        processor.item({**part, "grid": Grid(1, 2, 4)})
    with pytest.raises(UsageError, match="has 6 tokens, but 5 flags of which are pinned"):
        processor.item({**part, "pinned": torch.ones(5, dtype=torch.bool)})
