"""One budget over all media: exact counts, and the rules that weights come from."""

import random
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from omni.compression.allocation import allocate, plan
from omni.compression.budget import Budget
from omni.compression.catp import example_share, two_stages
from omni.compression.globalcom2 import tile_layout, tile_ratios
from omni.compression.kind_share import carriers, drawn, kind_share, kind_weights
from omni.compression.pyramid import finer
from omni.compression.question_share import nearness, question_share
from omni.compression.selector import Question, Tokens
from omni.compression.text_rich import edge_density, gentle, text_rich
from omni.errors import UsageError
from omni.kernels import naive_budgets


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_counts_are_exact_and_those_of_the_loop(data):
    sizes = data.draw(st.lists(st.integers(1, 40), min_size=1, max_size=7))
    weight = st.one_of(st.sampled_from([0.0, 1.0, 1.0, 3.0]), st.floats(0, 1e6))
    weights = [data.draw(weight) for _ in sizes]
    floors = [data.draw(st.integers(0, 6)) for _ in sizes]
    least = [min(pair) for pair in zip(sizes, floors, strict=True)]
    total = data.draw(st.integers(sum(least), sum(sizes) + 3))
    kept = allocate(sizes, total, weights, floors)
    assert sum(kept) == min(total, sum(sizes))
    for count, low, size in zip(kept, least, sizes, strict=True):
        assert low <= count <= size
    assert kept == naive_budgets.allocate(sizes, total, weights, floors)
    assert kept == allocate(sizes, total, [weight * 2 for weight in weights], floors)


def test_whoever_weighs_more_never_gets_less():
    for seed in range(60):
        dice = random.Random(seed)
        weights = sorted(dice.random() for _ in range(8))
        kept = allocate([50] * 8, dice.randint(16, 400), weights, [2] * 8)
        assert all(a <= b for a, b in pairwise(kept))


def test_equal_shares_floors_and_weights_of_nought():
    assert allocate([10, 10, 10], 8) == [3, 3, 2]
    assert allocate([2, 10, 10], 8) == [2, 3, 3]
    assert allocate([10, 10], 12, [1, 0]) == [10, 2]
    assert allocate([10, 10, 10], 12, [1, 0, 0], [0, 1, 1]) == [10, 1, 1]
    assert allocate([9, 9, 9], 12, [0, 0, 0]) == [4, 4, 4]
    assert allocate([100, 100], 50, [3, 1]) == [38, 12]
    assert allocate([], 4) == []


def test_plan_limits_every_item_before_weights_decide():
    assert plan(Budget(tokens=40, keep=0.5), [40, 40, 2], [0, 1, 5]) == [18, 20, 2]
    assert plan(Budget(keep=0.5), [40, 41], [0, 1]) == [20, 20]
    assert plan(Budget(tokens=30), [10, 10], None) == [10, 10]


def test_what_cannot_be_shared_is_refused():
    with pytest.raises(UsageError, match=r"7 tokens is too small for 2 media items.*at least 8"):
        allocate([10, 10], 7, floors=[4, 4])
    for bad in (float("nan"), -1.0, float("inf")):
        with pytest.raises(UsageError, match="the weight of item 1 is"):
            allocate([10, 10], 7, [1, bad])
    with pytest.raises(UsageError, match="2 items, 1 weights and 2 floors"):
        allocate([10, 10], 7, [1.0])


def test_many_items_are_shared_quickly():
    dice = random.Random(0)
    sizes = [dice.randint(1, 3000) for _ in range(300)]
    kept = allocate(sizes, 20_000, [dice.random() for _ in sizes], [4] * 300)
    assert sum(kept) == 20_000


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_nearness_is_that_of_the_loop(dtype):
    for seed in range(50):
        dice = random.Random(seed)
        generator = torch.Generator().manual_seed(seed)
        lengths = [dice.randint(1, 25) for _ in range(3)]
        items = [torch.randn(n, 5, generator=generator).to(dtype) for n in lengths]
        counts = [dice.randint(0, 3) for _ in items]
        words = torch.randn(3, max([*counts, 1]), 5, generator=generator)
        mask = torch.arange(words.shape[1]) < torch.tensor(counts)[:, None]
        near = nearness(Tokens(torch.cat(items), lengths), Question(words, mask))
        expected = [
            naive_budgets.nearness(item, words[row][mask[row]]) for row, item in enumerate(items)
        ]
        assert near.tolist() == expected
        alone = nearness(Tokens(items[1], lengths[1:2]), Question(words[1:2], mask[1:2]))
        assert torch.equal(alone, near[1:2])


def test_the_item_that_was_asked_about_gets_more():
    torch.manual_seed(1)
    items = [torch.randn(40, 8) for _ in range(3)]
    question = Question(items[1][[7, 9]].expand(3, 2, 8), torch.ones(3, 2, dtype=torch.bool))
    tokens = Tokens(torch.cat(items), [40] * 3)
    weights = question_share(nearness(tokens, question))
    assert weights.sum().item() == pytest.approx(1)
    kept = allocate([40] * 3, 40, weights.tolist(), [4] * 3)
    assert kept[1] > max(kept[0], kept[2]) >= 4
    nobody = question_share(nearness(tokens, None))
    assert allocate([40] * 3, 30, nobody.tolist()) == [10] * 3
    broken = torch.cat(items)
    broken[3] = torch.nan
    assert nearness(Tokens(broken, [40] * 3), question).isfinite().all()


def test_carriers_are_those_of_the_loop():
    for seed in range(50):
        dice = random.Random(seed)
        values = [dice.choice([0.0, dice.random(), dice.random() ** 6, -1.0]) for _ in range(30)]
        values = torch.tensor(values)  # in float32, as the loop has to see them
        kinds = [dice.choice([0, 1, 3]) for _ in values]
        covered = dice.choice([0.5, 0.95, 1.0])
        found = carriers(values, torch.tensor(kinds), 4, covered).tolist()
        assert found == naive_budgets.carriers(values.tolist(), kinds, 4, covered)
        assert found[2] == 0  # nothing is of that kind
    assert carriers(torch.zeros(3), torch.zeros(3).long(), 1).tolist() == [1]
    assert carriers(torch.tensor([torch.nan, 1, 1]), torch.zeros(3).long(), 1).tolist() == [2]


def test_kinds_have_separate_budgets():
    spatial, flat = torch.zeros(300), torch.ones(100)
    spatial[:20] = 1
    kinds = torch.tensor([0] * 300 + [1] * 100)
    wanted = carriers(torch.cat([spatial, flat]), kinds, 2).tolist()
    assert wanted == [19, 95]
    assert kind_share([300, 100], 57, wanted) == [10, 47]
    assert sum(kind_share([300, 100], 200, wanted, [4, 4])) == 200


def test_tile_ratios_and_finer_tiles_are_those_of_the_loop():
    for seed in range(50):
        dice = random.Random(seed)
        rows, columns = dice.randint(1, 3), dice.randint(1, 3)
        height, width = dice.randint(1, 5), dice.randint(1, 5)
        values = torch.rand(height, width, generator=torch.Generator().manual_seed(seed)) * 20
        ratios = tile_ratios(values, rows, columns)
        expected = naive_budgets.tile_ratios(values.tolist(), rows, columns)
        assert ratios.tolist() == pytest.approx(expected, abs=1e-12)
        assert ratios.mean().item() == pytest.approx(0.25)
        count = dice.randint(1, rows * columns)
        chosen = finer(values, rows, columns, count).tolist()
        assert chosen == naive_budgets.finer(values.tolist(), rows, columns, count)
    with pytest.raises(UsageError, match="1 to 6 go, not 7"):
        finer(torch.rand(4, 6), 2, 3, 7)


def test_tiles_lie_as_near_to_a_square_as_they_come():
    assert [tile_layout(n) for n in (1, 2, 4, 6, 7, 12)] == [
        (1, 1),
        (1, 2),
        (2, 2),
        (2, 3),
        (1, 7),
        (3, 4),
    ]
    assert tile_layout(6, 2) == (3, 2)
    with pytest.raises(UsageError, match="6 tiles do not fill whole rows of 4"):
        tile_layout(6, 4)


def test_examples_of_the_same_task_keep_more():
    asked = torch.tensor([1.0, 0, 0])
    texts = torch.tensor([[2.0, 0, 0], [0, 1, 0], [-3, 0, 0], [torch.nan, 0, 0]])
    weights = example_share(texts, asked)
    assert weights.tolist() == [1, 0.5, 0, 0.5]
    assert allocate([30] * 5, 60, [*weights.tolist(), 1.0], [2] * 5) == [19, 10, 2, 10, 19]
    assert two_stages([100, 9, 1], [4, 9, 1]) == [20, 9, 1]


def page(size, font):
    picture = Image.new("RGB", (size, size), "white")
    draw = ImageDraw.Draw(picture)
    for y in range(10, size - 20, int(font * 1.5)):
        line = "One page of a report, written out line after line " * 2
        draw.text((10, y), line, fill="black", font=ImageFont.load_default(font))
    return picture


def pixels(picture):
    flat = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8)
    return flat.view(picture.height, picture.width, 3).permute(2, 0, 1) / 255


def test_pages_are_told_from_pictures():
    for font in (12, 16, 24):
        assert text_rich(float(edge_density(pixels(page(300, font)))))
    scene = Image.linear_gradient("L").resize((300, 300)).convert("RGB")
    draw = ImageDraw.Draw(scene)
    draw.ellipse((40, 60, 160, 190), fill="red")
    draw.rectangle((180, 30, 260, 280), fill="blue")
    assert not text_rich(float(edge_density(pixels(scene))))
    assert gentle(0.1, float(edge_density(pixels(page(300, 16))))) == 0.75
    assert gentle(0.1, float(edge_density(pixels(scene)))) == gentle(0.1, None) == 0.1
    assert gentle(0.9, 0.5) == 0.9


def test_edge_density_is_that_of_the_loop():
    for seed in range(50):
        generator = torch.Generator().manual_seed(seed)
        grey = torch.rand(1 + seed % 5, 1 + seed % 7, generator=generator)
        found = edge_density(grey).item()
        assert found == pytest.approx(naive_budgets.edge_density(grey.tolist()))
    assert edge_density(torch.full((3, 4, 4), torch.nan)).item() == 0
    with pytest.raises(UsageError, match=r"\[3, height, width\] or \[height, width\], not \[4\]"):
        edge_density(torch.zeros(4))


def test_what_words_look_at_is_that_of_the_loop():
    for seed in range(50):
        generator = torch.Generator().manual_seed(seed)
        lengths = torch.randint(1, 9, (3,), generator=generator).tolist()
        dtype = torch.bfloat16 if seed % 2 else torch.float32
        x = torch.randn(sum(lengths), 5, generator=generator).to(dtype)
        if seed % 7 == 0:
            x[0] = torch.nan
        words = torch.randn(3, 2, 5, generator=generator)
        mask = torch.tensor([[True, True], [True, False], [False, False]])
        found = drawn(Tokens(x, lengths), Question(words, mask)).split(lengths)
        for item, own in enumerate(x.split(lengths)):
            expected = naive_budgets.looks(own, words[item][mask[item]], 0.1)
            torch.testing.assert_close(found[item], torch.tensor(expected), atol=1e-5, rtol=1e-4)


def test_a_kind_of_which_few_tokens_matter_gets_few():
    looks = torch.cat([torch.full((40,), 0.025), torch.zeros(38), torch.ones(2)])
    weights = kind_weights(["image", "audio", "audio"], [40, 30, 10], looks)
    assert weights == [38.0, 1.5, 0.5]
    assert allocate([40, 30, 10], 20, weights, [1, 1, 1]) == [18, 1, 1]
    assert kind_weights(["image", "audio", "image"], [3, 2, 3], torch.ones(8)) == [3, 2, 3]
