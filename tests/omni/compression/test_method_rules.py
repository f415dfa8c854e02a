"""The rules that published selection methods keep, whatever they are given."""

from dataclasses import replace

import pytest
import torch

from omni import plugins
from omni.compression.budget import Grid
from omni.compression.pins import Pinned
from omni.compression.selector import Question, Signals, Tokens
from omni.errors import UsageError

WIDTH = 8
BLIND_TO_CONTENT = ("random", "pool", "fourier")
NEED_ATTENTION = (
    "attention",
    "flowcut",
    "fopru",
    "prumerge",
    "recoverable",
    "turbo",
    "visiondrop",
    "visionzip",
    "vispruner",
)
NAMES = (*NEED_ATTENTION, *BLIND_TO_CONTENT, "coverage", "divprune", "dpp", "maxsum", "tome")
VARIANTS = {
    **{name: {} for name in NAMES},
    "fopru row": {"strategy": "row"},
    "prumerge uniform": {"uniform": True},
    "tome unsized": {"sized": False},
    "visionzip added": {"added": True, "contextual": 0.5},
}
GRIDS = [Grid(1, 4, 5), Grid(), Grid(time=17), Grid(2, 2, 2)]
KEEP = [7, 1, 9, 5]


@pytest.fixture(params=VARIANTS)
def selector(request):
    name = request.param
    return plugins.load("compression", name.partition(" ")[0])(**VARIANTS[name])


def batch(seed=0, kind="random"):
    generator = torch.Generator().manual_seed(seed)
    lengths = [grid.tokens for grid in GRIDS]
    x = torch.randn(sum(lengths), WIDTH, generator=generator)
    if kind == "equal":
        x = x[:1].expand_as(x).clone()
    if kind == "zero":
        x = x * 0
    if kind == "huge":
        x = x * 1e18
    signals = Signals(
        torch.rand(len(x), generator=generator),
        torch.randn(len(x), 5, generator=generator),
        torch.randn(len(x), 6, generator=generator),
    )
    words = torch.randn(4, 3, WIDTH, generator=generator)
    asked = torch.arange(3) < torch.tensor([3, 1, 0, 2])[:, None]
    return Tokens(x, lengths, GRIDS, None, signals), Question(words, asked)


def part(tokens, rows, grids=()):
    signals = tokens.signals
    return Tokens(
        tokens.x[rows],
        [len(rows)],
        grids,
        None if tokens.pinned is None else tokens.pinned[rows],
        Signals(signals.attention[rows], signals.keys[rows], signals.paired[rows]),
    )


def item_of(tokens, question, item):
    start = sum(tokens.lengths[:item])
    rows = torch.arange(start, start + tokens.lengths[item])
    own = Question(question.x[item : item + 1], question.mask[item : item + 1])
    return part(tokens, rows, [tokens.grids[item]]), own


def check(selection, tokens, keep):
    assert selection.kept == tuple(keep) and selection.lengths == tuple(tokens.lengths)
    assert selection.places.dtype == torch.int64 and selection.scores.dtype == torch.float32
    assert selection.scores.isfinite().all() and (selection.scores >= 0).all()
    assert ((selection.dropped >= 0) & (selection.dropped <= 1)).all()
    for places, length in zip(selection.places.split(keep), tokens.lengths, strict=True):
        assert places.unique().tolist() == places.tolist(), "ascending, and each once"
        assert places[0] >= 0 and places[-1] < length


@pytest.mark.parametrize("kind", ["random", "equal", "zero", "huge"])
def test_exact_counts_in_order_and_batch_mates_that_change_nothing(selector, kind):
    tokens, question = batch(1, kind)
    selection = selector(tokens, KEEP, question)
    check(selection, tokens, KEEP)
    taken = selection.take(tokens.x)
    assert taken.dtype == tokens.x.dtype and taken.shape == (sum(KEEP), WIDTH)
    assert taken.isfinite().all()
    again = selector(tokens, KEEP, question)
    assert torch.equal(again.places, selection.places) and torch.equal(again.take(tokens.x), taken)
    each = zip(selection.places.split(KEEP), taken.split(KEEP), strict=True)
    for item, (places, rows) in enumerate(each):
        alone, own = item_of(tokens, question, item)
        single = selector(alone, [KEEP[item]], own)
        assert torch.equal(single.places, places)
        assert torch.equal(single.take(alone.x), rows)


def test_keeping_all_changes_nothing(selector):
    tokens, question = batch(2)
    selection = selector(tokens, tokens.lengths, question)
    assert torch.equal(selection.take(tokens.x), tokens.x)
    assert selection.dropped.tolist() == [0] * len(KEEP)
    tokens.x[3] = torch.nan
    some = selector(tokens, [20, 1, 9, 7], question).take(tokens.x)
    assert torch.equal(some[:21].nan_to_num(7), tokens.x[:21].nan_to_num(7))


def test_half_precision_input_keeps_what_its_copy_in_float32_keeps(selector):
    tokens, question = batch(3)
    attention, keys = (tokens.signal(name, "") for name in ("attention", "keys"))
    attention, keys = attention.bfloat16(), keys.bfloat16()
    half = replace(tokens, x=tokens.x.bfloat16(), signals=Signals(attention, keys))
    copy = Signals(attention.float(), keys.float())
    full = replace(tokens, x=half.x.float(), signals=copy)
    found, expected = selector(half, KEEP, question), selector(full, KEEP, question)
    assert torch.equal(found.places, expected.places)
    assert torch.equal(found.scores, expected.scores)
    assert found.take(half.x).dtype == torch.bfloat16


def test_pins_are_kept_as_they_are(selector):
    tokens, question = batch(4)
    pinned = torch.zeros(len(tokens.x), dtype=torch.bool)
    pinned[[4, 9, 14, 19, 20, 21, 37]] = True
    tokens = replace(tokens, pinned=pinned)
    keep = [5, 1, 9, 2]
    selection = selector(tokens, keep, question)
    check(selection, tokens, keep)
    rows = selection.rows.tolist()
    taken = selection.take(tokens.x)
    for row in pinned.nonzero().flatten().tolist():
        assert row in rows
        assert torch.equal(taken[rows.index(row)], tokens.x[row])
    for item, places in enumerate(selection.places.split(keep)):
        alone, own = item_of(tokens, question, item)
        assert torch.equal(selector(alone, [keep[item]], own).places, places)
    full = selector(tokens, [4, 1, 2, 1], question)  # nothing but pins where there are any
    assert full.places[:4].tolist() == [4, 9, 14, 19]
    assert full.take(tokens.x).isfinite().all()


def test_more_pins_than_may_be_kept_are_refused(selector):
    tokens, question = batch()
    pinned = torch.zeros(len(tokens.x), dtype=torch.bool)
    pinned[[3, 8, 9]] = True
    with pytest.raises(UsageError, match=r"item 0 has 3 pinned tokens, but may keep only 2"):
        selector(replace(tokens, pinned=pinned), [2, 1, 1, 1], question)


def test_broken_tokens_come_last_and_spoil_nothing(selector):
    tokens, question = batch(5)
    broken = [0, 3, 7, 11, 12, 30, 31, 40, 43]
    tokens.x[broken[::2]] = torch.nan
    tokens.x[broken[1::2], 2] = torch.inf
    tokens.signal("attention", "")[17] = torch.nan
    tokens.signal("keys", "")[18, 1] = -torch.inf
    question.x[0, 1] = torch.nan
    keep = [9, 1, 12, 3]
    selection = selector(tokens, keep, question)
    check(selection, tokens, keep)
    name = type(selector).__name__
    if name not in ("Pool", "Fourier", "ToMe", "Turbo"):  # there a place says nothing of content
        assert not set(selection.rows.tolist()) & set(broken)
    if name != "Pool":  # a box of nothing but broken tokens has nothing to average
        assert selection.take(tokens.x).isfinite().all()
    tokens.x[:] = torch.nan
    check(selector(tokens, KEEP, question), tokens, KEEP)


def test_a_question_without_words_is_no_question(selector):
    tokens, question = batch(6)
    silent = replace(question, mask=torch.zeros_like(question.mask))
    assert torch.equal(selector(tokens, KEEP, silent).places, selector(tokens, KEEP, None).places)


@pytest.mark.parametrize("keep", [[0, 1, 1, 1], [21, 1, 1, 1], [1, 1]])
def test_counts_that_cannot_be_met_are_refused(selector, keep):
    tokens, question = batch()
    with pytest.raises(UsageError, match="keep"):
        selector(tokens, keep, question)


def test_gradients_reach_the_tokens_but_not_the_choice(selector):
    tokens, question = batch(7)
    x = tokens.x.requires_grad_()
    selection = selector(tokens, KEEP, question)
    assert not selection.scores.requires_grad
    selection.take(x).sum().backward()
    assert x.grad is not None and x.grad.isfinite().all() and x.grad.abs().sum() > 0


@pytest.mark.parametrize("name", NEED_ATTENTION)
def test_attention_that_is_missing_is_asked_for(name):
    tokens, question = batch()
    with pytest.raises(UsageError, match=rf"{name} needs the attention .*Signals\(attention="):
        bare = replace(tokens, signals=Signals())
        plugins.load("compression", name)()(bare, KEEP, question)


def test_rows_need_a_grid_that_fits():
    tokens, _ = batch()
    selector = plugins.load("compression", "fopru")(strategy="row")
    with pytest.raises(UsageError, match="needs the grid of each of 4 items, and has 0"):
        selector(replace(tokens, grids=()), KEEP, None)
    with pytest.raises(UsageError, match="item 0 has 20 tokens, but its grid has 21"):
        selector(replace(tokens, grids=[Grid(1, 3, 7), *GRIDS[1:]]), KEEP, None)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("fopru", {"strategy": "column"}),
        ("coverage", {"text_temperature": 0}),
        ("visionzip", {"contextual": 1}),
        ("vispruner", {"step": 0}),
        ("tome", {"share": 0.6}),
        ("recoverable", {"visual": 0.8, "recovered": 0.4}),
    ],
)
def test_settings_that_make_no_sense_are_refused(name, settings):
    with pytest.raises(UsageError):
        plugins.load("compression", name)(**settings)


@pytest.mark.parametrize("name", ["farthest", "topk", "uniform", "pool", "tome", "fourier"])
def test_any_selector_keeps_pins_when_it_is_told_to(name):
    tokens, question = batch(8)
    pinned = torch.zeros(len(tokens.x), dtype=torch.bool)
    pinned[[2, 5, 20, 43]] = True
    tokens = replace(tokens, pinned=pinned)
    keep = [4, 1, 3, 6]
    inner = plugins.load("compression", name)()
    selection = Pinned(inner)(tokens, keep, question)
    check(selection, tokens, keep)
    assert {2, 5, 20, 43} <= set(selection.rows.tolist())
    rest = torch.tensor([row for row in range(20) if row not in (2, 5)])
    own = Question(question.x[:1], question.mask[:1])
    alone = inner(replace(part(tokens, rest), pinned=None), [2], own)
    chosen = [row for row in selection.rows.tolist() if row < 20 and row not in (2, 5)]
    assert rest[alone.places].tolist() == chosen
    taken = dict(zip(selection.rows.tolist(), selection.take(tokens.x), strict=True))
    for row, expected in zip(chosen, alone.take(tokens.x[rest]), strict=True):
        torch.testing.assert_close(taken[row], expected)


def test_pins_at_the_ends_of_lines_leave_the_grid_to_the_others():
    """Ends of lines are no part of the picture: a grid of the others pools as if they were not."""
    x = torch.randn(20, WIDTH, generator=torch.Generator().manual_seed(0))
    pinned = torch.arange(20) % 5 == 4
    pool = plugins.load("compression", "pool")()
    selection = pool(Tokens(x, [20], [Grid(1, 4, 4)], pinned), [8], None)
    bare = pool(Tokens(x[~pinned], [16], [Grid(1, 4, 4)]), [4], None)
    rows = selection.take(x)
    at = torch.tensor([bool(pinned[row]) for row in selection.rows])
    assert torch.equal(rows[at], x[pinned]) and torch.equal(rows[~at], bare.take(x[~pinned]))


@pytest.mark.gpu
def test_cuda_equals_cpu_and_never_waits(selector):
    tokens, question = batch(9)
    tokens = replace(tokens, pinned=torch.arange(len(tokens.x)) % 20 == 3)
    expected = selector(tokens, KEEP, question)
    names = ("attention", "keys", "paired")
    signals = Signals(**{name: tokens.signal(name, "").cuda() for name in names})
    moved = replace(tokens, x=tokens.x.cuda(), signals=signals)
    asked = Question(question.x.cuda(), question.mask.cuda())
    selector(moved, KEEP, asked)  # the first call may load kernels
    torch.cuda.set_sync_debug_mode("error")
    try:
        found = selector(moved, KEEP, asked)
        taken = found.take(moved.x)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert torch.equal(found.places.cpu(), expected.places)
    torch.testing.assert_close(taken.cpu(), expected.take(tokens.x))


def test_tokens_of_every_modality_lie_in_one_batch(selector):
    """A picture, a clip, a sound and a set of points differ only in their grids."""
    grids = [Grid(1, 3, 4), Grid(3, 2, 2), Grid(time=11), Grid(width=9)]
    generator = torch.Generator().manual_seed(0)
    lengths = [grid.tokens for grid in grids]
    attention = torch.rand(sum(lengths), generator=generator)
    x = torch.randn(sum(lengths), WIDTH, generator=generator)
    tokens = Tokens(x, lengths, grids, None, Signals(attention))
    check(selector(tokens, [5, 2, 3, 4], None), tokens, [5, 2, 3, 4])
