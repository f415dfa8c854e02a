"""The six built-in modalities keep the contract that outside ones have to keep."""

from omni.modality import modality
from omni.testing import ModalitySuite


class TestAudio(ModalitySuite):
    modality = modality("audio")


class TestImage(ModalitySuite):
    modality = modality("image")
    kept_facts = ("width", "height")


class TestPoints(ModalitySuite):
    modality = modality("points")
    kept_facts = tuple(modality.facts(modality.example()))


class TestSeries(ModalitySuite):
    modality = modality("series")


class TestText(ModalitySuite):
    modality = modality("text")
    kept_facts = ("words", "characters")


class TestVideo(ModalitySuite):
    modality = modality("video")
