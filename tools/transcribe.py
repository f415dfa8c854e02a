"""What is said in a recording or a film, with times."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from omni.errors import Retry
from omni.plugins import Component
from omni.recognition import speech
from omni.workbench import Arguments, BenchTool

COMPONENTS = (
    Component("tool", "transcribe", "Speech to text with times: whisper, else pocketsphinx."),
)


class _Recording(Arguments):
    recording: str = Field(description="handle of a recording or a film, such as aud-1 or vid-1")
    recogniser: str | None = Field(
        None, description="pocketsphinx, or a model of whisper; the best one here if left out"
    )


class Transcribe(BenchTool):
    """Says which recogniser heard it, since they differ in how far they can be trusted."""

    name: str = "transcribe"
    description: str = "Write down what is said in a recording or in a film's sound, with times."
    args_schema: Any = _Recording

    def work(self, recording: str, recogniser: str | None = None) -> str:
        value = self.bench.value(recording, "audio", "video")
        waveform = value if hasattr(value, "samples") else value.waveform
        if waveform is None:
            raise Retry(f"{recording} has no sound")
        heard_by = speech.recogniser(recogniser)
        said = heard_by.hear(waveform)
        if not said:
            return f"No speech in {recording} (by {heard_by.name}, {waveform.seconds:.1f} s)."
        lines = "\n".join(f"[{clock(one.start)}–{clock(one.end)}] {one.text}" for one in said)
        return f"Heard in {recording} by {heard_by.name}:\n{lines}"


def clock(seconds: float) -> str:
    """Minutes and seconds, such as `1:02.5`."""
    tenths = round(seconds * 10)
    return f"{tenths // 600}:{tenths % 600 / 10:04.1f}"


plugin = Transcribe
