"""An agent file makes the agent that the same arguments make, and says what is wrong with it."""

from typing import Any, cast

import pytest

from omni.chat.agent import Agent
from omni.chat.agentfile import read
from omni.chat.limits import Limits, Price
from omni.compression.budget import Budget
from omni.errors import UsageError
from omni.testing.scripted import ScriptedBrain

WHOLE = """
model = "scripted"
system_prompt = "Look closely."
tools = ["calculator", "crop_image"]
approve = ["crop_image"]
seed = 7
roots = ["pictures"]
memory = "notes"

[makers]
image = "nano"

[budget]
keep = 0.5

[limits]
steps = 10
money = 0.05
prices."scripted" = { input = 0.25, output = 2 }

[answer.Finding]
part = "text"
broken = "yes or no"
marks = "numbers"

[agents.painter]
description = "draws"
file = "painter.toml"

[agents.poet]
description = "rhymes"
system_prompt = "Rhyme."
"""


@pytest.fixture
def write(tmp_path):
    def write(text, name="agent.toml"):
        path = tmp_path / name
        path.write_text(text, "utf-8")
        return path

    return write


@pytest.fixture
def named(monkeypatch):
    """Models by name are scripted ones; their names are written down."""
    names = []

    def brain(name, **more):
        names.append(name)
        return ScriptedBrain(script=["hello"], model=name)

    monkeypatch.setattr("omni.chat.agent.brain", brain)
    return names


def test_a_file_says_what_arguments_say(write, named, own_home, tmp_path):
    write('model = "small"\nsystem_prompt = "Paint."', "painter.toml")
    with Agent.from_file(write(WHOLE), home=own_home, session="s", seed=8) as agent:
        assert agent.system_prompt == "Look closely."
        assert agent.tools[:2] == ("calculator", "crop_image")
        assert agent.approve == ("crop_image",)
        assert agent.seed == 8  # what is given wins
        assert agent.session == "s"
        assert agent.access.roots == (tmp_path / "pictures",)
        assert agent.budget == Budget(keep=0.5)
        assert (agent._given_makers, agent._given_memory) == ({"image": "nano"}, tmp_path / "notes")
        prices = {"scripted": Price(0.25, 2)}
        assert agent.limits == Limits(steps=10, money=0.05, prices=prices)
        assert agent.response_format is not None
        fit = agent.response_format.model_validate({"part": "a", "broken": True, "marks": [1, 2]})
        assert fit.marks == [1.0, 2.0] and agent.response_format.__name__ == "Finding"
        painter, poet = cast(list[Any], agent.tools[2:])
        assert (painter.name, painter.description) == ("painter", "draws")
        assert named == ["scripted"]  # who is not called is not loaded
        for _ in range(2):
            with painter.open() as worker:
                assert worker.system_prompt == "Paint."
        with poet.open() as worker:
            assert (poet.name, worker.system_prompt) == ("poet", "Rhyme.")
    assert named == ["scripted", "small", "nano"]


def test_an_empty_file_is_the_agent_of_the_defaults(write, named, own_home):
    with Agent.from_file(write(""), home=own_home) as agent:
        assert agent.run("hi").text == "hello"
        assert (agent.tools, agent.limits, agent.response_format) == ((), Limits(), None)
    assert named == ["nano"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('modle = "x"', "unknown key 'modle': did you mean 'model'? known are model, device"),
        ("[limits]\nstep = 1", "unknown key 'step' in [limits]: did you mean 'steps'?"),
        ("[budget]\ntokens = 0", "budget.tokens = 0 is refused: input should be greater"),
        (
            "[limits.prices.x]\ninput = 1\noutputs = 2",
            "unknown key 'outputs' in [limits.prices.x]: did you mean 'output'?",
        ),
        ("[limits.prices.x]\ninput = 1", "limits.prices.x.output is missing"),
        ('[agents.a]\nmodel = "x"', "agents.a.description is missing"),
        ('[agents.a]\ndescripton = "x"', "unknown key 'descripton' in [agents.a]"),
        (
            '[agents.a]\ndescription = "x"\nfile = "b.toml"\nmodel = "y"',
            "agents.a has a file of its own; 'model' belongs into that",
        ),
        ('[answer.A]\nx = "strng"', "answer.A.x = 'strng' is refused"),
        ('[answer.A]\nx = "text"\n[answer.B]\nx = "text"', "names one class, not 2"),
        ("model = ", "is not valid TOML"),
        ('approve = "some"', "approve"),
        ('[agents.a]\ndescription = "x"\nfile = "none.toml"', "none.toml: No such file"),
        ('[agents.a]\ndescription = "x"\nfile = "agent.toml"', "in a circle"),
        ('agents = "x"', "agents = 'x' is refused"),
        ('tools = "crop_image"', "tools = 'crop_image' is refused"),
    ],
)
def test_what_is_wrong_is_named_on_one_line(write, text, message):
    path = write(text)
    with pytest.raises(UsageError) as caught:
        read(path)
    told = str(caught.value)
    assert message in told and str(path.parent) in told
    assert "\n" not in told.strip() or "TOML" in told


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match=r"cannot read the agent in .*none.toml: No such file"):
        Agent.from_file(tmp_path / "none.toml")
    with pytest.raises(UsageError, match="cannot read the agent"):
        Agent.from_file(tmp_path)
