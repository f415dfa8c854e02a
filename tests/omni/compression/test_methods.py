"""Published selection methods against loops, on many seeds."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from omni import plugins
from omni.compression import greedy
from omni.compression.budget import Grid
from omni.compression.selector import Question, Signals, Tokens
from omni.kernels import naive, naive_attention, naive_greedy, naive_merging, picking

WIDTH = 8
# One token, few, a prime number, and grids of one and several frames; 65 and more every tenth seed.
GRIDS = [Grid(), Grid(width=2), Grid(time=3), Grid(1, 17), Grid(17), Grid(1, 3, 6), Grid(2, 3, 2)]
LARGE = [Grid(1, 5, 13), Grid(65), Grid(3, 4, 6)]
KINDS = ["random", "random", "doubled", "random", "equal", "random", "zero", "tight"]


def case(seed):
    """A batch of three items with everything that may be known of them."""
    generator = torch.Generator().manual_seed(seed)

    def draw(low, high):
        return int(torch.randint(low, high + 1, (), generator=generator))

    grids = [GRIDS[draw(0, len(GRIDS) - 1)] for _ in range(3)]
    if seed % 10 == 0:
        grids[1] = LARGE[seed // 10 % len(LARGE)]
    dtype = torch.bfloat16 if seed % 2 else torch.float32
    items = []
    for grid in grids:
        n = grid.tokens
        item = SimpleNamespace(grid=grid, keep=draw(1, min(n, 16)))
        item.x, item.keys, item.paired = (
            torch.randn(n, width, generator=generator) for width in (WIDTH, 5, 6)
        )
        item.attention = torch.rand(n, generator=generator)
        spoil(item, KINDS[seed % len(KINDS)])
        for name in ("x", "keys", "paired"):
            setattr(item, name, getattr(item, name).to(dtype))
        items.append(item)
    words = [draw(0, 3) for _ in items]
    asked = torch.randn(3, max([*words, 1]), WIDTH, generator=generator)
    question = Question(asked, torch.arange(asked.shape[1]) < torch.tensor(words)[:, None])
    for item, own, mask in zip(items, question.x, question.mask, strict=True):
        item.words = own[mask]
    return items, question


def spoil(item, kind):
    """Make values of an item collide."""
    for name in ("x", "keys", "paired", "attention"):
        values = getattr(item, name)
        if kind == "doubled":
            values[1::2] = values[0::2][: len(values[1::2])]
        if kind == "equal":
            values = values[:1].expand_as(values).clone()
        if kind == "zero" and name != "attention":
            values = values * 0
        if kind == "tight" and name != "attention":
            values = values[:1] + 0.1 * values
        setattr(item, name, values)


def tokens_of(items, signals=("attention", "keys", "paired"), pinned=None):
    known = {name: torch.cat([getattr(item, name) for item in items]) for name in signals}
    return Tokens(
        torch.cat([item.x for item in items]),
        [len(item.x) for item in items],
        [item.grid for item in items],
        pinned,
        Signals(**known),
    )


def shares(attention):
    total = sum(float(value) for value in attention.double())
    return [10.0 * float(value) / total for value in attention.double()]


def low(item):
    return item.grid.time, item.grid.height, item.grid.width, item.keep


# Name, settings, signals given, and the loop: places, or what goes into each place.
CASES = {
    "farthest": ({}, (), lambda i: naive.farthest(i.x, i.keep, i.words, question_weight=0.5)),
    "farthest blind": ({"question_weight": 0.0}, (), lambda i: naive.farthest(i.x, i.keep)),
    "topk": ({}, (), lambda i: naive.best(naive.relevance(i.x, i.words), i.keep)),
    "uniform": ({}, (), lambda i: naive.spaced(len(i.x), i.keep)),
    "divprune": ({}, (), lambda i: naive_greedy.divprune(i.x, i.keep)),
    "maxsum": ({}, (), lambda i: naive_greedy.maxsum(i.x, i.keep)),
    "dpp": ({}, (), lambda i: naive_greedy.dpp(i.x, i.keep, i.words)),
    "dpp inverted": (
        {"inverted": True},
        (),
        lambda i: naive_greedy.dpp(i.x, i.keep, i.words, inverted=True),
    ),
    "coverage": ({}, (), lambda i: naive_greedy.coverage(i.x, i.keep, i.words)),
    "coverage paired": (
        {"text_temperature": 0.1, "token_weight": 2.0},
        ("paired",),
        lambda i: naive_greedy.coverage(i.x, i.keep, i.words, i.paired, 0.1, 0.2, 2.0),
    ),
    "attention": ({}, ("attention",), lambda i: naive_attention.attention(i.attention, i.keep)),
    "fopru": ({}, ("attention",), lambda i: naive_attention.attention(i.attention, i.keep)),
    "fopru row": (
        {"strategy": "row"},
        ("attention",),
        lambda i: naive_attention.fopru_rows(i.attention, i.keep, i.grid.width),
    ),
    "visionzip": (
        {},
        ("attention", "keys"),
        lambda i: naive_attention.visionzip(i.attention, i.keys, i.keep, 10 / 64),
    ),
    "visionzip added": (
        {"contextual": 0.4, "added": True},
        ("attention",),
        lambda i: naive_attention.visionzip(i.attention, i.x, i.keep, 0.4, added=True),
    ),
    "visiondrop": (
        {"anchors": 0.3},
        ("attention", "keys"),
        lambda i: naive_attention.visionzip(i.attention, i.keys, i.keep, 0.3),
    ),
    "flowcut": (
        {},
        ("attention",),
        lambda i: naive.best(naive_attention.flowcut(i.x, i.attention), i.keep),
    ),
    "vispruner": (
        {},
        ("attention",),
        lambda i: naive_attention.vispruner(i.x, i.attention, i.keep),
    ),
    "vispruner slow": (
        {"important": 0.2, "step": 2},
        ("attention",),
        lambda i: naive_attention.vispruner(i.x, i.attention, i.keep, 0.2, 2),
    ),
    "prumerge": (
        {},
        ("attention", "keys"),
        lambda i: naive_attention.prumerge(i.attention, i.keys, i.keep),
    ),
    "prumerge uniform": (
        {"uniform": True, "neighbours": 3, "spread": 0.1},
        ("attention",),
        lambda i: naive_attention.prumerge(i.attention, i.x, i.keep, True, 3, 0.1),
    ),
    "tome": ({}, ("keys",), lambda i: naive_merging.bipartite(i.keys, i.keep)),
    "tome slow": ({"share": 0.2}, (), lambda i: naive_merging.bipartite(i.x, i.keep, 0.2)),
    "tome unsized": (
        {"sized": False, "by_keys": False},
        ("keys",),
        lambda i: naive_merging.bipartite(i.x, i.keep, sized=False),
    ),
    "aim": ({}, ("keys",), lambda i: naive_merging.bipartite(i.x, i.keep, sized=False)),
    "turbo": (
        {},
        ("attention", "keys"),
        lambda i: naive_merging.bipartite(i.keys, i.keep, values=shares(i.attention)),
    ),
    "recoverable": (
        {},
        ("attention",),
        lambda i: naive_attention.recoverable(i.x, i.attention, i.keep, i.words),
    ),
    "recoverable few": (
        {"visual": 0.2, "recovered": 0.3, "neighbours": 2},
        ("attention",),
        lambda i: naive_attention.recoverable(i.x, i.attention, i.keep, i.words, 0.2, 0.3, 2),
    ),
    "random": ({"seed": 3}, (), lambda i: naive_merging.shuffle(len(i.x), i.keep, 3)),
    "pool": ({}, (), lambda i: naive_merging.pool(*low(i))),
    "fourier": ({}, (), lambda i: naive_merging.fourier(*low(i))),
}


@pytest.mark.parametrize("name", CASES)
def test_equals_the_loop(name):
    settings, signals, truth = CASES[name]
    selector = plugins.load("compression", name.partition(" ")[0])(**settings)
    for seed in range(50):
        items, question = case(seed)
        tokens, keep = tokens_of(items, signals), [item.keep for item in items]
        selection = selector(tokens, keep, question)
        assert selection.kept == tuple(keep)
        taken = selection.take(tokens.x.float()).split(keep)
        for item, places, rows in zip(items, selection.places.split(keep), taken, strict=True):
            parts = truth(item)
            if isinstance(parts, list):
                assert selection.merging is None
                parts = {place: {place: 1.0} for place in parts}
            assert places.tolist() == sorted(parts), (seed, item.keep)
            expected = naive_merging.put_together(item.x, parts)
            torch.testing.assert_close(rows.double(), expected, atol=2e-5, rtol=2e-5)


def test_every_method_has_a_loop():
    from tests.omni.compression import test_learned, test_tiles, test_video

    looped = {name.partition(" ")[0] for name in CASES}
    looped |= {*test_tiles.NAMES, *test_video.NAMES, test_learned.Learned.__name__.lower()}
    assert looped == set(plugins.names("compression"))


def test_gains_looked_at_lazily_are_those_looked_at_one_and_all():
    generator = torch.Generator().manual_seed(0)
    cover = torch.rand(60, 70, generator=generator).pow(8)
    cover[30:] = cover[:30]  # each has its twin
    standing = torch.zeros(60)
    standing[7] = torch.inf
    standing[9] = -1e38
    lazy = greedy.cover_lazily(cover, standing, 60)
    assert torch.equal(lazy[None], picking.cover_in_torch(cover[None], standing[None], 60))
    assert lazy[0] == 7 and lazy[-1] == 9


def test_nearest_others_are_the_same_where_the_cosines_are_not_stored(monkeypatch):
    items, _ = case(10)
    selector = plugins.load("compression", "divprune")()
    tokens, keep = tokens_of(items), [item.keep for item in items]
    stored = selector(tokens, keep, None)
    monkeypatch.setattr(greedy, "STORED", 0)
    monkeypatch.setattr(greedy, "_BLOCK", 7)
    again = selector(tokens, keep, None)
    assert torch.equal(stored.places, again.places)
    assert torch.equal(stored.scores, again.scores)


def test_each_pick_of_the_determinantal_process_adds_the_greatest_determinant():
    item = case(0)[0][1]
    relevant = naive_greedy.mean_relevance(item.x, item.words)
    picked = greedy.largest_volume(
        torch.nn.functional.normalize(item.x.double(), dim=-1)[None],
        torch.tensor(relevant).double()[None],
        torch.zeros(1, len(item.x)),
        5,
    )[0].tolist()
    for step, pick in enumerate(picked):
        free = [place for place in range(len(item.x)) if place not in picked[:step]]
        sets = {place: [*picked[:step], place] for place in free}
        volumes = {place: naive_greedy.volume(item.x, relevant, sets[place]) for place in free}
        assert volumes[pick] == pytest.approx(max(volumes.values()))


def test_low_frequencies_on_a_full_grid_are_a_transform_there_and_back():
    import scipy.fft

    x = torch.randn(6 * 8, 3, generator=torch.Generator().manual_seed(0))
    tokens = Tokens(x, [48], [Grid(1, 6, 8)])
    taken = plugins.load("compression", "fourier")()(tokens, [12], None).take(x)
    whole: Any = scipy.fft.dctn(x.view(6, 8, 3).double().numpy(), axes=(0, 1), norm="ortho")
    corner = whole[:3, :4] * (12 / 48) ** 0.5
    back: Any = scipy.fft.idctn(corner, axes=(0, 1), norm="ortho")
    torch.testing.assert_close(
        taken.double(), torch.from_numpy(back.reshape(12, 3)), atol=1e-5, rtol=1e-5
    )
