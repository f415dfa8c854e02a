"""Each dropper against loops, on many seeds: layouts of two rows with media among words."""

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from omni import plugins
from omni.compression.dropping.dropper import HEARS
from omni.compression.dropping.hearing import Hearing
from omni.compression.dropping.look import Layout, Look
from omni.compression.runs import Run
from omni.errors import UsageError
from omni.kernels import naive, naive_dropping

NAMES = plugins.names("compression.dropping")
HEADS, GROUPS, WIDTH, STATES = 4, 2, 4, 8
SIZES = [1, 2, 3, 7, 13, 17, 24, 31]
SCALING = 0.5


def case(seed):
    """What a dropper is shown, and the same row by row."""
    generator = torch.Generator().manual_seed(seed)

    def draw(low, high):
        return int(torch.randint(low, high + 1, (), generator=generator))

    pieces = [[SIZES[draw(0, len(SIZES) - 1)] for _ in range(draw(1, 2))] for _ in range(2)]
    before = [[draw(1, 3) for _ in row] for row in pieces]
    behind = [draw(1, 5) for _ in pieces]
    real = [sum(a) + sum(b) + c for a, b, c in zip(pieces, before, behind, strict=True)]
    width = max(real)
    runs, words = [], []
    for row, (sizes, gaps) in enumerate(zip(pieces, before, strict=True)):
        at = width - real[row]
        for size, gap in zip(sizes, gaps, strict=True):
            runs.append(Run(row, at + gap, size, 9))
            at += gap + size
        words.append(list(range(at, width)))
    present = [[0] * (width - size) + [1] * size for size in real]
    dtype = torch.bfloat16 if seed % 2 else torch.float32
    shapes = ((HEADS, width, WIDTH), (GROUPS, width, WIDTH), (width, STATES), (width, STATES))
    query, key, hidden, embeds = (
        torch.randn(2, *shape, generator=generator).to(dtype) for shape in shapes
    )
    window = draw(3, width) if seed % 3 == 0 else None
    seen = torch.zeros(2, width, width, dtype=torch.bool)
    for row in range(2):
        for here in range(width):
            for there in range(here + 1):
                near = window is None or here - there < window
                seen[row, here, there] = bool(present[row][there] and present[row][here] and near)
    flat = torch.tensor(present, dtype=torch.bool)
    added = torch.zeros(seen.shape).masked_fill(~seen, torch.finfo(torch.float32).min)
    mask = (flat, seen[:, None], added[:, None])[seed % 3]
    layout = Layout.of(runs, words, present)
    hearing = Hearing(query, key, mask, SCALING, window if mask is flat else None)
    look = Look(hidden, flat, layout, embeds, layout, hearing)
    keep = [draw(1, run.length) for run in runs]
    rows = SimpleNamespace(query=query, key=key, hidden=hidden, embeds=embeds, seen=seen.tolist())
    return look, keep, rows


def weights(rows, row, place):
    return naive_dropping.attention(rows.query[row], rows.key[row], rows.seen[row], place, SCALING)


def of(run, values):
    return [naive.single(values[place]) for place in range(run.start, run.stop)]


def last_scores(look, rows):
    width = look.layout.width
    return [of(run, weights(rows, run.row, width - 1)) for run in look.layout.items]


def rated_scores(look, rows):
    found = []
    for run in look.layout.items:
        spans = [one for one in look.layout.items if one.row == run.row]
        places = [place for one in spans for place in range(one.start, one.stop)]
        words = list(look.layout.words[run.row])
        embeds = rows.embeds[run.row]
        chosen = naive_dropping.raters(embeds[places], embeds[words])
        each = [weights(rows, run.row, words[word]) for word in chosen]
        found.append(of(run, [sum(column) / len(each) for column in zip(*each, strict=True)]))
    return found


def ranked_scores(look, rows):
    found = [
        naive_dropping.pagerank(rows.query[row], rows.key[row], rows.seen[row], SCALING)
        for row in range(2)
    ]
    return [of(run, found[run.row]) for run in look.layout.items]


SCORES: dict[str, Any] = {
    "fastv": last_scores,
    "pyramiddrop": last_scores,
    "holitom_merge": last_scores,
    "sparsevlm": rated_scores,
    "aim_drop": ranked_scores,
}


def close(scores):
    """Whether rounding may decide who is kept."""
    ordered = sorted(scores, reverse=True)
    return any(one - two < 1e-5 * max(abs(one), 1e-9) for one, two in pairwise(ordered))


def expected(name, look, keep, rows):
    """For each item what goes into each kept token; `None` where rounding may decide."""
    if name == "dart":
        found: list[Any] = []
        for run, count in zip(look.layout.items, keep, strict=True):
            keys = rows.key[run.row].transpose(0, 1).flatten(1)
            words = keys[list(look.layout.words[run.row])]
            places = naive_dropping.dart(keys[run.start : run.stop], words, count)
            found.append({place: {place: 1.0} for place in places})
        return found
    found = []
    each = SCORES[name](look, rows)
    for run, count, scores in zip(look.layout.items, keep, each, strict=True):
        states = rows.hidden[run.row, run.start : run.stop]
        if close(scores):
            found.append(None)
        elif name == "sparsevlm":
            found.append(naive_dropping.recycled(states, scores, count))
        elif name == "holitom_merge":
            found.append(naive_dropping.handed(states, scores, count))
        else:
            found.append({place: {place: 1.0} for place in naive.best(scores, count)})
    return found


def parts(selection):
    """The same of a selection."""
    starts = [sum(selection.lengths[:item]) for item in range(len(selection.lengths))]
    found, slot = [], 0
    sums = None
    if selection.merging is not None:
        merging = selection.merging
        sources = merging.sources.split([*merging.counts.tolist(), *_rest(merging)])
        shares = merging.weights.split([*merging.counts.tolist(), *_rest(merging)])
        sums = list(zip(sources, shares, strict=True))
    for item, places in enumerate(selection.places.split(list(selection.kept))):
        own = {}
        for place in places.tolist():
            own[place] = {place: 1.0}
            if sums is not None:
                pairs = zip(sums[slot][0].tolist(), sums[slot][1].tolist(), strict=True)
                own[place] = {source - starts[item]: share for source, share in pairs}
            slot += 1
        found.append(own)
    return found


def _rest(merging):
    return [len(merging.sources) - int(merging.counts.sum())]


@pytest.mark.parametrize("name", NAMES)
def test_droppers_are_what_their_loops_are(name):
    dropper = plugins.load("compression.dropping", name)()
    compared = 0
    for seed in range(52):
        look, keep, rows = case(seed)
        selection = dropper(look.tokens, keep, look)
        assert selection.kept == tuple(keep) and selection.lengths == look.layout.lengths
        for own, wanted in zip(parts(selection), expected(name, look, keep, rows), strict=True):
            if wanted is None:
                continue
            assert sorted(own) == list(own), "places ascend"
            assert {place: sorted(own[place]) for place in own} == {
                place: sorted(wanted[place]) for place in sorted(wanted)
            }
            for place in own:
                for source, share in own[place].items():
                    assert abs(share - wanted[place][source]) < 1e-6
            compared += 1
    assert compared > 120, "most items are decided by more than rounding"


@pytest.mark.parametrize("name", NAMES)
def test_batch_mates_change_nothing(name):
    dropper = plugins.load("compression.dropping", name)()
    for seed in range(12):
        look, keep, rows = case(seed)
        both = parts(dropper(look.tokens, keep, look))
        for row in range(2):
            own = [at for at, run in enumerate(look.layout.items) if run.row == row]
            runs = [Run(0, run.start, run.length, 9) for run in look.layout.items if run.row == row]
            present = look.present[row : row + 1]
            layout = Layout.of(runs, [look.layout.words[row]], present.int().tolist())
            heard = look.attention
            mask = None if heard.mask is None else heard.mask[row : row + 1]
            hearing = Hearing(
                rows.query[row : row + 1], rows.key[row : row + 1], mask, SCALING, heard.window
            )
            embeds, hidden = rows.embeds[row : row + 1], rows.hidden[row : row + 1]
            alone = Look(hidden, present, layout, embeds, layout, hearing)
            single = parts(dropper(alone.tokens, [keep[at] for at in own], alone))
            assert [sorted(one) for one in single] == [sorted(both[at]) for at in own]


@pytest.mark.parametrize("name", NAMES)
def test_droppers_are_in_order(name):
    dropper = plugins.load("compression.dropping", name)()
    assert dropper.hears in HEARS
    assert name not in plugins.names("compression"), "a name means one thing"
    for depth in (6, 28, 32, 80):
        for keep in (0.05, 1 / 9, 0.5, 1.0):
            schedule = dropper.schedule(keep, depth)
            schedule.check(depth)
            assert schedule.method == name
            again = plugins.load("compression.dropping", name)(**schedule.settings)
            assert again.schedule(keep, depth) == schedule
        assert dropper.schedule(1.0, depth).mean(depth) == 1


def test_no_attention_matrix_is_ever_there():
    """Ranking by PageRank looks at blocks of rows: nothing as large as the square is stored."""
    size = 640
    generator = torch.Generator().manual_seed(0)
    query, key = (torch.randn(1, 1, size, 8, generator=generator) for _ in range(2))
    largest = 0

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            nonlocal largest
            found = func(*args, **(kwargs or {}))
            if isinstance(found, torch.Tensor):
                largest = max(largest, found.numel())
            return found

    hearing = Hearing(query, key, None, 1.0)
    with Watch():
        handed = hearing.spread(torch.full((1, size), 1 / size), 0.1)
        hearing.rows(torch.tensor([[size - 1]]))
    assert largest < size * size / 2
    seen = torch.ones(size, size).tril().bool()
    logits = (query @ key.transpose(2, 3))[0, 0] / 0.1
    whole = logits.masked_fill(~seen, -torch.inf).softmax(-1).mean(0)
    assert torch.allclose(handed[0], whole, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("fastv", {"layer": 0}, "layer is 1 at least, not 0"),
        ("pyramiddrop", {"stages": 1}, "2 stages at least, not 1"),
        ("sparsevlm", {"recycle": 2}, "recycle is a share from 0 to 1, not 2"),
        ("sparsevlm", {"neighbours": 0}, "neighbours is at least 1, not 0"),
        ("aim_drop", {"begin": 0.8}, "not 0.8 and 0.75"),
        ("aim_drop", {"final": 2.0}, "final is a share from 0 to 1, not 2.0"),
        ("aim_drop", {"temperature": 0}, r"temperature \(0\) are above 0"),
        ("holitom_merge", {"depth": 1.0}, "between 0 and 1, not 1.0"),
        ("dart", {"pivots": 0}, r"pivots \(0\) are 1 at least"),
    ],
)
def test_settings_out_of_range_are_refused(name, settings, message):
    with pytest.raises(UsageError, match=message):
        plugins.load("compression.dropping", name)(**settings)


def test_published_figures_are_met():
    fast = plugins.load("compression.dropping", "fastv")().schedule(0.5, 32)
    assert [(stage.layer, stage.keep) for stage in fast.stages] == [(2, 0.5)]
    pyramid = plugins.load("compression.dropping", "pyramiddrop")().schedule(0.5, 32)
    assert [(stage.layer, stage.keep) for stage in pyramid.stages] == [
        (8, 0.5),
        (16, 0.25),
        (24, 0.125),
    ]
    sparse = plugins.load("compression.dropping", "sparsevlm")().schedule(1 / 3, 32)
    assert [stage.layer for stage in sparse.stages] == [3, 7, 16]
    assert [round(576 * stage.keep) for stage in sparse.stages] == [300, 200, 110]
    least = plugins.load("compression.dropping", "sparsevlm")().schedule(64 / 576, 32)
    assert [round(576 * stage.keep) for stage in least.stages] == [66, 30, 17]
    aim = plugins.load("compression.dropping", "aim_drop")(final=0).schedule(1.0, 28)
    assert [stage.layer for stage in aim.stages] == list(range(14, 22))
    assert [stage.keep for stage in aim.stages] == [1 - step / 8 for step in range(1, 9)]
    holitom = plugins.load("compression.dropping", "holitom_merge")().schedule(0.5, 28)
    assert holitom.stages[0].layer == 18
