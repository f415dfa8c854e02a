"""The six built-in modalities keep the contract that outside ones have to keep."""

import pytest

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

    def _features(self, seed):
        if not modality("text").encoder().available():  # type: ignore[union-attr]
            pytest.skip("the extra offline is missing")
        return super()._features(seed)

    def test_encoder_keeps_its_promise_of_tokens(self):
        """As for the others, but for the estimate: a document is read as words, all of it."""
        encoder = self._encoder()
        batch = [self._features(seed) for seed in (0, 1, 2)]
        for features, tokens in zip(batch, encoder(batch), strict=True):
            assert tokens.shape == (encoder.grid(features).tokens, encoder.width)

    def test_encoder_learns_and_runs_in_bfloat16(self):
        """It is locked: there is nothing in it to learn or to convert."""
        assert not list(self._encoder().parameters())


class TestVideo(ModalitySuite):
    modality = modality("video")
