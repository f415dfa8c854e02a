"""The lean loop says what transformers' `generate` says, token for token."""

from typing import Any

import pytest
import torch
from transformers import LogitsProcessor, StoppingCriteria
from transformers.generation.streamers import BaseStreamer

from omni.model import decoding
from omni.model.generation import CodeGrammar, GrammarWalk

QUESTIONS = ("what is this?", "draw a blue square, and then say what it is", "how many beeps?")


@pytest.fixture
def paths(monkeypatch):
    """How many calls the lean loop took."""
    taken = []
    lean = decoding.decode

    def counted(*args, **kwargs):
        taken.append(1)
        return lean(*args, **kwargs)

    monkeypatch.setattr(decoding, "decode", counted)
    return taken


def prompts(processor, count=3):
    """Dialogues of unequal length, every other one with numbers to look at."""
    dialogues = []
    for row, question in enumerate(QUESTIONS[:count]):
        media = [{"type": "ramp", "value": [0.1 * i for i in range(4 + row)]}] if row != 1 else []
        content = [*media, {"type": "text", "text": question}]
        dialogues.append([{"role": "user", "content": content}])
    return processor.apply_chat_template(dialogues, tokenize=True, add_generation_prompt=True)


def both(model, inputs, **settings):
    """Ours, and transformers' own way, which any argument that ours lacks leads to."""
    return model.generate(**inputs, **settings), model.generate(**inputs, **settings, num_beams=1)


@pytest.mark.parametrize("count", [1, 3])
def test_it_says_the_same_as_transformers(any_language, paths, count):
    model, processor = any_language
    ours, theirs = both(model, prompts(processor, count), max_new_tokens=40, do_sample=False)
    assert len(paths) == 1 and torch.equal(ours, theirs)


@pytest.mark.parametrize("seed", range(6))
def test_rows_that_end_leave_the_others_alone(made, paths, monkeypatch, seed):
    """Hostile scores end the rows at random times."""
    model, processor = made
    inputs = prompts(processor)
    forward = type(model.language).forward

    def noisy(self, *args, **kwargs):
        output = forward(self, *args, **kwargs)
        # What is added depends on the row's own logits alone, however many rows there are.
        own = torch.sin(1e4 * output.logits.double()[..., 50:51] + seed).float()
        output.logits[..., model.config.end_token_id] += (own[..., 0] > 0.6) * 1.0
        return output

    monkeypatch.setattr(type(model.language), "forward", noisy)
    ours, theirs = both(model, inputs, max_new_tokens=30, do_sample=False)
    assert len(paths) == 1 and torch.equal(ours, theirs)
    answers = ours[:, inputs["input_ids"].shape[1] :] == model.config.end_token_id
    assert len(set(answers.int().argmax(1).tolist())) > 1, "they end at different times"
    alone = model.generate(
        input_ids=inputs["input_ids"][1:2, -int(inputs["attention_mask"][1].sum()) :],
        max_new_tokens=30,
        do_sample=False,
    )
    said = ours[1, inputs["input_ids"].shape[1] :]
    new = alone[0, int(inputs["attention_mask"][1].sum()) :]
    assert said[: len(new)].tolist() == new.tolist(), "a row says alone what it says in a batch"


class Favour(LogitsProcessor):
    """Adds noise of a generator of its own, as a sampler does."""

    def __init__(self):
        self.generator = torch.Generator().manual_seed(3)

    def __call__(self, input_ids, scores):
        return scores + 3 * torch.randn(scores.shape, generator=self.generator)


class After(StoppingCriteria):
    """Ends every row at so many tokens."""

    def __init__(self, length):
        self.length = length

    def __call__(self, input_ids, scores, **kwargs) -> Any:
        return input_ids.new_full((len(input_ids),), input_ids.shape[1] >= self.length).bool()


class Heard(BaseStreamer):
    """Keeps what is streamed."""

    def __init__(self):
        self.tokens = []

    def put(self, value):
        self.tokens.append(value.tolist())

    def end(self):
        self.tokens.append("end")


def test_processors_criteria_and_streamers_are_heard(made, paths):
    model, processor = made
    inputs = prompts(processor, 1)
    length = inputs["input_ids"].shape[1] + 7
    found = []
    for extra in ({}, {"num_beams": 1}):
        heard = Heard()
        said = model.generate(
            **inputs,
            max_new_tokens=30,
            do_sample=False,
            logits_processor=[Favour()],
            stopping_criteria=[After(length)],
            streamer=heard,
            **extra,
        )
        assert said.shape[1] == length
        found.append((said.tolist(), heard.tokens))
    assert len(paths) == 1 and found[0] == found[1]


@pytest.mark.parametrize(
    "settings",
    [
        {"do_sample": True},
        {"num_beams": 2},
        {"use_cache": False},
        {"min_new_tokens": 3},
        {"repetition_penalty": 1.3},
    ],
)
def test_what_it_cannot_do_goes_to_transformers(shared, paths, settings):
    model, processor = shared
    torch.manual_seed(0)
    model.generate(**prompts(processor, 1), max_new_tokens=4, **settings)
    assert not paths


def test_defaults_of_the_model_are_honoured(made, paths):
    model, processor = made
    model.generation_config.repetition_penalty = 1.5
    model.generate(**prompts(processor, 1), max_new_tokens=4)
    assert not paths


def test_training_goes_on_afterwards(made):
    model, processor = made
    model.generate(**prompts(processor), max_new_tokens=3)
    inputs = prompts(processor)
    loss = model(**inputs, labels=inputs["input_ids"]).loss
    loss.backward()
    assert loss.isfinite()


def test_the_walk_equals_reading_the_history_again(shared):
    """Random runs of marks and codes: what may follow is the same, however it is found."""
    model, processor = shared
    grammar = CodeGrammar(model.config)
    generator = torch.Generator().manual_seed(0)
    vocabulary = len(processor.tokenizer)
    ids = torch.randint(100, vocabulary, (4, 5), generator=generator)
    walk = GrammarWalk(grammar, ids)
    states = set()
    for _ in range(400):
        scores = torch.randn(4, vocabulary, generator=generator)
        for code in processor.codes.values():
            scores[:, [code["begin"], code["end"]]] += 2
        expected = grammar(ids, scores)
        states.update(grammar.state(*place) for place in walk.places)
        assert torch.equal(walk.restrict(scores), expected)
        said = expected.argmax(1)
        walk.feed(said.tolist())
        ids = torch.cat([ids, said[:, None]], 1)
    assert states == {0, 1, 3, 4, 5, 6}, "a code of fixed length is never in `either`"
