"""Splicing against a loop, and the assignment of items to rows."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from omni.errors import UsageError
from omni.model.splice import assign_rows, pack_rows, skip, splice


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(1, 4), max_size=3), min_size=1, max_size=4), st.randoms())
def test_equals_the_loop(keeps, random):
    length = max(sum(row) for row in keeps) + 3
    places = torch.zeros(len(keeps), length, dtype=torch.bool)
    for row, own in enumerate(keeps):
        for place in random.sample(range(length), sum(own)):
            places[row, place] = True
    flat = [keep for row in keeps for keep in row]
    rows = assign_rows(places.sum(1).tolist(), flat)
    assert rows == [row for row, own in enumerate(keeps) for _ in own]
    if not flat:
        return
    items = [torch.randn(keep, 2) for keep in flat]
    text = torch.randn(len(keeps), length, 2)
    media = pack_rows(items, rows, len(keeps))
    found = splice(text, places, media)
    left = iter(torch.cat(items))
    for row in range(len(keeps)):
        for place in range(length):
            expected = next(left) if places[row, place] else text[row, place]
            assert torch.equal(found[row, place], expected)


def test_skip_passes_over_what_was_used():
    media = torch.arange(6.0).view(2, 3, 1)
    found = skip(media, torch.tensor([1, 0]))
    assert found[0, :2, 0].tolist() == [1, 2] and found[1, :, 0].tolist() == [3, 4, 5]


def test_gradients_reach_media_and_text():
    text = torch.zeros(1, 3, 2, requires_grad=True)
    media = torch.ones(1, 1, 2, requires_grad=True)
    splice(text, torch.tensor([[False, True, False]]), media).sum().backward()
    assert media.grad is not None and media.grad.sum() == 2
    assert text.grad is not None and text.grad.sum() == 4


def test_rows_must_match_exactly():
    assert assign_rows([0, 5, 0, 2], [2, 3, 2]) == [1, 1, 3]
    with pytest.raises(UsageError, match=r"row 0 has 4 media placeholders.*fill 5"):
        assign_rows([4], [2, 3])
    with pytest.raises(UsageError, match=r"2 media items were given.*placeholders for 1"):
        assign_rows([2], [2, 3])
