"""Calls name tools that there are, whatever the model would rather say."""

import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from omni.model.calling import CallGrammar

NAMES = ("speak", "speak_up", "read_text", "sp")


@pytest.mark.parametrize("must", [True, False])
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_a_call_has_a_listed_name_under_any_logits(shared, seed, must):
    model, processor = shared
    tokenizer, call = processor.tokenizer, model.config.call_token_id
    ids = torch.tensor([[1, call, 7], [1, 2, 3]])
    grammar = CallGrammar(model.config, tokenizer, NAMES, start=ids.shape[1], must=must)
    generator = torch.Generator().manual_seed(seed)
    for step in range(200):
        scores = torch.randn(2, len(tokenizer), generator=generator)
        scores[:, call] += 8 if step in (3, 100) else -9
        allowed = grammar(ids, scores)
        assert (allowed > -torch.inf).any(1).all(), "something can always be said"
        ids = torch.cat([ids, allowed.argmax(1, keepdim=True)], 1)
    for row in ids[:, 3:].tolist():
        assert (row[0] == call) == must
        marks = [place for place, token in enumerate(row) if token == call]
        assert 100 in marks and (0 in marks if must else 3 in marks)
        for place in marks:
            said = tokenizer.decode(row[place + 1 :])
            begins = [json.dumps({"name": name, "arguments": {}})[:-4] for name in NAMES]
            assert any(said.startswith(begin) for begin in begins)


def test_what_is_no_call_is_free_and_so_are_arguments(shared):
    model, processor = shared
    tokenizer, call = processor.tokenizer, model.config.call_token_id
    grammar = CallGrammar(model.config, tokenizer, NAMES, start=2)
    scores = torch.randn(1, len(tokenizer))
    header = tokenizer('{"name": "speak", "arguments":', add_special_tokens=False)["input_ids"]
    for said in ([], [5, 6], [call, *header], [call, *header, 11, 12], [call, 5]):
        ids = torch.tensor([[call, 3, *said]])
        assert torch.equal(grammar(ids, scores), scores)
    forked = grammar(torch.tensor([[1, 2, call, *header[:2]]]), scores)
    assert 1 <= (forked > -torch.inf).sum() <= len(NAMES)
    assert torch.isfinite(scores).all(), "the scores that are given stay as they are"
