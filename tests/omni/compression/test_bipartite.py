"""Merging by products in single precision merges what double precision does."""

import pytest
import torch

from omni import plugins
from omni.compression import bipartite
from omni.compression.selector import Signals, Tokens

METHODS = {"tome": {"by_keys": False}, "tome slow": {"by_keys": False, "share": 0.1}, "aim": {},
           "turbo": {}}  # fmt: skip


@pytest.fixture(params=METHODS)
def both(request, monkeypatch):
    """What a method answers in double precision throughout, and with products in single."""
    selector = plugins.load("compression", request.param.split()[0])(**METHODS[request.param])

    def ways(tokens, keep):
        monkeypatch.setattr(bipartite, "_LARGE", 10**12)
        plainly = selector(tokens, keep, None)
        monkeypatch.setattr(bipartite, "_LARGE", 0)
        return plainly, selector(tokens, keep, None)

    return ways


def alike(plainly, quickly):
    assert torch.equal(plainly.places, quickly.places)
    for part in ("sources", "counts", "weights"):
        assert torch.equal(getattr(plainly.merging, part), getattr(quickly.merging, part)), part


def tokens_in_groups(lengths, width, seed, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    count = sum(lengths)
    middles = torch.randn(7, width, generator=generator)
    x = middles[torch.randint(7, (count,), generator=generator)]
    x = x + 0.5 * torch.randn(count, width, generator=generator)
    attention = torch.rand(count, generator=generator)
    return Tokens(x.to(dtype), lengths, signals=Signals(attention=attention))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("kind", ["groups", "twins", "near twins", "few dimensions", "broken"])
def test_both_ways_merge_the_same(both, dtype, kind):
    tokens = tokens_in_groups([151, 52], 3 if kind == "few dimensions" else 67, 3, dtype)
    if kind == "twins":
        tokens.x[76:152] = tokens.x[:76]
    if kind == "near twins":
        tokens.x[1:150] = tokens.x[0] + (1e-4 * tokens.x[1:150].float()).to(dtype)
    if kind == "broken":
        tokens.x[3:9] = torch.nan
        tokens.x[160] = torch.inf
        tokens.x[[20, 30, 31]] = 0
    alike(*both(tokens, [60, 20]))


def test_rounding_of_single_precision_decides_nothing(both, monkeypatch):
    noise = torch.Generator().manual_seed(0)
    right = bipartite._in_single

    def off(even, odd):
        found = right(even, odd)
        return found + (torch.rand(found.shape, generator=noise) * 2 - 1) * 2.0**-24 * 4

    monkeypatch.setattr(bipartite, "_in_single", off)
    for seed in range(8):
        alike(*both(tokens_in_groups([121, 64], 67, seed), [33, 32]))


def test_single_precision_alone_would_decide(both, monkeypatch):
    """The look at what is close is what the agreement rests on."""
    tokens = tokens_in_groups([151], 67, 3)
    tokens.x[1:150] = tokens.x[0] + 1e-4 * tokens.x[1:150]
    monkeypatch.setattr(bipartite, "_looked_at", lambda cosines, best, *rest: best)
    plainly, quickly = both(tokens, [60])
    same = torch.equal(plainly.merging.sources, quickly.merging.sources)
    assert not (same and torch.equal(plainly.merging.counts, quickly.merging.counts))
