"""Say words aloud."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from omni.errors import Retry
from omni.plugins import Component
from omni.workbench import Arguments, BenchTool, Blocks, made

COMPONENTS = (Component("tool", "speak", "Text to speech by espeak-ng, which is embedded."),)

_LONGEST = 5000
_USUAL_SPEED = 165


class _Words(Arguments):
    text: str = Field(min_length=1, description="what to say")
    voice: str = Field("en-us", description="a voice of espeak-ng, such as en-us, en-gb+f2, de, fr")
    speed: int = Field(_USUAL_SPEED, ge=80, le=450, description="words a minute")


class Speak(BenchTool):
    """Makes a recording of a synthetic voice."""

    name: str = "speak"
    description: str = "Say a text aloud: makes a recording of a synthetic voice (espeak-ng)."
    args_schema: Any = _Words
    makes = "audio"

    def work(self, text: str, voice: str = "en-us", speed: int = _USUAL_SPEED) -> Blocks:
        from omni.nano.world import speech

        if len(text) > _LONGEST:
            raise Retry(f"a text of {len(text)} characters is too long: at most {_LONGEST} at once")
        waveform = speech.speak(text, speech.Voice(voice, speed=speed))
        words = f"{waveform.seconds:.1f} seconds of speech by espeak-ng ({voice})."
        return made("audio", waveform, name="speech.wav", words=words)


plugin = Speak
