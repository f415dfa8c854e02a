"""The processor: exact counts, sealed text, labels, estimates, and errors that help."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoProcessor

import omni.model.loading  # noqa: F401  (registers the Auto classes)
from omni.compression.budget import Budget, Grid
from omni.errors import Unsupported, UsageError
from omni.model.item import MediaItem
from omni.model.template import CHAT_TEMPLATE
from omni.model.tokens import MARKS, build_tokenizer, code_tokens


def user(*content):
    return [{"role": "user", "content": list(content)}]


def ramp(values, **more):
    return {"type": "ramp", "value": values, **more}


def words(text):
    return {"type": "text", "text": text}


def test_the_tokenizer_is_the_same_each_time_and_writes_anything():
    texts = ["one two three"] * 3 + ["two one"]
    a, b = (build_tokenizer(texts, 320, {"ramp": 3}) for _ in range(2))
    assert (
        a.get_vocab() == b.get_vocab()
        and a.backend_tokenizer.to_str() == b.backend_tokenizer.to_str()
    )
    assert a.convert_tokens_to_ids(list(MARKS)) == list(range(len(MARKS)))
    assert a.convert_tokens_to_ids(code_tokens({"ramp": 3})) == list(range(len(a) - 5, len(a)))
    for text in ("Ünïcödé 日本 🙂", "  spaces  and\nlines\t", "it 's ."):
        assert a.decode(a.encode(text)) == text


def test_every_mark_of_the_template_is_a_token(tokenizer):
    import re

    for mark in re.findall(r"<\|/?[a-z]+\|>", CHAT_TEMPLATE):
        assert mark in MARKS, mark


@pytest.mark.parametrize("budget", [None, Budget(tokens=7, floor=2), Budget(keep=0.3, floor=1)])
def test_counts_are_exact(made, budget):
    _, processor = made
    inputs = processor.apply_chat_template(
        [user(ramp([0.0] * 9), words("a"), ramp([0.0] * 5)), user(words("b"))],
        tokenize=True,
        budget=budget,
    )
    media = processor.tokenizer.convert_tokens_to_ids("<|media|>")
    counts = (inputs["input_ids"] == media).sum(1).tolist()
    assert counts == [sum(item.keep for item in inputs["media"]), 0]
    expected = budget.plan([9, 5]) if budget else [9, 5]
    assert [item.keep for item in inputs["media"]] == expected
    assert [item.grid for item in inputs["media"]] == [Grid(time=9), Grid(time=5)]
    report = processor.report(inputs, budget).to_json()
    assert [row["kept"] for row in report["items"]] == expected


def test_a_rows_budget_does_not_depend_on_its_mates(made):
    _, processor = made
    rows = [user(ramp([0.0] * 9)), user(ramp([0.0] * 30))]
    budget = Budget(tokens=6, floor=1)
    together = processor.apply_chat_template(rows, tokenize=True, budget=budget)
    assert [item.keep for item in together["media"]] == [6, 6]


def test_forms_of_an_item(made):
    _, processor = made
    features = {"values": torch.zeros(4)}
    whole = MediaItem("ramp", features, Grid(time=4), 3)
    for entry, keep in [
        (("ramp", [0.0] * 4), 4),
        (("ramp", features), 4),
        ({"type": "ramp", "value": [0.0] * 4}, 4),
        ({"type": "ramp", "ramp": [0.0] * 4}, 4),
        ({"type": "ramp", "features": features}, 4),
        ({"type": "ramp", "tokens": torch.zeros(4, 12)}, 4),
        (whole, 3),
    ]:
        inputs = processor("<|open|><|media|><|close|>", [entry])
        assert inputs["input_ids"].shape == (1, keep + 2)
        assert inputs["media"][0].keep == keep


def test_turns_roles_and_tools(made):
    _, processor = made
    dialogue = [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": [ramp([1.0]), words("Hi")]},
        {"role": "assistant", "content": "", "tool_calls": [{"name": "f", "arguments": {"a": 1}}]},
        {"role": "tool", "content": "3"},
        {"role": "assistant", "content": [words("So"), {"type": "ramp", "codes": [4, 0, 1]}]},
    ]
    plain = processor.apply_chat_template(dialogue, add_generation_prompt=True)
    assert plain == (
        "<|system|>Be short.<|end|>"
        "<|user|><|open|><|media|><|close|>Hi<|end|>"
        '<|assistant|><|call|>{"name": "f", "arguments": {"a": 1}}<|/call|><|end|>'
        "<|tool|>3<|end|>"
        "<|assistant|>So<|ramp:begin|><|ramp:4|><|ramp:0|><|ramp:1|><|ramp:end|><|end|>"
        "<|assistant|>"
    )
    tool = {"type": "function", "function": {"name": "f", "parameters": {}}}
    tooled = processor.apply_chat_template(dialogue, tools=[tool])
    assert tooled.startswith('<|system|>Be short.\n{"type": "function"')
    assert tooled.count("<|system|>") == 1
    openai = [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"function": {"name": "g", "arguments": {}}}],
        }
    ]
    assert '{"name": "g", "arguments": {}}' in processor.apply_chat_template(openai)


def test_labels_teach_the_assistants_turns_only(made):
    _, processor = made
    dialogues = [
        [
            {"role": "user", "content": [ramp([1.0]), words("Hi")]},
            {"role": "assistant", "content": "Yes"},
            {"role": "user", "content": "More"},
            {"role": "assistant", "content": "No no"},
        ],
        [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}],
    ]
    inputs = processor.apply_chat_template(dialogues, tokenize=True, labels=True)
    for row, expected in enumerate(["Yes<|end|>No no<|end|>", "y<|end|>"]):
        labels = inputs["labels"][row]
        assert processor.tokenizer.decode(labels[labels >= 0]) == expected


HOSTILE = [
    "<|end|>",
    "<|assistant|>",
    "<|media|>",
    "<|ramp:3|>",
    "<|call|>",
    "<|",
    "<",
    "|>",
    "\ufdd0",
    "a",
    " é",
]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(HOSTILE), max_size=8).map("".join))
def test_what_people_write_is_never_a_mark(shared, text):
    model, processor = shared
    dialogue = [
        {"role": "user", "content": [words(text)]},
        {"role": "tool", "content": text},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"name": "f", "arguments": {"a": text}}],
        },
    ]
    ids = processor.apply_chat_template(dialogue, tokenize=True)["input_ids"][0]
    control = [token for token in ids.tolist() if token in set(model.config.control_ids())]
    expected = "<|user|><|end|><|tool|><|end|><|assistant|><|call|><|/call|><|end|>"
    assert processor.tokenizer.decode(control) == expected
    written = processor.tokenizer.decode(ids)
    clean = text.replace("\ufdd0", "")
    assert written.startswith(f"<|user|>{clean}<|end|><|tool|>{clean}<|end|>")


def test_estimates_are_exact_for_our_own_model(made):
    _, processor = made
    dialogue = user(ramp([0.0] * 9), words("What?"), {"type": "wave", "value": [0.0] * 3})
    for budget in (None, Budget(tokens=5, floor=1)):
        estimate = processor.estimate(dialogue, budget)
        inputs = processor.apply_chat_template(
            dialogue, tokenize=True, add_generation_prompt=True, budget=budget
        )
        assert estimate.total == inputs["input_ids"].shape[1]
        assert sum(estimate.media.values()) == sum(item.keep for item in inputs["media"])


def test_planning_holds_no_weights_and_draws_no_random_numbers(made):
    _, processor = made
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    processor.grid("ramp", {"values": torch.zeros(4)})
    assert torch.equal(torch.rand(1), expected)
    encoder, _ = processor._planner("ramp")
    assert all(parameter.is_meta for parameter in encoder.parameters())


def test_round_trip(made, tmp_path):
    model, processor = made
    processor.save_pretrained(tmp_path)
    model.config.save_pretrained(tmp_path)
    again = type(processor).from_pretrained(tmp_path)
    assert again.modalities == processor.modalities and again.codes == processor.codes
    assert again.chat_template == processor.chat_template
    assert again.tokenizer.padding_side == "left"
    assert type(AutoProcessor.from_pretrained(tmp_path)) is type(processor)


def test_errors_say_what_to_do(made):
    _, processor = made
    with pytest.raises(UsageError, match="text has 1 media marks, but 0 media items"):
        processor("<|media|>")
    with pytest.raises(UsageError, match="2 prompts need 2 lists of media"):
        processor(["a", "b"], [[]])
    with pytest.raises(Unsupported, match="does not read 'smell'; it reads: ramp, wave"):
        processor.apply_chat_template(user({"type": "smell", "value": 1}))
    with pytest.raises(Unsupported, match="no codes for 'smell'"):
        processor.apply_chat_template(user({"type": "smell", "codes": [1]}))
    with pytest.raises(UsageError, match="has type 'ramp' and nothing of these"):
        processor.item({"type": "ramp"})
    with pytest.raises(UsageError, match="too small"):
        processor.apply_chat_template(
            user(ramp([0.0] * 9)), tokenize=True, budget=Budget(tokens=2, floor=4)
        )
    with pytest.raises(Exception, match="a role is system, user, assistant or tool, not thief"):
        processor.apply_chat_template([{"role": "thief", "content": "x"}])
