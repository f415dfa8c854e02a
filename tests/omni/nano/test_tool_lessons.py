"""Calls of tools as they are taught: what Omni's tools take and answer, written as prompts are."""

import ast
import json
import operator
import random
import re

import numpy as np
import pytest
import torch
from langchain_core.messages import ToolMessage
from langchain_core.utils.function_calling import convert_to_openai_tool

from omni import plugins
from omni.chat.quoting import quotation
from omni.modality import modality
from omni.model.loading import load
from omni.model.template import SHORT_TOOLS_TEMPLATE
from omni.nano import corpus, tool_lessons
from omni.nano.asked import errands
from omni.nano.corpus import MODALITIES, Cache
from omni.nano.lesson import Lesson
from omni.nano.questions import calls
from omni.nano.stages.language import codes_of
from omni.nano.tool_lessons import ToolTeacher

TOKENS = 12
HANDLES = {
    "image": "img-4",
    "audio": "aud-2",
    "video": "vid-1",
    "points": "pts-3",
    "series": "ser-9",
}
REAL = sorted(set(calls.REQUIRED) - calls.FICTION)


@pytest.fixture(scope="module")
def nano():
    return load("nano")


@pytest.fixture(scope="module")
def teacher(nano):
    rng = np.random.default_rng(0)
    caches = {}
    for name in MODALITIES:
        labels = [corpus.SOURCES[name](rng, False).labels for _ in range(24)]
        tokens = torch.randn(TOKENS * len(labels), nano.model.encoders[name].width).half()
        caches[name] = Cache(tokens, torch.arange(1, len(labels) + 1) * TOKENS, labels)
    processor = nano.processor
    return ToolTeacher(
        processor.tokenizer, nano.model.config, caches, codes_of(nano.model), processor.lay
    )


def made_of(kind, seed):
    rng = random.Random(seed)
    handles = [HANDLES[name] for name in kind.about]
    if len(handles) == 2:
        handles[1] = "img-7"
    return handles, kind.make(rng, handles, handles)


@pytest.mark.parametrize("name", REAL)
def test_what_must_be_given_is_what_the_tool_asks_for(name):
    tool = plugins.load("tools", name).model_construct(bench=None)
    parameters = convert_to_openai_tool(tool)["function"]["parameters"]
    assert tuple(parameters.get("required", ())) == calls.REQUIRED[name]
    for errand in (one for one in calls.ERRANDS if one.tool == name):
        for seed in range(60):
            _, called = made_of(errand, seed)
            tool.args_schema.model_validate(called.arguments)


def test_no_tool_of_ours_has_the_name_of_one_that_nobody_has():
    assert not calls.FICTION & set(plugins.names("tools"))
    assert set(errands.EDIT) <= {
        value
        for value in convert_to_openai_tool(
            plugins.load("tools", "edit_image").model_construct(bench=None)
        )["function"]["parameters"]["properties"]["change"]["enum"]
    }


@pytest.mark.parametrize("errand", calls.ERRANDS, ids=lambda errand: errand.tool)
def test_a_call_says_what_the_question_is_about(errand):
    for seed in range(80):
        handles, called = made_of(errand, seed)
        assert called == made_of(errand, seed)[1] and called.name == errand.tool
        assert json.loads(called.call()) == {"name": called.name, "arguments": called.arguments}
        assert set(calls.REQUIRED[called.name]) <= set(called.arguments)
        assert "{" not in called.question
        for handle in handles:
            assert re.search(rf"\b{handle}\b", called.question)
            assert handle in str(called.arguments)
        for value in called.arguments.values():
            numbers = value if isinstance(value, list) else [value]
            for each in numbers:
                if isinstance(each, int) or called.name in ("speak", "weather", "search_web"):
                    assert str(each) in called.question


def worked_out(expression):
    node = ast.parse(expression, mode="eval").body
    assert isinstance(node, ast.BinOp)
    signs = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul}
    signs[ast.Div] = operator.truediv
    left, right = (ast.literal_eval(side) for side in (node.left, node.right))
    return signs[type(node.op)](left, right)


def test_sums_are_right_and_changes_are_those_that_are_asked_for():
    by_name = {errand.tool: errand for errand in calls.ERRANDS}
    for seed in range(100):
        _, called = made_of(by_name["calculator"], seed)
        assert float(called.result) == pytest.approx(worked_out(called.arguments["expression"]))
        assert re.findall(r"\d+", called.question) == re.findall(
            r"\d+", called.arguments["expression"]
        )
        _, called = made_of(by_name["edit_image"], seed)
        change = called.arguments["change"]
        assert called.question in [wish.format(h="img-4") for wish in errands.EDIT[change]]


def test_no_wording_asks_for_two_changes():
    seen = [(wish, change) for change, wishes in errands.EDIT.items() for wish in wishes]
    assert len({wish for wish, _ in seen}) == len(seen)


@pytest.mark.parametrize("name", ["read_text", "forecast", "edit_image", "measure_points"])
def test_results_have_the_form_in_which_the_tools_answer(name, tmp_path):
    from omni.chat.sessions import Sessions, SessionShelf
    from omni.media import Access
    from omni.modality import open_media
    from omni.wire import take
    from omni.workbench import Workbench

    kind = {one.tool: one for one in calls.ERRANDS}[name].about[0]
    file = {"image": "red-circle.png", "series": "rising.csv", "points": "torus.ply"}[kind]
    sessions = Sessions(tmp_path)
    shelf = SessionShelf(sessions, "s")
    take(open_media(f"recipes/samples/{file}", Access()), shelf)
    handle = f"{modality(kind).prefix}-1"
    tool = plugins.load("tools", name)(bench=Workbench(shelf))
    found = tool.invoke(
        {calls.REQUIRED[name][0]: handle} | ({"change": "grey"} if "edit" in name else {})
    )
    words = found if isinstance(found, str) else found[0]["text"]
    taught = set()
    for seed in range(300):
        errand = next(one for one in calls.ERRANDS if one.tool == name)
        result = errand.make(random.Random(seed), [handle], [handle]).result
        taught.add(shape(result))
    assert shape(words) in taught
    sessions.close()


def shape(words):
    """A result without what differs from case to case."""
    if words.startswith("{"):
        end = words.rindex("}") + 1
        return tuple(json.loads(words[:end])), words[end:]
    return re.sub(r"changed: [\w ]+", "changed: x", words)


def test_what_a_tool_looks_at_is_often_strange_and_now_and_then_seen_whole(teacher, monkeypatch):
    cache = teacher.caches["image"]
    strange = [place for place, labels in enumerate(cache.labels) if labels.get("outside")]
    assert 0 < len(strange) < len(cache) / 4
    seen = []
    monkeypatch.setattr(teacher, "_item", lambda rng, kind, *rest: seen.append(rest))
    for seed in range(200):
        teacher._seen(random.Random(seed), "image")
    odd = [any(torch.equal(tokens, cache[place][0]) for place in strange) for tokens, _ in seen]
    assert 0.4 < np.mean(odd) < 0.7
    assert {most for _, most in seen} == {None, tool_lessons.SEEN}
    assert 0.2 < np.mean([most is None for _, most in seen]) < 0.5


def test_a_call_is_written_as_the_chat_template_writes_it(nano, teacher, monkeypatch):
    errand = next(one for one in calls.ERRANDS if one.tool == "edit_image")
    called = errand.make(random.Random(1), ["img-1"], ["img-1"])
    lesson = Lesson(handles={})
    item = teacher._seen(random.Random(3), "image")
    made = [teacher._seen(random.Random(5), "image")]
    monkeypatch.setattr(teacher, "_seen", lambda rng, kind: made[0])
    teacher._list(lesson, ["read_text", "edit_image", "find_files"])
    teacher._call(random.Random(2), lesson, called, (item,))
    assert teacher._result(random.Random(2), lesson, called) == ["img-2"]
    text = nano.processor.tokenizer.decode(lesson.ids)
    asked = re.search(r"<\|close\|>([^<]*)<\|end\|><\|assistant\|><\|call", text)
    assert asked is not None

    def part(medium, handle):
        return {"type": "image", "tokens": medium.tokens, "handle": handle}

    dialogue = [
        {"role": "user", "content": [part(item, "img-1"), {"type": "text", "text": asked[1]}]},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"function": {"name": called.name, "arguments": called.arguments}}],
        },
        {
            "role": "tool",
            "content": [{"type": "text", "text": called.result}, part(made[0], "img-2")],
        },
        {"role": "assistant", "content": quotation([ToolMessage(called.result, tool_call_id="1")])},
    ]
    tools = [calls.schema(name) for name in ("read_text", "edit_image", "find_files")]
    written = nano.processor.apply_chat_template(
        dialogue, SHORT_TOOLS_TEMPLATE, tools=tools, tokenize=False
    )
    short = re.sub(r"(<\|media\|>)+", r"\1", text)
    assert short == written


def test_lessons_with_tools_are_rare_and_teach_only_what_the_model_says(nano, teacher):
    marks = {
        name: nano.processor.tokenizer.convert_tokens_to_ids(f"<|{name}|>")
        for name in ("assistant", "end", "tool", "user", "system")
    }
    with_tools = 0
    for seed in range(400):
        lesson = teacher.lesson(random.Random(seed))
        assert len(lesson.ids) == len(lesson.weights) == len(lesson.wanted)
        if lesson.handles is None:
            continue
        with_tools += 1
        role = None
        for token, weight in zip(lesson.ids, lesson.weights, strict=True):
            speaks = role == "assistant"
            role = {number: name for name, number in marks.items()}.get(token, role)
            assert not weight or speaks or role == "assistant"
            if token in (marks["user"], marks["tool"], marks["system"]):
                assert not weight
        assert any(lesson.weights)
    assert 0.12 < with_tools / 400 < 0.28


def test_what_is_copied_from_a_question_stays_as_it_is_spelled():
    called = calls.Called("Say: Colour the Grey box", "speak", {"text": "Colour the Grey box"}, "")
    varied = {tool_lessons._varied(random.Random(seed), called) for seed in range(200)}
    assert all("Colour the Grey box" in one for one in varied)
    free = calls.Called("Say what colour this is.", "speak", {"text": "red"}, "")
    assert len({tool_lessons._varied(random.Random(seed), free) for seed in range(200)}) > 3
