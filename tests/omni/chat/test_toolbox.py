"""Tools by name, in an agent whose model calls them with handles."""

import numpy as np
import pytest
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import tool

from omni import plugins
from omni.chat.toolbox import toolbox
from omni.errors import UnknownPlugin, UsageError
from omni.media import Access, Shelf
from omni.modality import modality
from omni.workbench import Workbench


def called(name, number=1, **arguments) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": name, "args": arguments, "id": f"call-{number}"}])


def test_a_named_tool_takes_a_handle_and_what_it_makes_has_lineage(open_agent, picture):
    agent = open_agent(called("edit_image", image="img-1", change="darken"), "It is darker now.")
    agent.tools = ("edit_image",)
    agent.attach(picture(1))
    answer = agent.run("make it darker")
    assert answer.ok
    (made,) = [part.ref for part in answer.parts if getattr(part, "ref", None)]
    assert made.handle == "img-2"
    lineage = agent.lineage("img-2")
    assert (lineage.parents, lineage.model) == (("img-1",), "edit_image")
    assert lineage.parameters["change"] == "darken"
    pixels = [
        np.asarray(modality("image").load(agent.shelf.media(name)).convert("RGB")).mean()
        for name in ("img-1", "img-2")
    ]
    assert pixels[1] == pytest.approx(0.6 * pixels[0], rel=0.02)


def test_a_chain_of_tools_survives_a_restart(open_agent, picture):
    first = open_agent(called("edit_image", image="img-1", change="darken"), "Done.")
    first.tools = ("edit_image", "join_images")
    first.attach(picture(1))
    first.run("make it darker")
    first.close()
    again = open_agent(called("join_images", images=["img-2", "img-1"]), "Side by side.")
    again.tools = ("edit_image", "join_images")
    answer = again.run("put img-2 next to img-1")
    assert answer.ok
    assert again.lineage("img-3").parents == ("img-2", "img-1")
    joined = modality("image").load(again.shelf.media("img-3"))
    assert joined.width == 2 * 24 + 8


def test_what_a_tool_refuses_is_told_to_the_model(open_agent, picture):
    def look(messages):
        assert isinstance(messages[-1], ToolMessage)
        assert messages[-1].status == "error"
        assert "there is no 'img-7': there is img-1" in messages[-1].text
        return AIMessage("There is no such picture.")

    agent = open_agent(called("crop_image", image="img-7", left=0, top=0, right=1, bottom=1), look)
    agent.tools = ("crop_image",)
    agent.attach(picture(1))
    assert agent.run("cut it").text == "There is no such picture."


@pytest.fixture
def bench(tmp_path):
    return Workbench(Shelf(plugins.load("memory", "blobs")(tmp_path)), Access())


def test_all_stands_for_every_tool_and_classes_and_functions_may_be_given(bench):
    @tool
    def shout(text: str) -> str:
        """Say it loudly."""
        return text.upper()

    found = toolbox(["all", shout], bench)
    assert {"calculator", "crop_image", "shout"} <= {one.name for one in found}
    (one,) = toolbox([plugins.load("tools", "calculator")], bench)
    assert one.bench is bench


def test_unknown_and_doubled_names_are_refused(bench):
    with pytest.raises(UnknownPlugin, match=r"unknown tools plug-in 'hammer'; known: .*calculator"):
        toolbox(["hammer"], bench)
    with pytest.raises(UsageError, match="two tools are called 'calculator'"):
        toolbox(["all", "calculator"], bench)
