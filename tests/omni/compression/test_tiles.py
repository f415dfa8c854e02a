"""Selectors that share tokens among tiles and examples, against loops."""

import random

import pytest
import torch

from omni import plugins
from omni.compression.budget import Grid
from omni.compression.globalcom2 import GlobalCom2, tile_layout
from omni.compression.pyramid import Pyramid
from omni.compression.selector import Question, Signals, Tokens
from omni.errors import UsageError
from omni.kernels import naive_budgets

NAMES = ["globalcom2", "tiles", "pyramid", "catp"]
WIDTH = 5


def case(seed):
    dice = random.Random(seed)
    generator = torch.Generator().manual_seed(seed)
    dtype = torch.bfloat16 if seed % 2 else torch.float32
    grids = [
        Grid(dice.choice([1, 2, 3, 5, 7]), dice.randint(1, 3), dice.randint(1, 3)) for _ in range(2)
    ]
    items = [torch.randn(grid.tokens, WIDTH, generator=generator).to(dtype) for grid in grids]
    keep = [dice.randint(1, grid.tokens) for grid in grids]
    words = [dice.randint(0, 3) for _ in items]
    asked = torch.randn(2, max([*words, 1]), WIDTH, generator=generator)
    mask = torch.arange(asked.shape[1]) < torch.tensor(words)[:, None]
    attention = 10 * torch.randn(sum(grid.tokens for grid in grids), generator=generator)
    return items, grids, keep, Question(asked, mask) if seed % 3 else None, attention


def tokens_of(items, grids, attention=None, pinned=None):
    lengths = [len(item) for item in items]
    return Tokens(torch.cat(items), lengths, grids, pinned, Signals(attention=attention))


def truth(name, item, grid, keep, words, attention):
    layout = tile_layout(grid.time - 1) if grid.time > 1 else (1, 1)
    stack = item.split(grid.height * grid.width)
    if name == "globalcom2":
        shape = (grid.time, grid.height, grid.width)
        return naive_budgets.globalcom2(attention.tolist(), shape, keep, layout)
    if name == "tiles":
        return naive_budgets.tiles(stack, keep, words)
    if name == "pyramid":
        place = layout if grid.time > 1 else None
        return naive_budgets.pyramid(stack, grid.height, keep, words, place)
    return naive_budgets.catp(item, keep, words)


@pytest.mark.parametrize("name", NAMES)
def test_equals_the_loop_on_many_seeds(name):
    selector = plugins.load("compression", name)()
    for seed in range(50):
        items, grids, keep, question, attention = case(seed)
        found = selector(tokens_of(items, grids, attention), keep, question)
        assert found.kept == tuple(keep)
        assert found.scores.dtype == torch.float32 and (found.scores >= 0).all()
        levels = attention.split([len(item) for item in items])
        for row, places in enumerate(found.places.split(keep)):
            words = None if question is None else question.x[row][question.mask[row]]
            expected = truth(name, items[row], grids[row], keep[row], words, levels[row])
            assert places.tolist() == expected, (seed, row)
            own = question and Question(question.x[row : row + 1], question.mask[row : row + 1])
            alone = tokens_of([items[row]], [grids[row]], levels[row])
            assert torch.equal(selector(alone, [keep[row]], own).places, places)
        if seed % 2:
            full = tokens_of([item.float() for item in items], grids, attention)
            assert torch.equal(selector(full, keep, question).places, found.places)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["equal", "zero", "broken", "one"])
def test_rules_hold_for_odd_tokens(name, kind):
    grid = Grid() if kind == "one" else Grid(5, 2, 2)
    generator = torch.Generator().manual_seed(9)
    item = torch.randn(grid.tokens, WIDTH, generator=generator)
    attention = torch.rand(grid.tokens, generator=generator)
    if kind == "equal":
        item, attention = item[:1].expand_as(item).clone(), torch.ones(grid.tokens)
    if kind == "zero":
        item, attention = item * 0, attention * 0
    if kind == "broken":
        item[4, 1], item[11] = torch.nan, torch.inf
        attention[4] = torch.nan
    keep = max(1, grid.tokens - 3)
    selector = plugins.load("compression", name)()
    found = selector(tokens_of([item], [grid], attention), [keep], None)
    places = found.places.tolist()
    assert len(set(places)) == keep and places == sorted(places)
    assert found.scores.isfinite().all()
    if kind == "broken":
        assert not {4, 11} & set(places)
        assert len(selector(tokens_of([item], [grid], attention), [20], None).places) == 20
        return
    pins = torch.zeros(grid.tokens, dtype=torch.bool)
    pins[-1] = True
    pinned = selector(tokens_of([item], [grid], attention, pins), [1], None)
    assert pinned.places.tolist() == [grid.tokens - 1]
    whole = selector(tokens_of([item], [grid], attention), [grid.tokens], None)
    assert torch.equal(whole.take(item), item)


def test_catp_starts_from_pins():
    for seed in range(20):
        items, _, keep, question, _ = case(seed)
        length = len(items[0])
        pinned = random.Random(seed).sample(range(length), min(keep[0], 2))
        flags = torch.tensor([place in pinned for place in range(length)])
        own = question and Question(question.x[:1], question.mask[:1])
        tokens = Tokens(items[0], [length], pinned=flags)
        found = plugins.load("compression", "catp")()(tokens, keep[:1], own)
        words = None if own is None else own.x[0][own.mask[0]]
        assert found.places.tolist() == naive_budgets.catp(items[0], keep[0], words, pinned)


def test_the_tile_that_the_thumbnail_attends_to_keeps_most():
    grid = Grid(5, 4, 4)
    attention = torch.ones(80)
    thumbnail = attention[:16].view(4, 4)
    thumbnail[2:, :2] = 12  # lower left: the third of four tiles
    found = GlobalCom2()(tokens_of([torch.randn(80, WIDTH)], [grid], attention), [20], None)
    counts = torch.bincount(found.places // 16, minlength=5).tolist()
    assert counts[3] > max(counts[1], counts[2], counts[4])


def test_only_tiles_that_were_asked_about_are_looked_at():
    generator = torch.Generator().manual_seed(2)
    item = torch.randn(80, 32, generator=generator)
    item[[2, 3, 6, 7]] = item[[2, 3, 6, 7]] + 9 * item[2]  # upper right of the whole
    question = Question(item[2][None, None], torch.ones(1, 1, dtype=torch.bool))
    found = Pyramid()(tokens_of([item], [Grid(5, 4, 4)]), [24], question)
    assert set((found.places // 16).tolist()) == {0, 2}


def test_what_is_missing_is_named():
    tokens = tokens_of([torch.ones(4, WIDTH)], [Grid(4)])
    with pytest.raises(UsageError, match="globalcom2 needs the attention"):
        GlobalCom2()(tokens, [2], None)
    with pytest.raises(UsageError, match="3 tiles do not fill whole rows of 2"):
        Pyramid(columns=2)(tokens, [2], None)


@pytest.mark.gpu
@pytest.mark.parametrize("name", NAMES)
def test_cuda_equals_cpu_and_never_waits(name):
    items, grids, keep, question, attention = case(4)
    selector = plugins.load("compression", name)()
    expected = selector(tokens_of(items, grids, attention), keep, question)
    tokens = tokens_of([item.cuda() for item in items], grids, attention.cuda())
    asked = question and Question(question.x.cuda(), question.mask.cuda())
    selector(tokens, keep, asked)  # the first call may load kernels
    torch.cuda.set_sync_debug_mode("error")
    try:
        found = selector(tokens, keep, asked)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert torch.equal(found.places.cpu(), expected.places)
