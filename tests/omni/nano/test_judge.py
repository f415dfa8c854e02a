import pytest

from omni.extras import available
from omni.nano import judge
from omni.nano.world import words


@pytest.mark.skipif(
    not (available("pocketsphinx") and available("espeakng_loader")), reason="the extra 'offline'"
)
def test_speech_is_judged_by_a_recogniser():
    from omni.nano.world import speech

    phrases = [f"{colour} {shape}" for colour in words.COLOURS for shape in words.SHAPES]
    asked = phrases[::9]
    heard = [judge.judge_speech(speech.speak(phrase), phrases) for phrase in asked]
    assert sum(a == b for a, b in zip(asked, heard, strict=True)) >= len(asked) - 1


@pytest.mark.parametrize(
    "phrase", ["blue heart", "cyan pyramid", "green torus", "flat series with season with spike"]
)
def test_last_words_are_heard(phrase):
    """Perfect silence after them used to hide them from the recogniser."""
    pytest.importorskip("pocketsphinx")
    from omni.nano.alternatives import alternatives
    from omni.nano.judge import judge_speech
    from omni.nano.world import speech

    assert judge_speech(speech.speak_house(phrase), alternatives(phrase)) == phrase
