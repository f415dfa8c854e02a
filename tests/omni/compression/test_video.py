"""Selectors that look along time, against loops, and the rules that all of them keep."""

import random

import pytest
import torch

from omni import plugins
from omni.compression.budget import Grid
from omni.compression.evs import EVS, planned
from omni.compression.holitom import HoliTom, windows
from omni.compression.selector import Question, Signals, Tokens
from omni.compression.shares import shares
from omni.errors import UsageError
from omni.kernels import naive_video

NAMES = ["evs", "dycoke", "kffocus", "audio_time", "holitom"]
WIDTH = 6


def film(grid, generator, still=0.5):
    """Tokens `[N, D]`; a share of the spots stays as it was a frame before, but for noise."""
    area = grid.height * grid.width
    frames = [torch.randn(area, WIDTH, generator=generator)]
    for _ in range(1, grid.time):
        fresh = torch.randn(area, WIDTH, generator=generator)
        stays = torch.rand(area, 1, generator=generator) < still
        noise = 0.2 * torch.randn(area, WIDTH, generator=generator)
        frames.append(torch.where(stays, frames[-1] + noise, fresh))
    return torch.cat(frames)


def case(seed):
    """A batch of films and pictures with questions, and what the loop needs to know of each."""
    dice = random.Random(seed)
    generator = torch.Generator().manual_seed(seed)
    dtype = torch.bfloat16 if seed % 2 else torch.float32
    grids, items, pins, keep = [], [], [], []
    for _ in range(2):
        grid = Grid(dice.choice([1, 2, 3, 5, 9]), dice.randint(1, 3), dice.randint(1, 2))
        count = grid.tokens
        grids.append(grid)
        items.append(film(grid, generator, dice.choice([0.2, 0.7, 0.95])).to(dtype))
        pinned = dice.sample(range(count), dice.randint(0, count // 3)) if seed % 3 == 0 else []
        pins.append(pinned)
        keep.append(dice.randint(max(1, len(pinned)), count))
    words = [dice.randint(0, 3) for _ in items]
    asked = torch.randn(2, max([*words, 1]), WIDTH, generator=generator)
    mask = torch.arange(asked.shape[1]) < torch.tensor(words)[:, None]
    question = Question(asked, mask) if seed % 5 < 3 else None
    attention = torch.rand(sum(len(item) for item in items), generator=generator)
    return items, grids, keep, pins, question, attention if seed % 4 < 2 else None


def tokens_of(items, grids, pins=None, attention=None):
    pinned = None
    if pins is not None:
        pinned = torch.cat(
            [
                torch.tensor([place in own for place in range(len(item))])
                for item, own in zip(items, pins, strict=True)
            ]
        )
    lengths = [len(item) for item in items]
    return Tokens(torch.cat(items), lengths, grids, pinned, Signals(attention=attention))


def truth(name, item, grid, keep, pinned=(), words=None, attention=None):
    frames = item.double().split(grid.height * grid.width)
    if name == "kffocus":
        return naive_video.kffocus(frames, keep, words, pinned)
    if name == "audio_time":
        return naive_video.audio_time(frames, keep, words, attention, pinned)
    if name == "holitom":
        return naive_video.holitom(frames, keep, attention, pinned)[0]
    return {"evs": naive_video.evs, "dycoke": naive_video.dycoke}[name](frames, keep, pinned)


@pytest.mark.parametrize("name", NAMES)
def test_equals_the_loop_on_many_seeds(name):
    """Odd shapes, both formats, with and without pins, attention and questions; batch mates."""
    selector = plugins.load("compression", name)()
    for seed in range(60):
        items, grids, keep, pins, question, attention = case(seed)
        found = selector(tokens_of(items, grids, pins, attention), keep, question)
        assert found.kept == tuple(keep) and found.places.dtype == torch.int64
        assert found.scores.dtype == torch.float32 and found.scores.isfinite().all()
        assert (found.scores >= 0).all() and ((found.dropped >= 0) & (found.dropped <= 1)).all()
        lengths = [len(item) for item in items]
        levels = () if attention is None else attention.split(lengths)
        for row, places in enumerate(found.places.split(keep)):
            words = None if question is None else question.x[row][question.mask[row]]
            own_level = levels[row] if levels else None
            level = None if own_level is None else own_level.tolist()
            expected = truth(name, items[row], grids[row], keep[row], pins[row], words, level)
            assert places.tolist() == expected, (seed, row)
            assert set(pins[row]) <= set(expected)
            alone = tokens_of([items[row]], [grids[row]], [pins[row]], own_level)
            own = question and Question(question.x[row : row + 1], question.mask[row : row + 1])
            assert torch.equal(selector(alone, [keep[row]], own).places, places)
        if seed % 2:
            full = [item.float() for item in items]
            wide = selector(tokens_of(full, grids, pins, attention), keep, question)
            assert torch.equal(wide.places, found.places)
            assert torch.equal(wide.scores, found.scores)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["equal", "zero", "broken", "one", "huge"])
def test_odd_tokens_have_defined_results(name, kind):
    generator = torch.Generator().manual_seed(5)
    grid = Grid() if kind == "one" else Grid(4, 2, 2)
    item = film(grid, generator)
    if kind == "equal":
        item = item[:1].expand_as(item).clone()
    if kind == "zero":
        item = item * 0
    if kind == "huge":
        item = item * 1e18
    if kind == "broken":
        item[3, 1], item[6], item[9, 0] = torch.nan, torch.inf, -torch.inf
    keep = max(1, grid.tokens // 2)
    selector = plugins.load("compression", name)()
    found = selector(tokens_of([item], [grid]), [keep], None)
    assert found.places.tolist() == truth(name, item, grid, keep)
    assert found.scores.isfinite().all()
    if kind == "broken":
        assert not {3, 6, 9} & set(found.places.tolist()), "what is broken is kept last"
        most = selector(tokens_of([item], [grid], [[6]]), [14], None)
        assert most.places.tolist() == truth(name, item, grid, 14, [6])
        assert 6 in most.places.tolist()
    deaf = Question(torch.zeros(1, 0, WIDTH), torch.zeros(1, 0, dtype=torch.bool))
    padded = Question(torch.full((1, 2, WIDTH), torch.nan), torch.zeros(1, 2, dtype=torch.bool))
    for question in (padded, deaf):
        assert torch.equal(
            selector(tokens_of([item], [grid]), [keep], question).places, found.places
        )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_keeping_all_is_the_identity(name, dtype):
    generator = torch.Generator().manual_seed(2)
    grids = [Grid(6, 2, 3), Grid(width=5)]
    items = [film(grid, generator, 0.9).to(dtype) for grid in grids]
    found = plugins.load("compression", name)()(tokens_of(items, grids), [36, 5], None)
    assert torch.equal(found.take(torch.cat(items)), torch.cat(items))
    assert found.dropped.tolist() == [0, 0]


@pytest.mark.parametrize("name", NAMES)
def test_an_item_without_time_keeps_what_is_unlike_the_rest(name):
    generator = torch.Generator().manual_seed(3)
    same = torch.randn(1, WIDTH, generator=generator)
    item = same + 0.01 * torch.randn(30, WIDTH, generator=generator)
    item[17] = -same
    lengths = Tokens(item, [30])
    assert 17 in plugins.load("compression", name)()(lengths, [3], None).places.tolist()


@pytest.mark.parametrize("name", NAMES)
def test_an_item_that_comes_again_keeps_the_same(name):
    generator = torch.Generator().manual_seed(6)
    grids = [Grid(4, 2, 3), Grid(width=9), Grid(4, 2, 3)]
    first, other = film(grids[0], generator), film(grids[1], generator)
    found = plugins.load("compression", name)()(
        tokens_of([first, other, first], grids), [7, 2, 7], None
    )
    one, _, again = found.places.split([7, 2, 7])
    assert torch.equal(one, again)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("keep", "message"),
    [
        ([0], "item 0 has 6 tokens: keep 1 to 6, not 0"),
        ([7], "item 0 has 6 tokens: keep 1 to 6, not 7"),
        ([1, 1], "1 items and 2 counts to keep"),
    ],
)
def test_counts_that_cannot_be_met_are_refused(name, keep, message):
    selector = plugins.load("compression", name)()
    with pytest.raises(UsageError, match=message):
        selector(Tokens(torch.ones(6, WIDTH), [6]), keep, None)
    with pytest.raises(UsageError, match="0 items"):
        selector(Tokens(torch.ones(0, WIDTH), []), [], None)
    with pytest.raises(UsageError, match="lengths add up to 5, but there are 6 tokens"):
        selector(Tokens(torch.ones(6, WIDTH), [5]), [1], None)


@pytest.mark.parametrize("name", NAMES)
def test_too_many_pins_and_wrong_grids_are_refused(name):
    selector = plugins.load("compression", name)()
    item = torch.ones(6, WIDTH)
    with pytest.raises(UsageError, match="item 0 has 4 pinned tokens, but may keep only 3"):
        selector(tokens_of([item], [Grid(3, 1, 2)], [[0, 1, 2, 5]]), [3], None)
    with pytest.raises(UsageError, match="6 tokens, but its grid of 4 × 1 × 2 has 8"):
        selector(tokens_of([item], [Grid(4, 1, 2)]), [3], None)


def test_what_stands_still_is_left_once_as_its_mean():
    """Two spots stand still for three frames, then all changes; the loop has the same means."""
    directions = torch.eye(WIDTH)
    film = torch.stack(
        [directions[[0, 1]], directions[[0, 1]] * 2, directions[[0, 1]] * 3, directions[[2, 3]]]
    ).flatten(0, 1)
    found = HoliTom()(tokens_of([film], [Grid(4, 1, 2)]), [4], None)
    assert found.places.tolist() == [0, 1, 6, 7]
    assert torch.allclose(found.take(film), directions[:4] * torch.tensor([2, 2, 1, 1])[:, None])
    kept = HoliTom()(tokens_of([film], [Grid(4, 1, 2)], [[0]]), [4], None)
    assert torch.equal(kept.take(film)[0], film[0]), "a pinned token stays as it is"


def test_gradients_reach_what_was_averaged_and_nothing_else():
    grid = Grid(6, 2, 2)
    item = film(grid, torch.Generator().manual_seed(11), 0.9).requires_grad_()
    found = HoliTom()(tokens_of([item], [grid]), [5], None)
    found.take(item).sum().backward()
    _, members = naive_video.holitom(item.detach().double().split(4), 5)
    expected = torch.zeros(24, 1)
    for group in members:
        expected[group] = 1 / len(group)
    assert max(map(len, members)) > 1 and item.grad is not None
    torch.testing.assert_close(item.grad, expected.expand(-1, WIDTH))


def test_means_are_those_of_the_loop():
    for seed in range(50):
        items, grids, keep, pins, _, attention = case(seed)
        items = [item.float() for item in items]
        found = HoliTom()(tokens_of(items, grids, pins, attention), keep, None)
        taken = found.take(torch.cat(items)).split(keep)
        level = iter(() if attention is None else attention.split([len(item) for item in items]))
        for row, item in enumerate(items):
            frames = item.double().split(grids[row].height * grids[row].width)
            own = next(level, None)
            _, members = naive_video.holitom(
                frames, keep[row], None if own is None else own.tolist(), pins[row]
            )
            means = torch.stack([item.double()[group].mean(0) for group in members])
            torch.testing.assert_close(taken[row].double(), means, atol=1e-6, rtol=1e-5)


def test_windows_are_those_of_the_loop():
    generator = torch.Generator().manual_seed(0)
    for seed in range(80):
        still = torch.rand(1 + seed % 11, 1 + seed % 4, generator=generator) < 0.3 + 0.1 * (
            seed % 7
        )
        still[0] = False
        runs, count = torch.zeros_like(still, dtype=torch.int64), 0
        for frame in range(1, len(still)):
            runs[frame] = torch.where(still[frame], runs[frame - 1] + 1, 0)
        start, end = windows(runs)
        expected = naive_video.windows(still.tolist())
        pairs = list(zip(start.tolist(), end.tolist(), strict=True))
        assert sorted(set(pairs)) == expected
        for place, (first, last) in enumerate(pairs):
            count += first <= place <= last
        assert count == len(still)


def test_shares_are_those_of_the_loop():
    for seed in range(200):
        dice = random.Random(seed)
        count = dice.randint(1, 9)
        weights = [
            dice.choice([0, 0.1, 0.25, 1, 1, 3]) * dice.choice([1, dice.random()])
            for _ in range(count)
        ]
        room = [dice.randint(0, 9) for _ in range(count)]
        total = dice.randint(0, sum(room) + 2)
        found = shares(
            torch.tensor(weights, dtype=torch.float64), torch.tensor(room), total
        ).tolist()
        assert found == naive_video.shares(weights, room, total), (weights, room, total)
        most = sum(most for most, weight in zip(room, weights, strict=True) if weight > 0)
        assert sum(found) == min(total, most)
        assert all(0 <= one <= most for one, most in zip(found, room, strict=True))


def test_a_film_is_counted_before_it_is_encoded():
    grid = Grid(8, 4, 4)
    assert [planned(grid, q) for q in (0, 0.5, 0.75, 0.9, 0.99)] == [128, 64, 32, 16, 16]
    assert planned(Grid(width=9), 0.5) == 9
    with pytest.raises(UsageError, match=r"from 0 and below 1, not 1\.0"):
        planned(grid, 1.0)
    item = film(grid, torch.Generator().manual_seed(0))
    found = EVS()(tokens_of([item], [grid]), [planned(grid, 0.75)], None)
    assert set(range(16)) <= set(found.places.tolist()), "the first frame is whole"


def test_every_stretch_of_sound_keeps_a_token():
    generator = torch.Generator().manual_seed(1)
    loud = torch.randn(100, WIDTH, generator=generator)
    loud[20:] = loud[20]  # silence after the first fifth
    found = plugins.load("compression", "audio_time")()(tokens_of([loud], [Grid(100)]), [10], None)
    assert {place // 20 for place in found.places.tolist()} == {0, 1, 2, 3, 4}


def test_key_frames_keep_more():
    scenes = torch.eye(WIDTH)[[0] * 4 + [1] * 4].repeat_interleave(16, 0)
    scenes = scenes + 0.01 * torch.randn(128, WIDTH, generator=torch.Generator().manual_seed(4))
    found = plugins.load("compression", "kffocus")()(
        tokens_of([scenes], [Grid(8, 4, 4)]), [40], None
    )
    counts = torch.bincount(found.places // 16, minlength=8).tolist()
    assert counts[0] == counts[4] > 2 * max(counts[1:4] + counts[5:])
    assert min(counts) >= 1


@pytest.mark.gpu
@pytest.mark.parametrize("name", NAMES)
def test_cuda_equals_cpu_and_never_waits(name):
    items, grids, keep, pins, question, attention = case(8)
    selector = plugins.load("compression", name)()
    expected = selector(tokens_of(items, grids, pins, attention), keep, question)
    on_host = tokens_of(items, grids, pins, attention)
    signals = Signals(attention=None if attention is None else attention.cuda())
    # Pins lie on the host, where they can be counted.
    tokens = Tokens(on_host.x.cuda(), on_host.lengths, grids, on_host.pinned, signals)
    asked = question and Question(question.x.cuda(), question.mask.cuda())
    selector(tokens, keep, asked)  # the first call may load kernels
    torch.cuda.set_sync_debug_mode("error")
    try:
        found = selector(tokens, keep, asked)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert torch.equal(found.places.cpu(), expected.places)
