"""Picking ahead of time picks what the plain loops pick, and works out fewer rows."""

import pytest
import torch

from omni import plugins
from omni.compression import foresight, in_turn
from omni.compression.foresight import Rows, pairs
from omni.compression.selector import Question, Tokens
from omni.compression.units import Unsuited, against, survey, units
from tests.omni.compression.test_methods import case, tokens_of

NAMES = ("farthest", "divprune", "maxsum", "dpp")


@pytest.fixture(params=NAMES)
def both(request, monkeypatch):
    """A selector that answers both ways."""
    selector = plugins.load("compression", request.param)()

    def ways(tokens, keep, question):
        monkeypatch.setattr(in_turn, "_LARGE", 10**12)
        plainly = selector(tokens, keep, question)
        monkeypatch.setattr(in_turn, "_LARGE", 0)
        return plainly, selector(tokens, keep, question)

    return ways


def groups(count, width, seed, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    middles = torch.randn(7, width, generator=generator)
    noise = torch.randn(count, width, generator=generator)
    x = middles[torch.randint(7, (count,), generator=generator)] + 0.5 * noise
    words = torch.randn(1, 3, width, generator=generator)
    return x.to(dtype), Question(words, torch.ones(1, 3, dtype=torch.bool))


@pytest.mark.parametrize("pins", [False, True])
def test_both_ways_keep_the_same(both, pins):
    for seed in range(50):
        items, question = case(seed)
        tokens, keep = tokens_of(items), [item.keep for item in items]
        if pins:
            pinned = [place == 1 and kept > 1 for i, kept in zip(items, keep, strict=True)
                      for place in range(len(i.x))]  # fmt: skip
            tokens = tokens_of(items, pinned=torch.tensor(pinned))
        plainly, ahead = both(tokens, keep, question)
        assert torch.equal(plainly.places, ahead.places), seed
        torch.testing.assert_close(plainly.scores, ahead.scores, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("kind", ["groups", "twins", "near twins", "few dimensions", "broken"])
def test_both_ways_keep_the_same_of_many_tokens(both, dtype, kind):
    x, question = groups(203, 5 if kind == "few dimensions" else 67, 3, dtype)
    if kind == "twins":
        x[100:200] = x[:100]
    if kind == "near twins":
        x[1:150] = x[0] + (1e-4 * x[1:150].float()).to(dtype)
    tokens = Tokens(x, [150, 53])
    if kind == "broken":
        x[3:9] = torch.nan
        x[160] = torch.inf
    both_asked = Question(question.x.expand(2, -1, -1), question.mask.expand(2, -1))
    plainly, ahead = both(tokens, [60, 20], both_asked)
    assert torch.equal(plainly.places, ahead.places)


def test_rounding_of_single_precision_decides_nothing(both, monkeypatch):
    """Cosines that are off by as much as is allowed for change no pick."""
    x, question = groups(203, 67, 5)
    right = Rows.compute
    noise = torch.Generator().manual_seed(0)

    def off(self, places):
        found = right(self, places)
        wrong = torch.rand(found.shape, generator=noise) * 2 - 1
        return found + wrong * 2.0**-24 * 4

    monkeypatch.setattr(Rows, "compute", off)
    monkeypatch.setattr(foresight, "_PATIENCE", 10**6)
    plainly, ahead = both(Tokens(x, [203]), [60], question)
    assert torch.equal(plainly.places, ahead.places)


def test_batch_mates_change_nothing(both):
    x, question = groups(300, 67, 6)
    question = Question(question.x.expand(3, -1, -1), question.mask.expand(3, -1))
    lengths, keep = [101, 64, 135], [30, 64, 9]
    _, together = both(Tokens(x, lengths), keep, question)
    start = 0
    for item, places in enumerate(together.places.split(keep)):
        own = Question(question.x[:1], question.mask[:1])
        rows = x[start : start + lengths[item]]
        _, single = both(Tokens(rows, [lengths[item]]), [keep[item]], own)
        assert torch.equal(single.places, places)
        start += lengths[item]


def test_rows_of_tokens_worth_much_are_worked_out_before_they_are_asked_for():
    x, _ = groups(400, 32, 1)
    directions = units(x, survey(x).lengths)
    rows = Rows(directions.single, 64)
    value = torch.arange(400.0)
    first = rows.row(399, value)
    torch.testing.assert_close(first, directions.single @ directions.single[399])
    assert rows.computed == 16 and sorted(rows.known) == list(range(384, 400))
    rows.row(390, value)
    assert rows.computed == 16
    rows.row(5, value)
    assert rows.computed == 32 and 5 in rows.known and 383 in rows.known


def test_farthest_works_out_few_rows(monkeypatch):
    """Far fewer than all tokens have, or nothing is gained by not making the matrix."""
    computed = []
    right = Rows.compute
    monkeypatch.setattr(Rows, "compute", lambda s, p: computed.extend(p) or right(s, p))
    x, question = groups(900, 600, 2)
    plugins.load("compression", "farthest")()(Tokens(x, [900]), [100], question)
    assert 100 <= len(computed) < 250


def test_units_and_what_they_are_made_from():
    x, _ = groups(130, 9, 0)
    x[7] = 0
    found = survey(x, x[:2].double())
    directions = torch.nn.functional.normalize(x.double(), dim=-1)
    torch.testing.assert_close(found.lengths, x.double().norm(dim=-1))
    torch.testing.assert_close(found.mean, x.double().mean(0))
    torch.testing.assert_close(found.direction, directions.mean(0))
    torch.testing.assert_close(found.asked, directions @ x[:2].double().T)
    torch.testing.assert_close(against(x, found.mean, found.lengths), directions @ found.mean)
    made = units(x, found.lengths)
    torch.testing.assert_close(made.single, directions.float())
    torch.testing.assert_close(made.precise(torch.tensor([7, 3])), directions[[7, 3]])
    residuals = torch.nn.functional.normalize(x.double() - found.mean, dim=-1)
    centred = units(x, found.lengths, found.mean)
    torch.testing.assert_close(centred.precise(torch.tensor([5])), residuals[[5]])
    torch.testing.assert_close(pairs(made.single), made.single @ made.single.T)


def test_vectors_too_short_for_length_one_are_left_to_the_plain_way():
    x = torch.full((4, 3), 1e-14)
    with pytest.raises(Unsuited):
        units(x, survey(x).lengths)
