"""A picture of what is described."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from omni.making import Wish
from omni.plugins import Component
from omni.workbench import Arguments, BenchTool, Blocks, shown

COMPONENTS = (
    Component("tool", "make_image", "A picture of what is described, by omni-nano or diffusers."),
)


class _Picture(Arguments):
    prompt: str = Field(min_length=1, max_length=4000, description="what the picture shall show")
    seed: int | None = Field(
        None, ge=0, lt=2**31, description="the same number gives the same picture again"
    )


class MakeImage(BenchTool):
    """Has the maker of images that the person chose, omni-nano if none was."""

    name: str = "make_image"
    description: str = "Make a new picture of what is described in words."
    args_schema: Any = _Picture
    makes = "image"
    patience = 1800.0

    def work(self, prompt: str, seed: int | None = None) -> Blocks:
        made = self.bench.makers.make(Wish("image", prompt, seed))
        return shown(made, made.words or f"A picture by {made.model}.")


plugin = MakeImage
