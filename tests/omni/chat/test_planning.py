"""Task graphs: handles between steps, steps at the same time, and plans that cannot be run."""

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage
from langchain_core.tools import tool

from omni import plugins
from omni.chat.events import ToolEnded, ToolStarted
from omni.chat.planning import PlanRun, Step, check, tree
from omni.errors import Failed, Retry
from omni.media import Shelf


@tool
def add(a: str, b: str = "") -> str:
    """Join two words."""
    if "break" in (a, b):
        raise Failed("it broke")
    return a + b


@pytest.fixture
def shelf(tmp_path):
    return Shelf(plugins.load("memory", "blobs")(tmp_path / "blobs"))


def steps(**given):
    """Steps from `id=(args, after)` of the tool `add`."""
    return [
        Step(id=id, tool="add", args=args, after=list(after))
        for id, (args, *after) in given.items()
    ]


def test_words_go_from_step_to_step_in_the_order_of_their_needs(shelf):
    plan = steps(last=({"a": "<one>", "b": "<two>!"},), two=({"a": "<one>b"},), one=({"a": "a"},))
    done = PlanRun(plan, {"add": add}, shelf).run()
    assert [(one.step.id, one.text) for one in done] == [
        ("last", "aab!"),
        ("two", "ab"),
        ("one", "a"),
    ]


def test_where_a_step_fails_those_behind_it_are_not_run_and_the_others_are(shelf):
    plan = steps(
        bad=({"a": "break"},),
        behind=({"a": "<bad>"},),
        far=({"a": "x"}, "behind"),
        ok=({"a": "y"},),
    )
    done = {one.step.id: one for one in PlanRun(plan, {"add": add}, shelf).run()}
    assert [done[id].ok for id in ("bad", "behind", "far", "ok")] == [False, False, False, True]
    assert "it broke" in done["bad"].text
    assert done["behind"].text == "not run, since bad failed"
    assert done["behind"].began is None


def test_steps_that_do_not_wait_for_one_another_run_at_the_same_time(shelf):
    both = threading.Barrier(2, timeout=20)

    @tool
    def meet(who: str) -> str:
        """Wait until the other one is there, too."""
        both.wait()
        return who

    plan = [
        Step(id="a", tool="meet", args={"who": "a"}),
        Step(id="b", tool="meet", args={"who": "b"}),
    ]
    done = PlanRun(plan, {"meet": meet}, shelf).run()
    assert all(one.ok for one in done)  # one after the other, each would wait for ever


def test_a_step_that_hangs_is_left(shelf):
    free = threading.Event()

    @tool
    def hang() -> str:
        """Hang."""
        free.wait(30)
        return ""

    (done,) = PlanRun([Step(id="a", tool="hang")], {"hang": hang}, shelf, seconds=0.1).run()
    free.set()
    assert not done.ok and "did not come back within 0.1 s" in done.text


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        ([], "a plan has 1 to 32 steps, not 0"),
        (steps(a=({"a": "x"},)) * 2, "two steps are called 'a'"),
        ([Step(id="a", tool="hammer")], "step 'a' calls 'hammer'; the tools are add"),
        (steps(a=({"a": "<b>"},)), "step 'a' waits for 'b', which is no step"),
        (
            steps(a=({"a": "<b>"},), b=({"a": "<a>"},), c=({"a": "x"},)),
            "these steps wait for one another in a circle: a, b",
        ),
    ],
)
def test_plans_that_cannot_be_run_are_told_with_what_to_change(plan, told):
    with pytest.raises(Retry, match=told):
        check(plan, {"add": add})


def test_what_was_not_made_cannot_be_handed_on(shelf):
    plan = steps(one=({"a": "a"},), two=({"a": "<one.image>"},))
    done = PlanRun(plan, {"add": add}, shelf).run()
    assert done[1].text == "<one.image>: step 'one' made words, not image"


@given(st.data())
def test_every_graph_without_circles_runs_each_step_after_those_it_needs(data):
    count = data.draw(st.integers(1, 8))
    needs = [data.draw(st.sets(st.integers(0, n - 1))) if n else set() for n in range(count)]
    plan = [
        Step(
            id=f"s{n}", tool="add", args={"a": " ".join(f"<s{m}>" for m in sorted(needs[n])) or "x"}
        )
        for n in range(count)
    ]
    order = data.draw(st.permutations(plan))
    check(order, {"add": add})
    lines = tree(order, {})
    assert len(lines) == count
    assert all(any(f" {one.id}: add" in line for line in lines) for one in plan)


def test_a_plan_of_six_steps_over_four_kinds_of_media_in_an_agent(open_agent, tmp_path):
    """As in HuggingGPT: what a picture says is spoken; a series goes on, its plot is edited."""
    from PIL import Image, ImageDraw, ImageFont

    for package in ("rapidocr", "espeakng_loader"):
        pytest.importorskip(package)
    page = Image.new("RGB", (420, 90), "white")
    font = ImageFont.load_default(48)
    ImageDraw.Draw(page).text((20, 15), "SALES RISE", fill="black", font=font)
    page.save(tmp_path / "page.png")
    rows = "".join(f"2024-{m:02}-01,{100 + 3 * m}\n" for m in range(1, 13))
    (tmp_path / "sales.csv").write_text("month,sales\n" + rows * 1)
    plan = [
        {"id": "read", "tool": "read_text", "args": {"image": "img-1"}},
        {"id": "say", "tool": "speak", "args": {"text": "<read>"}},
        {"id": "ahead", "tool": "forecast", "args": {"series": "ser-1", "horizon": 3}},
        {
            "id": "dark",
            "tool": "edit_image",
            "args": {"image": "<ahead.image>", "change": "darken"},
        },
        {"id": "both", "tool": "join_images", "args": {"images": ["img-1", "<dark>"]}},
        {"id": "table", "tool": "read_table", "args": {"table": "<ahead.series>"}},
    ]
    call = AIMessage("", tool_calls=[{"name": "run_plan", "args": {"steps": plan}, "id": "c"}])
    agent = open_agent(call, "All is done.")
    tools = ("run_plan", *dict.fromkeys(step["tool"] for step in plan))
    agent.tools = tools
    agent.attach(tmp_path / "page.png")
    agent.attach(tmp_path / "sales.csv")
    events = list(agent.stream("say what is written, and go on with the series"))
    answer = events[-1].answer
    assert answer.ok, answer.failures
    assert [e.text for e in events if isinstance(e, ToolEnded) and not e.ok] == []
    kinds = [ref.modality for ref in answer.media]
    assert {"audio", "series", "image"} <= set(kinds)
    begun = [e.id for e in events if isinstance(e, ToolStarted)]
    assert begun[0] == "c" and len(begun) == 7
    assert all(e.ok for e in events if isinstance(e, ToolEnded))
    spoken = next(ref for ref in answer.media if ref.modality == "audio")
    assert spoken.lineage.prompt.upper().split() == ["SALES", "RISE"]
    last = next(ref for ref in answer.media if ref.lineage.model == "join_images")
    assert last.lineage.parents[0] == "img-1"
    dark = agent.lineage(last.lineage.parents[1])
    assert (dark.model, agent.lineage(dark.parents[0]).model) == ("edit_image", "forecast")


def test_a_plan_calls_nothing_that_a_person_decides_on(open_agent):
    plan = [{"id": "a", "tool": "python", "args": {"code": "print(1)"}}]
    call = AIMessage("", tool_calls=[{"name": "run_plan", "args": {"steps": plan}, "id": "c"}])
    agent = open_agent(call, "No.")
    agent.tools = ("run_plan", "python", "calculator")
    events = list(agent.stream("run it"))
    ended = [e for e in events if isinstance(e, ToolEnded)]
    assert [e.ok for e in ended] == [False]
    assert "step 'a' calls 'python'; the tools are calculator" in ended[0].text


def test_times_are_told(shelf):
    began = time.perf_counter()
    (done,) = PlanRun(steps(a=({"a": "x"},)), {"add": add}, shelf).run()
    assert 0 <= done.seconds <= time.perf_counter() - began
