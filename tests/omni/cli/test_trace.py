"""`omni trace`, `omni sessions search` and the commands of the chat that look back."""

import base64
import json

import pytest
from langchain_core.messages import AIMessage

USAGE = {"input_tokens": 90, "output_tokens": 7, "total_tokens": 97}


def shown(chat):
    return chat.screen.out.getvalue()


def told(chat):
    return chat.screen.err.getvalue()


def figures(text="A red field."):
    return AIMessage(
        text,
        usage_metadata=USAGE,  # type: ignore[arg-type]
        response_metadata={
            "model_name": "big",
            "experts": {"image": [0.25, 0.75]},
            "by_modality": {
                "image": {"input_tokens": 60, "output_tokens": 0},
                "text": {"input_tokens": 30, "output_tokens": 7},
            },
            "selection": {
                "budget": 10,
                "kept": 4,
                "items": [{"handle": "img-1", "kept": 4, "of": 16}],
            },
            "timings": {"generate": 0.25},
        },
    )


def drawing(data):
    block = {"type": "image", "base64": base64.b64encode(data).decode(), "mime_type": "image/png"}
    return AIMessage(content=[{"type": "text", "text": "Here it is."}, block])


def test_trace_prints_calls_experts_and_selection(omni, scripted, red):
    scripted(figures(), "Nothing more.")
    omni("chat", "--session", "mine", "-a", red, stdin="What is this?\nAnd else?\n")
    ran = omni("trace", "mine")
    lines = ran.out.splitlines()
    assert ran.code == 0
    assert lines[0] == "1  What is this?"
    assert lines[1].split()[:3] == ["big", "0.00", "s"] or lines[1].split()[0] == "big"
    assert "read 90 (image 60, text 30), said 7; " in lines[1] and "generate 0.25" in lines[1]
    assert lines[2:4] == ["   experts for image: 25% 75%", "   kept img-1 4 of 16"]
    assert lines[4] == "2  And else?"
    assert omni("trace", "--turn", "2").out.splitlines()[0] == "2  And else?"
    found = json.loads(omni("trace", "mine", "--json").out)
    assert found["session"] == "mine" and len(found["turns"]) == 2
    assert found["turns"][0]["steps"][0]["experts"] == {"image": [0.25, 0.75]}
    assert found["turns"][0]["usage"]["by_modality"]["image"]["input_tokens"] == 60
    ran = omni("trace", "--turn", "9")
    assert (ran.code, ran.err) == (2, "omni: there is no turn 9: this session has 2\n")
    ran = omni("trace", "other")
    assert (ran.code, ran.err) == (2, "omni: no session called 'other'; there is: mine\n")


def test_trace_and_lineage_in_the_chat_keep_to_forty_columns(talk, red, blue_png, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    chat = talk(
        figures("A red field, and a long sentence that says much more about it."), drawing(blue_png)
    )
    chat.take(f"'{red}' what is this, and can you tell me more about it than its colour?")
    chat.take("draw img-1 in blue")
    begin = len(shown(chat))
    for line in ("/trace", "/trace 1", "/lineage", "/lineage img-1"):
        chat.take(line)
    lines = shown(chat)[begin:].splitlines()
    assert max(map(len, lines)) <= 40
    assert "img-2  image.png" in shown(chat)[begin:] or "img-2" in shown(chat)[begin:]
    chat.take("/trace x")
    assert "wanted the number of a turn, not 'x'" in told(chat)
    chat.take("/lineage img-9")
    assert "no media called 'img-9'" in told(chat)


def test_lineage_is_a_tree_down_to_what_was_attached(talk, red, blue_png):
    chat = talk(drawing(blue_png))
    chat.take(f"'{red}' draw img-1 in blue")
    begin = len(shown(chat))
    chat.take("/lineage img-2")
    lines = shown(chat)[begin:].splitlines()
    assert lines[0].startswith("img-2  ")
    assert lines[1] == "  by scripted"
    assert lines[2] == "  “draw img-1 in blue”"
    assert lines[3].startswith("  └─ img-1  red one.png (")
    assert lines[4] == "       attached"


def test_lineages_that_lead_in_circles_or_nowhere_end():
    from omni.cli.lineage import lines
    from omni.media import Lineage, MediaRef, Shelf

    def ref(handle, *parents):
        made = Lineage(parents=parents, prompt="x\ny", seed=3, parameters={"steps": 5})
        return MediaRef(
            handle=handle, modality="image", mime="image/png", name="a.png", digest="0" * 64,
            size=10, lineage=made,
        )  # fmt: skip

    class Nothing:
        pass

    shelf = Shelf(Nothing(), [ref("img-1", "img-2"), ref("img-2", "img-1", "img-7")])  # type: ignore[arg-type]
    found = lines(shelf, "img-2", 80)
    assert "  ├─ " not in found[0]
    assert any(line.endswith("img-2 (see above)") for line in found)
    assert any(line.endswith("img-7 (not in this session)") for line in found)
    assert "  by" not in found[1] and "made, seed 3, steps 5" in found[1]
    assert "“x y”" in found[2]


def test_sessions_search_and_clean(omni, scripted):
    scripted("An old oak tree.", "A nuthatch on a branch.")
    omni("chat", "--session", "garden", stdin="What is this?\nAnd the bird?\n")
    ran = omni("sessions", "search", "nuthatch")
    head, text = ran.out.splitlines()
    assert ran.code == 0 and head.startswith("garden  turn 2  20")
    assert text == "  And the bird? A nuthatch on a branch."
    found = json.loads(omni("sessions", "search", "oak", "tree", "--json").out)["found"]
    assert [(one["session"], one["turn"]) for one in found] == [("garden", 1)]
    assert "\x02" not in found[0]["text"] and "oak tree" in found[0]["text"]
    assert omni("sessions", "search", "zebra").out == "nothing was found\n"
    ran = omni("sessions", "search")
    assert (ran.code, ran.out) == (2, "") and "name the words to search for" in ran.err
    assert omni("sessions", "clean").err == "0 unused blobs deleted\n"
    assert json.loads(omni("sessions", "clean", "--json").out) == {"collected": 0}


@pytest.mark.parametrize("colour", [True, False])
def test_found_words_stand_out_where_there_are_colours(talk, monkeypatch, colour):
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TERM", "xterm")
    if colour:
        monkeypatch.delenv("NO_COLOR", raising=False)
    else:
        monkeypatch.setenv("NO_COLOR", "1")
    chat = talk("A nuthatch sits on the long branch of the very old oak tree in the garden.")
    chat.take("What is this?")
    begin = len(shown(chat))
    chat.take("/sessions nuthatch")
    text = shown(chat)[begin:].splitlines()[1]
    assert ("\x1b[1mnuthatch\x1b[0m" in text) is colour
    assert len(text.replace("\x1b[1m", "").replace("\x1b[0m", "")) <= 40
    assert text.endswith("…")


def test_a_resumed_session_draws_its_pictures_again(talk, red, blue_png, monkeypatch):
    from omni.cli.chat import _greet_again

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    chat = talk("Red.", drawing(blue_png), graphics="blocks")
    chat.take(f"'{red}' what is it?")
    chat.take("draw it in blue")
    begin = len(shown(chat))
    _greet_again(chat)
    again = shown(chat)[begin:]
    assert "img-1  red one.png" in again and "img-2  " in again
    assert "\x1b[38;2;200;30;30" in again and "\x1b[38;2;30;30;200" in again  # their colours
    chat.agent.shelf.blobs.delete(chat.agent.shelf["img-1"].digest)
    _greet_again(chat)
    assert "img-1 (red one.png) is listed but lost" in told(chat)


def test_budget_tells_what_the_next_message_reads(talk, red):
    chat = talk("Red.")
    chat.take("/budget")
    assert "reads" not in told(chat)
    chat.take(f"/attach '{red}'")
    chat.take("/budget")
    assert "the next message reads about 2" in told(chat)  # 255 of the picture, and its name
    assert "(text 9, image 255)" in told(chat)
    assert chat.agent.pending and chat.agent.history() == []
