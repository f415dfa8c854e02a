"""Media are encoded once and looked at anew in every turn: the same as from scratch."""

import pytest
import torch
from langchain_core.messages import AIMessage, HumanMessage

from omni import plugins
from omni.chat.omni import ChatOmni
from omni.chat.prompting import Prompter
from omni.chat.seen import Seen
from omni.compression.budget import Budget
from omni.errors import UnknownPlugin, UsageError
from omni.wire import media_block


def example(name, seed=0):
    plugin = plugins.load("modalities", name)
    return plugin.save(plugin.example(seed), name=f"{name}{plugin.suffixes[0]}")


def asked(text, *media):
    return HumanMessage([*(media_block(m) for m in media), {"type": "text", "text": text}])


@pytest.fixture
def chat(tiny_omni):
    return ChatOmni(model=tiny_omni, max_tokens=4, device="cpu")


@pytest.fixture
def counted(chat, monkeypatch):
    """How many items the encoders were given, one number a call."""
    model, calls = chat.load().model, []
    encode = model.encode_media

    def counting(media):
        calls.append(sum(item.tokens is None for item in media))
        return encode(media)

    monkeypatch.setattr(model, "encode_media", counting)
    return calls


TURNS = [
    asked("What is this?", example("image"), example("series")),
    AIMessage("A thing."),
    asked("And draw this circle?", example("image", 1)),
    AIMessage("Here."),
    HumanMessage("red?"),
]


@pytest.mark.parametrize("budget", [None, Budget(tokens=40)])
def test_later_turns_encode_nothing_and_equal_a_run_from_scratch(chat, counted, budget):
    one = Prompter(chat.load())
    for end in (1, 3, 5):
        counted.clear()
        again = one.prompt(TURNS[:end], budget=budget, max_tokens=4)
        assert sum(counted) == {1: 2, 3: 1, 5: 0}[end]
        fresh = Prompter(chat.load()).prompt(TURNS[:end], budget=budget, max_tokens=4)
        assert again.inputs.keys() == fresh.inputs.keys()
        for name, value in again.inputs.items():
            assert torch.equal(value, fresh.inputs[name]), name
        told, expected = dict(again.selection), dict(fresh.selection)
        assert told.pop("seconds", None) is None or expected.pop("seconds") > 0
        assert told == expected


def test_another_question_keeps_other_tokens_of_what_was_seen_before(chat):
    prompter = Prompter(chat.load())
    places = []
    for words in ("What is this?", "red circle", "draw it"):
        messages = [asked("A red", example("image")), AIMessage("Yes."), HumanMessage(words)]
        prompt = prompter.prompt(messages, budget=Budget(tokens=12), max_tokens=4)
        (item,) = prompt.selection["items"]
        places.append(tuple(item["places"]))
        assert item["kept"] == 12
    assert len(set(places)) > 1


def test_what_does_not_fit_is_encoded_again_and_says_the_same(chat, counted):
    small = Prompter(chat.load(), stash_bytes=0)
    large = Prompter(chat.load())
    for _ in range(2):
        counted.clear()
        less = small.prompt(TURNS[:1], max_tokens=4)
        assert sum(counted) == 2
        more = large.prompt(TURNS[:1], max_tokens=4)
        assert torch.equal(less.inputs["media_embeds"], more.inputs["media_embeds"])
    assert len(small.seen.stash) == 0 and len(large.seen.stash) == 2
    assert 0 < large.seen.stash.size < large.seen.stash.limit


def test_those_used_longest_ago_go_first(chat):
    seen = Seen(chat.load(), 2 * 144 * 192 * 4)  # two pictures
    for number in (0, 1, 0, 2):
        seen.encoded([{"content": [seen.part(example("image", number), "")]}])
    assert len(seen.stash.dropped) == 1
    known = ["tokens" in seen.part(example("image", number), "") for number in range(3)]
    assert known == [True, False, True]


def test_the_same_bytes_are_encoded_once_under_any_handle(chat, counted):
    prompter = Prompter(chat.load())
    prompter.prompt([asked("red", example("image"), example("image"))], max_tokens=4)
    assert sum(counted) == 1


def test_tokens_that_are_no_numbers_are_refused(chat, monkeypatch):
    loaded = chat.load()
    monkeypatch.setattr(
        loaded.model, "encode_media", lambda media: [torch.full((144, 192), torch.nan)]
    )
    with pytest.raises(UsageError, match=r"tokens of image that are no numbers .*--device cpu"):
        Prompter(loaded).prompt([asked("red", example("image"))], max_tokens=4)


def test_the_oldest_turns_go_where_the_budget_has_no_floor_for_all(chat):
    prompter = Prompter(chat.load())
    budget = Budget(tokens=7)
    prompt = prompter.prompt(TURNS, budget=budget, max_tokens=4)
    assert [(item["kept"], item["of"]) for item in prompt.selection["items"]] == [(7, 144)]
    with pytest.raises(UsageError, match="a budget of 7 tokens is too small for 2 media items"):
        prompter.prompt(TURNS[:1], budget=budget, max_tokens=4)


def test_a_budget_above_all_there_is_keeps_all(chat):
    prompt = Prompter(chat.load()).prompt(TURNS[:1], budget=Budget(tokens=10_000), max_tokens=4)
    assert prompt.selection["kept"] == sum(item["of"] for item in prompt.selection["items"])
    assert "method" not in prompt.selection


def test_the_method_can_be_chosen(chat):
    frugal = chat.model_copy(update={"budget": Budget(tokens=20), "selector": "uniform"})
    told = frugal.invoke([asked("What?", example("image"))]).response_metadata["selection"]
    assert told["method"] == "uniform"
    (item,) = told["items"]
    assert item["places"] == [(2 * i + 1) * 144 // 40 for i in range(20)]
    bound = frugal.bind(selector="pool").invoke([asked("What?", example("image"))])
    assert bound.response_metadata["selection"]["method"] == "pool"
    assert bound.response_metadata["selection"]["merged"] is True
    with pytest.raises(UnknownPlugin, match="unknown compression plug-in 'magic'; known: "):
        frugal.bind(selector="magic").invoke([asked("What?", example("image"))])


def test_a_new_limit_takes_effect(chat):
    loaded = chat.load()
    first = chat._prompts(loaded)
    assert chat._prompts(loaded) is first
    chat.stash_bytes = 5
    assert chat._prompts(loaded).seen.stash.limit == 5
