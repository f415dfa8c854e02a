"""Training: every part moves but the decoders, media are told apart, answers do not leak."""

import pytest
import torch

from omni.compression.budget import Budget
from omni.model.item import MediaItem
from tests.omni.model.dialogues import LONG, MIXED, ask, ramp, text


def test_training_moves_every_part_but_the_decoders(made):
    model, processor = made
    dialogues = [
        [{"role": "user", "content": content}, {"role": "assistant", "content": "Three beeps."}]
        for content in MIXED
    ]
    inputs = processor.apply_chat_template(
        dialogues, tokenize=True, labels=True, budget=Budget(keep=0.6, floor=2)
    )
    model.train()
    model.activation_checkpointing_enable()
    outputs = model(**inputs)
    assert outputs.router_loss > 0
    outputs.loss.backward()
    for name, parameter in model.named_parameters():
        if name.startswith("decoders"):
            assert parameter.grad is None
        else:
            assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


ANSWERS = ("Three beeps", "A red circle")


def ragged(processor, kinds, generator):
    """A batch of eight dialogues over cached encoder tokens of two kinds and many lengths."""
    rows, media = [], []
    for row in range(8):
        tokens = kinds[row % 2] + 0.1 * torch.randn(3 + row, 12, generator=generator)
        media.append([MediaItem.encoded("ramp", tokens)])
        asked = "<|user|><|open|><|media|><|close|>What is this?<|end|><|assistant|>"
        rows.append(f"{asked}{ANSWERS[row % 2]}<|end|>")
    return processor(rows, media, labels=True)


def test_training_on_cached_tokens_learns_to_tell_media_apart(made):
    """The way the language stage trains: encoder tokens beforehand, batches of ragged items."""
    model, processor = made
    generator = torch.Generator().manual_seed(0)
    kinds = torch.randn(2, 12, generator=generator)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2)
    model.train()
    for _ in range(40):
        loss = model(**ragged(processor, kinds, generator)).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    model.eval()
    fresh = ragged(processor, kinds, generator)
    with torch.no_grad():
        guessed = model(**fresh).logits[:, :-1].argmax(-1)
    labels = fresh["labels"][:, 1:]
    assert (guessed[labels >= 0] == labels[labels >= 0]).float().mean() > 0.95


@torch.no_grad()
def test_answers_do_not_leak_into_the_choice_of_tokens(made):
    """Teaching shows the model its answers; which tokens it sees must not depend on them."""
    model, processor = made
    found = []
    for answer in ("Three beeps.", "A red circle."):
        dialogue = [
            {"role": "user", "content": [ramp(LONG), text("What is this?")]},
            {"role": "assistant", "content": answer},
        ]
        inputs = processor.apply_chat_template(
            dialogue, tokenize=True, labels=True, budget=Budget(tokens=4, floor=1)
        )
        ids, labels = inputs["input_ids"], inputs["labels"]
        found.append(model.select_media(ids, inputs["media"], labels=labels).embeds)
    assert torch.equal(*found)


def test_router_load_is_readable_by_modality(made):
    model, processor = made
    model(**ask(processor, *MIXED))
    load = model.mixture.router.load()
    assert set(load) == {"ramp", "wave"}
    assert all(sum(shares) == pytest.approx(1) for shares in load.values())


@torch.no_grad()
def test_a_model_without_experts_and_with_another_adapter(resampled):
    model, processor = resampled
    inputs = ask(processor, *MIXED)
    assert [item.keep for item in inputs["media"]] == [5, 3, 5]
    outputs = model(**inputs, labels=inputs["input_ids"])
    assert outputs.router_loss is None and outputs.loss.isfinite()
