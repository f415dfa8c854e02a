"""Sound: speech, music and noise, from files that libsndfile reads."""

from omni.plugins import Component

from .media import AudioModality

plugin = AudioModality()

COMPONENTS = (
    Component(
        kind="modality",
        name="audio",
        summary="Sound files of any rate and channel count, as samples and log-mel frames.",
    ),
)
