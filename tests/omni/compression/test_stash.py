"""Selecting again at a later turn, and two selections as one."""

import random

import pytest
import torch

from omni import plugins
from omni.compression.budget import Grid
from omni.compression.compose import compose
from omni.compression.selector import Merging, Question, Selection, Signals, Tokens
from omni.compression.stash import Stash
from omni.errors import UsageError

WIDTH = 6


def items_of(lengths, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(n, WIDTH, generator=generator) for n in lengths]


def question_of(count, seed):
    words = torch.randn(count, 2, WIDTH, generator=torch.Generator().manual_seed(seed))
    return Question(words, torch.ones(count, 2, dtype=torch.bool))


@pytest.mark.parametrize("name", ["farthest", "topk", "kffocus", "audio_time", "holitom"])
def test_recovering_equals_a_selection_from_scratch(name):
    selector = plugins.load("compression", name)()
    items = items_of([20, 12, 8])
    grids = [Grid(5, 2, 2), Grid(width=12), Grid(8)]
    attention = torch.rand(40, generator=torch.Generator().manual_seed(1))
    stash = Stash()
    levels = attention.split([20, 12, 8])
    for handle, x, grid, level in zip("abc", items, grids, levels, strict=True):
        assert stash.put(handle, x, grid, signals=Signals(attention=level)) == ()
    selector(Tokens(torch.cat(items), [20, 12, 8], grids), [4, 4, 4], question_of(3, 7))
    for turn, (handles, keep) in enumerate([("abc", [5, 3, 2]), ("ca", [4, 9]), ("bb", [3, 3])]):
        rows = ["abc".index(handle) for handle in handles]
        question = question_of(len(handles), turn)
        found, taken = stash.recover(handles, selector, keep, question)
        scratch = Tokens(
            torch.cat([items[row] for row in rows]),
            [len(items[row]) for row in rows],
            [grids[row] for row in rows],
            None,
            Signals(attention=torch.cat([levels[row] for row in rows])),
        )
        expected = selector(scratch, keep, question)
        assert torch.equal(found.places, expected.places)
        assert torch.equal(taken, expected.take(scratch.x))


def test_a_new_question_finds_what_the_first_one_left_out():
    (item,) = items_of([30])
    stash = Stash()
    stash.put("a", item, Grid(width=30))
    selector = plugins.load("compression", "topk")()
    for place in (4, 21):
        asked = Question(item[place][None, None], torch.ones(1, 1, dtype=torch.bool))
        found, _ = stash.recover(["a"], selector, [3], asked)
        assert place in found.places.tolist()


def test_memory_is_bounded_and_what_went_is_named():
    bytes_each = 10 * WIDTH * 4
    stash = Stash(limit=3 * bytes_each)
    items = items_of([10] * 5)
    for handle, item in zip("abc", items, strict=False):
        assert stash.put(handle, item, Grid(10)) == ()
    assert stash.size == stash.limit
    stash.tokens(["a"])  # used now, so that "b" is the one that was used longest ago
    assert stash.put("d", items[3], Grid(10)) == ("b",)
    assert "a" in stash and "b" not in stash and stash.dropped == ["b"]
    with pytest.raises(UsageError, match=r"'b' had to go.*720 bytes.*held: c, a, d"):
        stash.tokens(["a", "b"])
    with pytest.raises(UsageError, match=r"no tokens of 'x' were put.*held: c, a, d"):
        stash.tokens(["x"])
    large = torch.zeros(100, WIDTH)
    assert stash.put("e", large, Grid(100)) == ("e",)
    assert len(stash) == 3, "what never fits does not drive out the others"
    assert stash.put("b", items[1], Grid(10)) == ("c",)
    assert stash.dropped == ["e", "c"]
    stash.forget("a")
    assert "a" not in stash and len(stash) == 2
    stash.forget()
    assert len(stash) == stash.size == 0 and stash.dropped == []


def test_what_is_held_is_a_copy_with_pins_and_signals():
    first, second = items_of([6, 4])
    whole = torch.cat([first, second])
    stash = Stash()
    stash.put("a", whole[:6], Grid(6), torch.tensor([True] + [False] * 5))
    stash.put("b", whole[6:], Grid(4), signals=Signals(attention=torch.ones(4)))
    whole.zero_()
    tokens = stash.tokens(["a", "b"])
    assert torch.equal(tokens.x, torch.cat([first, second]))
    assert tokens.pinned is not None and tokens.pinned.tolist() == [True] + [False] * 9
    assert tokens.signals.attention is None, "not known of all"
    level = stash.tokens(["b"]).signals.attention
    assert level is not None and level.tolist() == [1] * 4
    assert stash.tokens(["b"]).pinned is None
    with pytest.raises(UsageError, match=r"'c' has a grid of 5 tokens, and rows of 6"):
        stash.put("c", first, Grid(5))
    with pytest.raises(UsageError, match=r"rows of 6, 3"):
        stash.put("c", first, Grid(6), signals=Signals(attention=torch.ones(3)))
    with pytest.raises(UsageError, match="no handle was given"):
        stash.tokens([])
    with pytest.raises(UsageError, match="0 bytes or more, not -1"):
        Stash(-1)


def selection_of(lengths, dice, merged):
    """Any selection, with sums over any tokens of the batch and sources that nobody uses."""
    kept = tuple(dice.randint(1, length) for length in lengths)
    places = [
        place
        for length, count in zip(lengths, kept, strict=True)
        for place in sorted(dice.sample(range(length), count))
    ]
    merging = None
    if merged:
        parts = [dice.choices(range(sum(lengths)), k=dice.randint(1, 3)) for _ in places]
        void = dice.choices(range(sum(lengths)), k=dice.randint(0, 3))
        sources = [row for part in parts for row in part] + void
        weights = [dice.random() for _ in sources]
        counts = torch.tensor([len(part) for part in parts])
        merging = Merging(torch.tensor(sources), counts, torch.tensor(weights))
    scores = torch.tensor([dice.random() for _ in range(sum(lengths))])
    dropped = torch.tensor([dice.random() for _ in lengths])
    return Selection(torch.tensor(places), kept, tuple(lengths), scores, dropped, merging)


@pytest.mark.parametrize("first_merges", [False, True])
@pytest.mark.parametrize("second_merges", [False, True])
def test_one_after_the_other_equals_the_composition(first_merges, second_merges):
    for seed in range(50):
        dice = random.Random(seed)
        lengths = [dice.randint(1, 12) for _ in range(dice.randint(1, 3))]
        first = selection_of(lengths, dice, first_merges)
        second = selection_of(first.kept, dice, second_merges)
        both = compose(first, second)
        assert both.kept == second.kept and both.lengths == first.lengths
        assert torch.equal(both.rows, first.rows[second.rows])
        x = torch.randn(sum(lengths), WIDTH, generator=torch.Generator().manual_seed(seed))
        expected = second.take(first.take(x))
        if first_merges and second_merges:
            torch.testing.assert_close(both.take(x), expected)
        else:
            assert torch.equal(both.take(x), expected)
        assert ((both.dropped >= first.dropped) & (both.dropped >= second.dropped)).all()


def test_real_selectors_compose():
    items = items_of([24, 10])
    tokens = Tokens(torch.cat(items), [24, 10], [Grid(6, 2, 2), Grid(10)])
    first = plugins.load("compression", "holitom")(still=0.0)(tokens, [12, 6], None)
    rest = Tokens(first.take(tokens.x), [12, 6])
    second = plugins.load("compression", "farthest")()(rest, [5, 2], None)
    both = compose(first, second)
    assert torch.equal(both.take(tokens.x), second.take(rest.x))
    with pytest.raises(
        UsageError, match=r"items of \[24, 10\] tokens, but the first kept \[12, 6\]"
    ):
        compose(first, first)
