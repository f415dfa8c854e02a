"""Whole selections in three launches, and their twin in double precision."""

import pytest
import torch

from omni.errors import UsageError
from omni.kernels import backend
from omni.kernels.choosing import RULES, choose, choose_in_torch

pytest.importorskip("triton")
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def case(seed, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    lengths = [1, 13, 6, 4]
    keep = [1, 5, 6, 2]
    x = torch.randn(sum(lengths), 21 + seed, generator=generator) + 0.5
    if seed % 3 == 0:
        x[4], x[16] = x[2], 0.0
        x[9, 1] = torch.nan
    words = torch.randn(4, 3, x.shape[1], generator=generator)
    heard = torch.tensor([[True] * 3, [True, False, True], [False] * 3, [True, False, False]])
    return x.to(DEVICE, dtype), lengths, keep, words.to(DEVICE, dtype), heard.to(DEVICE)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_selections_are_those_of_the_twin(rule, dtype):
    for seed in (0, 1):
        x, lengths, keep, words, heard = case(seed, dtype)
        for asked in ((words, heard), (None, None)):
            weight = -1.0 if rule == "dpp" and seed == 1 else 0.5
            expected = choose_in_torch(rule, x, lengths, keep, *asked, weight)
            with backend.using("triton"):
                found = choose(rule, x, lengths, keep, *asked, weight)
            assert found.places.tolist() == expected.places.tolist(), seed
            assert found.rows.tolist() == expected.rows.tolist()
            torch.testing.assert_close(found.scores, expected.scores, atol=2e-5, rtol=1e-4)
            torch.testing.assert_close(found.dropped, expected.dropped, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("rule", RULES)
def test_batch_mates_change_nothing(rule):
    x, lengths, keep, words, heard = case(2)
    with backend.using("triton"):
        whole = choose(rule, x, lengths, keep, words, heard, 0.5)
        parts = []
        for item, own in enumerate(x.split(lengths)):
            asked = words[item : item + 1], heard[item : item + 1]
            alone = choose(rule, own, lengths[item : item + 1], keep[item : item + 1], *asked, 0.5)
            parts.append(alone)
    assert torch.equal(whole.places, torch.cat([part.places for part in parts]))
    assert torch.equal(whole.scores, torch.cat([part.scores for part in parts]))


def test_unknown_rules_are_refused():
    with pytest.raises(UsageError, match="unknown rule 'best'; known: farthest, divprune, dpp"):
        choose("best", torch.ones(2, 2), [2], [1])


@pytest.mark.gpu
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(("items", "count", "keep"), [(1, 576, 64), (8, 576, 64), (1, 2880, 320)])
def test_on_the_device_nothing_waits_and_four_launches_do(rule, items, count, keep):
    from omni import plugins
    from omni.compression.selector import Question, Tokens
    from omni.evaluation.footprint import calls

    generator = torch.Generator().manual_seed(0)
    x = torch.randn(items * count, 4096, generator=generator).to("cuda", torch.bfloat16)
    words = torch.randn(items, 12, 4096, generator=generator).to("cuda", torch.bfloat16)
    question = Question(words, torch.ones(items, 12, dtype=torch.bool, device="cuda"))
    tokens, counts = Tokens(x, [count] * items), [keep] * items
    selector = plugins.load("compression", rule)()

    def select():
        found = selector(tokens, counts, question)
        return found, found.rows, found.take(x)

    select()  # the first call compiles, and sends what is known on the host
    torch.cuda.set_sync_debug_mode("error")
    try:
        _, rows, taken = select()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    counted = calls(select)
    assert counted["waits"] == 0 and counted["launches"] <= 4, counted
    assert torch.equal(taken, x[rows])
    own = None if rule == "divprune" else words
    heard = None if rule == "divprune" else question.mask
    weight = 0.5 if rule == "farthest" else 1.0
    expected = choose_in_torch(rule, x, [count] * items, counts, own, heard, weight)
    same = len(set(rows.tolist()) & set(expected.rows.tolist())) / len(rows)
    assert same > 0.97, "rounding may decide between equals, and one pick changes the next"
