"""Many questions at once get the answers that each gets alone."""

import pytest
import torch

from omni.evaluation import answering
from omni.evaluation.answering import Said
from omni.nano import cases
from omni.nano.cases import Case, Pool
from omni.nano.dialogue import Exchange


@pytest.fixture(scope="module", autouse=True)
def short():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(answering, "MOST_TOKENS", 12)
        yield


@pytest.fixture(scope="module")
def questions(loaded):
    """About pictures, sounds and solids, of every length, in no order."""
    pool = Pool(answering.Answerer(loaded).encode, batch=6)
    mixed = [
        case
        for name in ("video", "image", "audio")
        for case in cases.about_things(pool, name, "text", 4, held_out=False)
    ]
    words = cases.wishes("text", 3, held_out=False)
    return [*mixed[::2], *words, *mixed[1::2]]


def test_batched_answers_equal_single_ones(answerer, questions):
    together = answerer.answer(questions)
    alone = [answerer.answer([case])[0] for case in questions]
    assert together == alone
    assert len({answers[0].text for answers in together}) > 5, "the answers differ"


def test_tokens_made_beforehand_are_those_the_model_makes(answerer, loaded):
    from omni.modality import modality

    value = modality("image").example()
    (tokens,) = answerer.encode("image", [value])
    whole = loaded.processor.apply_chat_template(
        [{"role": "user", "content": [{"type": "image", "value": value}]}], tokenize=True
    )
    with torch.no_grad():
        own = loaded.model.encode_media(whole["media"])[0]
    assert torch.allclose(tokens, own, atol=1e-5)


def test_later_turns_hear_the_model_s_own_answers(answerer, loaded, monkeypatch):
    heard = []
    template = loaded.processor.apply_chat_template

    def listening(talks, **settings):
        heard.extend([list(talk) for talk in talks])
        return template(talks, **settings)

    monkeypatch.setattr(loaded.processor, "apply_chat_template", listening)
    turns = (Exchange("What is this?", ""), Exchange("And the size?", ""))
    steps = []
    said = answerer.answer([Case(turns), Case(turns[:1])], steps.append)
    assert [len(answers) for answers in said] == [2, 1] and sum(steps) == 3
    second = heard[-1]
    assert [message["role"] for message in second] == ["user", "assistant", "user"]
    told = "".join(part["text"] for part in second[1]["content"])
    assert told.strip() == said[0][0].text


def test_a_budget_is_kept(loaded, questions, monkeypatch):
    from omni.compression.budget import Budget

    kept = []
    generate = loaded.model.generate

    def watched(**inputs):
        kept.extend(item.keep for item in inputs.get("media", ()) if item.modality != "text")
        return generate(**inputs)

    monkeypatch.setattr(loaded.model, "generate", watched)
    answering.Answerer(loaded, Budget(tokens=9)).answer(questions)
    assert len(kept) == 12 and max(kept) == 9


def test_what_was_said_is_comparable():
    assert Said("Red.") == Said("Red.", {}) != Said("Blue.")
