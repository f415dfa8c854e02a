"""Attention that is written out says what transformers' own says, forwards and backwards."""

import pytest
import torch
from transformers import AutoModelForCausalLM, Qwen3Config

from omni.nano.stages import attention


def language(heads: int, key_heads: int):
    torch.manual_seed(0)
    config = Qwen3Config(
        hidden_size=48,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=heads,
        num_key_value_heads=key_heads,
        head_dim=12,
        vocab_size=50,
    )
    return AutoModelForCausalLM.from_config(config)


@pytest.mark.parametrize(("heads", "key_heads"), [(4, 2), (3, 3), (4, 1)])
def test_values_and_gradients_are_those_of_fused_attention(heads, key_heads):
    model = language(heads, key_heads)
    ids, mask = torch.randint(0, 50, (3, 9)), torch.ones(3, 9, dtype=torch.int64)
    mask[1, 6:] = mask[2, 4:] = 0
    found = []
    for name in ("sdpa", attention.NAME):
        model.set_attn_implementation(name)
        model.zero_grad()
        logits = model(input_ids=ids, attention_mask=mask).logits[mask.bool()]
        logits.square().sum().backward()
        gradients = [parameter.grad.clone() for parameter in model.parameters()]
        found.append([logits.detach(), *gradients])
    for wanted, given in zip(*found, strict=True):
        torch.testing.assert_close(given, wanted, atol=1e-4, rtol=1e-4)


def test_it_stays_close_in_half_precision():
    model = language(4, 2)
    ids = torch.randint(0, 50, (2, 17))
    with torch.no_grad():
        model.set_attn_implementation("sdpa")
        wanted = model(input_ids=ids).logits
        model.set_attn_implementation(attention.NAME)
        with torch.autocast("cpu", torch.bfloat16):
            given = model(input_ids=ids).logits
    torch.testing.assert_close(given.float(), wanted, atol=0.05, rtol=0.05)
