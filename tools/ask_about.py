"""Ask a model about one thing of the session: what a picture shows, what a film is about."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from omni.making import Wish
from omni.plugins import Component
from omni.workbench import Arguments, BenchTool

COMPONENTS = (
    Component("tool", "ask_about", "A description of media, or an answer about them, by a model."),
)


class _Question(Arguments):
    media: str = Field(description="handle of what is asked about, such as img-1 or vid-1")
    question: str = Field(
        "Describe it.", min_length=1, max_length=4000, description="what is to be found out"
    )


class AskAbout(BenchTool):
    """Asks the model that the person chose to look at media, else the brain of the session.

    It sees the one thing and the question, not the conversation: so it costs what they cost, and
    says what is there rather than what is expected.
    """

    name: str = "ask_about"
    description: str = (
        "Have a model look at one picture, recording, film, solid, series or document, and answer "
        "a question about it; without a question, describe it."
    )
    args_schema: Any = _Question
    patience = 600.0

    def work(self, media: str, question: str = "Describe it.") -> str:
        found = self.bench.open(media)
        made = self.bench.makers.make(Wish("text", question, sources=(found,)))
        return f"{media}, looked at by {made.model}: {made.words}"


plugin = AskAbout
