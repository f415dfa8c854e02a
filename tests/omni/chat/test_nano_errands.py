"""The embedded model calls tools by itself: real media, real tools, no script."""

from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from omni import Agent

SAMPLES = Path("recipes/samples")
INVOICE = ("INVOICE No. 4711", "Mill Street Bakery, Leeds", "Total due: 348.50 EUR")


@pytest.fixture
def agent(tmp_path):
    with Agent("nano", tools=["all"], session="errands", home=tmp_path) as found:
        yield found


def page(path):
    """A rendered document."""
    picture = Image.new("RGB", (900, 420), "white")
    pen = ImageDraw.Draw(picture)
    for row, line in enumerate(INVOICE):
        pen.text((60, 60 + 100 * row), line, fill="black", font=ImageFont.load_default(36))
    picture.save(path)
    return path


@pytest.mark.parametrize("question", ["what does the text in this picture say?", "Read img-1."])
def test_what_is_written_in_a_picture_is_read_by_a_tool(agent, tmp_path, question):
    agent.attach(page(tmp_path / "invoice.png"))
    answer = agent.run(question)
    assert answer.ok
    for line in INVOICE:
        assert line.replace(" ", "") in answer.text.replace(" ", "")


def test_a_series_is_continued_and_plotted(agent):
    agent.attach(SAMPLES / "rising.csv")
    answer = agent.run("how will this series go on? plot it")
    assert answer.ok
    assert {made.modality for made in answer.media} == {"series", "image"}
    assert {made.lineage.model for made in answer.media if made.lineage} == {"forecast"}


def test_what_is_in_a_picture_is_said_aloud(agent):
    agent.attach(SAMPLES / "red-circle.png")
    answer = agent.run("say what is in this picture")
    assert answer.ok
    (spoken,) = answer.media
    assert spoken.modality == "audio" and spoken.lineage
    assert spoken.lineage.prompt.split()[-2:] == ["red", "circle"]


def test_a_picture_is_made_darker_after_another_start(tmp_path):
    with Agent("nano", tools=["all"], session="dark", home=tmp_path) as agent:
        drawn = agent.run("Draw a red circle.")
        assert drawn.ok and drawn.media[0].handle == "img-1"
    with Agent("nano", tools=["all"], session="dark", home=tmp_path) as agent:
        answer = agent.run("make it darker")
        assert answer.ok
        (darker,) = answer.media
        assert darker.lineage and darker.lineage.parents == ("img-1",)
        assert darker.lineage.parameters["change"] == "darken"


@pytest.mark.parametrize(
    ("question", "wanted"), [("what is 17 * 23?", "391"), ("How much is 250 minus 75?", "175")]
)
def test_sums_are_worked_out_by_a_tool(agent, question, wanted):
    answer = agent.run(question)
    assert answer.ok and answer.text == wanted


def test_what_needs_no_tool_is_answered_without_one(agent):
    agent.attach(SAMPLES / "red-circle.png")
    answer = agent.run("What is in this picture?")
    assert answer.ok and not answer.media and "red circle" in answer.text
