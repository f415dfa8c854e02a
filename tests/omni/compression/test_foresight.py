"""Picking ahead of time picks what the plain loops pick, and works out fewer rows."""

import pytest
import torch

from omni import plugins
from omni.compression import contest, foresight, in_turn, judging
from omni.compression.contest import Contest
from omni.compression.farthest import farthest
from omni.compression.foresight import ExactVolume, Farthest, Volume, all_pairs, pairs
from omni.compression.greedy import NOTHING, largest_volume
from omni.compression.selector import Question, Tokens
from omni.compression.units import Unsuited, against, survey, units
from tests.omni.compression.test_methods import case, tokens_of

NAMES = ("farthest", "divprune", "maxsum", "dpp", "topk")


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
    noise = torch.Generator().manual_seed(0)

    def off(right):
        def wrong(*given):
            found = right(*given)
            return found + (torch.rand(found.shape, generator=noise) * 2 - 1) * 2.0**-24 * 4

        return wrong

    for name in ("_cosines", "_cosines_missed"):
        monkeypatch.setattr(Contest, name, off(getattr(Contest, name)))
    monkeypatch.setattr(judging, "_PATIENCE", 10**6)
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


def uneven(count, width, seed):
    """Units in groups, and qualities of which a few are far above the others."""
    x, _ = groups(count, width, seed)
    generator = torch.Generator().manual_seed(seed)
    quality = torch.rand(count, generator=generator)
    return units(x, survey(x).lengths), quality


def by_name(name, made, quality, steps, standing=None):
    standing = torch.zeros_like(quality) if standing is None else standing
    if name == "farthest":
        return Farthest(made, (quality, 0.0), quality, standing, steps)
    return Volume(made, quality, standing, steps, NOTHING)


def plainly(name, made, quality, steps):
    directions = made.precise(torch.arange(len(quality)))[None]
    if name == "farthest":
        return farthest(directions, quality[None], steps)[0]
    return largest_volume(directions, quality[None].double(), torch.zeros(1, len(quality)), steps)[
        0
    ]


@pytest.mark.parametrize("name", ["farthest", "volume"])
@pytest.mark.parametrize("sizes", [(1, 1, 1, 1), (4, 2, 2, 1), (8, 8, 1, 3), (64, 32, 16, 2)])
def test_the_order_of_picks_is_that_of_the_plain_loop_whatever_the_field(name, sizes, monkeypatch):
    """Small fields have to be made anew, and those outside have to catch up, again and again."""
    for constant, size in zip(("_AHEAD", "_FIRST", "_FEW", "_BREADTH"), sizes, strict=True):
        monkeypatch.setattr(contest, constant, size)
    for seed in range(12):
        made, quality = uneven(160 + seed, 80, seed)
        found = by_name(name, made, quality, 70)
        assert torch.equal(found.run(), plainly(name, made, quality, 70)), seed


@pytest.mark.parametrize("name", ["farthest", "volume"])
def test_fewer_pairs_than_a_matrix_has_are_worked_out(name):
    made, quality = uneven(1600, 300, 2)
    found = by_name(name, made, quality, 160)
    assert torch.equal(found.run(), plainly(name, made, quality, 160))
    assert found.computed < 1600**2 / 8


def test_the_field_shrinks_and_what_is_outside_catches_up():
    made, quality = uneven(900, 120, 4)
    found = by_name("farthest", made, quality, 100)
    missed = []
    right = found._missed
    found._missed = lambda since, places: (
        missed.append((since, len(places))) or right(since, places)
    )
    found.run()
    assert len(found.field) < 300
    assert missed and all(0 < since < 100 and count < 900 for since, count in missed)


def test_pins_are_picked_first_and_broken_tokens_last_whatever_the_field(monkeypatch):
    monkeypatch.setattr(contest, "_AHEAD", 2)
    monkeypatch.setattr(contest, "_BREADTH", 1)
    made, quality = uneven(60, 16, 7)
    standing = torch.zeros(60)
    standing[3:40] = -1e38
    standing[[50, 7]] = torch.inf
    picks = by_name("farthest", made, quality, 60, standing).run().tolist()
    assert picks[:2] == [7, 50] and sorted(picks) == list(range(60))
    assert picks[-36:] == [place for place in range(3, 40) if place != 7]


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


@pytest.mark.parametrize("off", [0.0, 1e-6, 1e-3])
def test_what_is_left_is_exact_though_the_factor_is_not(off):
    made, quality = uneven(60, 40, 9)
    picks, rest = [3, 17, 30, 31, 44, 59], torch.tensor([0, 1, 2, 40])
    vectors = made.precise(torch.arange(60)) * quality.double()[:, None]
    gram = vectors @ vectors.T
    across = gram[picks][:, rest]
    solved = torch.linalg.solve(gram[picks][:, picks], across)
    expected = gram.diagonal()[rest] - (across * solved).sum(0)
    factor = torch.linalg.cholesky(gram[picks][:, picks])
    parts = torch.linalg.solve_triangular(factor, across, upper=False)
    noise = torch.Generator().manual_seed(0)
    factor = (factor * (1 + off * torch.randn(6, 6, generator=noise))).float()
    parts = (parts * (1 + off * torch.randn(6, 4, generator=noise))).float()
    exact = ExactVolume(made, quality, 9)
    left = exact.left(rest, picks, parts, factor)
    torch.testing.assert_close(left, expected, atol=1e-12, rtol=0)


def test_a_factor_that_is_no_good_is_said_to_be_so():
    made, quality = uneven(60, 40, 9)
    exact, rest = ExactVolume(made, quality, 9), torch.tensor([0, 1])
    with pytest.raises(Unsuited):
        exact.left(rest, [3, 17], torch.ones(2, 2), 1e-3 * torch.eye(2))


def test_all_pairs_of_many_tokens_are_those_of_a_product(monkeypatch):
    monkeypatch.setattr(foresight, "_BLOCK", 16)
    x = torch.nn.functional.normalize(groups(101, 9, 1)[0].double(), dim=-1)
    two = torch.stack([x[:50], x[51:]])
    found = all_pairs(two)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, (two @ two.transpose(1, 2)).float(), atol=1e-7, rtol=0)


def test_vectors_too_short_for_length_one_are_left_to_the_plain_way():
    x = torch.full((4, 3), 1e-14)
    with pytest.raises(Unsuited):
        units(x, survey(x).lengths)
