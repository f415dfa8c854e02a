"""The layer in which tokens look at one another: the same with gradients wanted and without."""

from __future__ import annotations

import torch

from omni.mixer import Mixer


def test_attention_spelled_out_is_the_fused_one():
    torch.manual_seed(0)
    made, tokens = Mixer(32), torch.randn(3, 7, 32)
    with torch.no_grad():
        fused = made(tokens)
    assert torch.allclose(made(tokens), fused, atol=1e-5)


def test_a_constant_added_to_all_keys_changes_nothing():
    torch.manual_seed(0)
    made, tokens = Mixer(32), torch.randn(2, 5, 32)
    before = made(tokens)
    with torch.no_grad():
        made.qkv.bias[32:64] += 3.0
    assert torch.allclose(made(tokens), before, atol=1e-4)


def test_the_order_of_tokens_does_not_matter():
    torch.manual_seed(0)
    made, tokens = Mixer(32), torch.randn(2, 6, 32)
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    assert torch.allclose(made(tokens[:, order]), made(tokens)[:, order], atol=1e-5)
