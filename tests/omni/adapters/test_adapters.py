"""Adapters: widths, ragged items, and the number of tokens that they promise."""

import pytest
import torch

from omni import plugins
from omni.compression.budget import Grid
from omni.errors import UsageError

NAMES = ["linear", "mlp", "resampler"]


def test_all_are_plug_ins():
    assert set(NAMES) <= set(plugins.names("adapters"))


@pytest.mark.parametrize("name", NAMES)
def test_each_item_by_itself_and_all_together_are_the_same(name):
    adapter = plugins.load("adapters", name)(12, 32).eval()
    items = [torch.randn(n, 12) for n in (5, 1, 9)]
    together, lengths = adapter(torch.cat(items), [5, 1, 9])
    assert together.shape == (sum(lengths), 32)
    for item, part in zip(items, together.split(lengths), strict=True):
        alone, (count,) = adapter(item, [len(item)])
        assert count == adapter.grid(Grid(time=len(item))).tokens
        torch.testing.assert_close(part, alone, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_runs_in_bfloat16_and_learns(name):
    adapter = plugins.load("adapters", name)(12, 32).bfloat16()
    out, _ = adapter(torch.randn(7, 12, dtype=torch.bfloat16), [3, 4])
    assert out.dtype == torch.bfloat16
    out.float().square().mean().backward()
    for key, parameter in adapter.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, key


def test_resampler_answers_with_its_queries_and_ignores_padding():
    adapter = plugins.load("adapters", "resampler")(12, 32, queries=6)
    with torch.no_grad():
        adapter.queries.normal_()
    out, lengths = adapter(torch.randn(10, 12), [1, 9])
    assert lengths == [6, 6] and out.shape == (12, 32)
    assert adapter.grid(Grid(3, 4, 4)) == Grid(width=6)


def test_resampler_names_heads_that_do_not_divide():
    with pytest.raises(UsageError, match="5 heads needs a language width that 5 divides, not 32"):
        plugins.load("adapters", "resampler")(12, 32, heads=5)
