"""A sound of what is described."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from omni.making import Wish
from omni.plugins import Component
from omni.workbench import Arguments, BenchTool, Blocks, shown

COMPONENTS = (
    Component(
        "tool",
        "make_sound",
        "A sound of what is described, by diffusers or transformers; omni-nano says short words.",
    ),
)


class _Sound(Arguments):
    prompt: str = Field(min_length=1, max_length=4000, description="what shall be heard")
    seed: int | None = Field(
        None, ge=0, lt=2**31, description="the same number gives the same sound again"
    )


class MakeSound(BenchTool):
    """Has the maker of audio that the person chose, omni-nano if none was."""

    name: str = "make_sound"
    description: str = (
        "Make a new sound of what is described: music or noises where a person chose a model for "
        "them, else a few words spoken. For a text to be read aloud, take speak instead."
    )
    args_schema: Any = _Sound
    makes = "audio"
    patience = 1800.0

    def work(self, prompt: str, seed: int | None = None) -> Blocks:
        made = self.bench.makers.make(Wish("audio", prompt, seed))
        return shown(made, made.words or f"A sound by {made.model}.")


plugin = MakeSound
