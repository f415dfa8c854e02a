"""Positions of what was kept."""

import random
import statistics

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from omni.compression.placement import place, prompt_rows, spans
from omni.compression.selector import Merging
from omni.errors import UsageError


@st.composite
def kept_of(draw):
    count = draw(st.integers(1, 30))
    kept = sorted(draw(st.sets(st.integers(0, count - 1), min_size=1)))
    steps = draw(st.lists(st.integers(1, 4), min_size=count, max_size=count))
    positions = torch.tensor(steps).cumsum(0) + draw(st.integers(-3, 50))
    return positions, torch.tensor(kept)


@settings(max_examples=60, deadline=None)
@given(case=kept_of(), rows=st.integers(0, 4))
def test_every_policy_keeps_the_order(case, rows):
    positions, kept = case
    many = torch.stack([positions + row for row in range(rows)]) if rows else positions
    every = torch.arange(len(positions))
    for policy in ("keep", "dense", "median", "calibrated"):
        placed = place(many, kept, policy)
        assert placed.positions.shape == (*many.shape[:-1], len(kept))
        assert (placed.positions.diff() > 0).all() and placed.positions.dtype == torch.int64
        assert (placed.bias is None) == (policy != "calibrated")
        if policy == "dense":
            expected = torch.arange(len(kept)).expand(placed.positions.shape)
        else:
            expected = many[..., kept]
            assert torch.equal(place(many, every, policy).positions, many), "all is the identity"
        assert torch.equal(placed.positions, expected)


@settings(max_examples=60, deadline=None)
@given(case=kept_of())
def test_a_bias_makes_up_for_what_is_gone(case):
    positions, kept = case
    count = len(positions)
    found = spans(kept, count)
    owners = [min(kept.tolist(), key=lambda k: (abs(k - n), k)) for n in range(count)]
    assert found.tolist() == [owners.count(k) for k in kept.tolist()]
    bias = place(positions, kept, "calibrated").bias
    assert bias is not None and bias.exp().sum().item() == pytest.approx(count)
    whole = place(positions, torch.arange(count), "calibrated").bias
    assert whole is not None and whole.tolist() == [0] * count


def test_a_merged_token_lies_in_the_middle_of_its_parts():
    for seed in range(50):
        dice = random.Random(seed)
        count = dice.randint(1, 25)
        order = dice.sample(range(count), count)
        kept_count = dice.randint(1, count)
        counts = [1] * kept_count
        for _ in range(dice.randint(0, count - kept_count)):
            counts[dice.randrange(kept_count)] += 1
        used = sum(counts)
        parts, start = [], 0
        for number in counts:
            parts.append(order[start : start + number])
            start += number
        parts.sort(key=min)
        sources = torch.tensor([n for part in parts for n in part] + order[used:])
        counts = torch.tensor([len(part) for part in parts])
        merging = Merging(sources, counts, torch.ones(count))
        kept = torch.tensor([min(part) for part in parts])
        rows = torch.stack([torch.arange(count) * 2, torch.tensor(dice.sample(range(99), count))])
        placed = place(rows, kept, "median", merging)
        for row, positions in zip(rows.tolist(), placed.positions.tolist(), strict=True):
            assert positions == [statistics.median_low(row[n] for n in part) for part in parts]
        single = place(rows[0], kept, "calibrated", merging)
        assert torch.equal(single.positions, placed.positions[0])
        assert single.bias is not None and torch.equal(single.bias, counts.float().log())


def test_whole_stretches_merged_keep_the_order():
    merging = Merging(torch.arange(9), torch.tensor([4, 2, 3]), torch.ones(9))
    placed = place(torch.arange(100, 109), torch.tensor([0, 4, 6]), "median", merging)
    assert placed.positions.tolist() == [101, 104, 107]


def test_rows_of_a_prompt_have_no_gap_in_the_text_and_those_of_media_stay():
    """Two words, a picture of 2 x 3 tokens, one word: the text's row is counted anew."""
    text = torch.arange(9)
    time = torch.tensor([0, 1, 2, 2, 2, 2, 2, 2, 5])
    height = torch.tensor([0, 1, 2, 2, 2, 3, 3, 3, 5])
    width = torch.tensor([0, 1, 2, 3, 4, 2, 3, 4, 5])
    rows = torch.stack([text, time, height, width])
    kept = torch.tensor([0, 1, 3, 7, 8])
    placed, ahead = prompt_rows(rows, kept)
    assert placed[0].tolist() == [0, 1, 2, 3, 4]
    assert torch.equal(placed[1:], rows[1:, kept])
    assert ahead.item() == 1, "the next token is the sixth, and its position is 6"
    whole, ahead = prompt_rows(rows, torch.arange(9))
    assert torch.equal(whole, rows) and ahead.item() == -3


def test_unknown_policies_and_shapes_are_refused():
    with pytest.raises(UsageError, match="unknown placement 'near'; known: keep, dense, median"):
        place(torch.arange(3), torch.tensor([0]), "near")
    with pytest.raises(UsageError, match=r"not of shape \[1, 1, 3\]"):
        place(torch.zeros(1, 1, 3), torch.tensor([0]))
