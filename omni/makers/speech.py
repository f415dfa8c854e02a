"""Words spoken by espeak-ng, which is embedded."""

from __future__ import annotations

from omni.errors import Failed
from omni.making import Made, Maker, Wish
from omni.modality import modality
from omni.plugins import Component

COMPONENTS = (Component("decoder", "speech", "Words spoken by espeak-ng, which is embedded."),)

_LONGEST = 5000


class Speech(Maker):
    """Says the prompt; after its name may stand a voice: `speech:de`."""

    makes = frozenset({"audio", "speech"})
    takes = "a voice of espeak-ng, such as en-us"

    def make(self, wish: Wish) -> Made:
        from omni.nano.world import speech

        text = wish.prompt.strip()
        if not text:
            raise Failed("there is nothing to say: no words were given")
        voice = self.target or "en-us"
        waveform = speech.speak(text[:_LONGEST], speech.Voice(voice))
        media = modality("audio").save(waveform, name="speech.wav")
        parameters = {"voice": voice}
        words = f"{waveform.seconds:.1f} seconds of speech by espeak-ng ({voice})."
        if len(text) > _LONGEST:
            words += f" Only the first {_LONGEST} of {len(text)} characters are said."
            parameters["characters"] = str(_LONGEST)
        return Made(media, "espeak-ng", None, parameters, words)


plugin = Speech
