"""Selectors against naive loops, and the rules that all of them keep."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from omni import plugins
from omni.compression.farthest import FarthestPoint
from omni.compression.selector import Question, SelectionReport, Tokens
from omni.kernels import naive

NAMES = ["farthest", "topk", "uniform"]
WIDTH = 12


def items_of(lengths, seed=0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(n, WIDTH, generator=generator).to(dtype) for n in lengths]


def question_of(counts, seed=1):
    """Questions of so many words each, padded with words that must not be heard."""
    generator = torch.Generator().manual_seed(seed)
    words = torch.randn(len(counts), max([*counts, 1]), WIDTH, generator=generator)
    mask = torch.arange(words.shape[1]) < torch.tensor(counts)[:, None]
    return Question(words, mask)


def select(selector, items, keep, question=None):
    lengths = [len(item) for item in items]
    return selector(Tokens(torch.cat(items), lengths), keep, question)


def truth(name, item, keep, words):
    if name == "farthest":
        return naive.farthest(item, keep, words, question_weight=0.5)
    if name == "topk":
        empty = item[:0]
        return naive.best(naive.relevance(item, empty if words is None else words), keep)
    return naive.spaced(len(item), keep)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("asked", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_equals_the_loop(name, asked, dtype):
    lengths, keep, words = [7, 1, 33, 20, 4], [3, 1, 16, 20, 1], [4, 2, 0, 1, 3]
    items = items_of(lengths, dtype=dtype)
    question = question_of(words) if asked else None
    selection = select(plugins.load("compression", name)(), items, keep, question)
    for row, places in enumerate(selection.places.split(list(selection.kept))):
        own = None if question is None else question.x[row][question.mask[row]]
        assert places.tolist() == truth(name, items[row], keep[row], own), row


@pytest.mark.parametrize("name", NAMES)
def test_a_question_of_no_words_is_no_question(name):
    items = items_of([9, 5])
    silent = Question(torch.empty(2, 0, WIDTH), torch.empty(2, 0, dtype=torch.bool))
    selector = plugins.load("compression", name)()
    asked, alone = select(selector, items, [4, 2], silent), select(selector, items, [4, 2])
    assert torch.equal(asked.places, alone.places)


def test_tokens_on_the_other_side_are_farther_than_those_at_a_right_angle():
    """With few kept, distances above one decide; they must not be cut off at one."""
    items = items_of([9] * 40, seed=7)
    selection = select(FarthestPoint(), items, [2] * 40)
    for item, places in zip(items, selection.places.split(2), strict=True):
        assert places.tolist() == naive.farthest(item, 2)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_rules_hold_for_any_batch(name, data):
    lengths = data.draw(st.lists(st.integers(1, 12), min_size=1, max_size=4))
    keep = [data.draw(st.integers(1, n)) for n in lengths]
    words = [data.draw(st.integers(0, 4)) for _ in lengths]
    items = items_of(lengths, seed=data.draw(st.integers(0, 99)))
    kind = data.draw(st.sampled_from(["random", "equal", "doubled", "zero", "huge"]))
    if kind == "equal":
        items = [item[:1].expand_as(item).clone() for item in items]
    if kind == "doubled":
        items = [torch.cat([item, item])[: len(item)] for item in items]
    if kind == "zero":
        items = [item * 0 for item in items]
    if kind == "huge":
        items = [item * 1e18 for item in items]
    question = question_of(words) if data.draw(st.booleans()) else None
    selector = plugins.load("compression", name)()
    selection = select(selector, items, keep, question)
    assert selection.kept == tuple(keep) and selection.places.dtype == torch.int64
    assert selection.scores.dtype == torch.float32 and selection.scores.isfinite().all()
    assert ((selection.dropped >= 0) & (selection.dropped <= 1)).all()
    taken = selection.take(torch.cat(items)).split(keep)
    for row, places in enumerate(selection.places.split(keep)):
        assert places.unique().tolist() == places.tolist(), "ascending, and each once"
        assert places[0] >= 0 and places[-1] < lengths[row]
        assert torch.equal(taken[row], items[row][places])
        own = (
            None
            if question is None
            else Question(question.x[row : row + 1], question.mask[row : row + 1])
        )
        alone = select(selector, [items[row]], [keep[row]], own)
        assert torch.equal(alone.places, places), "batch mates never change a result"
        own_words = None if question is None else question.x[row][question.mask[row]]
        assert places.tolist() == truth(name, items[row], keep[row], own_words)


@pytest.mark.parametrize("name", NAMES)
def test_keeping_all_is_the_identity(name):
    items = items_of([5, 3])
    selection = select(plugins.load("compression", name)(), items, [5, 3], question_of([2, 2]))
    assert torch.equal(selection.take(torch.cat(items)), torch.cat(items))
    assert selection.dropped.tolist() == [0, 0]


def test_bfloat16_input_gives_nearly_the_float32_answer():
    items = items_of([144] * 4)
    full = select(FarthestPoint(), items, [36] * 4)
    half = select(FarthestPoint(), [item.bfloat16() for item in items], [36] * 4)
    for a, b in zip(full.places.split([36] * 4), half.places.split([36] * 4), strict=True):
        same = len(set(a.tolist()) & set(b.tolist()))
        assert same / (72 - same) > 0.6


def test_farthest_covers_clusters_that_top_k_does_not():
    generator = torch.Generator().manual_seed(3)
    centres = torch.randn(8, WIDTH, generator=generator)
    noise = 0.05 * torch.randn(64, WIDTH, generator=generator)
    clusters = torch.arange(64) % 8
    item = centres[clusters] + noise
    question = Question(centres[:1, None], torch.ones(1, 1, dtype=torch.bool))
    spread = select(FarthestPoint(question_weight=0), [item], [8]).places
    assert clusters[spread].unique().numel() == 8
    near = select(plugins.load("compression", "topk")(), [item], [8], question).places
    assert clusters[near].unique().tolist() == [0]


def test_question_weight_pulls_towards_the_question():
    items = items_of([64])
    question = Question(items[0][10:11, None], torch.ones(1, 1, dtype=torch.bool))
    blind = select(FarthestPoint(question_weight=0), items, [8], question)
    assert torch.equal(blind.places, select(FarthestPoint(), items, [8]).places)
    asked = select(FarthestPoint(question_weight=1), items, [8], question)
    scores = asked.scores
    assert scores[asked.places].mean() > scores[blind.places].mean()


def test_selection_runs_without_gradients_and_take_with_them():
    items = [item.requires_grad_() for item in items_of([9])]
    selection = select(FarthestPoint(), items, [4])
    selection.take(items[0]).sum().backward()
    assert items[0].grad is not None and items[0].grad.sum() == 4 * WIDTH


def test_report_in_json():
    report = SelectionReport(100, (("img-1", 36, 144), ("", 8, 8)))
    assert report.to_json() == {
        "budget": 100,
        "kept": 44,
        "items": [
            {"handle": "img-1", "kept": 36, "of": 144},
            {"handle": "", "kept": 8, "of": 8},
        ],
    }


@pytest.mark.gpu
@pytest.mark.parametrize("name", NAMES)
def test_cuda_equals_cpu_and_never_waits(name):
    lengths, keep = [144, 37, 100], [36, 8, 99]
    items, question = items_of(lengths), question_of([4, 0, 7])
    selector = plugins.load("compression", name)()
    expected = select(selector, items, keep, question)
    moved = [item.cuda() for item in items]
    tokens = Tokens(torch.cat(moved), lengths)
    asked = Question(question.x.cuda(), question.mask.cuda())
    selector(tokens, keep, asked)  # the first call may load kernels
    torch.cuda.set_sync_debug_mode("error")
    try:
        found = selector(tokens, keep, asked)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert torch.equal(found.places.cpu(), expected.places)
